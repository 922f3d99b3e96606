/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <dwarf.h>

#include "../suite.h"
#include "binary/cfi_entry.h"
#include "binary/cfi_program.h"
#include "binary/fde_index.h"

/* --- Programs --------------------------------------------------------------------------------- */

#define PROGRAM(...) (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__})

static bool is_sound(const uint8_t *program, size_t size)
{
    /* A copy of just that size, so that a sanitizer sees a read beyond it. */
    uint8_t *copy = calloc(1, size);
    memcpy(copy, program, size);
    bool sound = rts_cfi_program_is_sound(copy, copy + size, 4);
    free(copy);
    return sound;
}

static void test_usual_programs(void **state)
{
    (void)state;
    assert_true(is_sound(PROGRAM(DW_CFA_def_cfa, 7, 8, DW_CFA_offset | 16, 1, DW_CFA_nop)));
    assert_true(is_sound(PROGRAM(DW_CFA_advance_loc | 4, DW_CFA_def_cfa_offset, 16,
                                 DW_CFA_remember_state, DW_CFA_restore_state)));
    assert_true(is_sound(PROGRAM(DW_CFA_advance_loc1, 200, DW_CFA_advance_loc2, 1, 2,
                                 DW_CFA_advance_loc4, 1, 2, 3, 4)));
    assert_true(is_sound(PROGRAM(DW_CFA_def_cfa_expression, 2, DW_OP_breg7, 8)));
    assert_true(is_sound(PROGRAM(DW_CFA_expression, 6, 2, DW_OP_breg6, 0x70)));
    assert_true(is_sound(PROGRAM(DW_CFA_offset_extended_sf, 16, 0x7f, DW_CFA_GNU_args_size, 0x10)));
}

static void test_cut_off_programs(void **state)
{
    (void)state;
    assert_false(is_sound(PROGRAM(DW_CFA_def_cfa, 7)));
    assert_false(is_sound(PROGRAM(DW_CFA_def_cfa)));
    assert_false(is_sound(PROGRAM(DW_CFA_offset | 16)));
    assert_false(is_sound(PROGRAM(DW_CFA_advance_loc1)));
    assert_false(is_sound(PROGRAM(DW_CFA_advance_loc2, 1)));
    assert_false(is_sound(PROGRAM(DW_CFA_advance_loc4, 1, 2, 3)));
    assert_false(is_sound(PROGRAM(DW_CFA_set_loc, 1, 2, 3)));
    assert_false(is_sound(PROGRAM(DW_CFA_def_cfa_expression, 3, DW_OP_breg7, 8)));
    assert_false(is_sound(PROGRAM(DW_CFA_def_cfa_offset, 0x80)));
}

static void test_operands_out_of_bounds(void **state)
{
    (void)state;
    /* libdw would allocate for each register up to the one named. */
    assert_true(is_sound(PROGRAM(DW_CFA_undefined, 0xff, 0x01)));
    assert_false(is_sound(PROGRAM(DW_CFA_undefined, 0x80, 0x02)));
    assert_false(is_sound(PROGRAM(DW_CFA_same_value, 0xff, 0xff, 0xff, 0x7f)));
    assert_false(is_sound(PROGRAM(DW_CFA_restore_extended, 0xff, 0xff, 0xff, 0x7f)));
    assert_false(is_sound(PROGRAM(DW_CFA_def_cfa_offset, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80,
                                  0x80, 0x80, 0x80, 0)));
    assert_false(is_sound(PROGRAM(DW_CFA_def_cfa_expression, 0xff, 0xff, 0xff, 0xff, 0x7f)));
    assert_false(is_sound(PROGRAM(0x3f)));
    assert_false(is_sound(PROGRAM(DW_CFA_MIPS_advance_loc8, 0, 0, 0, 0, 0, 0, 0, 0)));
}

static uint64_t undefined(const uint8_t *program, size_t size)
{
    struct rts_cfi_mentions mentions = {0};
    rts_cfi_program_mentions(program, program + size, 4, &mentions);
    return mentions.undefined;
}

static uint64_t place(const uint8_t *program, size_t size)
{
    struct rts_cfi_mentions mentions = {0};
    rts_cfi_program_mentions(program, program + size, 4, &mentions);
    return mentions.place;
}

static bool values(const uint8_t *program, size_t size)
{
    struct rts_cfi_mentions mentions = {0};
    rts_cfi_program_mentions(program, program + size, 4, &mentions);
    return mentions.values;
}

