/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/ptrace_targets.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "capture/advice.h"
#include "util/cleanup.h"
#include "util/clock.h"
#include "util/memory.h"

/* Pids that are looked at one by one; with more births between two ticks, all of /proc is. */
#define BIRTHS_MAX 512

/* A thread storm may be endless: then what is born later is found later. */
#define LIST_ROUNDS_MAX 16

static bool same_pid(const void *item, const void *key)
{
    return ((const struct rts_ptrace_process *)item)->pid == *(const int32_t *)key;
}

static bool same_tid(const void *item, const void *key)
{
    return ((const struct rts_ptrace_thread *)item)->tid == *(const int32_t *)key;
}

static uint64_t hash_of(int32_t pid)
{
    return rts_hash_u64((uint32_t)pid);
}

static struct rts_ptrace_process *find_process(const struct rts_ptrace_targets *targets,
                                               int32_t pid)
{
    return rts_table_find(&targets->processes, hash_of(pid), same_pid, &pid);
}

/* ---- /proc ----
 *
 * What is read here is read by ourselves and not by the broker, since nobody can make us wait for
 * it: stat, status, schedstat and sched take no lock that is held over a sleep (mmap_lock,
 * cred_guard_mutex, exec_update_lock: what maps, mem, and ptrace() itself take), only counters of
 * the memory's size; the list of threads walks them under RCU. And a round trip for each thread
 * would cost more than the look.
 */

static ssize_t read_file(const char *path, char *text, size_t room)
{
    RTS_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t size = fd < 0 ? -1 : read(fd, text, room - 1);
    text[size > 0 ? size : 0] = '\0';
    return size;
}

bool rts_ptrace_stat_read(int32_t pid, int32_t tid, struct rts_ptrace_stat *stat)
{
    char path[64], text[1024];
    snprintf(path, sizeof path, "/proc/%d/task/%d/stat", (int)pid, (int)tid);
    *stat = (struct rts_ptrace_stat){0};
    const char *name = read_file(path, text, sizeof text) > 0 ? strchr(text, '(') : NULL;
    const char *rest = name ? strrchr(name, ')') : NULL; /* a name may have brackets */
    if (!rest)
        return false;
    snprintf(stat->name, sizeof stat->name, "%.*s", (int)(rest - name - 1), name + 1);
    uint64_t user = 0, system = 0;
    /* Fields 3 to 28, and 39: proc(5). */
    int fields = sscanf(rest + 1,
                        " %c %" SCNd32 " %*s %*s %*s %*s %*s %*s %*s %*s %*s %" SCNu64 " %" SCNu64
                        " %*s %*s %*s %*s %*s %*s %*s %" SCNu64 " %*s %*s %" SCNu64 " %*s %" SCNu64
                        " %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %" SCNu32,
                        &stat->state, &stat->parent, &user, &system, &stat->memory_size,
                        &stat->code_start, &stat->stack_start, &stat->cpu);
    stat->cpu_ns = (user + system) * (RTS_NS_PER_S / (uint64_t)sysconf(_SC_CLK_TCK));
    return fields >= 4;
}

/* A number behind `field` in the text of /proc/PID/status; 0 if it is not there. */
static int32_t status_number(const char *text, const char *field)
{
    const char *found = strstr(text, field);
    return found ? (int32_t)strtol(found + strlen(field), NULL, 10) : 0;
}

/* ---- the set ---- */

void rts_ptrace_targets_init(struct rts_ptrace_targets *targets)
{
    struct rlimit files = {0};
    getrlimit(RLIMIT_NOFILE, &files);
    *targets = (struct rts_ptrace_targets){
        .loadavg = open("/proc/loadavg", O_RDONLY | O_CLOEXEC),
        .kept_max = files.rlim_cur / 2,
        .no_schedstat = access("/proc/self/schedstat", R_OK) != 0,
    };
}

static void free_thread(struct rts_ptrace_targets *targets, struct rts_ptrace_thread *thread)
{
    if (thread->schedstat >= 0) {
        close(thread->schedstat);
        targets->kept--;
    }
    free(thread);
}

void rts_ptrace_targets_finish(struct rts_ptrace_targets *targets)
{
    for (size_t i = 0; i < targets->count; i++)
        free_thread(targets, targets->threads[i]);
    free(targets->threads);
    size_t position = 0;
    for (void *item; (item = rts_table_next(&targets->processes, &position));)
        free(item);
    rts_table_finish(&targets->processes);
    rts_table_finish(&targets->by_tid);
    if (targets->loadavg >= 0)
        close(targets->loadavg);
    *targets = (struct rts_ptrace_targets){.loadavg = -1};
}

static int open_schedstat(int32_t pid, int32_t tid)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/task/%d/schedstat", (int)pid, (int)tid);
    return open(path, O_RDONLY | O_CLOEXEC);
}

