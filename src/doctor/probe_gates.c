/* SPDX-License-Identifier: Apache-2.0 */
#include "doctor/probe.h"

#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#ifndef SYS_openat2
#define SYS_openat2 437
#endif

/* Flags that no kernel knows: refused before anything else is looked at. */
static int ask_perf_event_open(void)
{
    return syscall(SYS_perf_event_open, NULL, 0, -1, -1, ULONG_MAX) < 0 ? errno : 0;
}

static int ask_process_vm_readv(void)
{
    return process_vm_readv(getpid(), NULL, 0, NULL, 0, ULONG_MAX) < 0 ? errno : 0;
}

/* A structure of no size. */
static int ask_openat2(void)
{
    return syscall(SYS_openat2, -1, NULL, NULL, 0) < 0 ? errno : 0;
}

void rts_probe_gates(struct rts_gates *gates)
{
    gates->perf_event_open = rts_standing_ask(ask_perf_event_open);
    gates->ptrace = rts_standing_ask(rts_standing_ask_ptrace);
    gates->process_vm_readv = rts_standing_ask(ask_process_vm_readv);
    gates->openat2 = rts_standing_ask(ask_openat2);
}
