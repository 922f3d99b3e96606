/* SPDX-License-Identifier: Apache-2.0 */
/*
 * usage: confine CALLER TARGET PLACE TARGET-PROGRAM COMMAND [ARG...]
 *
 * Starts the target program, waits until it says that it is ready, and runs the command on it, with
 * "-p PID" behind its arguments. Ends with the command's exit status, and the target is killed.
 *
 *   CALLER  as whom the command runs: root, none (an ordinary user), or that user with one
 *           capability: perfmon, sys_admin, sys_ptrace
 *   TARGET  as whom the target runs: own (the command's user) or other
 *   PLACE   plain; pidns, both in a pid namespace of their own; userns, both in a user namespace of
 *           their own; eperm or enosys, the command under a seccomp filter that answers
 *           perf_event_open(2) so
 *
 * It has to be started as root, except for "none own" and "none other" in plain, eperm and enosys,
 * where others is process 1. Exit status 99: it could not be arranged.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define USER       1000
#define OTHER_USER 1001

#define PERFMON 38

static void give_up(const char *what)
{
    fprintf(stderr, "confine: %s: %s\n", what, strerror(errno));
    _exit(99);
}

static int capability_of(const char *caller)
{
    static const struct {
        const char *name;
        int capability;
    } known[] = {
        {"perfmon", PERFMON}, {"sys_admin", CAP_SYS_ADMIN}, {"sys_ptrace", CAP_SYS_PTRACE}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(caller, known[i].name) == 0)
            return known[i].capability;
    return -1;
}

/* The capability in every set, the ambient one too, so that it survives the exec. */
static void keep_one(int capability)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {{0}};
    if (capability >= 0) {
        uint32_t bit = 1U << (capability % 32);
        data[capability / 32] = (struct __user_cap_data_struct){bit, bit, bit};
    }
    if (syscall(SYS_capset, &header, data) < 0)
        give_up("capset");
    if (capability >= 0 && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0) < 0)
        give_up("ambient capability");
}

static void become(uid_t user)
{
    if (setgroups(0, NULL) < 0 || setresgid(user, user, user) < 0 ||
        setresuid(user, user, user) < 0)
        give_up("changing the user");
}

static void become_caller(const char *caller)
{
    if (geteuid() != 0 || strcmp(caller, "root") == 0)
        return;
    prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0);
    become(USER);
    keep_one(capability_of(caller));
}

static void refuse_perf_events(int number)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_perf_event_open, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)number),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof code / sizeof *code, code};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) < 0)
        give_up("seccomp filter");
}

static void write_map(pid_t child, const char *name)
{
    char path[64];
    static const char map[] = "0 0 65536";
    snprintf(path, sizeof path, "/proc/%d/%s", (int)child, name);
    FILE *file = fopen(path, "w");
    if (!file || fputs(map, file) < 0 || fclose(file) != 0)
        give_up(path);
}

/* A child in a user namespace that maps the usual ids to themselves. The parent stays behind, waits
 * for it and ends as it does. */
static void enter_user_namespace(void)
{
    int in[2], mapped[2];
    char byte;
    if (pipe(in) < 0 || pipe(mapped) < 0)
        give_up("pipe");
    pid_t child = fork();
    if (child > 0) {
        int status;
        close(in[1]); /* that the child ends is an end to read, too */
        if (read(in[0], &byte, 1) != 1)
            give_up("user namespace");
        write_map(child, "uid_map");
        write_map(child, "gid_map");
        if (write(mapped[1], "", 1) != 1 || waitpid(child, &status, 0) < 0)
            give_up("waiting");
        _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 99);
    }
    if (child < 0 || unshare(CLONE_NEWUSER) < 0 || write(in[1], "", 1) != 1 ||
        read(mapped[0], &byte, 1) != 1)
        give_up("user namespace");
    if (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
        give_up("root of the user namespace");
}

static void enter_pid_namespace(void)
{
    int status;
    if (unshare(CLONE_NEWPID | CLONE_NEWNS) < 0)
        give_up("pid namespace");
    pid_t child = fork();
    if (child > 0) {
        if (waitpid(child, &status, 0) < 0)
            give_up("waiting");
        _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 99);
    }
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount("proc", "/proc", "proc", 0, NULL) < 0)
        give_up("mounting proc");
}

static pid_t start_target(const char *program, const char *caller, const char *target)
{
    int ready[2];
    char text[6];
    if (pipe(ready) < 0)
        give_up("pipe");
    pid_t pid = fork();
    if (pid == 0) {
        dup2(ready[1], STDOUT_FILENO);
        close(ready[0]);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (geteuid() == 0 && strcmp(target, "other") == 0)
            become(OTHER_USER);
        else if (geteuid() == 0 && strcmp(caller, "root") != 0)
            become(USER);
        execl(program, program, (char *)NULL);
        _exit(99);
    }
    close(ready[1]);
    if (pid < 0 || read(ready[0], text, sizeof text) != (ssize_t)sizeof text)
        give_up("starting the target");
    close(ready[0]);
    return pid;
}

static int run_command(char **argv, int argc, pid_t target, const char *caller, const char *place)
{
    int status;
    char pid[16];
    char **command = calloc((size_t)argc + 3, sizeof *command);
    snprintf(pid, sizeof pid, "%d", (int)target);
    memcpy(command, argv, (size_t)argc * sizeof *argv);
    command[argc] = "-p";
    command[argc + 1] = pid;
    pid_t child = fork();
    if (child == 0) {
        become_caller(caller);
        if (strcmp(place, "eperm") == 0)
            refuse_perf_events(EPERM);
        else if (strcmp(place, "enosys") == 0)
            refuse_perf_events(ENOSYS);
        execv(command[0], command);
        give_up(command[0]);
    }
    if (child < 0 || waitpid(child, &status, 0) < 0)
        give_up("waiting");
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int main(int argc, char **argv)
{
    if (argc < 6)
        return 99;
    const char *caller = argv[1], *target = argv[2], *place = argv[3];
    bool others = geteuid() != 0 && strcmp(target, "other") == 0;
    if (strcmp(place, "userns") == 0)
        enter_user_namespace();
    else if (strcmp(place, "pidns") == 0)
        enter_pid_namespace();
    pid_t pid = others ? 1 : start_target(argv[4], caller, target);
    int status = run_command(argv + 5, argc - 5, pid, caller, place);
    if (!others)
        kill(pid, SIGKILL);
    return status;
}
