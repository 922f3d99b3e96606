/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A function whose last instruction is a call that never returns: the return address is already the
 * first byte of the function that follows.
 *
 * NEEDS: machine x86_64
 * EXPECT: spin < last_call < outer < main < _start
 * ABSENT: follows_last_call
 * BUILD noreturn: $CC -O2 -o $OUT $SRC
 * BUILD noreturn-no-cfi: $CC -O2 -fno-omit-frame-pointer -DNO_CFI -o $OUT $SRC
 */
#include "program.h"

#ifdef NO_CFI
#define CFI(directive) ""
#else
#define CFI(directive) ".cfi_" directive "\n"
#endif

void last_call(void);
void follows_last_call(void);

__asm__(".text\n"
        ".globl last_call\n"
        ".type last_call, @function\n"
        "last_call:\n" CFI("startproc") "push %rbp\n" CFI("def_cfa_offset 16")
            CFI("offset 6, -16") "mov %rsp, %rbp\n" CFI("def_cfa_register 6") "call spin\n" CFI(
                "endproc") ".size last_call, . - last_call\n"
                           ".globl follows_last_call\n"
                           ".type follows_last_call, @function\n"
                           "follows_last_call:\n" CFI(
                               "startproc") "nop\n"
                                            "ret\n" CFI("endproc") ".size follows_last_call, . - "
                                                                   "follows_last_call\n");

OWN_FRAME void spin(void)
{
    program_ready();
    while (!program_stop)
        program_counter++;
    _exit(0);
}

OWN_FRAME void outer(void)
{
    last_call();
    NOT_A_TAIL_CALL();
}

int main(int argc, char **argv)
{
    (void)argv;
    if (argc > 10)
        follows_last_call();
    outer();
    return 0;
}
