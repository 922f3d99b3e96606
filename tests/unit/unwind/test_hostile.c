/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Registers and stack bytes that nobody's program made. Whatever they are, the walk ends, within
 * its depth, for a reason, and reads nothing but the bytes it was given (the sanitizers' part).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../suite.h"
#include "own_code.h"

#define ROUNDS 100000
#define WORDS  512

static uint64_t seed = 0x9e3779b97f4a7c15;

/* xorshift64: the same on every machine. */
static uint64_t dice(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

/* An address in code that is mapped here; few enough different ones for the rules to be known. */
static uint64_t some_code(const struct own_code *own)
{
    const struct rts_mapping_set *set = &own->question.process->mappings;
    const struct rts_mapping *mapping = &set->items[dice() % set->count];
    uint64_t size = mapping->end - mapping->start;
    return mapping->start + (dice() % 8192 * (size / 8192 + 1) * 7) % size;
}

/* A word as it may lie in memory: code, stack, small numbers, anything. */
static uint64_t some_word(const struct own_code *own, uint64_t stack)
{
    switch (dice() % 8) {
    case 0:
    case 1:
    case 2: return some_code(own);
    case 3:
    case 4: return stack + dice() % (WORDS * 8) / 8 * 8;
    case 5: return stack + dice() % 65536 - 32768;
    case 6: return dice() % 64;
    default: return dice();
    }
}

static void random_registers(const struct own_code *own, uint64_t stack,
                             struct rts_registers *registers)
{
    const struct rts_architecture *arch = rts_architecture_native();
    memset(registers, 0, sizeof *registers);
    for (unsigned i = 0; i < arch->registers; i++)
        if (dice() % 16)
            rts_register_set(registers, i, some_word(own, stack));
    rts_register_set(registers, arch->stack_pointer, dice() % 8 ? stack : some_word(own, stack));
    rts_register_set(registers, arch->program_counter,
                     dice() % 16 ? some_code(own) : some_word(own, stack));
}

static void unwind_random_stacks(const struct rts_unwind_method *method)
{
    struct own_code own;
    own_code_init(&own);
    struct rts_error error;
    void *by = method->open(rts_architecture_native(), own.rules, &error);
    assert_non_null(by);
    uint64_t stops[RTS_STOP_COUNT] = {0};
    for (int round = 0; round < ROUNDS; round++) {
        size_t size = dice() % 4 ? WORDS * 8 : dice() % (WORDS * 8);
        uint8_t *bytes = malloc(size);
        uint64_t stack = dice() % 32 ? UINT64_C(0x7ffc00000000) + dice() % 4096 * 8 : dice();
        for (size_t at = 0; at + 8 <= size; at += 8) {
            uint64_t word = some_word(&own, stack);
            memcpy(bytes + at, &word, sizeof word);
        }
        struct rts_registers registers;
        random_registers(&own, stack, &registers);
        struct rts_memory memory = {.address = stack, .bytes = bytes, .size = size};
        own.stack->count = UINT32_MAX;
        own.stack->stop = RTS_STOP_COUNT;
        const struct rts_unwind_task task = {
            .finder = &own.finder, .registers = &registers, .memory = &memory};
        method->unwind(by, &task, own.stack);
        assert_in_range(own.stack->count, 1, RTS_STACK_DEPTH_MAX);
        assert_in_range(own.stack->stop, 0, RTS_STOP_COUNT - 1);
        for (uint32_t i = 0; i < own.stack->count; i++) {
            assert_in_range(own.stack->frames[i].unwinder, 0, RTS_UNWINDER_COUNT - 1);
            assert_int_equal(own.stack->frames[i].object != NULL,
                             own.stack->kinds[i] == RTS_CODE_OBJECT);
        }
        stops[own.stack->stop]++;
        free(bytes);
    }
    /* The dice reach the interesting ends; else the test tests nothing. */
    assert_true(stops[RTS_STOP_STACK_SHORT] > 0);
    assert_true(stops[RTS_STOP_BAD_RETURN] > 0);
    assert_true(stops[RTS_STOP_LOST_REGISTER] > 0);
    if (method == &rts_unwind_rules)
        assert_true(stops[RTS_STOP_NO_PROGRESS] > 0);
    method->close(by);
    own_code_finish(&own);
}

static void test_random_stacks(void **state)
{
    (void)state;
    unwind_random_stacks(&rts_unwind_rules);
}

static void test_random_stacks_by_libunwind(void **state)
{
    (void)state;
    unwind_random_stacks(&rts_unwind_libunwind);
}

/* A stack that leads back into itself: every word points to code whose caller is found a word
 * further, for as long as there are words. */
static void test_deep_stacks(void **state)
{
    (void)state;
    struct own_code own;
    own_code_init(&own);
    size_t size = 1 << 16;
    uint8_t *bytes = malloc(size);
    uint64_t base = UINT64_C(0x7ffc00000000);
    for (int round = 0; round < 300; round++) {
        uint64_t word = some_code(&own);
        for (size_t at = 0; at + 8 <= size; at += 8)
            memcpy(bytes + at, &word, sizeof word);
        struct rts_registers registers;
        random_registers(&own, base, &registers);
        rts_register_set(&registers, rts_architecture_native()->program_counter, word);
        rts_register_set(&registers, rts_architecture_native()->stack_pointer, base);
        struct rts_memory memory = {.address = base, .bytes = bytes, .size = size};
        own_code_unwind_by(&own, round % 2 ? &rts_unwind_rules : &rts_unwind_libunwind, &registers,
                           &memory);
        assert_in_range(own.stack->count, 1, RTS_STACK_DEPTH_MAX);
        if (own.stack->stop == RTS_STOP_DEPTH)
            assert_int_equal(own.stack->count, RTS_STACK_DEPTH_MAX);
    }
    free(bytes);
    own_code_finish(&own);
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_stacks),
        cmocka_unit_test(test_random_stacks_by_libunwind),
        cmocka_unit_test(test_deep_stacks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
