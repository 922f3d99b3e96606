/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Children, or threads, one after the other, each of which uses the processor for half of a
 * millisecond and ends. Argument 1: how many; without it, no end.
 *
 * EXPECT: _ < brief_life
 * BUILD brief-processes: $CC -O2 -pthread -o $OUT $SRC
 * BUILD brief-threads: $CC -O2 -pthread -DTHREADS -o $OUT $SRC
 */
#include <pthread.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>

#include "program.h"

OWN_FRAME void brief_life(void)
{
    struct timespec used;

    do {
        for (int i = 0; i < 10000; i++)
            program_counter++;
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    } while (used.tv_nsec < 500000);
}

static __attribute__((unused)) void *thread_main(void *argument)
{
    brief_life();
    return argument;
}

static int live(void)
{
#ifdef THREADS
    pthread_t thread;

    return pthread_create(&thread, NULL, thread_main, NULL) || pthread_join(thread, NULL);
#else
    pid_t child = fork();

    if (child == 0) {
        brief_life();
        _exit(0);
    }
    return child < 0 || waitpid(child, NULL, 0) < 0;
#endif
}

int main(int argc, char **argv)
{
    long left = argc > 1 ? atol(argv[1]) : -1;

    program_ready();
    while (!program_stop && left-- != 0)
        if (live())
            return 1;
    return 0;
}
