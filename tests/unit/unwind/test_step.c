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
#include "unwind/step.h"

#define STACK UINT64_C(0x7ffc0000)

/* Sixteen words of stack, each 0xa000 + its index. */
struct world {
    uint64_t words[16];
    struct rts_memory memory;
    struct rts_registers registers;
    struct rts_rule rule;
};

static const struct rts_architecture *const arch = &rts_architecture_x86_64;

/* The usual rule after `push %rbp`: CFA = rsp + 16, rbp at CFA - 16, return address at CFA - 8. */
static void init(struct world *world)
{
    memset(world, 0, sizeof *world);
    for (uint64_t i = 0; i < 16; i++)
        world->words[i] = 0xa000 + i;
    world->memory = (struct rts_memory){
        .address = STACK, .bytes = (const uint8_t *)world->words, .size = sizeof world->words};
    for (unsigned i = 0; i < arch->registers; i++)
        rts_register_set(&world->registers, i, 0x100 + i);
    rts_register_set(&world->registers, 7, STACK);
    world->rule.cfa_register = 7;
    world->rule.cfa_offset = 16;
    world->rule.return_column = 16;
    world->rule.kind[3] = RTS_RULE_SAME;
    world->rule.kind[6] = RTS_RULE_AT_CFA;
    world->rule.offset[6] = -16;
    world->rule.kind[7] = RTS_RULE_IS_CFA;
    world->rule.kind[16] = RTS_RULE_AT_CFA;
    world->rule.offset[16] = -8;
}

static enum rts_step_result step(struct world *world, uint64_t *missing, uint64_t *popped)
{
    *missing = 0;
    return rts_step_rule(arch, &world->rule, &world->memory, &world->registers, missing, popped);
}

static void test_usual_rule(void **state)
{
    (void)state;
    struct world world;
    uint64_t missing, popped;
    init(&world);
    assert_int_equal(step(&world, &missing, &popped), RTS_STEP_DONE);
    assert_int_equal(world.registers.value[16], 0xa001);
    assert_int_equal(world.registers.value[6], 0xa000);
    assert_int_equal(world.registers.value[7], STACK + 16);
    assert_int_equal(world.registers.value[3], 0x103);
    assert_int_equal(world.registers.known, 1 << 3 | 1 << 6 | 1 << 7 | 1 << 16);
    assert_int_equal(popped, 0);
}

static void test_root(void **state)
{
    (void)state;
    struct world world;
    uint64_t missing, popped;
    init(&world);
    world.rule.kind[16] = RTS_RULE_UNDEFINED;
    assert_int_equal(step(&world, &missing, &popped), RTS_STEP_ROOT);
}

/* Whatever goes wrong, the registers are left alone. */
static void test_failures(void **state)
{
    (void)state;
    struct world world;
    uint64_t missing, popped;
    for (int round = 0; round < 4; round++) {
        init(&world);
        enum rts_step_result expected = RTS_STEP_NO_MEMORY;
        if (round == 0)
            world.rule.cfa_offset = 16 * 8 + 8; /* the return address is behind the copy */
        if (round == 1)
            world.rule.cfa_offset = INT32_MIN;
        if (round == 2) {
            world.registers.known &= ~(1ULL << 7);
            expected = RTS_STEP_NO_REGISTER;
        }
        if (round == 3) {
            world.rule.kind[16] = RTS_RULE_REGISTER;
            world.rule.offset[16] = 2;
            world.registers.known &= ~(1ULL << 2);
            expected = RTS_STEP_NO_REGISTER;
        }
        struct rts_registers before = world.registers;
        assert_int_equal(step(&world, &missing, &popped), expected);
        assert_memory_equal(&before, &world.registers, sizeof before);
        if (round == 0)
            assert_int_equal(missing, STACK + 16 * 8);
        if (round == 1)
            assert_int_equal(missing, STACK - 0x80000000 - 8);
    }
}

/* A saved register that cannot be read is lost; the walk goes on without it. */
static void test_lost_register(void **state)
{
    (void)state;
    struct world world;
    uint64_t missing, popped;
    init(&world);
    world.rule.kind[12] = RTS_RULE_AT_CFA;
    world.rule.offset[12] = 1 << 20;
    world.rule.kind[13] = RTS_RULE_AT_CFA;
    world.rule.offset[13] = -24; /* below the stack pointer: popped */
    assert_int_equal(step(&world, &missing, &popped), RTS_STEP_DONE);
    assert_false(rts_register_known(&world.registers, 12));
    assert_false(rts_register_known(&world.registers, 13));
    assert_int_equal(popped, 1 << 13);
}

