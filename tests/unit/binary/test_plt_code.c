/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <elf.h>

#include <cmocka.h>

#include "../suite.h"
#include "binary/plt_code.h"

/* The bytes are those of linked files, as objdump -d shows them. */

struct expected {
    uint64_t start;
    uint32_t size;
    enum rts_plt_kind kind;
    uint64_t target;
    uint8_t pushed;
};

static void assert_slots(uint16_t machine, const void *bytes, size_t size, uint64_t vaddr,
                         uint64_t entry_size, const struct expected *expected, size_t count)
{
    uint8_t *copy = malloc(size);
    memcpy(copy, bytes, size);
    struct rts_plt_code code = {machine, copy, size, vaddr, entry_size};
    struct rts_plt_jump jump;
    size_t offset = 0, found = 0;
    while (rts_plt_code_next(&code, &offset, &jump)) {
        assert_in_range(found, 0, count - 1);
        assert_int_equal(jump.start, expected[found].start);
        assert_int_equal(jump.size, expected[found].size);
        assert_int_equal(jump.kind, expected[found].kind);
        assert_int_equal(jump.target, expected[found].target);
        assert_int_equal(jump.pushed, expected[found].pushed);
        found++;
    }
    assert_int_equal(found, count);
    free(copy);
}

static void test_x86_64_lazy(void **state)
{
    (void)state;
    static const uint8_t bytes[] = {
        0xff, 0x35, 0xca, 0x2f, 0,    0,    0xff, 0x25, 0xcc, 0x2f, 0,
        0,    0x0f, 0x1f, 0x40, 0, /* first */
        0xff, 0x25, 0xca, 0x2f, 0,    0,    0x68, 0,    0,    0,    0,
        0xe9, 0xe0, 0xff, 0xff, 0xff, 0xff, 0x25, 0xc2, 0x2f, 0,    0,
        0x68, 1,    0,    0,    0,    0xe9, 0xd0, 0xff, 0xff, 0xff,
    };
    static const struct expected slots[] = {{0x1020, 16, RTS_PLT_FIRST, 0, 1},
                                            {0x1030, 16, RTS_PLT_WORD, 0x4000, 0},
                                            {0x1040, 16, RTS_PLT_WORD, 0x4008, 0}};
    assert_slots(EM_X86_64, bytes, sizeof bytes, 0x1020, 16, slots, 3);
}

static void test_x86_64_landing_pads(void **state)
{
    (void)state;
    static const uint8_t lazy[] = {
        0xff, 0x35, 0xca, 0x2f, 0,    0, 0xf2, 0xff, 0x25, 0xcb, 0x2f, 0,    0,    0x0f, 0x1f, 0,
        0xf3, 0x0f, 0x1e, 0xfa, 0x68, 0, 0,    0,    0,    0xf2, 0xe9, 0xe1, 0xff, 0xff, 0xff, 0x90,
        0xf3, 0x0f, 0x1e, 0xfa, 0x68, 7, 0,    0,    0,    0xf2, 0xe9, 0xd1, 0xff, 0xff, 0xff, 0x90,
    };
    static const struct expected by_index[] = {{0x1020, 16, RTS_PLT_FIRST, 0, 1},
                                               {0x1030, 16, RTS_PLT_INDEX, 0, 0},
                                               {0x1040, 16, RTS_PLT_INDEX, 7, 0}};
    assert_slots(EM_X86_64, lazy, sizeof lazy, 0x1020, 16, by_index, 3);

    static const uint8_t second[] = {
        0xf3, 0x0f, 0x1e, 0xfa, 0xf2, 0xff, 0x25, 0x95, 0x2f, 0, 0,    0x0f, 0x1f, 0x44, 0, 0,
        0xf3, 0x0f, 0x1e, 0xfa, 0xff, 0x25, 0x8e, 0x2f, 0,    0, 0x66, 0x0f, 0x1f, 0x44, 0, 0,
    };
    static const struct expected by_word[] = {{0x1060, 16, RTS_PLT_WORD, 0x4000, 0},
                                              {0x1070, 16, RTS_PLT_WORD, 0x4008, 0}};
    assert_slots(EM_X86_64, second, sizeof second, 0x1060, 16, by_word, 2);
}