/* CPU time that a thread has used, in ns. False when it has ended. */
static bool read_cpu(struct rts_ptrace_targets *targets, struct rts_ptrace_thread *thread,
                     uint64_t *cpu_ns)
{
    char text[96];
    struct rts_ptrace_stat stat;
    int fd = thread->schedstat;
    if (targets->no_schedstat) {
        bool there = rts_ptrace_stat_read(thread->process->pid, thread->tid, &stat);
        *cpu_ns = stat.cpu_ns;
        return there;
    }
    if (fd < 0 && (fd = open_schedstat(thread->process->pid, thread->tid)) < 0)
        return errno == EMFILE || errno == ENFILE;
    ssize_t size = pread(fd, text, sizeof text - 1, 0);
    if (thread->schedstat < 0 && targets->kept < targets->kept_max) {
        thread->schedstat = fd;
        targets->kept++;
    } else if (fd != thread->schedstat) {
        close(fd);
    }
    if (size <= 0)
        return false;
    text[size] = '\0';
    *cpu_ns = strtoull(text, NULL, 10);
    return true;
}

static void add_thread(struct rts_ptrace_targets *targets, struct rts_ptrace_process *process,
                       int32_t tid)
{
    struct rts_ptrace_thread *thread =
        rts_table_find(&targets->by_tid, hash_of(tid), same_tid, &tid);
    if (thread && !thread->gone)
        return;
    if (thread) /* its number is in use again before it was swept out */
        rts_table_remove(&targets->by_tid, hash_of(tid), same_tid, &tid);
    thread = rts_calloc(1, sizeof *thread);
    thread->tid = tid;
    thread->process = process;
    thread->schedstat = -1;
    thread->credit_ns = targets->first_credit_ns;
    if (!read_cpu(targets, thread, &thread->cpu_ns)) {
        free_thread(targets, thread);
        return;
    }
    process->threads++;
    rts_table_add(&targets->by_tid, hash_of(tid), thread);
    targets->threads =
        rts_grow(targets->threads, targets->count, &targets->capacity, sizeof *targets->threads);
    targets->threads[targets->count++] = thread;
    /* One that was just born has something to do. */
    thread->grew_ns = rts_clock_monotonic_ns();
    if (targets->last_pid > 0)
        rts_ptrace_targets_make_busy(targets, targets->count - 1);
}

/* Adds the threads of a process that are not known yet, until a listing has none. */
static int list_threads(struct rts_ptrace_targets *targets, struct rts_ptrace_process *process)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/task", (int)process->pid);
    for (int round = 0; round < LIST_ROUNDS_MAX; round++) {
        size_t before = targets->count;
        DIR *directory = opendir(path);
        if (!directory)
            return -errno;
        for (struct dirent *entry; (entry = readdir(directory));) {
            int32_t tid = (int32_t)strtol(entry->d_name, NULL, 10);
            if (tid > 0)
                add_thread(targets, process, tid);
        }
        closedir(directory);
        if (targets->count == before)
            break;
    }
    return 0;
}

static struct rts_ptrace_process *add_process(struct rts_ptrace_targets *targets, int32_t pid)
{
    struct rts_ptrace_process *process = rts_calloc(1, sizeof *process);
    process->pid = pid;
    rts_ptrace_stat_read(pid, pid, &process->image);
    if (process->image.parent == (int32_t)getpid())
        targets->own_child = pid;
    rts_table_add(&targets->processes, hash_of(pid), process);
    return process;
}

int rts_ptrace_targets_add(struct rts_ptrace_targets *targets, int32_t pid, struct rts_error *error)
{
    if (find_process(targets, pid))
        return 0;
    if (rts_capture_check_ptrace(pid, error) < 0)
        return -1;
    struct rts_ptrace_process *process = add_process(targets, pid);
    int result = list_threads(targets, process);
    if (process->threads > 0)
        return 0;
    rts_table_remove(&targets->processes, hash_of(pid), same_pid, &pid);
    free(process);
    if (result == 0 || result == -ENOENT || result == -ESRCH)
        return rts_fail(error, RTS_NOT_FOUND, "no process with pid %d", (int)pid);
    return rts_fail_errno(error, -result, "cannot list the threads of process %d", (int)pid);
}

struct rts_ptrace_thread *rts_ptrace_targets_find(const struct rts_ptrace_targets *targets,
                                                  int32_t tid)
{
    return rts_table_find(&targets->by_tid, hash_of(tid), same_tid, &tid);
}

/* ---- births ---- */

/* Takes in `pid` when it is a thread or a child of a process that is known. False when it is not in
 * /proc: it has ended, or is only being made. */
