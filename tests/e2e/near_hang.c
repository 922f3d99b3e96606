/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A recursion whose outer frames are gone: whoever reads them waits for somebody who does not come
 * (userfaultfd). Says "ready" and computes. Exit status 77: it cannot be had here.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    DEPTH = 400,
    ROOM = 1024,
    KEPT = 96 << 10 /* more than any sample's copy has */
};

static volatile unsigned long counter;

static void not_here(const char *what)
{
    perror(what);
    exit(77);
}

static void take_away(uintptr_t inner, uintptr_t outer)
{
    uintptr_t begin = (inner + KEPT) & ~(uintptr_t)4095, end = outer & ~(uintptr_t)4095;
    struct uffdio_api api = {.api = UFFD_API};
    struct uffdio_register range = {.range = {begin, end - begin},
                                    .mode = UFFDIO_REGISTER_MODE_MISSING};
    int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC);
    if (fd < 0 || ioctl(fd, UFFDIO_API, &api) < 0 || ioctl(fd, UFFDIO_REGISTER, &range) < 0 ||
        madvise((void *)begin, end - begin, MADV_DONTNEED) < 0)
        not_here("userfaultfd");
}

__attribute__((noinline)) static void descend(int depth, uintptr_t outer)
{
    volatile char room[ROOM];
    room[depth] = 1;
    if (depth > 0) {
        descend(depth - room[depth], outer);
    } else {
        take_away((uintptr_t)room, outer);
        if (write(STDOUT_FILENO, "ready\n", 6) != 6)
            _exit(1);
        for (;;)
            counter++;
    }
    room[0] = room[depth];
}

int main(void)
{
    volatile char here = 0;
    alarm(120);
    descend(DEPTH, (uintptr_t)&here);
    return here;
}
