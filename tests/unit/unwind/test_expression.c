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
#include "unwind/expression.h"

#define CFA UINT64_C(0x7ffd0000)

static const uint8_t bytes[16] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
static const struct rts_memory memory = {.address = 0x1000, .bytes = bytes, .size = sizeof bytes};

/* Evaluates operations that lie one after the other, `size` bytes each: all that branches need to
 * know of their encoding. */
static enum rts_expression_result evaluate(const Dwarf_Op *operations, size_t count,
                                           uint64_t *value)
{
    struct rts_registers registers = {0};
    for (unsigned i = 0; i < 17; i++)
        if (i != 5)
            rts_register_set(&registers, i, 0x100 * (i + 1));
    struct rts_expression *expression = malloc(sizeof *expression + count * sizeof *operations);
    assert_non_null(expression);
    expression->count = count;
    if (count > 0)
        memcpy(expression->operations, operations, count * sizeof *operations);
    enum rts_expression_result result =
        rts_expression_evaluate(expression, &registers, CFA, &memory, value);
    free(expression);
    return result;
}

#define OPS(...)                                                                                   \
    ((const Dwarf_Op[]){__VA_ARGS__}), sizeof((Dwarf_Op[]){__VA_ARGS__}) / sizeof(Dwarf_Op)
#define OP(name)                                                                                   \
    {                                                                                              \
        .atom = DW_OP_##name                                                                       \
    }
#define OP1(name, operand)                                                                         \
    {                                                                                              \
        .atom = DW_OP_##name, .number = (Dwarf_Word)(operand)                                      \
    }
#define OP2(name, first, second)                                                                   \
    {                                                                                              \
        .atom = DW_OP_##name, .number = (Dwarf_Word)(first), .number2 = (Dwarf_Word)(second)       \
    }

#define expect(expected, ...)                                                                      \
    do {                                                                                           \
        uint64_t value_ = 0;                                                                       \
        assert_int_equal(evaluate(OPS(__VA_ARGS__), &value_), RTS_EXPRESSION_VALUE);               \
        assert_int_equal(value_, (uint64_t)(expected));                                            \
    } while (0)

#define expect_invalid(...)                                                                        \
    do {                                                                                           \
        uint64_t value_ = 0;                                                                       \
        assert_int_equal(evaluate(OPS(__VA_ARGS__), &value_), RTS_EXPRESSION_INVALID);             \
    } while (0)

#define expect_no_memory(address, ...)                                                             \
    do {                                                                                           \
        uint64_t value_ = 0;                                                                       \
        assert_int_equal(evaluate(OPS(__VA_ARGS__), &value_), RTS_EXPRESSION_NO_MEMORY);           \
        assert_int_equal(value_, (uint64_t)(address));                                             \
    } while (0)

static void test_constants(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 32; i++)
        expect(i, {.atom = (uint8_t)(DW_OP_lit0 + i)});
    expect(200, OP1(const1u, 200));
    expect(-5, OP1(const1s, -5));
    expect(60000, OP1(const2u, 60000));
    expect(-6, OP1(const2s, -6));
    expect(4000000000u, OP1(const4u, 4000000000u));
    expect(-7, OP1(const4s, -7));
    expect(UINT64_MAX, OP1(const8u, UINT64_MAX));
    expect(INT64_MIN, OP1(const8s, INT64_MIN));
    expect(1ULL << 40, OP1(constu, 1ULL << 40));
    expect(-8, OP1(consts, -8));
    expect(CFA, OP(call_frame_cfa));
}

static void test_registers(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 17; i++) {
        if (i == 5)
            continue;
        expect(0x100 * (i + 1) + 8, {.atom = (uint8_t)(DW_OP_breg0 + i), .number = 8});
        expect(0x100 * (i + 1) - 8, OP2(bregx, i, -8));
    }
    expect_invalid(OP1(breg5, 0)); /* not known */
    expect_invalid(OP2(bregx, 5, 0));
    expect_invalid(OP1(breg31, 0));
    expect_invalid(OP2(bregx, 33, 0));
    expect_invalid(OP2(bregx, 64, 0));
    expect_invalid(OP2(bregx, UINT64_MAX, 0));
}