static void test_x86_64_short(void **state)
{
    (void)state;
    static const uint8_t bytes[] = {0xff, 0x25, 0xfa, 0x2f, 0,    0,    0x66, 0x90,
                                    0xff, 0x25, 0xf2, 0xff, 0xff, 0xff, 0x66, 0x90};
    static const struct expected slots[] = {{0x1000, 8, RTS_PLT_WORD, 0x4000, 0},
                                            {0x1008, 8, RTS_PLT_WORD, 0x1000, 0}};
    assert_slots(EM_X86_64, bytes, sizeof bytes, 0x1000, 8, slots, 2);
}

/* Static programs of GNU ld: the section does not say how long an entry is. */
static void test_x86_64_short_without_entry_size(void **state)
{
    (void)state;
    static const uint8_t bytes[] = {0xff, 0x25, 0xe2, 0x2f, 0x0a, 0, 0x66, 0x90,
                                    0xff, 0x25, 0xe2, 0x2f, 0x0a, 0, 0x66, 0x90};
    static const struct expected slots[] = {{0x401018, 8, RTS_PLT_WORD, 0x4a4000, 0},
                                            {0x401020, 8, RTS_PLT_WORD, 0x4a4008, 0}};
    assert_slots(EM_X86_64, bytes, sizeof bytes, 0x401018, 0, slots, 2);
}

static void test_x86_64_of_mold(void **state)
{
    (void)state;
    static const uint8_t bytes[] = {
        0xf3, 0x0f, 0x1e, 0xfa, 0x41, 0x53, 0xff, 0x35, 0x64, 0x24, 0,
        0,    0xff, 0x25, 0x66, 0x24, 0,    0,    0xcc, 0xcc, 0xcc, 0xcc,
        0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, /* first */
        0xf3, 0x0f, 0x1e, 0xfa, 0x41, 0xbb, 0,    0,    0,    0,    0xff,
        0x25, 0x50, 0x24, 0,    0,    0xf3, 0x0f, 0x1e, 0xfa, 0x41, 0xbb,
        1,    0,    0,    0,    0xff, 0x25, 0x48, 0x24, 0,    0,
    };
    static const struct expected slots[] = {{0x1640, 32, RTS_PLT_FIRST, 0, 0},
                                            {0x1660, 16, RTS_PLT_WORD, 0x3ac0, 0},
                                            {0x1670, 16, RTS_PLT_WORD, 0x3ac8, 0}};
    assert_slots(EM_X86_64, bytes, sizeof bytes, 0x1640, 0, slots, 3);
}

/* Of lld -z retpolineplt, with -z lazy and with -z now. */
static void test_x86_64_retpolines(void **state)
{
    (void)state;
    static const uint8_t lazy[] = {
        0xff, 0x35, 0xda, 0x22, 0,    0,    0x4c, 0x8b, 0x1d, 0xdb, 0x22, 0,    0,    0xe8,
        0x0e, 0,    0,    0,    0xf3, 0x90, 0x0f, 0xae, 0xe8, 0xeb, 0xf9, 0xcc, 0xcc, 0xcc,
        0xcc, 0xcc, 0xcc, 0xcc, 0x4c, 0x89, 0x1c, 0x24, 0xc3, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc,
        0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0x4c, 0x8b, 0x1d, 0xb9, 0x22, 0,    0,    0xe8,
        0xe4, 0xff, 0xff, 0xff, 0xe9, 0xd1, 0xff, 0xff, 0xff, 0x68, 0,    0,    0,    0,
        0xe9, 0xb5, 0xff, 0xff, 0xff, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc,
    };
    static const struct expected lazy_slots[] = {{0x18b0, 48, RTS_PLT_FIRST, 0, 1},
                                                 {0x18e0, 32, RTS_PLT_WORD, 0x3ba0, 0}};
    assert_slots(EM_X86_64, lazy, sizeof lazy, 0x18b0, 0, lazy_slots, 2);

    static const uint8_t now[] = {
        0xe8, 0x0b, 0,    0,    0,    0xf3, 0x90, 0x0f, 0xae, 0xe8, 0xeb, 0xf9, 0xcc,
        0xcc, 0xcc, 0xcc, 0x4c, 0x89, 0x1c, 0x24, 0xc3, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc,
        0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0x4c, 0x8b, 0x1d, 0x69, 0x12, 0,    0,
        0xe9, 0xd4, 0xff, 0xff, 0xff, 0xcc, 0xcc, 0xcc, 0xcc, 0x4c, 0x8b, 0x1d, 0x61,
        0x12, 0,    0,    0xe9, 0xc4, 0xff, 0xff, 0xff, 0xcc, 0xcc, 0xcc, 0xcc,
    };
    static const struct expected now_slots[] = {{0x18b0, 32, RTS_PLT_FIRST, 0, 0},
                                                {0x18d0, 16, RTS_PLT_WORD, 0x2b40, 0},
                                                {0x18e0, 16, RTS_PLT_WORD, 0x2b48, 0}};
    assert_slots(EM_X86_64, now, sizeof now, 0x18b0, 0, now_slots, 3);
}

