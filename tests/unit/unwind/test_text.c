/* SPDX-License-Identifier: Apache-2.0 */
/* What the text around a place proves. The bytes are those of linked files, as objdump -d shows
 * them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "unwind/architecture.h"

#define X86_64  (&rts_code_inspection_x86_64)
#define AARCH64 (&rts_code_inspection_aarch64)

/* Exactly these bytes, so that a sanitizer sees what is read outside. */
static uint8_t *copy(const void *bytes, size_t size)
{
    uint8_t *copy = malloc(size ? size : 1);
    assert_non_null(copy);
    memcpy(copy, bytes, size);
    return copy;
}

static void assert_signal_return(const struct rts_code_inspection *code, const void *bytes,
                                 size_t size, size_t expected)
{
    for (size_t cut = 0; cut <= size; cut++) {
        uint8_t *text = copy(bytes, cut);
        assert_int_equal(code->signal_return(text, cut), cut >= expected ? expected : 0);
        free(text);
    }
}

static void test_signal_return(void **state)
{
    (void)state;
    static const uint8_t wide[] = {0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0, 0x0f, 0x05, 0x0f, 0x1f};
    static const uint8_t narrow[] = {0xb8, 0x0f, 0, 0, 0, 0x0f, 0x05, 0xcc};
    static const uint8_t other_call[] = {0xb8, 0x0e, 0, 0, 0, 0x0f, 0x05, 0xcc};
    static const uint8_t other_register[] = {0xb9, 0x0f, 0, 0, 0, 0x0f, 0x05, 0xcc};
    static const uint32_t arm[] = {0xd2801168, 0xd4000001, 0xd503201f};
    static const uint32_t arm_exit[] = {0xd2800ba8, 0xd4000001, 0xd503201f};
    assert_signal_return(X86_64, wide, sizeof wide, 9);
    assert_signal_return(X86_64, narrow, sizeof narrow, 7);
    assert_int_equal(X86_64->signal_return(other_call, sizeof other_call), 0);
    assert_int_equal(X86_64->signal_return(other_register, sizeof other_register), 0);
    assert_signal_return(AARCH64, arm, sizeof arm, 8);
    assert_int_equal(AARCH64->signal_return((const uint8_t *)arm_exit, sizeof arm_exit), 0);
}

/* Which offsets are in start code: bit n of `exact` and `callers` stands for offset n. */
static void assert_entry(const struct rts_code_inspection *code, const void *bytes, size_t size,
                         uint64_t exact, uint64_t callers)
{
    for (size_t cut = 0; cut <= size; cut++) {
        uint8_t *text = copy(bytes, cut);
        for (uint64_t offset = 0; offset < 64; offset++) {
            bool wanted = exact >> offset & 1, wanted_caller = callers >> offset & 1;
            bool found = code->in_entry(text, cut, offset, true);
            bool found_caller = code->in_entry(text, cut, offset, false);
            assert_true(cut == size ? found == wanted : wanted || !found);
            assert_true(cut == size ? found_caller == wanted_caller
                                    : wanted_caller || !found_caller);
        }
        assert_false(code->in_entry(text, cut, UINT64_MAX, true));
        free(text);
    }
}

#define AT(offset) (1ULL << (offset))

