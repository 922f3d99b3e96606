/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files below a root directory, opened with somebody's rights. The tree may be of somebody who
 * means harm: links lead nowhere else, FIFOs and devices are not opened, nor are the files of
 * procfs, sysfs and their like, which are not files but doors into the kernel.
 */
#ifndef RTS_BROKER_TREE_H
#define RTS_BROKER_TREE_H

#include <stddef.h>
#include <stdint.h>

#include "broker/tree_place.h"
#include "util/buffer.h"

/* Opens the regular file `path` for reading: a descriptor of the file, or, where its file system
 * could make us wait, of a sealed copy of it in memory. Never waits for the other end of a FIFO and
 * never becomes a controlling terminal. Returns a descriptor, or -1 with errno: EACCES (also where
 * the rights do not permit it), EBADF for what is not a regular file, EFBIG if it is too large to
 * be copied, ETIME where there was no answer in time, and those of open(2). */
int rts_tree_open(const struct rts_tree *tree, const char *path);

/* Opens `count` files of the folder `folder` by their names, which have no slash in them, as
 * rts_tree_open() does and with far fewer questions; fds[i] is -1 where that one cannot be opened.
 * At most RTS_TREE_BATCH. Returns how many were opened. */
size_t rts_tree_open_each(const struct rts_tree *tree, const char *folder, const char *const *names,
                          size_t count, int *fds);

/* What `path`, of whatever kind, leads to. Returns 0, or -1 with errno. */
int rts_tree_status(const struct rts_tree *tree, const char *path, struct rts_file_status *status);

/* The names in the directory `path`, in its own order, without "." and "..": each with a NUL behind
 * it, appended to *names. At most `limit` of them. Returns how many, or -1 with errno. */
int rts_tree_list(const struct rts_tree *tree, const char *path, size_t limit,
                  struct rts_buffer *names);

/* The name behind `name` in such a list; NULL to begin. NULL at the end. */
const char *rts_tree_next_name(const struct rts_buffer *names, const char *name);

#endif