static void test_stack_operations(void **state)
{
    (void)state;
    expect(4, OP(lit4), OP(dup), OP(drop));
    expect(8, OP(lit4), OP(dup), OP(plus));
    expect(3, OP(lit3), OP(lit4), OP(drop));
    expect(3, OP(lit3), OP(lit4), OP(over));
    expect(4, OP(lit3), OP(lit4), OP1(pick, 0));
    expect(3, OP(lit3), OP(lit4), OP1(pick, 1));
    expect(1, OP(lit1), OP(lit2), OP(lit3), OP1(pick, 2));
    expect(3, OP(lit3), OP(lit4), OP(swap));
    expect(-1, OP(lit4), OP(lit3), OP(swap), OP(minus)); /* 3 - 4 */
    /* rot: 1 2 3 (top) becomes 3 1 2 (top) */
    expect(2, OP(lit1), OP(lit2), OP(lit3), OP(rot));
    expect(1, OP(lit1), OP(lit2), OP(lit3), OP(rot), OP(drop));
    expect(3, OP(lit1), OP(lit2), OP(lit3), OP(rot), OP(drop), OP(drop));
    expect(7, OP(lit7), OP(nop));
}

static void test_arithmetic(void **state)
{
    (void)state;
    expect(8, OP(lit12), OP(lit10), OP(and));
    expect(14, OP(lit12), OP(lit10), OP(or));
    expect(6, OP(lit12), OP(lit10), OP(xor));
    expect(22, OP(lit12), OP(lit10), OP(plus));
    expect(2, OP(lit12), OP(lit10), OP(minus));
    expect(-2, OP(lit10), OP(lit12), OP(minus));
    expect(120, OP(lit12), OP(lit10), OP(mul));
    expect(5, OP(lit31), OP(lit6), OP(div));
    expect(-5, OP1(const1s, -31), OP(lit6), OP(div));
    expect(1, OP(lit31), OP(lit6), OP(mod));
    expect(1010, OP(lit10), OP1(plus_uconst, 1000));
    expect(-10, OP(lit10), OP(neg));
    expect(~UINT64_C(10), OP(lit10), OP(not ));
    expect(10, OP1(const1s, -10), OP(abs));
    expect(10, OP(lit10), OP(abs));
    expect(INT64_MIN, OP1(const8s, INT64_MIN), OP(abs));
    expect(UINT64_C(1) << 63, OP(lit1), OP1(const1u, 63), OP(shl));
    expect(0, OP(lit1), OP1(const1u, 64), OP(shl));
    expect(0, OP(lit1), OP1(const8u, UINT64_MAX), OP(shl));
    expect(1, OP1(const8s, -1), OP1(const1u, 63), OP(shr));
    expect(0, OP1(const8s, -1), OP1(const1u, 64), OP(shr));
    expect(-1, OP1(const8s, -4), OP(lit2), OP(shra));
    expect(-1, OP1(const8s, -4), OP1(const1u, 200), OP(shra));
    expect(0, OP(lit4), OP1(const1u, 64), OP(shra));
    expect(0, OP1(const8u, UINT64_MAX), OP(lit1), OP(plus));
}

static void test_comparisons(void **state)
{
    (void)state;
    static const struct {
        int64_t left, right;
    } pairs[] = {{1, 2}, {2, 1}, {2, 2}, {-1, 1}, {1, -1}, {INT64_MIN, INT64_MAX}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        int64_t a = pairs[i].left, b = pairs[i].right;
        expect(a == b, OP1(consts, a), OP1(consts, b), OP(eq));
        expect(a != b, OP1(consts, a), OP1(consts, b), OP(ne));
        expect(a < b, OP1(consts, a), OP1(consts, b), OP(lt));
        expect(a <= b, OP1(consts, a), OP1(consts, b), OP(le));
        expect(a > b, OP1(consts, a), OP1(consts, b), OP(gt));
        expect(a >= b, OP1(consts, a), OP1(consts, b), OP(ge));
    }
}

