/* SPDX-License-Identifier: Apache-2.0 */
#include "doctor/probe.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* For the case that the parent is stopped for good. */
#define CHILD_SECONDS_MAX 60

/* Mostly computing; but samples have to hit in the kernel as well. */
static void work(void)
{
    for (volatile unsigned turn = 0;; turn++)
        if (turn % 4096 == 0)
            syscall(SYS_getppid);
}

int32_t rts_probe_child_start(void)
{
    pid_t parent = getpid();
    pid_t child = fork();
    if (child != 0)
        return (int32_t)child;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    /* As a program that we execute would be: with capabilities of its file, this one is not. */
    prctl(PR_SET_DUMPABLE, 1);
    signal(SIGALRM, SIG_DFL);
    alarm(CHILD_SECONDS_MAX);
    if (getppid() == parent)
        work();
    _exit(0);
}

void rts_probe_child_stop(int32_t pid)
{
    if (pid <= 0)
        return;
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}
