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

#include "../suite.h"
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

/* The words at each instruction of an entry; -1: it has none there, or the code does not say. */
static void assert_words(const struct rts_code_inspection *code, const void *bytes, size_t size,
                         unsigned pushed, const int8_t *expected, unsigned or_more)
{
    uint8_t *text = copy(bytes, size);
    for (size_t offset = 0; offset < size + 4; offset++) {
        unsigned words = 0, more = 0;
        bool said = code->words_pushed(text, size, offset, pushed, &words, &more);
        if (offset >= size || expected[offset] < 0) {
            assert_false(said);
            continue;
        }
        assert_true(said);
        assert_int_equal(words, expected[offset]);
        assert_int_equal(more, offset >= 32 ? or_more : 0);
    }
    free(text);
}

static void test_slots_x86_64(void **state)
{
    (void)state;
    static const uint8_t lazy[] = {0xff, 0x25, 1, 2, 3, 4, 0x68, 0, 0, 0, 0, 0xe9, 1, 2, 3, 0xff};
    static const int8_t lazy_words[] = {0,  -1, -1, -1, -1, -1, 0,  -1,
                                        -1, -1, -1, 1,  -1, -1, -1, -1};
    assert_words(X86_64, lazy, sizeof lazy, 0, lazy_words, 0);
    static const uint8_t first[] = {0xff, 0x35, 1, 2, 3,    4,    0xff, 0x25,
                                    1,    2,    3, 4, 0x0f, 0x1f, 0x40, 0};
    static const int8_t first_words[] = {1,  -1, -1, -1, -1, -1, 2,  -1,
                                         -1, -1, -1, -1, -1, -1, -1, -1};
    assert_words(X86_64, first, sizeof first, 1, first_words, 0);
    /* lld's retpoline: at its end the slots go on, and the first entry itself. */
    static const uint8_t retpoline[48] = {
        0xff, 0x35, 0xda, 0x22, 0,    0,    0x4c, 0x8b, 0x1d, 0xdb, 0x22, 0,    0,
        0xe8, 0x0e, 0,    0,    0,    0xf3, 0x90, 0x0f, 0xae, 0xe8, 0xeb, 0xf9, 0xcc,
        0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0x4c, 0x89, 0x1c, 0x24, 0xc3, 0xcc};
    int8_t retpoline_words[48];
    memset(retpoline_words, -1, sizeof retpoline_words);
    retpoline_words[0] = 1;
    retpoline_words[6] = retpoline_words[13] = 2;
    retpoline_words[32] = retpoline_words[36] = 1;
    assert_words(X86_64, retpoline, sizeof retpoline, 1, retpoline_words, 2);
}

static void test_slots_aarch64(void **state)
{
    (void)state;
    /* bti c; stp x16, x30, [sp, #-16]!; adrp; ldr; add; br x17 */
    static const uint32_t first[] = {0xd503245f, 0xa9bf7bf0, 0x90000090,
                                     0xf947fe11, 0x913fe210, 0xd61f0220};
    int8_t words[24];
    memset(words, -1, sizeof words);
    for (size_t i = 0; i < 6; i++)
        words[4 * i] = i < 2 ? 0 : 2;
    assert_words(AARCH64, first, sizeof first, 0, words, 0);
}

static void test_plain_leaves(void **state)
{
    (void)state;
    const uint32_t ret = 0xd65f03c0;
    /* cbz x0; ldp x2, x3, [x0], #16; ldr w4, [x0, #240]; mrs x5, cntvct_el0; isb; dmb ishld;
     * cmp w4, #1; b.ne; mov x8, #113; svc #0; tbnz w0, #3; stp x2, x3, [sp, #-16]; ret */
    static const uint32_t leaf[] = {0xb4000160, 0xa8c10c02, 0xb940f004, 0xd53be045, 0xd5033fdf,
                                    0xd50339bf, 0x7100049f, 0x54ffff41, 0xd2800e28, 0xd4000001,
                                    0x371ffee0, 0xa93f0fe2, 0xd65f03c0};
    for (size_t size = 0; size <= sizeof leaf; size++) {
        uint8_t *text = copy(leaf, size);
        assert_int_equal(AARCH64->is_plain_leaf(text, size), size == sizeof leaf);
        free(text);
    }
    /* What leaves both alone: bti c; nop; cmp; tst; add x0, sp, #8; ldr x0, [sp, #8];
     * str q0, [sp, #16]; ldr x29, [sp]; cmp x0, w1, uxtw; brk */
    static const uint32_t good[] = {0xd503245f, 0xd503201f, 0xf100141f, 0xf240001f, 0x910023e0,
                                    0xf94007e0, 0x3d8007e0, 0xf94003fd, 0xeb21401f, 0xd4200020};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        uint32_t text[] = {good[i], ret};
        assert_true(AARCH64->is_plain_leaf((const uint8_t *)text, sizeof text));
    }
    static const uint32_t bad[] = {
        0xf81f0fe0, /* str x0, [sp, #-16]! */
        0xf84107e0, /* ldr x0, [sp], #16 */
        0xa9bf7bfd, /* stp x29, x30, [sp, #-16]! */
        0xa9417bfd, /* ldp x29, x30, [sp, #16] */
        0xd10043ff, /* sub sp, sp, #16 */
        0x910003bf, /* mov sp, x29 */
        0xaa0003fe, /* mov x30, x0 */
        0xf940001e, /* ldr x30, [x0] */
        0x97ffffff, /* bl */
        0xd63f0020, /* blr x1 */
        0xd61f0020, /* br x1 */
        0xd503233f, /* paciasp */
        0xd50323bf, /* autiasp */
        0xd50320ff, /* xpaclri */
        0x8b2163ff, /* add sp, sp, x1 */
        0x927cec1f, /* and sp, x0, #-16 */
        0xc85f7c1e, /* ldxr x30, [x0] */
        0x4c9f73e0, /* st1 {v0.16b}, [sp], #16 */
        0xf8201fe0, /* ldraa x0, [sp, #8]! */
        0xd9201fe0, /* stg x0, [sp, #16]! */
        0xd53bd05e, /* mrs x30, tpidr_el0 */
        0x0e043c1e, /* mov w30, v0.s[0] */
        0x10fffbde, /* adr x30 */
        0xf820803e, /* swp x0, x30, [x1] */
        0xf820003e, /* ldadd x0, x30, [x1] */
        0xc8be7c41, /* cas x30, x1, [x2] */
        0x17ffff76, /* b, out of the function */
        0x14000002, /* b, to behind it */
        0xa9407820, /* ldp x0, x30, [x1] */
        0x043f57ff, /* addvl sp, sp, #-1 */
        0x00000000, /* udf */
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        uint32_t text[] = {bad[i], ret};
        assert_false(AARCH64->is_plain_leaf((const uint8_t *)text, sizeof text));
    }
    /* It must not go on behind its end. */
    static const uint32_t open[] = {0xd65f03c0, 0xd503201f};
    assert_false(AARCH64->is_plain_leaf((const uint8_t *)open, sizeof open));
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_signal_return),   cmocka_unit_test(test_entry_x86_64),
        cmocka_unit_test(test_no_entry_x86_64), cmocka_unit_test(test_entry_aarch64),
        cmocka_unit_test(test_threads),         cmocka_unit_test(test_slots_x86_64),
        cmocka_unit_test(test_slots_aarch64),   cmocka_unit_test(test_plain_leaves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
