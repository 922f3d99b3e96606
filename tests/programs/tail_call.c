/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A call that the compiler makes a jump: the function that jumped is on no stack any more.
 *
 * EXPECT: spin < jumped_to < caller < main < _start
 * ABSENT: jumps
 * BUILD tail-call: $CC -O2 -foptimize-sibling-calls -o $OUT $SRC
 */
#include "program.h"

OWN_FRAME void spin(void)
{
    program_ready();
    while (!program_stop)
        program_counter++;
}

OWN_FRAME void jumped_to(void)
{
    spin();
    NOT_A_TAIL_CALL();
}

OWN_FRAME void jumps(void)
{
    program_counter++;
    jumped_to();
}

OWN_FRAME void caller(void)
{
    jumps();
    NOT_A_TAIL_CALL();
}

int main(void)
{
    caller();
    return 0;
}
