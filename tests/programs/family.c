/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One process with a thread. A fifth of a second after "ready" it gets another thread, a child and,
 * by that child, a grandchild. Each works in a function of its own.
 *
 * SEEN: by_leader by_early_thread by_late_thread by_child by_grandchild
 * BUILD family: $CC -O2 -pthread -o $OUT $SRC
 */
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>

#include "program.h"

#define BUSY(name)                                                                                 \
    OWN_FRAME void name(void)                                                                      \
    {                                                                                              \
        while (!program_stop)                                                                      \
            program_counter++;                                                                     \
    }

BUSY(by_leader)
BUSY(by_early_thread)
BUSY(by_late_thread)
BUSY(by_child)
BUSY(by_grandchild)

/* A new process that does not outlive the thread that made it; returns true in it. */
static int became_child(void)
{
    if (fork() != 0)
        return 0;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    alarm(120);
    return 1;
}

static void *early_thread(void *argument)
{
    by_early_thread();
    return argument;
}

static void *late_thread(void *argument)
{
    if (became_child()) {
        if (became_child())
            by_grandchild();
        by_child();
    }
    by_late_thread();
    return argument;
}

int main(void)
{
    pthread_t thread;

    if (pthread_create(&thread, NULL, early_thread, NULL) != 0)
        return 1;
    program_ready();
    usleep(200000);
    if (pthread_create(&thread, NULL, late_thread, NULL) != 0)
        return 1;
    by_leader();
    return 0;
}
