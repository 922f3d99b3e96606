/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Forks and executes a short-lived program as fast as it can, one after the other, as a shell
 * script does. The short-lived one uses 5 ms of the processor: an inherited event begins its period
 * anew, so that at 499 Hz the first sample of each comes 2 ms after its fork, and may hit the
 * loader.
 *
 * SEEN: short_lived_work short_lived_main main
 * BUILD storm: $CC -O2 -DSHORT_LIVED -o $OUT-short-lived $SRC
 * BUILD storm: $CC -O2 -o $OUT $SRC
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>

#include "program.h"

#ifdef SHORT_LIVED

static long used_microseconds(void)
{
    struct timespec used;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return used.tv_sec * 1000000 + used.tv_nsec / 1000;
}

/* From here on: on a busy machine the loader alone may have used as much. */
OWN_FRAME void short_lived_work(void)
{
    long start = used_microseconds();

    do {
        for (int i = 0; i < 10000; i++)
            program_counter++;
    } while (used_microseconds() - start < 5000);
}

OWN_FRAME void short_lived_main(void)
{
    short_lived_work();
    NOT_A_TAIL_CALL();
}

int main(void)
{
    short_lived_main();
    return 0;
}

#else

int main(int argc, char **argv)
{
    char path[4096];

    (void)argc;
    snprintf(path, sizeof(path), "%s-short-lived", argv[0]);
    program_ready();
    while (!program_stop) {
        pid_t child = fork();

        if (child < 0)
            return 1;
        if (child == 0) {
            execl(path, path, (char *)NULL);
            _exit(127);
        }
        if (waitpid(child, NULL, 0) < 0)
            return 1;
        program_counter++;
    }
    return 0;
}

#endif
