/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Replaces a file as a whole: whoever opens it sees the old content or the new one, never a part. A
 * temporary file in the same folder, named after it with a dot in front and six characters behind,
 * is written and renamed over it; it is removed when something fails. Symbolic links are followed
 * by the rule for outputs (RTS_LINKS_OF_OWNERS, util/place.h).
 */
#ifndef RTS_UTIL_FILE_REPLACE_H
#define RTS_UTIL_FILE_REPLACE_H

#include <stddef.h>
#include <sys/types.h>

#include "util/error.h"

enum rts_durability {
    RTS_ATOMIC,  /* for readers; a crash of the machine may lose the change */
    RTS_DURABLE, /* on disk when this returns, content and name: waits for the disk */
};

/* A `path` that is a symbolic link has its target replaced. What is there and is not a regular file
 * (a device, a pipe) is refused. The new file has `mode`, whatever the umask. */
int rts_file_replace(const char *path, const void *bytes, size_t size, mode_t mode,
                     enum rts_durability durability, struct rts_error *error);

#endif
