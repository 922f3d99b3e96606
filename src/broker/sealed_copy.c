/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/sealed_copy.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "util/cleanup.h"

#define BLOCK 65536

/* As in <linux/memfd.h>, and in <fcntl.h> of glibc. */
#define MFD_CLOEXEC_FLAG 0x1u
#define MFD_SEALING_FLAG 0x2u
#define MFD_NOEXEC_FLAG  0x8u /* Linux 6.3 */
#define SEALS            (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

static int create(void)
{
    const unsigned flags = MFD_CLOEXEC_FLAG | MFD_SEALING_FLAG;
    int fd = (int)syscall(SYS_memfd_create, "rtsample-copy", flags | MFD_NOEXEC_FLAG);
    if (fd < 0 && errno == EINVAL)
        fd = (int)syscall(SYS_memfd_create, "rtsample-copy", flags);
    return fd;
}

static int write_all(int fd, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t written = write(fd, bytes, size);
        if (written <= 0)
            return -1;
        bytes += written;
        size -= (size_t)written;
    }
    return 0;
}

/* It is read from its beginning on, as any file that was just opened. */
static int seal(int *fd)
{
    if (fcntl(*fd, F_ADD_SEALS, SEALS) < 0 || lseek(*fd, 0, SEEK_SET) < 0)
        return -1;
    return rts_take_fd(fd);
}

int rts_sealed_copy(int fd, uint64_t limit)
{
    char block[BLOCK];
    RTS_CLOSE int copy = create();
    uint64_t done = 0;
    if (copy < 0)
        return -1;
    for (ssize_t count; (count = pread(fd, block, sizeof block, (off_t)done)) != 0;) {
        if (count < 0)
            return -1;
        done += (uint64_t)count;
        if (done > limit) {
            errno = EFBIG;
            return -1;
        }
        if (write_all(copy, block, (size_t)count) < 0)
            return -1;
    }
    return seal(&copy);
}

int rts_sealed_bytes(const void *bytes, size_t size)
{
    RTS_CLOSE int copy = create();
    if (copy < 0 || write_all(copy, bytes, size) < 0)
        return -1;
    return seal(&copy);
}

bool rts_sealed_is(int fd)
{
    int seals = fcntl(fd, F_GET_SEALS);
    return seals >= 0 && (seals & SEALS) == SEALS;
}
