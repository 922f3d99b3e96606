/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Four functions with frames of different sizes that call each other 400 deep.
 *
 * EXPECT: spin < small|medium|large|odd < small < medium < large < odd < main < _start
 * FRAMES: 400
 * BUILD recursion-O0: $CC -O0 -o $OUT $SRC
 * BUILD recursion-O2: $CC -O2 -fomit-frame-pointer -o $OUT $SRC
 */
#include "program.h"

enum {
    DEPTH = 400
};

OWN_FRAME void small(int depth);
OWN_FRAME void medium(int depth);
OWN_FRAME void large(int depth);
OWN_FRAME void odd(int depth);

OWN_FRAME void spin(void)
{
    program_ready();
    while (!program_stop)
        program_counter++;
}

OWN_FRAME void small(int depth)
{
    if (depth == 0)
        spin();
    else
        medium(depth - 1);
    NOT_A_TAIL_CALL();
}

OWN_FRAME void medium(int depth)
{
    volatile char room[17];

    room[depth % 17] = 1;
    if (depth == 0)
        spin();
    else
        large(depth - room[depth % 17]);
    NOT_A_TAIL_CALL();
}

OWN_FRAME void large(int depth)
{
    volatile char room[48];

    room[depth % 48] = 1;
    if (depth == 0)
        spin();
    else
        odd(depth - room[depth % 48]);
    NOT_A_TAIL_CALL();
}

/* Recurs a few times into itself before it goes on. */
OWN_FRAME void odd(int depth)
{
    if (depth == 0)
        spin();
    else if (depth % 3 == 0)
        odd(depth - 1);
    else
        small(depth - 1);
    NOT_A_TAIL_CALL();
}

int main(void)
{
    small(DEPTH);
    return 0;
}
