/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the sampled programs share. Each runs until it is killed, and at most 120 s, and prints
 * "ready" once it is about to do what it does for the rest of its life.
 *
 * The comment at the top of each program has lines that the scenarios read; `NAME` is the variant,
 * and a line without it holds for every variant of the source that has no line of its own:
 *
 *   BUILD NAME: command        how it is built (see ./build)
 *   NEEDS [NAME]: kind thing   what it takes to build it (see ./build)
 *   EXPECT [NAME]: a < b < c   functions on (nearly) every stack, the interrupted one first. `_`
 *                              as the first one: the leaf is not a single function. a|b: either.
 *   STOP [NAME]: reason …      how (nearly) every stack ends; complete when there is no such line
 *   SEEN [NAME]: a b …         functions that are seen at all
 *   ABSENT [NAME]: a b …       functions that are on no stack
 *   SHARE [NAME]: a 30 70      a is on 30 % to 70 % of the stacks
 *   SOURCE [NAME]: a word      metadata.symbolSource of a
 *   DEMANGLED [NAME]: a text   metadata.demangled of a
 *   ALIASES [NAME]: a b,c      metadata.aliases of a
 *   FRAMES [NAME]: n           at least n frames per stack on average
 *   UNWINDER [NAME]: word      at least one frame per stack was found this way
 *   COUNTED [NAME]: key        the account counts at least one per stack under this key
 */
#ifndef PROGRAM_H
#define PROGRAM_H

#include <unistd.h>

/* A function with a frame of its own, whatever the optimizer thinks. */
#if defined(__clang__)
#define OWN_FRAME __attribute__((noinline, used))
#else
#define OWN_FRAME __attribute__((noipa, used))
#endif

/* After a call: keeps it from becoming a jump. */
#define NOT_A_TAIL_CALL() __asm__ volatile("" ::: "memory")

/* Never set, which the compiler cannot know: the endless loops below end as far as it can tell. */
static volatile int program_stop;

static volatile unsigned long program_counter;

/* Call when the steady state is about to begin. */
static inline void program_ready(void)
{
    alarm(120);
    if (write(STDOUT_FILENO, "ready\n", 6) != 6)
        _exit(1);
}

#endif
