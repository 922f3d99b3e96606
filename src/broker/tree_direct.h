/* SPDX-License-Identifier: Apache-2.0 */
/* What broker/tree.h says, done by the calling thread, which waits as long as it takes. The rights
 * are taken on meanwhile. */
#ifndef RTS_BROKER_TREE_DIRECT_H
#define RTS_BROKER_TREE_DIRECT_H

#include "broker/tree_place.h"
#include "util/buffer.h"

int rts_tree_open_direct(const struct rts_tree *tree, const char *path);
int rts_tree_status_direct(const struct rts_tree *tree, const char *path,
                           struct rts_file_status *status);
size_t rts_tree_open_each_direct(const struct rts_tree *tree, const char *folder,
                                 const char *const *names, size_t count, int *fds);
int rts_tree_list_direct(const struct rts_tree *tree, const char *path, size_t limit,
                         struct rts_buffer *names);

/* Opens the regular file that the O_PATH descriptor `located` stands for, as rts_tree_open() says,
 * with the rights of the moment. *copied: it is a copy in memory. */
int rts_file_open_located(int located, bool *copied);

/* Fills *status from what stat(2) said. */
struct stat;
void rts_file_status_take(struct rts_file_status *status, const struct stat *from);

#endif
