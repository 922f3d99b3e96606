/* SPDX-License-Identifier: Apache-2.0 */
#include "package/rpm_run.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/clock.h"

#define NOBODY 65534

/* A database has two files. */
#define FILES_MAX 16

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

static void give_file(int folder, const char *name)
{
    RTS_CLOSE int file = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (file >= 0)
        (void)!fchown(file, NOBODY, NOBODY);
}

/* Gives the folder, and what is in it, to nobody. In user namespaces without such an id all stays
 * ours, and rtsample-rpm does so, too. */
static void give_away(int folder)
{
    int again = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *directory = again < 0 ? NULL : fdopendir(again);
    struct dirent *entry;
    if (!directory && again >= 0)
        close(again);
    for (int i = 0; directory && i < FILES_MAX && (entry = readdir(directory)); i++)
        if (entry->d_name[0] != '.')
            give_file(folder, entry->d_name);
    if (directory)
        closedir(directory);
    (void)!fchown(folder, NOBODY, NOBODY);
}

static int start(const char *lister, const struct rts_rpm_job *job, int messages, pid_t *pid)
{
    static char clean[] = "LC_ALL=C";
    char *environment[] = {clean, NULL};
    char *argv[] = {(char *)(uintptr_t)lister, (char *)(uintptr_t)job->backend,
                    (char *)(uintptr_t)job->folder, NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, job->list, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, messages, STDERR_FILENO);
    int number = posix_spawn(pid, lister, &actions, &attributes, argv, environment);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return number;
}

/* Until the other end is closed; what comes is librpm's complaints, of no use to anybody here. */
static void wait_for_end(int messages, uint64_t wait_ms)
{
    uint64_t deadline = rts_clock_monotonic_ns() + wait_ms * 1000000ULL;
    char ignored[4096];
    for (uint64_t now; (now = rts_clock_monotonic_ns()) < deadline;) {
        struct pollfd event = {.fd = messages, .events = POLLIN};
        int ready = poll(&event, 1, (int)((deadline - now) / 1000000) + 1);
        ssize_t size = ready > 0 ? read(messages, ignored, sizeof ignored) : -1;
        if (size == 0 || (size < 0 && ready > 0 && errno != EINTR))
            return;
    }
}

int rts_rpm_run(const char *lister, const struct rts_rpm_job *job)
{
    int ends[2], status = -1;
    pid_t pid;
    RTS_CLOSE int folder = open(job->folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (folder < 0 || pipe2(ends, O_CLOEXEC) < 0)
        return -1;
    if (geteuid() == 0)
        give_away(folder);
    int number = start(lister, job, ends[1], &pid);
    close(ends[1]);
    if (number == 0) {
        wait_for_end(ends[0], job->wait_ms);
        kill(pid, SIGKILL); /* it has ended, or it is late */
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
            continue;
    }
    close(ends[0]);
    if (geteuid() == 0)
        (void)!fchown(folder, geteuid(), getegid()); /* who made it removes it */
    return number == 0 && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}
