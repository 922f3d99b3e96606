/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Functions with shares from large to small, by themselves and through each other, so that what two
 * tools say of the same samples can be compared function by function. With a number it ends after
 * so many rounds.
 *
 * EXPECT: _ < main < _start
 * SEEN: large medium small recurse both sort compare
 * BUILD shares: $CC -O1 -fno-omit-frame-pointer -g -o $OUT $SRC
 */
#include <stdlib.h>

#include "program.h"

static void work(unsigned amount)
{
    for (unsigned i = 0; i < amount; i++)
        program_counter += i * i;
}

OWN_FRAME void large(void)
{
    work(8000);
    NOT_A_TAIL_CALL();
}

OWN_FRAME void medium(void)
{
    work(2000);
    NOT_A_TAIL_CALL();
}

OWN_FRAME void small(void)
{
    work(800);
    NOT_A_TAIL_CALL();
}

OWN_FRAME void recurse(unsigned depth)
{
    if (depth > 0)
        recurse(depth - 1);
    else
        medium();
    NOT_A_TAIL_CALL();
}

OWN_FRAME int compare(const void *left, const void *right)
{
    const int *a = left, *b = right;
    return (*a > *b) - (*a < *b);
}

OWN_FRAME void sort(void)
{
    int numbers[64];
    for (int i = 0; i < 64; i++)
        numbers[i] = rand();
    qsort(numbers, 64, sizeof *numbers, compare);
    NOT_A_TAIL_CALL();
}

OWN_FRAME void both(void)
{
    large();
    small();
    recurse(6);
    NOT_A_TAIL_CALL();
}

int main(int argc, char **argv)
{
    int rounds = argc > 1 ? atoi(argv[1]) : 0;
    program_ready();
    for (int i = 0; !program_stop && (rounds == 0 || i < rounds); i++) {
        both();
        sort();
    }
    return 0;
}