static void test_other_kinds(void **state)
{
    (void)state;
    struct world world;
    uint64_t missing, popped;
    init(&world);
    world.rule.kind[12] = RTS_RULE_REGISTER;
    world.rule.offset[12] = 5;
    world.rule.kind[13] = RTS_RULE_IS_CFA;
    world.rule.offset[13] = -4;
    assert_int_equal(step(&world, &missing, &popped), RTS_STEP_DONE);
    assert_int_equal(world.registers.value[12], 0x105);
    assert_int_equal(world.registers.value[13], STACK + 12);
}

static struct rts_expression *expression(const Dwarf_Op *operations, size_t count)
{
    struct rts_expression *made = calloc(1, sizeof *made + count * sizeof *operations);
    made->count = count;
    memcpy(made->operations, operations, count * sizeof *operations);
    return made;
}

/* A signal frame: all registers lie at offsets from the stack pointer, by expressions. */
static void test_expressions(void **state)
{
    (void)state;
    struct world world;
    uint64_t missing, popped;
    init(&world);
    struct rts_expression *cfa = expression(
        (const Dwarf_Op[]){{.atom = DW_OP_breg7, .number = 40}, {.atom = DW_OP_deref}}, 2);
    struct rts_expression *at =
        expression((const Dwarf_Op[]){{.atom = DW_OP_breg7, .number = 48}}, 1);
    struct rts_expression *is = expression((const Dwarf_Op[]){{.atom = DW_OP_call_frame_cfa},
                                                              {.atom = DW_OP_lit1},
                                                              {.atom = DW_OP_plus}},
                                           3);
    world.rule.cfa_is_expression = 1;
    world.rule.cfa_expression = cfa;
    world.rule.kind[16] = RTS_RULE_AT_EXPRESSION;
    world.rule.expression[16] = at;
    world.rule.kind[6] = RTS_RULE_IS_EXPRESSION;
    world.rule.expression[6] = is;
    assert_int_equal(step(&world, &missing, &popped), RTS_STEP_DONE);
    assert_int_equal(world.registers.value[7], 0xa005);
    assert_int_equal(world.registers.value[16], 0xa006);
    assert_int_equal(world.registers.value[6], 0xa006);

    at->operations[0].number = 16 * 8 - 7; /* one byte too far */
    rts_register_set(&world.registers, 7, STACK);
    assert_int_equal(step(&world, &missing, &popped), RTS_STEP_NO_MEMORY);
    assert_int_equal(missing, STACK + 16 * 8 - 7);
    at->operations[0].atom = DW_OP_drop;
    assert_int_equal(step(&world, &missing, &popped), RTS_STEP_INVALID);
    cfa->operations[0].number = (Dwarf_Word)-8;
    assert_int_equal(step(&world, &missing, &popped), RTS_STEP_NO_MEMORY);
    assert_int_equal(missing, STACK - 8);
    cfa->operations[1].atom = DW_OP_drop;
    assert_int_equal(step(&world, &missing, &popped), RTS_STEP_INVALID);
    free(cfa);
    free(at);
    free(is);
}

/* AArch64: a return address with a signature in its upper bits, kept in the link register. */
static void test_link_register(void **state)
{
    (void)state;
    struct rts_rule rule = {.cfa_register = 31, .return_column = 30};
    struct rts_registers registers = {0};
    struct rts_memory memory = {.address = STACK};
    uint64_t missing, popped;
    rule.kind[30] = RTS_RULE_SAME;
    rts_register_set(&registers, 31, STACK);
    rts_register_set(&registers, 30, 0x12340000aaaabbbb);
    assert_int_equal(
        rts_step_rule(&rts_architecture_aarch64, &rule, &memory, &registers, &missing, &popped),
        RTS_STEP_DONE);
    assert_int_equal(registers.value[32], 0xaaaabbbb);
    assert_int_equal(registers.value[31], STACK);
}

/* Frames of Go functions: the size is all that is known, and nothing but the pc and the stack
 * pointer of the caller follows from it. */
