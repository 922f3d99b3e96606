/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Errors are values. A function that can fail takes `struct rts_error *error` last, returns a
 * negative value (or NULL) on failure, and touches *error on failure only. `error` may be NULL when
 * the caller does not want the text.
 */
#ifndef RTS_UTIL_ERROR_H
#define RTS_UTIL_ERROR_H

#include <errno.h>
#include <stdbool.h>

/* The classes of failure that a caller must tell apart; the values are the program's exit status.
 */
enum rts_failure {
    RTS_FAILED = 1,        /* anything not below */
    RTS_USAGE = 2,         /* bad option or setting */
    RTS_NOT_FOUND = 3,     /* the target does not exist */
    RTS_NOT_PERMITTED = 4, /* the text says what to grant */
    RTS_UNDELIVERED = 5,   /* facts remain; the text says where */
};

struct rts_error {
    enum rts_failure failure;
    int number;        /* errno at the time, 0 when none is involved */
    const char *cause; /* the word for it in --stats; static; NULL: it has none */
    char text[512];    /* one line: what failed, on what, why, what to do. No trailing newline. */
};

/* Fills *error and returns -1, so that `return rts_fail(error, ...)` is one statement. A text that
 * is too long is cut. */
int rts_fail(struct rts_error *error, enum rts_failure failure, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* As rts_fail(), with `number` (an errno) kept and ": <its text>" appended, for which there is
 * always room. Picks RTS_NOT_PERMITTED for EPERM and EACCES, RTS_FAILED otherwise. */
int rts_fail_errno(struct rts_error *error, int number, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Does this errno mean that we, or the machine, have no more descriptors to give? It passes. */
static inline bool rts_is_short_of_files(int number)
{
    return number == EMFILE || number == ENFILE;
}

#endif
