/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A coroutine on a stack of its own, from the heap: main is not on that stack. How such a stack
 * ends depends on whether the C library has marked the place to which its first function returns.
 *
 * STOP: complete no_cfi
 * EXPECT: spin < coroutine_body
 * ABSENT: main
 * BUILD coroutine: $CC -O2 -o $OUT $SRC
 */
#include <stdlib.h>
#include <ucontext.h>

#include "program.h"

enum {
    STACK_SIZE = 256 * 1024
};

OWN_FRAME void spin(void)
{
    program_ready();
    while (!program_stop)
        program_counter++;
}

OWN_FRAME void coroutine_body(void)
{
    spin();
    NOT_A_TAIL_CALL();
}

int main(void)
{
    static ucontext_t back, there;

    if (getcontext(&there) != 0)
        return 1;
    there.uc_stack.ss_sp = malloc(STACK_SIZE);
    there.uc_stack.ss_size = STACK_SIZE;
    there.uc_link = &back;
    makecontext(&there, coroutine_body, 0);
    return swapcontext(&back, &there);
}