static void test_memory(void **state)
{
    (void)state;
    expect(0x0807060504030201, OP1(constu, 0x1000), OP(deref));
    expect(0x0908070605040302, OP1(constu, 0x1001), OP(deref));
    expect(0x100f0e0d0c0b0a09, OP1(constu, 0x1008), OP(deref));
    expect(0x01, OP1(constu, 0x1000), OP1(deref_size, 1));
    expect(0x0201, OP1(constu, 0x1000), OP1(deref_size, 2));
    expect(0x04030201, OP1(constu, 0x1000), OP1(deref_size, 4));
    expect(0x0807060504030201, OP1(constu, 0x1000), OP1(deref_size, 8));
    expect_no_memory(0x1009, OP1(constu, 0x1009), OP(deref));
    expect_no_memory(0xfff, OP1(constu, 0xfff), OP(deref));
    expect_no_memory(0, OP(lit0), OP(deref));
    expect_no_memory(UINT64_MAX, OP1(constu, UINT64_MAX), OP(deref));
    expect_no_memory(UINT64_MAX - 7, OP1(constu, UINT64_MAX - 7), OP(deref));
    expect_invalid(OP1(constu, 0x1000), OP1(deref_size, 0));
    expect_invalid(OP1(constu, 0x1000), OP1(deref_size, 9));
    expect_invalid(OP1(constu, 0x1000), OP1(deref_size, 255));
    expect_invalid(OP(deref)); /* of nothing: no memory is asked for */
}

/* What GNU ld writes for the CFA in a PLT: rsp + 8 + ((rip & 15) >= 11 ? 8 : 0). */
static void test_plt(void **state)
{
    (void)state;
    for (uint64_t slot = 0; slot < 16; slot++)
        expect(0x808 + (slot >= 11 ? 8 : 0), OP1(breg7, 8), OP1(breg16, slot), OP(lit15), OP(and),
               OP(lit11), OP(ge), OP(lit3), OP(shl), OP(plus));
}

#define AT(where, ...)                                                                             \
    {                                                                                              \
        .offset = (where), __VA_ARGS__                                                             \
    }

static void test_branches(void **state)
{
    (void)state;
    /* 0: lit1; 1: skip +1 (over lit9 at 4); 5: lit2; 6: plus */
    expect(3, AT(0, .atom = DW_OP_lit1), AT(1, .atom = DW_OP_skip, .number = 1),
           AT(4, .atom = DW_OP_lit9), AT(5, .atom = DW_OP_lit2), AT(6, .atom = DW_OP_plus));
    for (unsigned condition = 0; condition < 3; condition++)
        expect(condition ? 7 : 9, AT(0, .atom = DW_OP_lit7),
               AT(1, .atom = (uint8_t)(DW_OP_lit0 + condition)),
               AT(2, .atom = DW_OP_bra, .number = 2), AT(5, .atom = DW_OP_drop),
               AT(6, .atom = DW_OP_lit9), AT(7, .atom = DW_OP_nop));
    /* A loop that counts down from five and adds up: 5 + 4 + 3 + 2 + 1. Stack: sum, n.
     * 0 lit0; 1 lit5; 2 dup; 3 rot; 4 plus; 5 swap; 6 lit1; 7 minus; 8 dup; 9 bra -10; 12 drop */
    expect(15, AT(0, .atom = DW_OP_lit0), AT(1, .atom = DW_OP_lit5), AT(2, .atom = DW_OP_dup),
           AT(3, .atom = DW_OP_rot), AT(4, .atom = DW_OP_plus), AT(5, .atom = DW_OP_swap),
           AT(6, .atom = DW_OP_lit1), AT(7, .atom = DW_OP_minus), AT(8, .atom = DW_OP_dup),
           AT(9, .atom = DW_OP_bra, .number = (Dwarf_Word)-10), AT(12, .atom = DW_OP_drop));
    /* To the end, just behind the last operation. */
    expect(6, AT(0, .atom = DW_OP_lit6), AT(1, .atom = DW_OP_skip, .number = 1),
           AT(4, .atom = DW_OP_lit9));
}

