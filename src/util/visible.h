/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one gate for text that people see. Names of processes, functions, files and packages, answers
 * of servers and keys of settings were written by others: none of them may steer the terminal,
 * begin a line of its own or look like something that it is not. rts_log(), the closing summary and
 * the report of the doctor let text out through here; nobody before them escapes anything.
 */
#ifndef RTS_UTIL_VISIBLE_H
#define RTS_UTIL_VISIBLE_H

#include <stddef.h>

#include "util/buffer.h"

/* No bound but that of the text. */
#define RTS_VISIBLE_WHOLE ((size_t)-1)

/*
 * Appends the text as one line of valid UTF-8 in which everything can be seen: \n, \r, \t; \x and
 * two hexadecimal digits for other controls of ASCII and for bytes that are not UTF-8; \u and four,
 * or \U and eight, for what else rts_is_unseen() (util/utf8.h). A backslash stays as it is: this is
 * for reading, the facts have the exact bytes. At most `columns` characters are appended (at least
 * 3); what is longer is cut, never within a character, and ends with "...".
 */
void rts_visible_append(struct rts_buffer *out, const char *text, size_t size, size_t columns);

/* The same for a C string. */
void rts_visible_text(struct rts_buffer *out, const char *text, size_t columns);

#endif
