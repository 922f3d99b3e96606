/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/standing.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/buffer.h"
#include "util/cleanup.h"

/* The inode of the first user namespace: the kernel's PROC_USER_INIT_INO. */
#define FIRST_USER_NAMESPACE 0xEFFFFFFDU

#define CAPABILITY_MAX 63

/* Deeper families than this are somebody's game. */
#define ANCESTORS_MAX 256

/* More of a small file is not read. */
#define TEXT_MAX 16384

/* The text of a small file of a process, or with 0 of the top, to be finished; NULL: it cannot be
 * read. */
static const char *read_text(const struct rts_proc *proc, int32_t pid, const char *name,
                             struct rts_buffer *text)
{
    *text = (struct rts_buffer)RTS_BUFFER_INIT;
    return rts_proc_read(proc, pid, name, TEXT_MAX, text) == 0 ? text->data : NULL;
}

static bool read_number(const struct rts_proc *proc, const char *name, int *number)
{
    struct rts_buffer text;
    const char *read = read_text(proc, 0, name, &text);
    bool known = read && sscanf(read, "%d", number) == 1;
    rts_buffer_finish(&text);
    return known;
}

static bool is_there(const char *proc_root, const char *name)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", proc_root, name);
    return access(path, F_OK) == 0;
}

static void read_capabilities(struct rts_standing *standing)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {{0}};
    if (syscall(SYS_capget, &header, data) == 0) {
        standing->effective = (uint64_t)data[1].effective << 32 | data[0].effective;
        standing->permitted = (uint64_t)data[1].permitted << 32 | data[0].permitted;
    }
    for (unsigned long bit = 0; bit <= CAPABILITY_MAX; bit++) {
        if (prctl(PR_CAPBSET_READ, bit, 0, 0, 0) == 1)
            standing->bounding |= 1ULL << bit;
        if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, bit, 0, 0) == 1)
            standing->ambient |= 1ULL << bit;
    }
    standing->knows_perfmon = prctl(PR_CAPBSET_READ, RTS_CAPABILITY_PERFMON, 0, 0, 0) >= 0;
}

void rts_standing_look(const struct rts_proc *proc, struct rts_standing *standing)
{
    char path[256];
    struct stat namespace;
    *standing = (struct rts_standing){
        .uid = getuid(),
        .gid = getgid(),
        .yama_scope = -1,
        .seccomp = prctl(PR_GET_SECCOMP, 0, 0, 0, 0),
    };
    read_capabilities(standing);
    snprintf(path, sizeof path, "%s/self/ns/user", proc->root);
    if (stat(path, &namespace) == 0)
        standing->own_user_namespace = namespace.st_ino != FIRST_USER_NAMESPACE;
    standing->has_sysctl = is_there(proc->root, "sys/kernel/ostype");
    standing->has_paranoid =
        read_number(proc, "sys/kernel/perf_event_paranoid", &standing->paranoid);
    if (!read_number(proc, "sys/kernel/yama/ptrace_scope", &standing->yama_scope))
        standing->yama_scope = -1;
}

static int ask_perf_event_open(void)
{
    return syscall(SYS_perf_event_open, NULL, 0, -1, -1, ULONG_MAX) < 0 ? errno : 0;
}

int rts_standing_ask_ptrace(void)
{
    return ptrace(PTRACE_SEIZE, (pid_t)INT32_MAX, NULL, NULL) < 0 ? errno : 0;
}

int rts_standing_ask(int (*ask)(void))
{
    pid_t child = fork();
    if (child == 0)
        _exit(ask());
    int status;
    if (child < 0 || waitpid(child, &status, 0) != child)
        return EAGAIN;
    return WIFEXITED(status) ? WEXITSTATUS(status) : RTS_STANDING_KILLED;
}

/* To be killed is to be refused. */
static int ask_call(const struct rts_standing *standing, int (*ask)(void))
{
    int number = standing->seccomp != 0 ? rts_standing_ask(ask) : ask();
    return number == RTS_STANDING_KILLED ? EPERM : number;
}

void rts_standing_ask_perf(struct rts_standing *standing)
{
    standing->perf_call = ask_call(standing, ask_perf_event_open);
}

void rts_standing_read(const struct rts_proc *proc, struct rts_standing *standing)
{
    rts_standing_look(proc, standing);
    rts_standing_ask_perf(standing);
    standing->ptrace_call = ask_call(standing, rts_standing_ask_ptrace);
}

