/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ELF files below some folders, by build-id: for traces that do not say what their files were
 * called. Folders are gone through once, when something is looked for that was not found before;
 * symbolic links in them are not followed, and files of debug information alone are left out.
 */
#ifndef RTS_BINARY_FILE_INDEX_H
#define RTS_BINARY_FILE_INDEX_H

#include "types.h"

struct rts_file_index;

struct rts_file_index *rts_file_index_create(void);
void rts_file_index_destroy(struct rts_file_index *index);

/* Goes through the folder `path` below `root` (-1: our own), and all below it, but for what was
 * gone through before. `programs_only`: files that may not be executed are left out, unless they
 * are called what shared libraries are called. */
void rts_file_index_scan(struct rts_file_index *index, int root, const char *path,
                         bool programs_only);

/* The next file with this build-id (of size 0: without any), from *position on, which begins with
 * 0: its path below `root`; NULL: there is no other. */
const char *rts_file_index_next(const struct rts_file_index *index,
                                const struct rts_build_id *build_id, size_t *position, int *root);

/* The same for the next file that is called `name`, wherever it lies. */
const char *rts_file_index_next_named(const struct rts_file_index *index, const char *name,
                                      size_t *position, int *root);

#endif