static void test_entry_x86_64(void **state)
{
    (void)state;
    /* musl: xor %rbp,%rbp; mov %rsp,%rdi; lea x(%rip),%rsi; and $-16,%rsp; call; then the next
     * function, without a byte between. */
    static const uint8_t musl[] = {0x48, 0x31, 0xed, 0x48, 0x89, 0xe7, 0x48, 0x8d, 0x35, 1,
                                   2,    3,    4,    0x48, 0x83, 0xe4, 0xf0, 0xe8, 1,    2,
                                   3,    4,    0x8b, 0x37, 0xe8, 1,    2,    3,    4,    0x90};
    assert_entry(X86_64, musl, sizeof musl, AT(0) | AT(3) | AT(6) | AT(13) | AT(17), AT(22));
    /* ld.so of glibc: mov %rsp,%rdi; call; mov %rax,%r12; mov (%rsp),%rdx; call; lea. */
    static const uint8_t loader[] = {0x48, 0x89, 0xe7, 0xe8, 1, 2, 3, 4, 0x49, 0x89, 0xc4, 0x48,
                                     0x8b, 0x14, 0x24, 0xe8, 1, 2, 3, 4, 0x48, 0x8d, 0x15};
    assert_entry(X86_64, loader, sizeof loader, AT(0) | AT(3) | AT(8) | AT(11) | AT(15),
                 AT(8) | AT(20));
    /* glibc: endbr64; xor %ebp,%ebp; mov %rdx,%r9; pop %rsi; mov %rsp,%rdx; and; push %rax;
     * push %rsp; xor %r8d,%r8d; call *x(%rip); hlt. */
    static const uint8_t glibc[] = {0xf3, 0x0f, 0x1e, 0xfa, 0x31, 0xed, 0x49, 0x89, 0xd1, 0x5e,
                                    0x48, 0x89, 0xe2, 0x48, 0x83, 0xe4, 0xf0, 0x50, 0x54, 0x45,
                                    0x31, 0xc0, 0xff, 0x15, 1,    2,    3,    4,    0xf4};
    assert_entry(X86_64, glibc, sizeof glibc,
                 AT(0) | AT(4) | AT(6) | AT(9) | AT(10) | AT(13) | AT(17) | AT(18) | AT(19) |
                     AT(22),
                 AT(28));
}

/* Functions at what a library says is its entry point. */
static void test_no_entry_x86_64(void **state)
{
    (void)state;
    /* push %rbp; mov %rsp,%rbp; sub $32,%rsp; mov %rsp,%rdi; call; mov %rax,%rbx */
    static const uint8_t function[] = {0x55, 0x48, 0x89, 0xe5, 0x48, 0x83, 0xec, 0x20, 0x48,
                                       0x89, 0xe7, 0xe8, 1,    2,    3,    4,    0x48, 0x89,
                                       0xc3, 0xe8, 1,    2,    3,    4,    0x90};
    assert_entry(X86_64, function, sizeof function, 0, 0);
    /* lea x(%rip),%rdi; lea x(%rip),%rax; jmp */
    static const uint8_t clones[] = {0x48, 0x8d, 0x3d, 1, 2,    3, 4, 0x48, 0x8d, 0x05,
                                     1,    2,    3,    4, 0xe9, 1, 2, 3,    4};
    assert_entry(X86_64, clones, sizeof clones, 0, 0);
}

static void test_entry_aarch64(void **state)
{
    (void)state;
    static const uint32_t glibc[] = {0xd503201f, 0xd280001d, 0xd280001e, 0xaa0003e5,
                                     0xf94003e1, 0x910023e2, 0x910003e6, 0x90000000,
                                     0x91000000, 0xd2800003, 0x94000000, 0x94000000};
    assert_entry(AARCH64, glibc, sizeof glibc,
                 AT(0) | AT(4) | AT(8) | AT(12) | AT(16) | AT(20) | AT(24) | AT(28) | AT(32) |
                     AT(36) | AT(40),
                 AT(44));
    /* ld.so: bti c; mov x0, sp; bl; mov x21, x0 */
    static const uint32_t loader[] = {0xd503245f, 0x910003e0, 0x94000338, 0xaa0003f5};
    assert_entry(AARCH64, loader, sizeof loader, AT(0) | AT(4) | AT(8), AT(12));
    /* stp x29, x30, [sp, #-16]!; mov x29, sp; mov x0, sp; bl */
    static const uint32_t function[] = {0xa9bf7bfd, 0x910003fd, 0x910003e0, 0x94000338};
    assert_entry(AARCH64, function, sizeof function, 0, 0);
    /* sub sp, sp, #16; add x0, sp, #8; bl */
    static const uint32_t leaf[] = {0xd10043ff, 0x910023e0, 0x94000338, 0xd503201f};
    assert_entry(AARCH64, leaf, sizeof leaf, 0, 0);
}

