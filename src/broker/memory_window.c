/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/memory_window.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "broker/proc_direct.h"
#include "broker/proc_limits.h"
#include "util/clock.h"
#include "util/shared_memory.h"

struct rts_memory_window {
    _Atomic uint32_t asked, answered; /* questions; equal: there is none */
    int32_t tid;                      /* 0: leave */
    uint32_t size;
    uint64_t address;
    int32_t error;
    uint32_t have;
    _Atomic uint64_t cpu_ns;
    uint8_t bytes[RTS_PROC_MEMORY_MAX];
};

struct rts_memory_window *rts_memory_window_create(int *fd)
{
    return rts_shared_memory_create("rtsample-window", sizeof(struct rts_memory_window), fd);
}

struct rts_memory_window *rts_memory_window_open(int fd)
{
    return rts_shared_memory_open(fd, sizeof(struct rts_memory_window));
}

void rts_memory_window_close(struct rts_memory_window *window)
{
    if (window)
        munmap(window, sizeof *window);
}

void rts_memory_window_reset(struct rts_memory_window *window)
{
    atomic_store(&window->asked, 0);
    atomic_store(&window->answered, 0);
    atomic_store(&window->cpu_ns, 0);
}

static void wake(_Atomic uint32_t *word)
{
    syscall(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static void post(struct rts_memory_window *window, int32_t tid)
{
    window->tid = tid;
    atomic_fetch_add(&window->asked, 1);
    wake(&window->asked);
}

void rts_memory_window_ask(struct rts_memory_window *window, int32_t tid, uint64_t address,
                           size_t size)
{
    window->address = address;
    window->size = (uint32_t)size;
    post(window, tid);
}

bool rts_memory_window_wait(struct rts_memory_window *window, uint64_t timeout_ns)
{
    uint64_t end = rts_clock_monotonic_ns() + timeout_ns, now;
    for (;;) {
        uint32_t answered = atomic_load(&window->answered);
        if (answered == atomic_load(&window->asked))
            return true;
        now = rts_clock_monotonic_ns();
        if (now >= end)
            return false;
        const struct timespec left = rts_timespec_of(end - now);
        syscall(SYS_futex, &window->answered, FUTEX_WAIT, answered, &left, NULL, 0);
    }
}

size_t rts_memory_window_take(struct rts_memory_window *window, void *bytes, size_t size,
                              uint64_t *cpu_ns)
{
    const volatile struct rts_memory_window *told = window;
    size_t have = told->have;
    int error = told->error;
    *cpu_ns = atomic_load(&window->cpu_ns);
    if (have > size || have > sizeof window->bytes) {
        have = 0;
        error = EBADMSG;
    }
    memcpy(bytes, window->bytes, have);
    errno = have > 0 ? 0 : error;
    return have;
}

void rts_memory_window_leave(struct rts_memory_window *window)
{
    post(window, 0);
}

uint64_t rts_memory_window_own_cpu_ns(void)
{
    return rts_clock_process_cpu_ns();
}

void rts_memory_window_serve(struct rts_memory_window *window, const char *proc_root)
{
    const volatile struct rts_memory_window *told = window;
    for (uint32_t served = 0;; served++) {
        while (atomic_load(&window->asked) == served)
            syscall(SYS_futex, &window->asked, FUTEX_WAIT, served, NULL, NULL, 0);
        int32_t tid = told->tid;
        size_t size = told->size;
        if (tid <= 0)
            return;
        if (size > sizeof window->bytes)
            size = sizeof window->bytes;
        size_t have = rts_proc_memory_direct(proc_root, tid, told->address, window->bytes, size);
        window->error = have > 0 ? 0 : errno;
        window->have = (uint32_t)have;
        atomic_store(&window->answered, served + 1);
        wake(&window->answered);
        /* Not while somebody waits for it. */
        atomic_store(&window->cpu_ns, rts_memory_window_own_cpu_ns());
    }
}
