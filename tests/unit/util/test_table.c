/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../suite.h"
#include "util/table.h"

#define NUMBERS 5000

static bool same_number(const void *item, const void *key)
{
    return *(const unsigned *)item == *(const unsigned *)key;
}

/* A poor hash on purpose, so that probes are long. */
static uint64_t crowded(unsigned number)
{
    return number % 7;
}

static void *find(const struct rts_table *table, unsigned number)
{
    return rts_table_find(table, rts_hash_u64(number), same_number, &number);
}

static void empty_finds_nothing(void **state)
{
    (void)state;
    struct rts_table table = {0};
    unsigned number = 1;
    size_t position = 0;
    assert_null(find(&table, 1));
    assert_null(rts_table_remove(&table, rts_hash_u64(1), same_number, &number));
    assert_null(rts_table_next(&table, &position));
    rts_table_clear(&table);
    rts_table_finish(&table);
}

/* Compares the table with a plain array of flags through thousands of pseudo-random steps. */
static void agrees_with_a_model(void **state)
{
    (void)state;
    struct rts_table table = {0};
    static unsigned numbers[NUMBERS];
    static bool held[NUMBERS];
    uint32_t random = 1;
    size_t count = 0;
    for (unsigned step = 0; step < 100000; step++) {
        random = random * 1664525u + 1013904223u;
        unsigned number = (random >> 8) % NUMBERS;
        uint64_t hash = rts_hash_u64(number);
        numbers[number] = number;
        void *found = find(&table, number);
        assert_ptr_equal(found, held[number] ? &numbers[number] : NULL);
        if (held[number]) {
            assert_ptr_equal(rts_table_remove(&table, hash, same_number, &number), found);
            count--;
        } else {
            rts_table_add(&table, hash, &numbers[number]);
            count++;
        }
        held[number] = !held[number];
        assert_int_equal(table.count, count);
        assert_true(table.used < table.capacity);
    }
    bool seen[NUMBERS] = {false};
    size_t position = 0;
    unsigned *item;
    while ((item = rts_table_next(&table, &position))) {
        assert_true(held[*item] && !seen[*item]);
        seen[*item] = true;
        count--;
    }
    assert_int_equal(count, 0);
    rts_table_finish(&table);
}

static void colliding_items_are_told_apart(void **state)
{
    (void)state;
    struct rts_table table = {0};
    unsigned numbers[300];
    for (unsigned i = 0; i < 300; i++) {
        numbers[i] = i;
        rts_table_add(&table, crowded(i), &numbers[i]);
    }
    for (unsigned i = 0; i < 300; i += 2)
        assert_ptr_equal(rts_table_remove(&table, crowded(i), same_number, &i), &numbers[i]);
    for (unsigned i = 0; i < 300; i++)
        assert_ptr_equal(rts_table_find(&table, crowded(i), same_number, &i),
                         i % 2 ? &numbers[i] : NULL);
    rts_table_finish(&table);
}

static void walking_may_remove(void **state)
{
    (void)state;
    struct rts_table table = {0};
    unsigned numbers[100];
    for (unsigned i = 0; i < 100; i++) {
        numbers[i] = i;
        rts_table_add(&table, rts_hash_u64(i), &numbers[i]);
    }
    size_t position = 0, walked = 0;
    unsigned *item;
    while ((item = rts_table_next(&table, &position))) {
        unsigned number = *item;
        walked++;
        assert_non_null(rts_table_remove(&table, rts_hash_u64(number), same_number, &number));
    }
    assert_int_equal(walked, 100);
    assert_int_equal(table.count, 0);
    rts_table_finish(&table);
}

static void clear_keeps_the_memory(void **state)
{
    (void)state;
    struct rts_table table = {0};
    unsigned number = 3;
    rts_table_add(&table, rts_hash_u64(3), &number);
    size_t capacity = table.capacity;
    rts_table_clear(&table);
    assert_null(find(&table, 3));
    assert_int_equal(table.capacity, capacity);
    rts_table_add(&table, rts_hash_u64(3), &number);
    assert_ptr_equal(find(&table, 3), &number);
    rts_table_finish(&table);
    assert_int_equal(table.capacity, 0);
}

/* Adding and removing for ever must not fill the table with the marks of what was removed. */
static void churn_does_not_grow_it(void **state)
{
    (void)state;
    struct rts_table table = {0};
    for (unsigned i = 0; i < 100000; i++) {
        unsigned number = i;
        rts_table_add(&table, rts_hash_u64(i), &number);
        assert_non_null(rts_table_remove(&table, rts_hash_u64(i), same_number, &number));
    }
    assert_in_range(table.capacity, 1, 64);
    rts_table_finish(&table);
}

static void hashes_depend_on_all_their_input(void **state)
{
    (void)state;
    assert_true(rts_hash_bytes("ab", 2, 0) != rts_hash_bytes("ba", 2, 0));
    assert_true(rts_hash_bytes("ab", 2, 0) != rts_hash_bytes("ab", 2, 1));
    assert_true(rts_hash_bytes("a\0", 2, 0) != rts_hash_bytes("a", 1, 0));
    assert_true((rts_hash_u64(1ULL << 63) & 0xfff) != (rts_hash_u64(0) & 0xfff));
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(empty_finds_nothing),
        cmocka_unit_test(agrees_with_a_model),
        cmocka_unit_test(colliding_items_are_told_apart),
        cmocka_unit_test(walking_may_remove),
        cmocka_unit_test(clear_keeps_the_memory),
        cmocka_unit_test(churn_does_not_grow_it),
        cmocka_unit_test(hashes_depend_on_all_their_input),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