static bool starts_thread(const struct rts_code_inspection *code, const void *before, size_t size,
                          const void *after, size_t after_size)
{
    uint8_t around[2][RTS_THREAD_BYTES];
    memset(around, 0x90, sizeof around);
    memcpy(around[0] + RTS_THREAD_BYTES - size, before, size);
    memcpy(around[1], after, after_size);
    uint8_t *first = copy(around[0], RTS_THREAD_BYTES), *second = copy(around[1], RTS_THREAD_BYTES);
    bool result = code->starts_thread(first, second);
    free(first);
    free(second);
    return result;
}

static void test_threads(void **state)
{
    (void)state;
    /* syscall; test %eax,%eax; jne; xor %ebp,%ebp; pop %rdi; call *%r9 */
    static const uint8_t musl[] = {0x0f, 0x05, 0x85, 0xc0, 0x75, 0x0f,
                                   0x31, 0xed, 0x5f, 0x41, 0xff, 0xd1};
    static const uint8_t musl_exit[] = {0x89, 0xc7, 0x31, 0xc0, 0xb0, 0x3c, 0x0f, 0x05, 0xf4};
    /* syscall; test %rax,%rax; jl; je; ret; xor %ebp,%ebp; and $-16,%rsp; mov %r8,%rdi; call */
    static const uint8_t glibc[] = {0x0f, 0x05, 0x48, 0x85, 0xc0, 0x7c, 0x18,
                                    0x74, 0x01, 0xc3, 0x31, 0xed, 0x48, 0x83,
                                    0xe4, 0xf0, 0x4c, 0x89, 0xc7, 0xff, 0xd2};
    static const uint8_t glibc_exit[] = {0x48, 0x89, 0xc7, 0xb8, 0x3c, 0, 0, 0, 0x0f, 0x05};
    assert_true(starts_thread(X86_64, musl, sizeof musl, musl_exit, sizeof musl_exit));
    assert_true(starts_thread(X86_64, glibc, sizeof glibc, glibc_exit, sizeof glibc_exit));
    assert_true(starts_thread(X86_64, musl, sizeof musl, glibc_exit, sizeof glibc_exit));
    /* Without the system call, without the cleared frame pointer, without the exit. */
    assert_false(starts_thread(X86_64, musl + 2, sizeof musl - 2, musl_exit, sizeof musl_exit));
    assert_false(starts_thread(X86_64, musl + 8, sizeof musl - 8, musl_exit, sizeof musl_exit));
    assert_false(starts_thread(X86_64, musl, sizeof musl, musl_exit, 6));
    assert_false(starts_thread(X86_64, musl, sizeof musl, musl, sizeof musl));
    /* A direct call: a function of its own makes system calls all the time. */
    static const uint8_t direct[] = {0x0f, 0x05, 0x31, 0xed, 0xe8, 1, 2, 3, 4};
    assert_false(starts_thread(X86_64, direct, sizeof direct, musl_exit, sizeof musl_exit));

    static const uint32_t arm[] = {0xd280001d, 0xa8c103e1, 0xd63f0020};
    static const uint32_t arm_exit[] = {0xd2800ba8, 0xd4000001};
    static const uint32_t arm_other[] = {0xd280001e, 0xa8c103e1, 0xd63f0020};
    assert_true(starts_thread(AARCH64, arm, sizeof arm, arm_exit, sizeof arm_exit));
    assert_false(starts_thread(AARCH64, arm_other, sizeof arm_other, arm_exit, sizeof arm_exit));
    assert_false(starts_thread(AARCH64, arm, sizeof arm, arm, sizeof arm));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_signal_return),   cmocka_unit_test(test_entry_x86_64),
        cmocka_unit_test(test_no_entry_x86_64), cmocka_unit_test(test_entry_aarch64),
        cmocka_unit_test(test_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
