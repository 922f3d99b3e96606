/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames whose size or alignment is only known at run time.
 *
 * EXPECT: spin < realigned < with_array < with_alloca < aligned_array < main < _start
 * BUILD realign-O0: $CC -O0 -mstackrealign -o $OUT $SRC
 * BUILD realign-O2: $CC -O2 -mstackrealign -fomit-frame-pointer -o $OUT $SRC
 * BUILD realign-avx: $CC -O3 -mavx2 -mstackrealign -o $OUT $SRC
 * NEEDS: machine x86_64
 */
#include <alloca.h>
#include <string.h>

#include "program.h"

OWN_FRAME void spin(void)
{
    program_ready();
    while (!program_stop)
        program_counter++;
}

OWN_FRAME void realigned(void)
{
    _Alignas(256) volatile char room[300];

    room[1] = 1;
    spin();
    room[2] = room[1];
}

OWN_FRAME void with_array(int size)
{
    volatile char room[size];

    room[size - 1] = 1;
    realigned();
    room[0] = room[size - 1];
}

OWN_FRAME void with_alloca(int size)
{
    volatile char *room = alloca((unsigned long)size);

    room[0] = 1;
    with_array(size * 2 + room[0]);
    room[size - 1] = room[0];
}

OWN_FRAME void aligned_array(int size)
{
    _Alignas(64) volatile float numbers[64];

    for (int i = 0; i < 64; i++)
        numbers[i] = (float)size;
    with_alloca(size * 100 + (int)numbers[3]);
    numbers[0] = numbers[1];
}

int main(int argc, char **argv)
{
    (void)argv;
    aligned_array(argc);
    return 0;
}