static void test_hostile(void **state)
{
    (void)state;
    uint64_t value = 1;
    assert_int_equal(evaluate(NULL, 0, &value), RTS_EXPRESSION_INVALID);
    expect_invalid(OP(drop));
    expect_invalid(OP(lit1), OP(plus));
    expect_invalid(OP(lit1), OP(lit1), OP(rot));
    expect_invalid(OP(dup));
    expect_invalid(OP(lit1), OP(over));
    expect_invalid(OP(lit1), OP1(pick, 1));
    expect_invalid(OP(lit1), OP1(pick, UINT64_MAX));
    expect_invalid(OP(swap));
    expect_invalid(OP(lit1), OP(swap));
    expect_invalid(OP(neg));
    expect_invalid(OP(abs));
    expect_invalid(OP(not ));
    expect_invalid(OP1(plus_uconst, 3));
    expect_invalid(OP(bra));
    expect_invalid(OP(lit1), OP(lit0), OP(div));
    expect_invalid(OP(lit1), OP(lit0), OP(mod));
    expect_invalid(OP1(const8s, INT64_MIN), OP1(consts, -1), OP(div));
    /* Endless: skip to itself, and a loop that leaves a value each time. */
    expect_invalid(AT(0, .atom = DW_OP_skip, .number = (Dwarf_Word)-3));
    expect_invalid(AT(0, .atom = DW_OP_lit1), AT(1, .atom = DW_OP_skip, .number = (Dwarf_Word)-4));
    expect_invalid(AT(0, .atom = DW_OP_lit1), AT(1, .atom = DW_OP_bra, .number = (Dwarf_Word)-4));
    /* Into the middle of an operation, and before the first. */
    expect_invalid(AT(0, .atom = DW_OP_lit1), AT(1, .atom = DW_OP_skip, .number = 1),
                   AT(4, .atom = DW_OP_constu, .number = 300), AT(7, .atom = DW_OP_drop));
    expect_invalid(AT(0, .atom = DW_OP_lit1), AT(1, .atom = DW_OP_skip, .number = (Dwarf_Word)-9));
}

/* What has no meaning in call frame information, or would need more than integers. */
static void test_meaningless(void **state)
{
    (void)state;
    static const uint8_t atoms[] = {
        DW_OP_xderef,
        DW_OP_xderef_size,
        DW_OP_fbreg,
        DW_OP_piece,
        DW_OP_call2,
        DW_OP_call4,
        DW_OP_call_ref,
        DW_OP_form_tls_address,
        DW_OP_bit_piece,
        DW_OP_implicit_value,
        DW_OP_stack_value,
        DW_OP_push_object_address,
        DW_OP_entry_value,
        DW_OP_const_type,
        DW_OP_regval_type,
        DW_OP_deref_type,
        DW_OP_convert,
        DW_OP_reinterpret,
        DW_OP_addrx,
        DW_OP_constx,
        DW_OP_addr, /* needs the load bias */
        DW_OP_reg0,
        DW_OP_reg31,
        DW_OP_regx,
        DW_OP_lo_user,
        DW_OP_hi_user,
        0,
        1,
        2,
    };
    for (size_t i = 0; i < sizeof atoms; i++)
        expect_invalid(OP(lit1), OP(lit2), {.atom = atoms[i]});
}

static void test_stack_limit(void **state)
{
    (void)state;
    Dwarf_Op operations[64];
    uint64_t value;
    for (size_t count = 1; count <= 64; count++) {
        operations[count - 1] = (Dwarf_Op){.atom = DW_OP_lit3};
        assert_int_equal(evaluate(operations, count, &value),
                         count <= 32 ? RTS_EXPRESSION_VALUE : RTS_EXPRESSION_INVALID);
    }
}

static void test_random(void **state)
{
    (void)state;
    srandom(99);
    for (int round = 0; round < 300000; round++) {
        Dwarf_Op operations[24];
        size_t count = (size_t)random() % 25;
        for (size_t i = 0; i < count; i++) {
            uint64_t number = random() % 2 ? (uint64_t)random() % 40 : (uint64_t) - (random() % 40);
            operations[i] = (Dwarf_Op){
                .atom = random() % 3 ? (uint8_t)(DW_OP_lit0 + (unsigned)random() % 64)
                                     : (uint8_t)random(),
                .number = random() % 8 ? number : (uint64_t)random() << 33,
                .number2 = (Dwarf_Word)random(),
                .offset = i * 3,
            };
        }
        uint64_t value = 0;
        enum rts_expression_result result = evaluate(operations, count, &value);
        assert_in_range(result, RTS_EXPRESSION_VALUE, RTS_EXPRESSION_NO_MEMORY);
    }
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_constants),
        cmocka_unit_test(test_registers),
        cmocka_unit_test(test_stack_operations),
        cmocka_unit_test(test_arithmetic),
        cmocka_unit_test(test_comparisons),
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_plt),
        cmocka_unit_test(test_branches),
        cmocka_unit_test(test_hostile),
        cmocka_unit_test(test_meaningless),
        cmocka_unit_test(test_stack_limit),
        cmocka_unit_test(test_random),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
