/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "process/process.h"

#include "fake_proc.h"

/* A thousand children that change nothing take the memory of one; who changes something has it for
 * himself, whoever it is and whoever ends first. */
static void test_children_share_mappings(void **state)
{
    struct world *world = *state;
    proc_write(world, 7, "maps", two_files);
    struct rts_process *parent = attach(world, 7);
    for (uint64_t i = 0; i < 3000; i++)
        map(world, 7, 10, 0x100000 + i * 0x2000, 0x101000 + i * 0x2000, "/lib/many.so");
    size_t before = rts_process_table_bytes(world->table);
    for (int32_t pid = 100; pid < 1100; pid++)
        rts_process_forked(world->table, pid == 100 ? 7 : pid - 1, pid, 100 + (uint64_t)pid);
    size_t after = rts_process_table_bytes(world->table);
    assert_in_range(after - before, 1000 * sizeof(struct rts_process), 1000 * 1024);
    struct rts_process *child = rts_process_find(world->table, 500, 10000);
    map(world, 500, 20000, 0x100000, 0x101000, "/lib/childs.so");
    map(world, 7, 20001, 0x102000, 0x103000, "/lib/parents.so");
    assert_string_equal(path_at(child, 0x100000, 20000), "/lib/childs.so");
    assert_string_equal(path_at(child, 0x102000, 30000), "/lib/many.so");
    assert_string_equal(path_at(parent, 0x100000, 30000), "/lib/many.so");
    assert_string_equal(path_at(parent, 0x102000, 30000), "/lib/parents.so");
    const struct rts_process *other = rts_process_find(world->table, 900, 30000);
    assert_string_equal(path_at(other, 0x100000, 30000), "/lib/many.so");
    assert_string_equal(path_at(other, 0x102000, 30000), "/lib/many.so");
    struct rts_mapping *shared = rts_mapping_set_find(&other->mappings, 0x100000, 30000);
    struct rts_mapping *own = rts_process_own_mapping((struct rts_process *)other, shared);
    assert_ptr_not_equal(own, shared);
    assert_ptr_equal(own->file, shared->file);
}

/* When memory is short, what is mapped in those goes that were not sampled for longest. */
static void test_mappings_are_read_again(void **state)
{
    struct world *world = *state;
    for (int32_t pid = 7; pid < 17; pid++) {
        proc_write(world, pid, "maps", two_files);
        attach(world, pid)->sampled_ns = (uint64_t)(100 - pid);
    }
    size_t before = rts_process_table_bytes(world->table);
    assert_int_equal(rts_process_table_shed(world->table, 1), 1);
    assert_in_range(rts_process_table_bytes(world->table), 1, before - 1);
    struct rts_process *last = rts_process_find(world->table, 16, 50);
    assert_false(last->maps_known);
    assert_null(path_at(last, 0x1000, 50));
    assert_true(rts_process_find(world->table, 15, 50)->maps_known);
    assert_true(rts_process_refresh(world->table, last, 60));
    assert_string_equal(path_at(last, 0x1000, 60), "/bin/app");
    assert_string_equal(path_at(last, 0x1000, 50), "/bin/app"); /* a sample that is read late */
    assert_int_equal(rts_process_table_shed(world->table, SIZE_MAX), 10);
    assert_int_equal(rts_process_table_shed(world->table, SIZE_MAX), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_children_share_mappings, setup, teardown),
        cmocka_unit_test_setup_teardown(test_mappings_are_read_again, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
