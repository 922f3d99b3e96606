/* SPDX-License-Identifier: Apache-2.0 */
#include "process/stat.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/cleanup.h"

/* PF_EXITING of the kernel's flags: it ends, and is no zombie yet. */
#define FLAG_EXITING 4u

/* PF_KTHREAD, since Linux 2.6.28. */
#define FLAG_KERNEL_THREAD 0x200000u

int rts_process_stat_read(const char *proc_root, int32_t pid, struct rts_process_stat *stat)
{
    char path[256], text[1024];
    snprintf(path, sizeof path, "%s/%d/stat", proc_root, (int)pid);
    RTS_FCLOSE FILE *file = fopen(path, "re");
    if (!file || !fgets(text, sizeof text, file))
        return -1;
    /* The name may hold anything, also parentheses: the fields start after the last one. */
    const char *fields = strrchr(text, ')');
    int parent;
    unsigned flags;
    uint64_t user, system;
    if (!fields || sscanf(fields + 1,
                          " %c %d %*d %*d %*d %*d %u %*u %*u %*u %*u %" SCNu64 " %" SCNu64
                          " %*d %*d %*d %*d %ld %*d %" SCNu64,
                          &stat->state, &parent, &flags, &user, &system, &stat->threads,
                          &stat->start_ticks) != 7)
        return -1;
    stat->cpu_ms = (user + system) * 1000 / (uint64_t)sysconf(_SC_CLK_TCK);
    stat->parent = parent;
    stat->ends = (flags & FLAG_EXITING) || stat->state == 'Z' || stat->state == 'X';
    stat->is_kernel = flags & FLAG_KERNEL_THREAD;
    return 0;
}

int32_t rts_process_of_thread(const char *proc_root, int32_t tid)
{
    char path[256], line[256];
    snprintf(path, sizeof path, "%s/%d/status", proc_root, (int)tid);
    RTS_FCLOSE FILE *file = fopen(path, "re");
    int pid;
    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "Tgid: %d", &pid) == 1)
            return pid;
    return -1;
}

/* Of another pid namespace, /proc/self has our id there, which may be the same number: then
 * "NSpid:" (Linux 4.1) lists more than one. */
bool rts_proc_is_ours(const char *proc_root)
{
    char path[256], target[32], line[256];
    snprintf(path, sizeof path, "%s/self", proc_root);
    ssize_t size = readlink(path, target, sizeof target - 1);
    if (size <= 0)
        return false;
    target[size] = '\0';
    if (strtol(target, NULL, 10) != (long)getpid())
        return false;
    snprintf(path, sizeof path, "%s/self/status", proc_root);
    RTS_FCLOSE FILE *file = fopen(path, "re");
    int inner;
    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "NSpid: %*d %d", &inner) == 1)
            return false;
    return true;
}