static bool has(const struct rts_standing *standing, int capability)
{
    return standing->effective & 1ULL << capability;
}

bool rts_standing_may_monitor(const struct rts_standing *standing)
{
    return !standing->own_user_namespace &&
           (has(standing, RTS_CAPABILITY_PERFMON) || has(standing, RTS_CAPABILITY_SYS_ADMIN));
}

bool rts_standing_may_trace(const struct rts_standing *standing)
{
    return has(standing, RTS_CAPABILITY_SYS_PTRACE);
}

/* ---- the target ---- */

struct status {
    uint32_t uids[3], gids[3], effective_uid;
    uint64_t permitted;
    int32_t tracer, parent;
};

static void take_line(struct status *status, const char *line, unsigned *fields)
{
    uint32_t *uids = status->uids, *gids = status->gids;
    if (sscanf(line, "Uid: %u %u %u", &uids[0], &uids[1], &uids[2]) == 3 ||
        sscanf(line, "Gid: %u %u %u", &gids[0], &gids[1], &gids[2]) == 3)
        (*fields)++;
    else if (strncmp(line, "TracerPid:", 10) == 0)
        status->tracer = (int32_t)strtol(line + 10, NULL, 10);
    else if (strncmp(line, "PPid:", 5) == 0)
        status->parent = (int32_t)strtol(line + 5, NULL, 10);
    else if (strncmp(line, "CapPrm:", 7) == 0)
        status->permitted = strtoull(line + 7, NULL, 16);
}

static bool read_status(const struct rts_proc *proc, int32_t pid, struct status *status)
{
    struct rts_buffer text;
    unsigned fields = 0;
    *status = (struct status){0};
    const char *line = read_text(proc, pid, "status", &text);
    for (; line && *line; line += *line == '\n') {
        take_line(status, line, &fields);
        line += strcspn(line, "\n");
    }
    rts_buffer_finish(&text);
    status->effective_uid = status->uids[1];
    return fields == 2;
}

/* The files in /proc/PID belong to root when the process is not dumpable; the folder itself does
 * not. */
static bool is_not_dumpable(const char *proc_root, int32_t pid, uint32_t effective_uid)
{
    char path[256];
    struct stat file;
    snprintf(path, sizeof path, "%s/%d/maps", proc_root, (int)pid);
    return stat(path, &file) == 0 && file.st_uid != effective_uid;
}

static bool descends_from_us(const struct rts_proc *proc, int32_t parent)
{
    int32_t own = (int32_t)getpid();
    struct status status;
    for (int i = 0; i < ANCESTORS_MAX && parent > 1; i++) {
        if (parent == own)
            return true;
        if (!read_status(proc, parent, &status))
            return false;
        parent = status.parent;
    }
    return false;
}

bool rts_target_standing_read(const struct rts_proc *proc, int32_t pid,
                              const struct rts_standing *standing,
                              struct rts_target_standing *target)
{
    struct status status;
    *target = (struct rts_target_standing){.pid = pid};
    if (!read_status(proc, pid, &status)) {
        char path[64];
        snprintf(path, sizeof path, "%d", (int)pid);
        return is_there(proc->root, path);
    }
    target->known = true;
    target->same_user = true;
    for (int i = 0; i < 3; i++)
        if (status.uids[i] != standing->uid || status.gids[i] != standing->gid)
            target->same_user = false;
    target->more_capable = status.permitted & ~standing->permitted;
    target->not_dumpable = is_not_dumpable(proc->root, pid, status.effective_uid);
    target->descendant = descends_from_us(proc, status.parent);
    target->tracer = status.tracer;
    return true;
}

/* Reading memory by this call takes the right to trace, and nothing is mapped at the first address.
 * Opening the file "mem" takes that right as well, but also that of its owner, which CAP_SYS_PTRACE
 * alone does not give: it is asked only where a filter may have answered in the kernel's place. */
int rts_target_tracing_error(const char *proc_root, int32_t pid)
{
    char path[256], byte;
    struct iovec local = {.iov_base = &byte, .iov_len = 1}, remote = {.iov_len = 1};
    if (process_vm_readv((pid_t)pid, &local, 1, &remote, 1, 0) >= 0 || errno == EFAULT)
        return 0;
    if (errno != EPERM && errno != ENOSYS)
        return errno;
    snprintf(path, sizeof path, "%s/%d/mem", proc_root, (int)pid);
    RTS_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
    return fd < 0 ? errno : 0;
}
