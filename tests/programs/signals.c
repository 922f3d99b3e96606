/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A signal handler that never returns, on the normal or on an alternate stack. The signal is raised
 * by the first instruction of `interrupted`: a look-up one byte before it, as is right for callers
 * but not here, would name `just_before`.
 *
 * NEEDS: machine x86_64
 * ABSENT: just_before
 *
 * EXPECT: handler_spin < handler < interrupted < outer < main < _start
 * BUILD signal-normal-stack: $CC -O2 -o $OUT $SRC
 *
 * The callers of `interrupted` lie on the other stack:
 * EXPECT signal-alternate-stack: handler_spin < handler < interrupted
 * STOP signal-alternate-stack: complete alt_stack
 * BUILD signal-alternate-stack: $CC -O2 -DALTERNATE -o $OUT $SRC
 */
#include <signal.h>

#include "program.h"

void interrupted(void);

__asm__(".text\n"
        ".globl just_before\n"
        ".type just_before, @function\n"
        "just_before:\n"
        ".cfi_startproc\n"
        "nop\n"
        "ret\n"
        ".cfi_endproc\n"
        ".size just_before, . - just_before\n"
        ".globl interrupted\n"
        ".type interrupted, @function\n"
        "interrupted:\n"
        ".cfi_startproc\n"
        "ud2\n"
        "ret\n"
        ".cfi_endproc\n"
        ".size interrupted, . - interrupted\n");

OWN_FRAME void handler_spin(void)
{
    program_ready();
    while (!program_stop)
        program_counter++;
}

OWN_FRAME void handler(int number)
{
    (void)number;
    handler_spin();
    NOT_A_TAIL_CALL();
}

OWN_FRAME void outer(void)
{
    volatile char room[64];

    room[1] = 1;
    interrupted();
    room[2] = room[1];
}

int main(void)
{
    struct sigaction action = {.sa_handler = handler};

#ifdef ALTERNATE
    static char alternate[256 * 1024];
    stack_t stack = {.ss_sp = alternate, .ss_size = sizeof(alternate)};

    sigaltstack(&stack, NULL);
    action.sa_flags = SA_ONSTACK;
#endif
    sigaction(SIGILL, &action, NULL);
    outer();
    return 0;
}
