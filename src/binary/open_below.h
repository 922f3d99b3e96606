/* SPDX-License-Identifier: Apache-2.0 */
/* Opening files of another process's file tree, whose owner may be hostile. */
#ifndef RTS_BINARY_OPEN_BELOW_H
#define RTS_BINARY_OPEN_BELOW_H

/* Opens a regular file for reading, with `path` and all symbolic links on the way resolved below
 * the directory `root_fd` as if it were the root directory; -1: our own root. Never waits for the
 * other end of a FIFO and never becomes a controlling terminal. Returns the descriptor, or -1.
 * Kernels before 5.6 cannot confine links: there only a root that is our own is searched. */
int rts_open_below(int root_fd, const char *path);

#endif
