/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tiny functions that save and restore registers, called all the time: most samples lie in a
 * prologue or an epilogue.
 *
 * EXPECT: _ < calling < main < _start
 * SEEN: saves_two saves_five saves_none
 * BUILD prologues-nofp: $CC -O2 -fomit-frame-pointer -o $OUT $SRC
 * BUILD prologues-fp: $CC -O2 -fno-omit-frame-pointer -o $OUT $SRC
 * BUILD prologues-O0: $CC -O0 -o $OUT $SRC
 * NEEDS: machine x86_64
 */
#include "program.h"

/* Saves nothing, and yet is long enough to be hit. */
OWN_FRAME void saves_none(void)
{
    __asm__ volatile(".rept 16\n\tlea 1(%%rax), %%rax\n\t.endr" ::: "rax");
}

OWN_FRAME void saves_two(void)
{
    __asm__ volatile("" ::: "rbx", "r12");
}

OWN_FRAME void saves_five(void)
{
    volatile char room[40];

    room[3] = 1;
    __asm__ volatile("" ::: "rbx", "r12", "r13", "r14", "r15");
    saves_two();
    room[4] = room[3];
}

OWN_FRAME void calling(void)
{
    while (!program_stop) {
        saves_two();
        saves_five();
        saves_none();
    }
}

int main(void)
{
    program_ready();
    calling();
    return 0;
}
