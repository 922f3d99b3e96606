/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files in a directory that only we may see: written so that at any instant a name stands for the
 * whole content or for nothing, also after the machine has lost power.
 */
#ifndef RTS_DELIVERY_SPOOL_DIRECTORY_H
#define RTS_DELIVERY_SPOOL_DIRECTORY_H

#include <stdbool.h>
#include <stddef.h>

#include "util/buffer.h"
#include "util/error.h"

/* Begins the names of files that are not finished; one that is found was left by a crash. */
#define RTS_SPOOL_TEMPORARY ".tmp-"

/* Opens a directory, made 0700 if it is not there, by the rule of util/own_folder.h. `parent` is a
 * descriptor or AT_FDCWD. Returns the descriptor or -1; `path` is for the text. */
int rts_spool_directory_open(int parent, const char *name, const char *path,
                             struct rts_error *error);

/* Makes a directory of ours 0700, where the medium knows modes and takes changes. */
void rts_spool_directory_close_to_others(int directory);

/* Takes the lock that makes us the one owner; held until the descriptor that it returns is closed,
 * or by the kernel's hand when we die. -1 when somebody else has it. */
int rts_spool_directory_lock(int directory, const char *path, struct rts_error *error);

/* Writes head and body as a new file of mode 0600, durably. An existing one of that name is
 * replaced. On failure nothing of it is left. */
int rts_spool_directory_write(int directory, const char *name, const struct rts_buffer *head,
                              const struct rts_buffer *body, struct rts_error *error);

/* Appends the content of a regular file of at most `size_max` bytes, which is ours or of root.
 * error->number is 0 when it is something else. */
int rts_spool_directory_read(int directory, const char *name, size_t size_max,
                             struct rts_buffer *out, struct rts_error *error);

/* Moves a file to another directory, durably; never over another one, but to NAME.1, NAME.2 ... */
int rts_spool_directory_move(int from, const char *name, int to, struct rts_error *error);

#endif
