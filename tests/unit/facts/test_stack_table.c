/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../suite.h"
#include "facts/stack_table.h"

/* Never looked into by the table: any two addresses will do. */
static char first_file, second_file;
#define FILE_A ((struct rts_object *)(void *)&first_file)
#define FILE_B ((struct rts_object *)(void *)&second_file)

static void counts_equal_stacks_once(void **state)
{
    (void)state;
    struct rts_stack_table *table = rts_stack_table_create();
    struct rts_frame frames[2] = {{FILE_A, 0x1000, 0x7000, RTS_UNWINDER_REGISTERS, 0, NULL},
                                  {FILE_A, 0x2000, 0x7000, RTS_UNWINDER_CFI, 0, NULL}};
    rts_stack_table_add(table, 1, 50, frames, 2);
    frames[1].unwinder = RTS_UNWINDER_FRAME_POINTER; /* not part of the identity */
    rts_stack_table_add(table, 1, 40, frames, 2);
    rts_stack_table_add(table, 1, 60, frames, 2);
    assert_int_equal(rts_stack_table_size(table), 1);
    const struct rts_stack_entry *entry = rts_stack_table_entry(table, 0);
    assert_int_equal(entry->instance, 1);
    assert_int_equal(entry->samples, 3);
    assert_int_equal(entry->first_ns, 40);
    assert_int_equal(entry->frame_count, 2);
    assert_int_equal(entry->frames[1].vaddr, 0x2000);
    assert_int_equal(entry->frames[1].unwinder, RTS_UNWINDER_CFI);
    rts_stack_table_destroy(table);
}

static void tells_different_stacks_apart(void **state)
{
    (void)state;
    struct rts_stack_table *table = rts_stack_table_create();
    const struct rts_frame base[2] = {{FILE_A, 0x1000, 0x7000, 0, 0, NULL},
                                      {FILE_A, 0x2000, 0x7000, 1, 0, NULL}};
    struct rts_frame other[2];
    rts_stack_table_add(table, 1, 1, base, 2);
    rts_stack_table_add(table, 2, 1, base, 2); /* another process */
    rts_stack_table_add(table, 1, 1, base, 1); /* a shorter stack */
    rts_stack_table_add(table, 1, 1, NULL, 0);
    memcpy(other, base, sizeof base);
    other[1].object = FILE_B;
    rts_stack_table_add(table, 1, 1, other, 2);
    memcpy(other, base, sizeof base);
    other[1].vaddr++;
    rts_stack_table_add(table, 1, 1, other, 2);
    memcpy(other, base, sizeof base);
    other[0].load_base = 0x9000;
    rts_stack_table_add(table, 1, 1, other, 2);
    assert_int_equal(rts_stack_table_size(table), 7);
    for (size_t i = 0; i < 7; i++)
        assert_int_equal(rts_stack_table_entry(table, i)->samples, 1);
    rts_stack_table_destroy(table);
}

/* The bytes between the fields of a frame have no meaning. */
static void padding_does_not_matter(void **state)
{
    (void)state;
    struct rts_stack_table *table = rts_stack_table_create();
    for (int fill = 0; fill < 256; fill += 85) {
        struct rts_frame frame;
        memset(&frame, fill, sizeof frame);
        frame.object = FILE_A;
        frame.vaddr = 0x10;
        frame.load_base = 0;
        frame.unwinder = 0;
        rts_stack_table_add(table, 1, 1, &frame, 1);
    }
    assert_int_equal(rts_stack_table_size(table), 1);
    rts_stack_table_destroy(table);
}

static void keeps_the_order_and_its_own_copy(void **state)
{
    (void)state;
    struct rts_stack_table *table = rts_stack_table_create();
    struct rts_frame frame = {.object = FILE_A};
    for (unsigned round = 0; round < 2; round++)
        for (uint64_t i = 0; i < 2000; i++) {
            frame.vaddr = i * 16;
            rts_stack_table_add(table, 1, i, &frame, 1);
        }
    frame.vaddr = 0xdead;
    assert_int_equal(rts_stack_table_size(table), 2000);
    for (size_t i = 0; i < 2000; i++) {
        assert_int_equal(rts_stack_table_entry(table, i)->frames[0].vaddr, i * 16);
        assert_int_equal(rts_stack_table_entry(table, i)->samples, 2);
    }
    rts_stack_table_destroy(table);
}

static void clear_forgets(void **state)
{
    (void)state;
    struct rts_stack_table *table = rts_stack_table_create();
    struct rts_frame frame = {.object = FILE_A, .vaddr = 1};
    rts_stack_table_add(table, 1, 5, &frame, 1);
    rts_stack_table_clear(table);
    assert_int_equal(rts_stack_table_size(table), 0);
    rts_stack_table_add(table, 1, 9, &frame, 1);
    assert_int_equal(rts_stack_table_entry(table, 0)->samples, 1);
    assert_int_equal(rts_stack_table_entry(table, 0)->first_ns, 9);
    rts_stack_table_destroy(table);
    rts_stack_table_destroy(NULL);
}

static void tells_its_memory(void **state)
{
    (void)state;
    struct rts_stack_table *table = rts_stack_table_create();
    const struct rts_frame frames[2] = {{FILE_A, 0x1000, 0x7000, 0, 0, NULL},
                                        {FILE_A, 0x2000, 0x7000, 1, 0, NULL}};
    assert_int_equal(rts_stack_table_bytes(table), 0);
    rts_stack_table_add(table, 1, 1, frames, 2);
    size_t one = rts_stack_table_bytes(table);
    assert_in_range(one, sizeof frames, sizeof frames + 100);
    rts_stack_table_add(table, 1, 2, frames, 2); /* known */
    assert_int_equal(rts_stack_table_bytes(table), one);
    rts_stack_table_add(table, 2, 3, frames, 2);
    assert_int_equal(rts_stack_table_bytes(table), 2 * one);
    rts_stack_table_clear(table);
    assert_int_equal(rts_stack_table_bytes(table), 0);
    rts_stack_table_destroy(table);
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_equal_stacks_once),
        cmocka_unit_test(tells_different_stacks_apart),
        cmocka_unit_test(padding_does_not_matter),
        cmocka_unit_test(keeps_the_order_and_its_own_copy),
        cmocka_unit_test(clear_forgets),
        cmocka_unit_test(tells_its_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
