/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A signal handler that returns to code without CFI, right behind a function that has some: only
 * the code itself says that it is no caller.
 *
 * NEEDS: machine x86_64
 * EXPECT: handler_spin < handler < interrupted < outer < main < _start
 * ABSENT: just_before
 * BUILD restorer-wide: $CC -O2 -DRESTORER='"mov $15, %rax"' -o $OUT $SRC
 * BUILD restorer-narrow: $CC -O2 -DRESTORER='"mov $15, %eax"' -o $OUT $SRC
 * BUILD restorer-stripped: $CC -O2 -DRESTORER='"mov $15, %rax"' -o $OUT $SRC
 * BUILD restorer-stripped: objcopy -N restorer $OUT
 *
 * The interrupted code's stack is not copied, but its registers are known:
 * EXPECT restorer-alternate: handler_spin < handler < interrupted
 * STOP restorer-alternate: complete alt_stack
 * BUILD restorer-alternate: $CC -O2 -DALTERNATE -DRESTORER='"mov $15, %rax"' -o $OUT $SRC
 *
 * musl has no CFI where it calls main.
 * NEEDS restorer-musl: tool musl-gcc
 * EXPECT restorer-musl: handler_spin < handler < interrupted < outer < main
 * STOP restorer-musl: no_cfi
 * ABSENT restorer-musl: just_before setjmp
 * BUILD restorer-musl: musl-gcc -O2 -o $OUT $SRC
 * NEEDS restorer-musl-static: tool musl-gcc
 * EXPECT restorer-musl-static: handler_spin < handler < interrupted < outer < main
 * STOP restorer-musl-static: no_cfi
 * ABSENT restorer-musl-static: just_before setjmp
 * BUILD restorer-musl-static: musl-gcc -O2 -static -o $OUT $SRC
 */
#define _GNU_SOURCE
#include <signal.h>
#include <sys/syscall.h>

#include "program.h"

#ifndef RESTORER
#define RESTORER "mov $15, %rax"
#endif

void restorer(void);
void interrupted(void);

/* The signal hits at the first instruction of `interrupted`. */
__asm__(".text\n"
        ".globl just_before, restorer, interrupted\n"
        ".type just_before, @function\n"
        "just_before:\n"
        ".cfi_startproc\n"
        "nop\n"
        "ret\n"
        ".cfi_endproc\n"
        ".size just_before, . - just_before\n"
        "restorer:\n" RESTORER "\n"
        "syscall\n"
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

/* The C library's restorer, or ours. */
static void handle(int number, int flags)
{
#ifdef __GLIBC__
    struct {
        void (*handler)(int);
        unsigned long flags;
        void (*restorer)(void);
        unsigned long mask;
    } action = {handler, (unsigned long)flags | 0x04000000 /* SA_RESTORER */, restorer, 0};

    syscall(SYS_rt_sigaction, number, &action, NULL, sizeof(action.mask));
#else
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags};

    sigaction(number, &action, NULL);
#endif
}

int main(void)
{
#ifdef ALTERNATE
    static char alternate[256 * 1024];
    stack_t stack = {.ss_sp = alternate, .ss_size = sizeof(alternate)};

    sigaltstack(&stack, NULL);
    handle(SIGILL, SA_ONSTACK);
#else
    handle(SIGILL, 0);
#endif
    outer();
    return 0;
}
