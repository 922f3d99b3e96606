/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where stacks begin, without CFI that says so, and what only looks like it.
 *
 * NEEDS: machine x86_64
 *
 * What the kernel starts a program with, written in C: its CFI has a return address like any other.
 * EXPECT root-entry: spin < _start
 * BUILD root-entry: $CC -O2 -DENTRY -nostartfiles -o $OUT $SRC
 * EXPECT root-entry-static: spin < _start
 * BUILD root-entry-static: $CC -O2 -DENTRY -nostartfiles -static -o $OUT $SRC
 * EXPECT root-entry-pie: spin < _start
 * BUILD root-entry-pie: $CC -O2 -DENTRY -nostartfiles -static-pie -o $OUT $SRC
 *
 * The dynamic linker, whose start has no CFI, calls a library's constructor.
 * EXPECT root-constructor: spin < constructor
 * BUILD root-constructor: $CC -O2 -DCONSTRUCTOR -shared -fPIC -o $OUT-library.so $SRC
 * BUILD root-constructor: $CC -O2 -Wl,--no-as-needed -o $OUT $SRC $OUT-library.so
 *
 * musl's clone has no CFI either.
 * NEEDS root-musl-clone: tool musl-gcc
 * EXPECT root-musl-clone: spin < child
 * ABSENT root-musl-clone: main
 * BUILD root-musl-clone: musl-gcc -O2 -DCLONE -o $OUT $SRC
 * NEEDS root-musl-clone-static: tool musl-gcc
 * EXPECT root-musl-clone-static: spin < child < __clone
 * ABSENT root-musl-clone-static: main
 * BUILD root-musl-clone-static: musl-gcc -O2 -DCLONE -static -o $OUT $SRC
 * EXPECT root-clone: spin < child < __clone|clone
 * ABSENT root-clone: main
 * BUILD root-clone: $CC -O2 -DCLONE -static -o $OUT $SRC
 *
 * A coroutine whose maker put a zero where its first function returns to.
 * EXPECT root-zero-return: spin < child
 * STOP root-zero-return: no_root
 * ABSENT root-zero-return: main
 * BUILD root-zero-return: $CC -O2 -DZERO_RETURN -o $OUT $SRC
 *
 * A function without CFI that keeps a frame pointer, and has put a zero into it for a while.
 * EXPECT root-zero-frame: spin < without_cfi
 * STOP root-zero-frame: no_root
 * BUILD root-zero-frame: $CC -O2 -DZERO_FRAME -o $OUT $SRC
 */
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "program.h"

enum {
    STACK_SIZE = 256 * 1024
};

int child(void *argument);
void switch_to(void *stack);
void without_cfi(void);

#ifdef ENTRY

/* No C library: it is not set up. */
OWN_FRAME void spin(void)
{
    long written;

    __asm__ volatile("syscall"
                     : "=a"(written)
                     : "a"(37 /* alarm */), "D"(120)
                     : "rcx", "r11", "memory");
    __asm__ volatile("syscall"
                     : "=a"(written)
                     : "a"(1 /* write */), "D"(1), "S"("ready\n"), "d"(6)
                     : "rcx", "r11", "memory");
    while (!program_stop)
        program_counter++;
}

void _start(void)
{
    volatile char room[64];

    room[1] = 1;
    spin();
    room[2] = room[1];
    __builtin_trap();
}

#else

OWN_FRAME void spin(void)
{
    program_ready();
    while (!program_stop)
        program_counter++;
}

OWN_FRAME int child(void *argument)
{
    (void)argument;
    spin();
    NOT_A_TAIL_CALL();
    return 0;
}

#ifdef CONSTRUCTOR

__attribute__((constructor)) OWN_FRAME void constructor(void)
{
    spin();
    NOT_A_TAIL_CALL();
}

#else

__asm__(".text\n"
        ".globl switch_to, without_cfi\n"
        ".type switch_to, @function\n"
        "switch_to:\n"
        "mov %rdi, %rsp\n"
        "ret\n"
        ".size switch_to, . - switch_to\n"
        ".type without_cfi, @function\n"
        "without_cfi:\n"
        "push %rbp\n"
        "mov %rsp, %rbp\n"
        "xor %ebp, %ebp\n"
        "call spin\n"
        "pop %rbp\n"
        "ret\n"
        ".size without_cfi, . - without_cfi\n");

int main(void)
{
    char *stack = malloc(STACK_SIZE);

#if defined CLONE
    waitpid(clone(child, stack + STACK_SIZE, SIGCHLD, NULL), NULL, 0);
#elif defined ZERO_RETURN
    unsigned long *top = (unsigned long *)(stack + STACK_SIZE - 64);

    top[0] = (unsigned long)child;
    top[1] = 0;
    switch_to(top);
#elif defined ZERO_FRAME
    without_cfi();
#endif
    free(stack);
    return 0;
}

#endif
#endif
