/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first thread has ended, another one works on.
 *
 * EXPECT: spin < worker
 * ABSENT: main
 * BUILD leaderless: $CC -O2 -pthread -o $OUT $SRC
 */
#include <pthread.h>

#include "program.h"

OWN_FRAME void spin(void)
{
    usleep(50000);
    program_ready();
    while (!program_stop)
        program_counter++;
}

OWN_FRAME void *worker(void *argument)
{
    spin();
    NOT_A_TAIL_CALL();
    return argument;
}

int main(void)
{
    pthread_t thread;

    if (pthread_create(&thread, NULL, worker, NULL) != 0)
        return 1;
    pthread_exit(NULL);
}
