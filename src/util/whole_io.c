/* SPDX-License-Identifier: Apache-2.0 */
#include "util/whole_io.h"

#include <errno.h>
#include <unistd.h>

bool rts_read_all_at(int fd, uint64_t offset, void *bytes, size_t size)
{
    for (char *at = bytes; size > 0;) {
        ssize_t got = pread(fd, at, size, (off_t)offset);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        at += got;
        offset += (uint64_t)got;
        size -= (size_t)got;
    }
    return true;
}

bool rts_write_all(int fd, const void *bytes, size_t size)
{
    for (const char *at = bytes; size > 0;) {
        ssize_t written = write(fd, at, size);
        if (written < 0 && errno == EINTR)
            continue;
        if (written == 0)
            errno = EIO;
        if (written <= 0)
            return false;
        at += written;
        size -= (size_t)written;
    }
    return true;
}
