/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Executes another program after a second and a half of CPU time: the process stays, its code is
 * another.
 *
 * SEEN: first_life second_life
 * EXPECT: _ < main < _start
 * BUILD two-lives: $CC -O2 -DSECOND -o $OUT-second $SRC
 * BUILD two-lives: $CC -O2 -o $OUT $SRC
 */
#include <stdio.h>
#include <time.h>

#include "program.h"

#ifdef SECOND

OWN_FRAME void second_life(void)
{
    alarm(120);
    while (!program_stop)
        program_counter++;
}

int main(void)
{
    second_life();
    return 0;
}

#else

OWN_FRAME void first_life(void)
{
    struct timespec used;

    do {
        for (int i = 0; i < 1000000; i++)
            program_counter++;
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    } while (used.tv_sec == 0 || (used.tv_sec == 1 && used.tv_nsec < 500000000));
}

int main(int argc, char **argv)
{
    char path[4096];

    (void)argc;
    snprintf(path, sizeof(path), "%s-second", argv[0]);
    program_ready();
    first_life();
    execl(path, path, (char *)NULL);
    return 1;
}

#endif
