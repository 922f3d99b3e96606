/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Code in anonymous memory, as a just-in-time compiler makes it: it has no file, no CFI, no name,
 * but it keeps a frame pointer.
 *
 * EXPECT: _ < jit_host < main < _start
 * COUNTED: anonymous
 * NEEDS: machine x86_64
 * BUILD jit: $CC -O2 -fomit-frame-pointer -o $OUT $SRC
 *
 * Without a frame pointer there is no way on from it:
 * ABSENT jit-lost: main
 * EXPECT jit-lost:
 * STOP jit-lost: no_cfi bad_memory bad_return no_progress
 * BUILD jit-lost: $CC -O2 -fomit-frame-pointer -DNO_FRAME_POINTER -o $OUT $SRC
 */
#include <string.h>
#include <sys/mman.h>

#include "program.h"

static const unsigned char code[] = {
#ifdef NO_FRAME_POINTER
    0x31, 0xed, /* xor %ebp, %ebp */
    0xff, 0xc5, /* inc %ebp */
    0x50,       /* push %rax */
#else
    0x55,             /* push %rbp */
    0x48, 0x89, 0xe5, /* mov %rsp, %rbp */
#endif
    0xff, 0xc0, /* 1: inc %eax */
    0xeb, 0xfc, /* jmp 1b */
};

OWN_FRAME void jit_host(void)
{
    void (*enter)(void);
    void *memory =
        mmap(NULL, sizeof(code), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (memory == MAP_FAILED)
        _exit(1);
    memcpy(memory, code, sizeof(code));
    if (mprotect(memory, sizeof(code), PROT_READ | PROT_EXEC) != 0)
        _exit(1);
    *(void **)&enter = memory;
    program_ready();
    enter();
    NOT_A_TAIL_CALL();
}

int main(void)
{
    jit_host();
    return 0;
}
