/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A 32-bit program on a 64-bit machine: it is sampled, its stacks are not walked. It needs no
 * 32-bit C library, since it uses none.
 *
 * EXPECT:
 * STOP: unsupported_abi
 * NEEDS: machine x86_64
 * BUILD other-abi: $CC -m32 -O1 -static -nostdlib -fno-pie -no-pie -o $OUT $SRC
 */

static volatile unsigned long counter;

static long call(long number, long first, const void *second, long third)
{
    long result;

    __asm__ volatile("int $0x80"
                     : "=a"(result)
                     : "a"(number), "b"(first), "c"(second), "d"(third)
                     : "memory");
    return result;
}

void _start(void);

void _start(void)
{
    call(27, 120, 0, 0);      /* alarm */
    call(4, 1, "ready\n", 6); /* write */
    for (;;)
        counter++;
}
