/* SPDX-License-Identifier: Apache-2.0 */
#include "package/rpm_run.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/cleanup.h"

/* The process itself ends with these when it does not come to rtsample-rpm, which has others. */
enum {
    EXIT_CHANGED = 101,
    EXIT_TOO_LARGE,
    EXIT_FAILED
};

/* Of rtsample-rpm (rpm/main.c). */
#define EXIT_NOTHING_FOUND 3

#ifdef RTS_LIBEXECDIR
static bool is_program(const char *folder, int folder_size, char path[PATH_MAX])
{
    int size = snprintf(path, PATH_MAX, "%.*s/rtsample-rpm", folder_size, folder);
    return size > 0 && size < PATH_MAX && access(path, X_OK) == 0;
}

bool rts_rpm_lister_find(char path[PATH_MAX])
{
    char own[PATH_MAX];
    ssize_t size = readlink("/proc/self/exe", own, sizeof own);
    while (size > 0 && own[size - 1] != '/')
        size--;
    return (size > 1 && is_program(own, (int)size - 1, path)) ||
           is_program(RTS_LIBEXECDIR, (int)strlen(RTS_LIBEXECDIR), path);
}
#else
bool rts_rpm_lister_find(char path[PATH_MAX])
{
    path[0] = '\0';
    return false;
}
#endif

/* ---- the copy ---- */

static bool write_all(int fd, const uint8_t *bytes, size_t size)
{
    while (size > 0) {
        ssize_t written = write(fd, bytes, size);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return false;
        bytes += written;
        size -= (size_t)written;
    }
    return true;
}

/* 0, or what to exit with. */
static int copy_bytes(int from, int to, uint64_t *room)
{
    uint8_t chunk[65536];
    for (off_t offset = 0;;) {
        ssize_t size = pread(from, chunk, sizeof chunk, offset);
        if (size == 0)
            return 0;
        if (size < 0 && errno == EINTR)
            continue;
        if (size > 0 && (uint64_t)size > *room)
            return EXIT_TOO_LARGE;
        if (size < 0 || !write_all(to, chunk, (size_t)size))
            return EXIT_FAILED;
        *room -= (uint64_t)size;
        offset += size;
    }
}

static bool same_time(struct timespec a, struct timespec b)
{
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static bool is_unchanged(int fd, const struct stat *before)
{
    struct stat now;
    return fstat(fd, &now) == 0 && now.st_size == before->st_size &&
           same_time(now.st_mtim, before->st_mtim) && same_time(now.st_ctim, before->st_ctim);
}

static int copy(const struct rts_rpm_job *job, const struct rts_rpm_folder *folder)
{
    const struct rts_rpm_format *format = rts_rpm_format(job->source.format);
    const int *fds = job->source.fds;
    struct stat before[RTS_RPM_FILES];
    uint64_t room = job->bytes_max, size = 0;
    for (size_t i = 0; i < RTS_RPM_FILES; i++) {
        if (fds[i] < 0)
            continue;
        if (fstat(fds[i], &before[i]) < 0)
            return EXIT_FAILED;
        size += (uint64_t)before[i].st_size;
    }
    if (size > room) /* before half of it was copied */
        return EXIT_TOO_LARGE;
    for (size_t i = 0; i < RTS_RPM_FILES; i++) {
        if (fds[i] < 0)
            continue;
        RTS_CLOSE int to = openat(folder->fd, format->files[i],
                                  O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
        int copied = to < 0 ? EXIT_FAILED : copy_bytes(fds[i], to, &room);
        if (copied != 0)
            return copied;
    }
    for (size_t i = 0; i < RTS_RPM_FILES; i++)
        if (fds[i] >= 0 && !is_unchanged(fds[i], &before[i]))
            return EXIT_CHANGED;
    return 0;
}

/* ---- the process ---- */

/* What ends us at the terminal is none of its business: the list may be wanted at the end. */
static void reset_signals(void)
{
    static const int kept[] = {SIGINT, SIGQUIT, SIGTERM, SIGHUP};
    sigset_t blocked;
    for (int number = 1; number < NSIG; number++)
        signal(number, SIG_DFL);
    sigemptyset(&blocked);
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
        sigaddset(&blocked, kept[i]);
    sigprocmask(SIG_SETMASK, &blocked, NULL);
}

static _Noreturn void copy_and_list(const struct rts_rpm_run *run, const char *lister,
                                    const struct rts_rpm_job *job)
{
    static char clean[] = "LC_ALL=C";
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/db", run->folder.path);
    reset_signals();
    /* librpm's complaints are of no use to anybody here. */
    int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (nothing < 0 || dup2(nothing, STDIN_FILENO) < 0 || dup2(nothing, STDERR_FILENO) < 0 ||
        dup2(run->list, STDOUT_FILENO) < 0)
        _exit(EXIT_FAILED);
    int copied = copy(job, &run->folder);
    if (copied != 0)
        _exit(copied);
    if (geteuid() == 0)
        rts_rpm_folder_give_away(&run->folder);
    char *environment[] = {clean, NULL};
    char *argv[] = {(char *)(uintptr_t)lister,
                    (char *)(uintptr_t)rts_rpm_format(job->source.format)->backend, path, NULL};
    execve(lister, argv, environment);
    _exit(EXIT_FAILED);
}

int rts_rpm_run_start(struct rts_rpm_run *run, const char *lister, const struct rts_rpm_job *job)
{
    *run = (struct rts_rpm_run){.pid = -1, .list = -1};
    bool made = rts_rpm_folder_make(&run->folder);
    run->list = made ? rts_rpm_folder_open_list(&run->folder) : -1;
    if (run->list >= 0)
        run->pid = fork();
    if (run->pid == 0)
        copy_and_list(run, lister, job);
    if (run->pid > 0)
        return 0;
    rts_rpm_run_finish(run);
    return -1;
}

static bool is_whole(int list)
{
    char end[4];
    off_t size = lseek(list, 0, SEEK_END);
    if (size == 2)
        return pread(list, end, 2, 0) == 2 && memcmp(end, "E\n", 2) == 0;
    return size > 2 && pread(list, end, 3, size - 3) == 3 && memcmp(end, "\nE\n", 3) == 0;
}

enum rts_rpm_end rts_rpm_run_end(const struct rts_rpm_run *run, int status)
{
    if (WIFSIGNALED(status)) /* by its limit on CPU time, or by whoever starts it */
        return WTERMSIG(status) == SIGXCPU || WTERMSIG(status) == SIGKILL ? RTS_RPM_LATE
                                                                          : RTS_RPM_DAMAGED;
    switch (WEXITSTATUS(status)) {
    case 0: return is_whole(run->list) ? RTS_RPM_LISTED : RTS_RPM_DAMAGED;
    case EXIT_NOTHING_FOUND: return RTS_RPM_UNKNOWN;
    case EXIT_CHANGED: return RTS_RPM_CHANGED;
    case EXIT_TOO_LARGE: return RTS_RPM_TOO_LARGE;
    case EXIT_FAILED: return RTS_RPM_UNCOPIED;
    default: return RTS_RPM_DAMAGED;
    }
}

void rts_rpm_run_finish(struct rts_rpm_run *run)
{
    rts_rpm_folder_remove(&run->folder);
    if (run->list >= 0)
        close(run->list);
    run->list = -1;
}
