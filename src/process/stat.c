/* SPDX-License-Identifier: Apache-2.0 */
#include "process/stat.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/cleanup.h"

/* One line, and some sixty. */
#define STAT_MAX   1024
#define STATUS_MAX 65536

/* PF_EXITING of the kernel's flags: it ends, and is not a zombie yet. */
#define FLAG_EXITING 4u

/* PF_KTHREAD, since Linux 2.6.28. */
#define FLAG_KERNEL_THREAD 0x200000u

static int parse(const char *text, struct rts_process_stat *stat)
{
    /* The name may hold anything, also parentheses: the fields start after the last one. */
    const char *fields = text ? strrchr(text, ')') : NULL;
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

int rts_process_stat_read(const struct rts_proc *proc, int32_t pid, struct rts_process_stat *stat)
{
    struct rts_buffer text = RTS_BUFFER_INIT;
    int result = rts_proc_read(proc, pid, "stat", STAT_MAX, &text), number = errno;
    if (result == 0 && parse(text.data, stat) < 0) {
        result = -1;
        number = EBADMSG;
    }
    rts_buffer_finish(&text);
    errno = number;
    return result;
}

int32_t rts_process_of_thread(const struct rts_proc *proc, int32_t tid)
{
    struct rts_buffer text = RTS_BUFFER_INIT;
    int pid = -1;
    if (rts_proc_read(proc, tid, "status", STATUS_MAX, &text) == 0 && text.data) {
        const char *field = strstr(text.data, "\nTgid:");
        if (!field || sscanf(field, "\nTgid: %d", &pid) != 1)
            pid = -1;
    }
    rts_buffer_finish(&text);
    return pid;
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
