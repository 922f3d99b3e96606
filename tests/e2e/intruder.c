/* SPDX-License-Identifier: Apache-2.0 */
/*
 * To be preloaded into rtsample: somebody who has got into its main thread. Once that is sealed,
 * the call named in $INTRUDER is made there, in a signal handler. "none" makes none, and leaves the
 * file $INTRUDER_MARK as all others do just before, if that may be done.
 */
#include <fcntl.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

static const char *call;
static int mark = -1;

static void make_call(void)
{
    char *const argv[] = {(char *)"true", NULL};
    if (strcmp(call, "socket") == 0)
        (void)!socket(AF_INET, SOCK_STREAM, 0);
    else if (strcmp(call, "ptrace") == 0)
        ptrace(PTRACE_ATTACH, getppid(), NULL, NULL);
    else if (strcmp(call, "open") == 0)
        syscall(437, AT_FDCWD, "/etc/passwd", (const unsigned long[3]){O_RDONLY}, 24); /* openat2 */
    else if (strcmp(call, "execve") == 0)
        execv("/bin/true", argv);
    else if (strcmp(call, "mount") == 0)
        mount("none", "/mnt", "tmpfs", 0, NULL);
    else if (strcmp(call, "bpf") == 0)
        syscall(SYS_bpf, 0, NULL, 0);
    else if (strcmp(call, "poke") == 0)
        syscall(SYS_process_vm_writev, getppid(), NULL, 0, NULL, 0, 0);
    else if (strcmp(call, "unshare") == 0)
        syscall(SYS_unshare, 0);
    else if (strcmp(call, "read") == 0) {
        if (open("/etc/passwd", O_RDONLY) >= 0)
            abort(); /* it is refused */
    } else if (strcmp(call, "unknown") == 0)
        syscall(4000);
    else if (strcmp(call, "none") == 0)
        getppid();
    else
        abort();
}

/* Of the process: it may run in any thread that does not block the signal, and makes the call in
 * the main one alone. What it sees first is no_new_privs, just before there is the filter. */
static void look(int number)
{
    static const struct itimerval never;
    static int seen;
    (void)number;
    if (getpid() != (pid_t)syscall(SYS_gettid) || prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1 ||
        prctl(PR_GET_SECCOMP, 0, 0, 0, 0) != SECCOMP_MODE_FILTER || ++seen < 5)
        return;
    setitimer(ITIMER_REAL, &never, NULL);
    (void)!write(mark, "x", 1);
    make_call();
}

__attribute__((constructor)) static void arm(void)
{
    const struct itimerval often = {{0, 50000}, {0, 50000}};
    struct sigaction action = {.sa_handler = look, .sa_flags = SA_RESTART};
    const char *path = getenv("INTRUDER_MARK");
    call = getenv("INTRUDER");
    if (!call || !path)
        return;
    mark = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &often, NULL);
}
