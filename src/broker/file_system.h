/* SPDX-License-Identifier: Apache-2.0 */
/* What is to be expected of files, by the file system that they are on. */
#ifndef RTS_BROKER_FILE_SYSTEM_H
#define RTS_BROKER_FILE_SYSTEM_H

#include <stdbool.h>

enum rts_file_system {
    RTS_FILE_SYSTEM_LOCAL, /* a read ends: on a local disk, or in memory */
    RTS_FILE_SYSTEM_WAITS, /* somebody else answers, or may not: FUSE, the network, and what is not
                              known */
    RTS_FILE_SYSTEM_DOORS, /* no files, but doors into the kernel: procfs, sysfs and the like */
};

/* Of what `fd` (O_PATH is enough) stands for. An overlay that is not in our own mount namespace
 * counts as one that may wait: anybody can lay one over a FUSE. Errors count as that too. */
enum rts_file_system rts_file_system_of(int fd);

/* Is `fd` open, a regular file, and on no file system of doors? For what another process hands
 * over. */
bool rts_file_is_plain(int fd);

#endif
