/* SPDX-License-Identifier: Apache-2.0 */
/* One HTTP header that a user asks for, and what we may do with it. Pure. */
#ifndef RTS_HTTP_HEADER_H
#define RTS_HTTP_HEADER_H

#include <stdbool.h>
#include <stddef.h>

#include "util/error.h"

/* Borrowed texts. */
struct rts_header {
    const char *name;
    const char *value;
};

/*
 * May its value be seen: written to a spool file, printed, part of a configuration that is shown?
 * Only for names that are known to carry no secret; a name that we do not know may carry one.
 */
bool rts_header_is_open(const char *name);

/* Fails when the header is malformed, could break out of its line, or is one that the upload sets
 * itself. The text names the header and never quotes its value. */
int rts_header_check(const struct rts_header *header, struct rts_error *error);

/* The value of the last header of that name, in any case, or NULL. */
const char *rts_header_find(const struct rts_header *headers, size_t count, const char *name);

#endif
