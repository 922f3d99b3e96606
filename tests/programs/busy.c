/* SPDX-License-Identifier: Apache-2.0 */
/*
 * As many threads as argument 1 says (1), each busy all the time.
 *
 * EXPECT: busy
 * BUILD busy: $CC -O2 -pthread -o $OUT $SRC
 */
#include <pthread.h>
#include <stdlib.h>

#include "program.h"

OWN_FRAME void busy(void)
{
    unsigned long count = 0;

    while (!program_stop)
        __asm__ volatile("" : "+r"(count)); /* threads that share a word would share a cache line */
}

static void *thread_main(void *argument)
{
    busy();
    return argument;
}

int main(int argc, char **argv)
{
    long threads = argc > 1 ? atol(argv[1]) : 1;
    pthread_t thread;

    for (long i = 1; i < threads; i++)
        if (pthread_create(&thread, NULL, thread_main, NULL))
            return 1;
    program_ready();
    busy();
    return 0;
}
