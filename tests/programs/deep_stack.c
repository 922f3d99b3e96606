/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A recursion that has a MiB of stack: a sample's copy has a sixteenth of it.
 *
 * EXPECT: spin < descend < main < _start
 * BUILD deep-stack: $CC -O2 -fomit-frame-pointer -o $OUT $SRC
 */
#include "program.h"

enum {
    DEPTH = 1024,
    ROOM = 1024
};

OWN_FRAME void spin(void)
{
    program_ready();
    while (!program_stop)
        program_counter++;
}

OWN_FRAME void descend(int depth)
{
    volatile char room[ROOM];

    room[depth % ROOM] = 1;
    if (depth == 0)
        spin();
    else
        descend(depth - room[depth % ROOM]);
    NOT_A_TAIL_CALL();
}

int main(void)
{
    descend(DEPTH);
    return 0;
}