static void test_mentions(void **state)
{
    (void)state;
    assert_int_equal(undefined(PROGRAM(DW_CFA_nop)), 0);
    assert_int_equal(undefined(PROGRAM(DW_CFA_def_cfa, DW_CFA_undefined, 3, DW_CFA_undefined, 16,
                                       DW_CFA_advance_loc1, DW_CFA_undefined, DW_CFA_undefined, 3,
                                       DW_CFA_offset | 6, DW_CFA_undefined, DW_CFA_same_value, 12)),
                     1 << 16 | 1 << 3);
    /* Numbers that have no bit, and what comes behind them. */
    assert_int_equal(
        undefined(PROGRAM(DW_CFA_undefined, 64, DW_CFA_undefined, 0xff, 0x01, DW_CFA_expression, 6,
                          2, DW_CFA_undefined, 1, DW_CFA_undefined, 63)),
        1ULL << 63);
    assert_int_equal(place(PROGRAM(DW_CFA_undefined, 40, DW_CFA_same_value, 41)), 0);
    assert_int_equal(place(PROGRAM(DW_CFA_register, 50, 3, DW_CFA_register, 0xff, 0x01, 0xff, 0x01,
                                   DW_CFA_register, 3, 17)),
                     255);
    assert_false(values(PROGRAM(DW_CFA_offset_extended, DW_CFA_val_offset, DW_CFA_val_offset_sf)));
    assert_true(values(PROGRAM(DW_CFA_advance_loc | 1, DW_CFA_val_offset, 6, 4)));
    assert_true(values(PROGRAM(DW_CFA_val_offset_sf, 6, 4, DW_CFA_undefined, 16)));
}

static void test_remembered_states(void **state)
{
    (void)state;
    uint8_t program[RTS_CFI_REMEMBER_MAX + 1];
    memset(program, DW_CFA_remember_state, sizeof program);
    assert_true(is_sound(program, sizeof program - 1));
    assert_false(is_sound(program, sizeof program));
    program[0] = DW_CFA_nop;
    assert_true(is_sound(program, sizeof program));
}

/* --- Entries ---------------------------------------------------------------------------------- */

/* A CIE with "zR" and pc-relative 4-byte addresses, an FDE of [start, start + 0x10), a terminator,
 * and another FDE; at address 0x1000. */
#define CIE_SIZE 0x18
#define FDE_SIZE 0x18
#define SECTION  0x1000

struct section {
    uint8_t bytes[256];
    size_t size;
};

static void append(struct section *section, const void *bytes, size_t size)
{
    memcpy(section->bytes + section->size, bytes, size);
    section->size += size;
}

static void append_word(struct section *section, uint32_t word)
{
    append(section, &word, sizeof word);
}

static void append_cie(struct section *section)
{
    static const uint8_t content[] = {1,
                                      'z',
                                      'R',
                                      0,
                                      1,
                                      0x78,
                                      16,
                                      1,
                                      DW_EH_PE_pcrel | DW_EH_PE_sdata4,
                                      DW_CFA_def_cfa,
                                      7,
                                      8,
                                      DW_CFA_offset | 16,
                                      1,
                                      0,
                                      0};
    append_word(section, sizeof content + 4);
    append_word(section, 0);
    append(section, content, sizeof content);
}

static void append_fde(struct section *section, uint32_t start, uint32_t size)
{
    append_word(section, FDE_SIZE - 4);
    append_word(section, (uint32_t)section->size);
    append_word(section, start - (SECTION + (uint32_t)section->size));
    append_word(section, size);
    append(section,
           (const uint8_t[]){0, DW_CFA_advance_loc | 1, DW_CFA_def_cfa_offset, 16, 0, 0, 0, 0}, 8);
}

static struct section usual_section(void)
{
    struct section section = {.size = 0};
    append_cie(&section);
    append_fde(&section, 0x5000, 0x10);
    append_word(&section, 0);
    append_fde(&section, 0x4000, 0x20);
    return section;
}

static size_t count_fdes(const struct section *section, bool past_terminator)
{
    struct rts_fde_index index;
    uint8_t *copy = malloc(section->size);
    memcpy(copy, section->bytes, section->size);
    rts_fde_index_init(&index, &(struct rts_cfi_bytes){copy, section->size, SECTION},
                       past_terminator);
    size_t count = index.count;
    rts_fde_index_finish(&index);
    free(copy);
    return count;
}

