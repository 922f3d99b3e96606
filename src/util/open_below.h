/* SPDX-License-Identifier: Apache-2.0 */
/* Opening files of another process's file tree, whose owner may be hostile. */
#ifndef RTS_UTIL_OPEN_BELOW_H
#define RTS_UTIL_OPEN_BELOW_H

/* Finds `path`, with all symbolic links on the way resolved below the directory `root_fd` as if it
 * were the root directory; links of /proc to open files are not followed. Returns an O_PATH
 * descriptor, which has no effect on what it stands for; or -1 with errno. */
int rts_locate_below(int root_fd, const char *path);

/* What rts_locate_below() does where the kernel cannot: before Linux 5.6, or where a seccomp filter
 * does not know openat2(2). One component after the other, none of them followed by the kernel. A
 * directory that its owner moves meanwhile may be found at its new place. */
int rts_walk_below(int root_fd, const char *path);

/* The same through folders only that everybody may pass, by the bits of their modes, `root_fd`
 * among them; EACCES where one is not so. */
int rts_walk_public_below(int root_fd, const char *path);

/* Opens a regular file for reading, located like that; `root_fd` -1: below our own root, as open(2)
 * does. Never waits for the other end of a FIFO and never becomes a controlling terminal. Returns
 * the descriptor, or -1. */
int rts_open_below(int root_fd, const char *path);

/* The same for a directory, which can then be listed. */
int rts_open_directory_below(int root_fd, const char *path);

#endif
