/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of /proc/PID/stat (proc_pid_stat(5)) that are used, and whose process ids these are. */
#ifndef RTS_PROCESS_STAT_H
#define RTS_PROCESS_STAT_H

#include <stdbool.h>
#include <stdint.h>

#include "broker/proc.h"

struct rts_process_stat {
    char state; /* 'R', 'S', 'Z', ... */
    bool ends;  /* its first thread has ended, or is about to */
    int32_t parent;
    bool is_kernel; /* a kernel thread: it runs no code of a program */
    long threads;
    uint64_t cpu_ms;      /* that it has used, user and system, in steps of the kernel's ticks */
    uint64_t start_ticks; /* since boot; with the pid it names one process for good */
};

/* Reads /proc/PID/stat. Returns 0, or -1 with errno: as rts_proc_read() has it, ENOENT and ESRCH
 * where there is no such process; EBADMSG when the text is none of the kernel's. */
int rts_process_stat_read(const struct rts_proc *proc, int32_t pid, struct rts_process_stat *stat);

/* The process that a thread belongs to: `tid` itself for the first thread; -1 when there is none.
 */
int32_t rts_process_of_thread(const struct rts_proc *proc, int32_t tid);

/* Whether the proc file system at `proc_root` is there and shows our own pid namespace. Else its
 * ids are those of other processes than the kernel means when it tells ours. */
bool rts_proc_is_ours(const char *proc_root);

#endif
