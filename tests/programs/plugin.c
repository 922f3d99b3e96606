/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One of the two shared objects of plugin_host.c: uses 30 ms of the processor per call. With RED
 * the spinning function comes first, with BLUE the one that calls it.
 */
#include <time.h>

#include "program.h"

static long used_ms(void)
{
    struct timespec used;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    return used.tv_sec * 1000 + used.tv_nsec / 1000000;
}

#define SPIN(name)                                                                                 \
    OWN_FRAME void name(void)                                                                      \
    {                                                                                              \
        long end = used_ms() + 30;                                                                 \
                                                                                                   \
        while (used_ms() < end)                                                                    \
            for (int i = 0; i < 100000; i++)                                                       \
                program_counter++;                                                                 \
    }

#define ENTER(name, spin)                                                                          \
    OWN_FRAME void spin(void);                                                                     \
    OWN_FRAME void name(void)                                                                      \
    {                                                                                              \
        spin();                                                                                    \
        NOT_A_TAIL_CALL();                                                                         \
    }

#ifdef RED
SPIN(red_spin)
ENTER(red_enter, red_spin)
#else
ENTER(blue_enter, blue_spin)
SPIN(blue_spin)
#endif
