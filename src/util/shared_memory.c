/* SPDX-License-Identifier: Apache-2.0 */
#include "util/shared_memory.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "util/cleanup.h"

/* As in <linux/memfd.h>. */
#define MFD_CLOEXEC_FLAG 0x1u
#define MFD_SEALING_FLAG 0x2u
#define SEALS            (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW)

static void *map(int fd, size_t size)
{
    void *bytes = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    return bytes == MAP_FAILED ? NULL : bytes;
}

void *rts_shared_memory_create(const char *name, size_t size, int *fd)
{
    RTS_CLOSE int file = (int)syscall(SYS_memfd_create, name, MFD_CLOEXEC_FLAG | MFD_SEALING_FLAG);
    if (file < 0 || ftruncate(file, (off_t)size) < 0 || fcntl(file, F_ADD_SEALS, SEALS) < 0)
        return NULL;
    void *bytes = map(file, size);
    if (bytes)
        *fd = rts_take_fd(&file);
    return bytes;
}

void *rts_shared_memory_open(int fd, size_t size)
{
    struct stat status;
    int seals = fd < 0 ? -1 : fcntl(fd, F_GET_SEALS);
    if (seals < 0 || (seals & SEALS) != SEALS || fstat(fd, &status) < 0 ||
        (size_t)status.st_size != size) {
        errno = EBADMSG;
        return NULL;
    }
    return map(fd, size);
}
