/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A function with several names. The one to use is fixed: functions before untyped labels, global
 * before weak before local, fewer leading underscores, the shorter, byte order.
 *
 * EXPECT: spin_a < main < _start
 * ALIASES: spin_a __spin,local_spin,spin,spin_b,spin_longer
 * BUILD aliases: $CC -O2 -o $OUT $SRC
 */
#include "program.h"

#define NAME_OF_SPIN __attribute__((alias("__spin")))

OWN_FRAME void __spin(void)
{
    program_ready();
    while (!program_stop)
        program_counter++;
}

extern void spin_a(void) NAME_OF_SPIN;
extern void spin_b(void) NAME_OF_SPIN;
extern void spin_longer(void) NAME_OF_SPIN;
extern void spin(void) __attribute__((weak, alias("__spin")));
static void local_spin(void) __attribute__((used, alias("__spin")));

int main(void)
{
    spin_b();
    return 0;
}