static bool look_at(struct rts_ptrace_targets *targets, int32_t pid)
{
    char path[64], text[4096];
    if (rts_table_find(&targets->by_tid, hash_of(pid), same_tid, &pid))
        return true;
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    if (read_file(path, text, sizeof text) <= 0)
        return false;
    int32_t group = status_number(text, "\nTgid:"), parent = status_number(text, "\nPPid:");
    struct rts_ptrace_process *process = find_process(targets, group);
    if (!process) {
        if (group != pid || !find_process(targets, parent) || pid == (int32_t)getpid())
            return true;
        process = add_process(targets, pid);
        process->unheard_of = true;
    }
    add_thread(targets, process, pid);
    if (process->threads == 0) {
        rts_table_remove(&targets->processes, hash_of(group), same_pid, &group);
        free(process);
    }
    return true;
}

static void look_at_all(struct rts_ptrace_targets *targets)
{
    size_t position = 0;
    for (struct rts_ptrace_process *process;
         (process = rts_table_next(&targets->processes, &position));)
        list_threads(targets, process);
    DIR *directory = opendir("/proc");
    for (struct dirent *entry; directory && (entry = readdir(directory));) {
        int32_t pid = (int32_t)strtol(entry->d_name, NULL, 10);
        if (pid > 0)
            look_at(targets, pid);
    }
    if (directory)
        closedir(directory);
}

/* The last field of /proc/loadavg; -1 when it cannot be read. */
static int32_t read_last_pid(const struct rts_ptrace_targets *targets)
{
    char text[128];
    ssize_t size = targets->loadavg < 0 ? -1 : pread(targets->loadavg, text, sizeof text - 1, 0);
    if (size <= 0)
        return -1;
    text[size] = '\0';
    const char *last = strrchr(text, ' ');
    return last ? (int32_t)strtol(last, NULL, 10) : -1;
}

void rts_ptrace_targets_find_new(struct rts_ptrace_targets *targets)
{
    int32_t last = read_last_pid(targets), from = targets->last_pid;
    unsigned unborn = targets->unborn_count;
    targets->last_pid = last;
    targets->unborn_count = 0;
    for (unsigned i = 0; i < unborn; i++)
        look_at(targets, targets->unborn[i]);
    /* Unknown, the first time, counted around, or too many. */
    if (last < 0 || from <= 0 || last < from || last - from > BIRTHS_MAX) {
        look_at_all(targets);
        return;
    }
    for (int32_t pid = from + 1; pid <= last; pid++)
        if (!look_at(targets, pid) && targets->unborn_count < RTS_PTRACE_UNBORN_MAX)
            targets->unborn[targets->unborn_count++] = pid;
}

/* ---- every tick ---- */

void rts_ptrace_targets_make_busy(struct rts_ptrace_targets *targets, size_t index)
{
    struct rts_ptrace_thread *thread = targets->threads[index];
    thread->busy = true;
    targets->threads[index] = targets->threads[targets->busy_count];
    targets->threads[targets->busy_count++] = thread;
}

void rts_ptrace_thread_measure(struct rts_ptrace_targets *targets, struct rts_ptrace_thread *thread,
                               uint64_t limit_ns)
{
    uint64_t cpu_ns = thread->cpu_ns;
    if (!read_cpu(targets, thread, &cpu_ns)) {
        thread->gone = true;
        return;
    }
    if (cpu_ns > thread->cpu_ns) {
        uint64_t used_ns = cpu_ns - thread->cpu_ns;
        thread->credit_ns += used_ns;
        targets->used_ns += used_ns;
        targets->due += (double)used_ns / (double)targets->first_credit_ns;
    }
    thread->cpu_ns = cpu_ns;
    if (thread->credit_ns > limit_ns)
        thread->credit_ns = limit_ns;
}

void rts_ptrace_targets_sweep(struct rts_ptrace_targets *targets,
                              void (*ended)(void *context, const struct rts_ptrace_thread *thread),
                              void *context)
{
    size_t kept = 0, busy = 0;
    for (size_t i = 0; i < targets->count; i++) {
        struct rts_ptrace_thread *thread = targets->threads[i];
        if (!thread->gone) {
            targets->threads[kept++] = thread;
            busy += thread->busy;
            continue;
        }
        ended(context, thread);
        int32_t tid = thread->tid, pid = thread->process->pid;
        if (rts_table_find(&targets->by_tid, hash_of(tid), same_tid, &tid) == thread)
            rts_table_remove(&targets->by_tid, hash_of(tid), same_tid, &tid);
        if (--thread->process->threads == 0) {
            free(rts_table_remove(&targets->processes, hash_of(pid), same_pid, &pid));
        }
        free_thread(targets, thread);
    }
    targets->count = kept;
    targets->busy_count = busy;
    targets->has_gone = false;
}