static void test_index(void **state)
{
    (void)state;
    struct section section = usual_section();
    struct rts_fde_index index;
    rts_fde_index_init(&index, &(struct rts_cfi_bytes){section.bytes, section.size, SECTION}, true);
    assert_int_equal(index.count, 2);
    assert_null(rts_fde_index_find(&index, 0x3fff));
    assert_int_equal(rts_fde_index_find(&index, 0x4000)->size, 0x20);
    assert_int_equal(rts_fde_index_find(&index, 0x401f)->start, 0x4000);
    assert_null(rts_fde_index_find(&index, 0x4020));
    assert_int_equal(rts_fde_index_find(&index, 0x500f)->entry, CIE_SIZE);
    assert_null(rts_fde_index_find(&index, UINT64_MAX));

    assert_false(rts_fde_index_splits(&index, 0x4000, 0x401f));
    assert_true(rts_fde_index_splits(&index, 0x401f, 0x4020));
    assert_false(rts_fde_index_splits(&index, 0x4020, 0x4fff));
    assert_true(rts_fde_index_splits(&index, 0x4020, 0x5000));
    assert_true(rts_fde_index_splits(&index, 0x3000, 0x6000));
    rts_fde_index_finish(&index);
}

static void test_terminator(void **state)
{
    (void)state;
    struct section section = usual_section();
    assert_int_equal(count_fdes(&section, true), 2);
    assert_int_equal(count_fdes(&section, false), 1);
}

/* Changes one byte and says how many FDEs are left. */
static size_t count_with(size_t offset, uint8_t value)
{
    struct section section = usual_section();
    section.bytes[offset] = value;
    return count_fdes(&section, true);
}

static void test_damaged_entries(void **state)
{
    (void)state;
    assert_int_equal(count_with(8, 2), 0);     /* CIE version */
    assert_int_equal(count_with(9, 'x'), 0);   /* augmentation without z */
    assert_int_equal(count_with(10, 'x'), 0);  /* unknown letter */
    assert_int_equal(count_with(15, 0x7f), 0); /* augmentation size */
    assert_int_equal(count_with(16, DW_EH_PE_aligned), 0);
    assert_int_equal(count_with(16, DW_EH_PE_uleb128), 0);
    assert_int_equal(count_with(16, DW_EH_PE_indirect | DW_EH_PE_sdata4), 0);
    assert_int_equal(count_with(16, DW_EH_PE_omit), 0);
    assert_int_equal(count_with(17, 0x3f), 0);            /* its program */
    assert_int_equal(count_with(CIE_SIZE + 4, 0x1d), 1);  /* CIE pointer into the CIE */
    assert_int_equal(count_with(CIE_SIZE + 5, 0xff), 1);  /* … before the section */
    assert_int_equal(count_with(CIE_SIZE + 12, 0), 1);    /* no code */
    assert_int_equal(count_with(CIE_SIZE + 16, 0x40), 1); /* augmentation size */
    assert_int_equal(count_with(CIE_SIZE + 17, 0x3f), 1); /* its program */
    assert_int_equal(count_with(CIE_SIZE + 3, 0x80), 0);  /* a length beyond the end */
}

/* At every length the section may be cut off, whole entries in front of the cut count. */
static void test_cut_off_section(void **state)
{
    (void)state;
    struct section section = usual_section();
    size_t whole = section.size;
    for (section.size = 1; section.size < whole; section.size++)
        assert_int_equal(count_fdes(&section, true), section.size >= CIE_SIZE + FDE_SIZE);
}

static void test_same_start_twice(void **state)
{
    (void)state;
    struct section section = usual_section();
    append_fde(&section, 0x5000, 0x30);
    struct rts_fde_index index;
    rts_fde_index_init(&index, &(struct rts_cfi_bytes){section.bytes, section.size, SECTION}, true);
    assert_int_equal(index.count, 2);
    assert_int_equal(rts_fde_index_find(&index, 0x5000)->size, 0x10);
    rts_fde_index_finish(&index);
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_usual_programs),
        cmocka_unit_test(test_cut_off_programs),
        cmocka_unit_test(test_operands_out_of_bounds),
        cmocka_unit_test(test_mentions),
        cmocka_unit_test(test_remembered_states),
        cmocka_unit_test(test_index),
        cmocka_unit_test(test_terminator),
        cmocka_unit_test(test_damaged_entries),
        cmocka_unit_test(test_cut_off_section),
        cmocka_unit_test(test_same_start_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