static void test_cut_off(void **state)
{
    (void)state;
    static const uint8_t bytes[] = {0xf3, 0x0f, 0x1e, 0xfa, 0xf2, 0xff, 0x25, 0x95,
                                    0x2f, 0,    0,    0x0f, 0x1f, 0x44, 0,    0};
    for (size_t size = 1; size < sizeof bytes; size++)
        assert_slots(EM_X86_64, bytes, size, 0x1000, 16, NULL, 0);
    assert_slots(EM_RISCV, bytes, sizeof bytes, 0x1000, 16, NULL, 0);
}

static void test_aarch64(void **state)
{
    (void)state;
    static const uint32_t words[] = {
        /* first: stp x16, x30, [sp, #-16]!; adrp x16, 410000; ldr x17, [x16, #4088]; … */
        0xa9bf7bf0,
        0x90000090,
        0xf947fe11,
        0x913fe210,
        0xd61f0220,
        0xd503201f,
        0xd503201f,
        0xd503201f,
        /* adrp x16, 411000; ldr x17, [x16]; add x16, x16, #0; br x17 */
        0xb0000090,
        0xf9400211,
        0x91000210,
        0xd61f0220,
        /* adrp x16, 411000; ldr x17, [x16, #8]; … */
        0xb0000090,
        0xf9400611,
        0x91002210,
        0xd61f0220,
    };
    static const struct expected slots[] = {{0x400400, 32, RTS_PLT_FIRST, 0, 0},
                                            {0x400420, 16, RTS_PLT_WORD, 0x411000, 0},
                                            {0x400430, 16, RTS_PLT_WORD, 0x411008, 0}};
    assert_slots(EM_AARCH64, words, sizeof words, 0x400400, 16, slots, 3);
}

static void test_aarch64_landing_pads(void **state)
{
    (void)state;
    static const uint32_t words[] = {
        /* bti c; stp; adrp; ldr; add; br; nop; nop */
        0xd503245f,
        0xa9bf7bf0,
        0x90000090,
        0xf947fe11,
        0x913fe210,
        0xd61f0220,
        0xd503201f,
        0xd503201f,
        /* bti c; adrp x16, 411000; ldr x17, [x16]; add; br; nop */
        0xd503245f,
        0xb0000090,
        0xf9400211,
        0x91000210,
        0xd61f0220,
        0xd503201f,
        0xd503245f,
        0xb0000090,
        0xf9400611,
        0x91002210,
        0xd61f0220,
        0xd503201f,
    };
    static const struct expected slots[] = {{0x400400, 32, RTS_PLT_FIRST, 0, 0},
                                            {0x400420, 24, RTS_PLT_WORD, 0x411000, 0},
                                            {0x400438, 24, RTS_PLT_WORD, 0x411008, 0}};
    assert_slots(EM_AARCH64, words, sizeof words, 0x400400, 24, slots, 3);
}

/* adrp reaches 4 GiB to either side. */
static void test_aarch64_backwards(void **state)
{
    (void)state;
    /* adrp x16, -0x1000; ldr x17, [x16, #16]; add; br */
    static const uint32_t words[] = {0xf0fffff0, 0xf9400a11, 0x91004210, 0xd61f0220};
    static const struct expected slots[] = {{0x400400, 16, RTS_PLT_WORD, 0x3ff010, 0}};
    assert_slots(EM_AARCH64, words, sizeof words, 0x400400, 16, slots, 1);
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_x86_64_lazy),
        cmocka_unit_test(test_x86_64_landing_pads),
        cmocka_unit_test(test_x86_64_short),
        cmocka_unit_test(test_x86_64_short_without_entry_size),
        cmocka_unit_test(test_x86_64_of_mold),
        cmocka_unit_test(test_x86_64_retpolines),
        cmocka_unit_test(test_cut_off),
        cmocka_unit_test(test_aarch64),
        cmocka_unit_test(test_aarch64_landing_pads),
        cmocka_unit_test(test_aarch64_backwards),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
