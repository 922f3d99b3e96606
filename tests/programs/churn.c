/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A program to be copied: each copy gets a name of its own for its function, and a build-id of its
 * own, in place of those here (tests/e2e/churn_lib.py). It has as many functions as a program of
 * middle size. With an argument it uses so many milliseconds of the processor, and ends.
 *
 * EXPECT: churn_worker_0000000 < main
 * NEEDS churn-static: file libc.a
 * BUILD churn: $CC -O2 -Wl,--build-id=sha1 -o $OUT $SRC
 * BUILD churn-static: $CC -O2 -static -Wl,--build-id=sha1 -o $OUT $SRC
 */
#include <stdlib.h>
#include <time.h>

#include "program.h"

#define FUNCTION(n)                                                                                \
    OWN_FRAME unsigned long filler_##n(unsigned long value);                                       \
    OWN_FRAME unsigned long filler_##n(unsigned long value)                                        \
    {                                                                                              \
        volatile unsigned long kept[4] = {value, n};                                               \
        return kept[value & 3] + 0x##n;                                                            \
    }
#define TEN(n)                                                                                     \
    FUNCTION(n##0)                                                                                 \
    FUNCTION(n##1)                                                                                 \
    FUNCTION(n##2)                                                                                 \
    FUNCTION(n##3)                                                                                 \
    FUNCTION(n##4) FUNCTION(n##5) FUNCTION(n##6) FUNCTION(n##7) FUNCTION(n##8) FUNCTION(n##9)
#define HUNDRED(n)                                                                                 \
    TEN(n##0)                                                                                      \
    TEN(n##1) TEN(n##2) TEN(n##3) TEN(n##4) TEN(n##5) TEN(n##6) TEN(n##7) TEN(n##8) TEN(n##9)

HUNDRED(1)
HUNDRED(2)
HUNDRED(3)
HUNDRED(4)
HUNDRED(5)
HUNDRED(6)
HUNDRED(7)
HUNDRED(8)
HUNDRED(9)

static long used_microseconds(void)
{
    struct timespec used;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return used.tv_sec * 1000000 + used.tv_nsec / 1000;
}

/* `microseconds` 0: for ever. */
OWN_FRAME void churn_worker_0000000(long microseconds);
OWN_FRAME void churn_worker_0000000(long microseconds)
{
    do {
        for (int i = 0; i < 100000; i++)
            program_counter++;
    } while (!program_stop && (microseconds == 0 || used_microseconds() < microseconds));
}

int main(int argc, char **argv)
{
    if (argc < 2)
        program_ready();
    churn_worker_0000000(argc < 2 ? 0 : 1000 * atol(argv[1]));
    NOT_A_TAIL_CALL();
    return 0;
}
