/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A frame of 4 MiB: its caller lies beyond any copy of the stack.
 *
 * EXPECT: spin < holds_much
 * ABSENT: main
 * STOP: stack_short
 * BUILD big-frame: $CC -O2 -o $OUT $SRC
 *
 * When it is not touched, the kernel finds no memory there and ends the copy early:
 * STOP big-frame-untouched: stack_short bad_memory
 * BUILD big-frame-untouched: $CC -O2 -DUNTOUCHED -o $OUT $SRC
 */
#include "program.h"

OWN_FRAME void spin(void)
{
    program_ready();
    while (!program_stop)
        program_counter++;
}

OWN_FRAME void holds_much(void)
{
    volatile char room[4 << 20];

#ifndef UNTOUCHED
    for (unsigned long i = 0; i < sizeof(room); i += 1024)
        room[i] = 1;
#endif
    __asm__ volatile("" : : "r"(room) : "memory");
    spin();
    room[1] = room[0];
}

int main(void)
{
    holds_much();
    return 0;
}