static void test_go_frame(void **state)
{
    (void)state;
    static const struct {
        const struct rts_architecture *arch;
        uint32_t size;
        uint64_t pc, stack_pointer;
    } cases[] = {
        {&rts_architecture_x86_64, 0, 0xa000, STACK + 8},
        {&rts_architecture_x86_64, 24, 0xa003, STACK + 32},
        {&rts_architecture_aarch64, 0, 0xbbbb, STACK}, /* in the link register still */
        {&rts_architecture_aarch64, 32, 0xa000, STACK + 32},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct rts_architecture *of = cases[i].arch;
        struct world world;
        uint64_t missing, popped;
        init(&world);
        rts_register_set(&world.registers, of->stack_pointer, STACK);
        rts_register_set(&world.registers, 30, 0xbbbb);
        rts_rule_from_go_frame(of, false, cases[i].size, &world.rule);
        assert_int_equal(
            rts_step_rule(of, &world.rule, &world.memory, &world.registers, &missing, &popped),
            RTS_STEP_DONE);
        assert_int_equal(world.registers.value[of->program_counter], cases[i].pc);
        assert_int_equal(world.registers.value[of->stack_pointer], cases[i].stack_pointer);
        assert_int_equal(world.registers.known, 1ULL << of->program_counter |
                                                    1ULL << of->stack_pointer |
                                                    1ULL << of->return_address);
        rts_rule_from_go_frame(of, true, 0, &world.rule);
        assert_int_equal(
            rts_step_rule(of, &world.rule, &world.memory, &world.registers, &missing, &popped),
            RTS_STEP_ROOT);
    }
}

static enum rts_step_result follow(struct world *world, bool *rising)
{
    uint64_t missing;
    return rts_step_frame_pointer(arch, &world->memory, &world->registers, &missing, rising);
}

static void test_frame_pointer(void **state)
{
    (void)state;
    struct world world;
    bool rising;
    init(&world);
    rts_register_set(&world.registers, 6, STACK + 32);
    world.words[4] = STACK + 64;
    world.words[8] = 0;
    assert_int_equal(follow(&world, &rising), RTS_STEP_DONE);
    assert_true(rising);
    assert_int_equal(world.registers.value[16], 0xa005);
    assert_int_equal(world.registers.value[7], STACK + 48);
    assert_int_equal(world.registers.value[6], STACK + 64);
    assert_int_equal(world.registers.known, 1 << 6 | 1 << 7 | 1 << 16);
    assert_int_equal(follow(&world, &rising), RTS_STEP_DONE);
    assert_true(rising);
    assert_int_equal(follow(&world, &rising), RTS_STEP_ROOT);

    static const struct {
        uint64_t frame;
        enum rts_step_result result;
    } others[] = {
        {STACK + 33, RTS_STEP_INVALID},       {STACK - 8, RTS_STEP_INVALID},
        {STACK + 120, RTS_STEP_NO_MEMORY},    {STACK + 128, RTS_STEP_NO_MEMORY},
        {UINT64_MAX - 7, RTS_STEP_NO_MEMORY}, {8, RTS_STEP_INVALID},
    };
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        init(&world);
        rts_register_set(&world.registers, 6, others[i].frame);
        assert_int_equal(follow(&world, &rising), others[i].result);
    }
    init(&world);
    rts_register_set(&world.registers, 6, STACK + 32);
    world.words[4] = STACK + 32; /* to itself */
    assert_int_equal(follow(&world, &rising), RTS_STEP_DONE);
    assert_false(rising);
    world.registers.known &= ~(1ULL << 6);
    assert_int_equal(follow(&world, &rising), RTS_STEP_NO_REGISTER);
}

/* Every address around the copy: a word is there or it is not. */
static void test_memory_edges(void **state)
{
    (void)state;
    for (size_t size = 0; size < 24; size++) {
        uint8_t *bytes = malloc(size);
        memset(bytes, 0x5a, size);
        struct rts_memory memory = {.address = STACK, .bytes = bytes, .size = size};
        for (uint64_t address = STACK - 32; address < STACK + 64; address++) {
            uint64_t word = 0;
            bool expected = address >= STACK && address + 8 <= STACK + size;
            assert_int_equal(rts_memory_word(&memory, address, &word), expected);
            assert_int_equal(word, expected ? 0x5a5a5a5a5a5a5a5a : 0);
        }
        uint64_t word;
        assert_false(rts_memory_word(&memory, UINT64_MAX, &word));
        assert_false(rts_memory_word(&memory, 0, &word));
        free(bytes);
    }
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_usual_rule),    cmocka_unit_test(test_root),
        cmocka_unit_test(test_failures),      cmocka_unit_test(test_lost_register),
        cmocka_unit_test(test_other_kinds),   cmocka_unit_test(test_expressions),
        cmocka_unit_test(test_link_register), cmocka_unit_test(test_frame_pointer),
        cmocka_unit_test(test_memory_edges),  cmocka_unit_test(test_go_frame),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
