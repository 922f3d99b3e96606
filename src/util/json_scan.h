/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading JSON of any size as a stream, token by token, in bounded memory. What is wanted is taken,
 * the rest is skipped; text that is skipped is only checked as far as finding its end needs. Values
 * may follow each other with nothing but blanks between them, which makes NDJSON the same case.
 *
 * The first failure is kept in *error, with the position in bytes; from then on everything fails.
 */
#ifndef RTS_UTIL_JSON_SCAN_H
#define RTS_UTIL_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/error.h"

/* No string or number is longer than this: it has to be in memory as a whole. */
#define RTS_JSON_TOKEN_MAX ((size_t)1 << 20)

/* Objects and arrays inside each other, within what is skipped. */
#define RTS_JSON_DEPTH_MAX 64

/* Reads up to `size` bytes; 0 at the end, -1 on failure with *error filled. */
typedef long (*rts_json_read)(void *context, void *bytes, size_t size, struct rts_error *error);

struct rts_json_scan {
    rts_json_read read;
    void *context;
    struct rts_error *error;
    char *buffer;    /* twice RTS_JSON_TOKEN_MAX */
    size_t at, end;  /* the next byte, and the end of what was read */
    size_t keep;     /* a token begins here: what is read next must not overwrite it */
    uint64_t passed; /* bytes of input before buffer[0] */
    bool ended, failed;
};

/* A string as it is written, without its quotes, or a number. Valid until the next call. */
struct rts_json_text {
    const char *bytes;
    size_t size;
    bool escaped; /* holds backslashes */
};

void rts_json_scan_init(struct rts_json_scan *scan, rts_json_read read, void *context,
                        struct rts_error *error);
void rts_json_scan_finish(struct rts_json_scan *scan);

/* The next byte that is not a blank, without taking it; -1 at the end and after a failure. */
int rts_json_scan_peek(struct rts_json_scan *scan);

/* Takes `byte` if it is the next that is not a blank. */
bool rts_json_scan_take(struct rts_json_scan *scan, char byte);

/* Takes a string; anything else is a failure. */
bool rts_json_scan_string(struct rts_json_scan *scan, struct rts_json_text *text);

/* Takes the key of a member and the colon behind it. */
bool rts_json_scan_key(struct rts_json_scan *scan, struct rts_json_text *key);

/* Takes a number, true, false or null. */
bool rts_json_scan_word(struct rts_json_scan *scan, struct rts_json_text *text);

/* Takes any value and forgets it. */
bool rts_json_scan_skip(struct rts_json_scan *scan);

/* Fails with `reason` and the position. Returns false. */
bool rts_json_scan_fail(struct rts_json_scan *scan, const char *reason);

/* Writes the text with its escapes replaced (UTF-8) into out[capacity] and returns its size;
 * SIZE_MAX when an escape is wrong, stands for NUL, or there is no room. Not NUL-terminated. */
size_t rts_json_text_decode(const struct rts_json_text *text, char *out, size_t capacity);

#endif
