/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one way in which a file that was named to us is opened for writing. What is written names
 * functions, programs and packages of other people's processes: a new file has mode 0600, whatever
 * the umask allows. One that is there keeps its mode, which somebody chose. Where everybody may
 * write, a link, a file or a FIFO of somebody else is not taken, nor one with a second name: what
 * is written would go where they want it.
 */
#ifndef RTS_UTIL_OUTPUT_FILE_H
#define RTS_UTIL_OUTPUT_FILE_H

#include "util/error.h"

/* Opens it for writing, with O_CLOEXEC, O_NOCTTY and `more` flags (O_APPEND, O_RDWR, O_NONBLOCK,
 * without which a FIFO waits for its reader); what is in it stays: the caller empties it. `purpose`
 * ends the sentence "cannot open FILE for". Returns the descriptor, or -1 with the errno in
 * error->number. */
int rts_output_open(const char *path, int more, const char *purpose, struct rts_error *error);

#endif
