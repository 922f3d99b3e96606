/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads the clock in a tight loop: most samples lie in the vDSO, when the machine's clock can be
 * read there.
 *
 * EXPECT: _ < clock_loop < main < _start
 * SEEN: __vdso_clock_gettime|clock_gettime
 * BUILD vdso: $CC -O2 -o $OUT $SRC
 */
#include <time.h>

#include "program.h"

OWN_FRAME void clock_loop(void)
{
    struct timespec now;

    while (!program_stop) {
        clock_gettime(CLOCK_MONOTONIC, &now);
        program_counter += (unsigned long)now.tv_nsec;
    }
}

int main(void)
{
    program_ready();
    clock_loop();
    return 0;
}
