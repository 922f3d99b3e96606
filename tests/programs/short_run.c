/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Works for a while (argument 1: milliseconds of processor time, 700 by default) and ends by itself
 * with the status of argument 2.
 *
 * EXPECT: short_run < main < _start
 * BUILD short-run: $CC -O2 -o $OUT $SRC
 */
#include <stdlib.h>
#include <time.h>

#include "program.h"

OWN_FRAME void short_run(long milliseconds)
{
    struct timespec used;

    do {
        for (int i = 0; i < 1000000; i++)
            program_counter++;
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    } while (used.tv_sec * 1000 + used.tv_nsec / 1000000 < milliseconds);
}

int main(int argc, char **argv)
{
    program_ready();
    short_run(argc > 1 ? atol(argv[1]) : 700);
    return argc > 2 ? atoi(argv[2]) : 0;
}
