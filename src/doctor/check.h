/* SPDX-License-Identifier: Apache-2.0 */
/* The report: one check per thing that was tried or read, and what follows from all of them. */
#ifndef RTS_DOCTOR_CHECK_H
#define RTS_DOCTOR_CHECK_H

#include <stdbool.h>
#include <stddef.h>

#include "doctor/host.h"
#include "util/buffer.h"
#include "util/error.h"

/* The words of the first column, and of "state". */
enum rts_check_state {
    RTS_CHECK_WORKS,
    RTS_CHECK_LIMITED, /* it works, and something of it does not */
    RTS_CHECK_REFUSED,
    RTS_CHECK_UNKNOWN, /* could not be tried */
    RTS_CHECK_INFO,    /* a plain fact */
};

const char *rts_check_state_word(enum rts_check_state state);

/* More fixes for one thing nobody reads. */
#define RTS_FIXES_MAX 4

struct rts_check {
    const char *key; /* stable; static */
    enum rts_check_state state;
    const char *cause; /* a stable word; NULL: nothing is wrong */
    char found[320];   /* what was seen */
    char because[320]; /* the cause in words; empty if there is none */
    char lost[160];    /* what is missing without it */
    char fixes[RTS_FIXES_MAX][320];
    size_t fix_count; /* any one of them will do, the smallest first */
};

/* As many as there are, with room. */
#define RTS_CHECKS_MAX 48

struct rts_report {
    struct rts_check checks[RTS_CHECKS_MAX];
    size_t count;
    char subject[160]; /* what the report is about: a process, or this machine */
    char verdict[384]; /* one sentence */
    char fix[320];     /* what mends it all at once; empty when it works */
    char kernel[65];   /* its release */
    enum rts_where where;
    unsigned user;
    int pid;            /* the target; 0: none */
    const char *method; /* "perf" or "ptrace", which would be used; NULL: none works */
    int status;         /* exit status: 0, or an enum rts_failure */
};

/* Appends a check; `cause` may be NULL. The result is valid as long as the report. */
struct rts_check *rts_report_add(struct rts_report *report, const char *key,
                                 enum rts_check_state state, const char *cause);

/* The check of this key; NULL when there is none. */
const struct rts_check *rts_report_find(const struct rts_report *report, const char *key);

/* Set a text, or add a fix. What is too long is cut, what is one fix too many left out. */
void rts_check_found(struct rts_check *check, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void rts_check_because(struct rts_check *check, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void rts_check_lost(struct rts_check *check, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void rts_check_fix(struct rts_check *check, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Appends the report as a table for people, and as one JSON object with a newline. */
void rts_report_write_text(const struct rts_report *report, struct rts_buffer *buffer);
void rts_report_write_json(const struct rts_report *report, struct rts_buffer *buffer);

#endif
