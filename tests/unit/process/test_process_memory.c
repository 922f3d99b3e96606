/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "process/process.h"

#include "../suite.h"
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

/* How many processes lose their mappings when this owner is to lose so much. */
static uint64_t shed(struct world *world, unsigned owner, size_t bytes)
{
    struct rts_share share = {0};
    struct rts_losses losses = {.of = {[0] = 0}};
    losses.of[owner] = bytes;
    rts_process_table_shed(world->table, &losses, &share);
    return share.evictions;
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
    assert_int_equal(shed(world, RTS_OWNER_OTHER, 1), 1);
    assert_in_range(rts_process_table_bytes(world->table), 1, before - 1);
    struct rts_process *last = rts_process_find(world->table, 16, 50);
    assert_false(last->maps_known);
    assert_null(path_at(last, 0x1000, 50));
    assert_true(rts_process_find(world->table, 15, 50)->maps_known);
    assert_true(rts_process_refresh(world->table, last, 60));
    assert_string_equal(path_at(last, 0x1000, 60), "/bin/app");
    assert_string_equal(path_at(last, 0x1000, 50), "/bin/app"); /* a sample that is read late */
    assert_int_equal(shed(world, RTS_OWNER_OTHER, SIZE_MAX), 10);
    assert_int_equal(shed(world, RTS_OWNER_OTHER, SIZE_MAX), 0);
}

/* Who has too many loses them, however lately he was sampled, and nobody else any. */
static void test_whose_mappings_go(void **state)
{
    struct world *world = *state;
    struct rts_ledger ledger = {0};
    struct rts_process *processes[3];
    static const char *const uids[] = {"0", "1000", "2000"};
    for (int i = 0; i < 3; i++) {
        char status[64];
        proc_write(world, 7 + i, "maps", two_files);
        snprintf(status, sizeof status, "Name:\tapp\nUid:\t1\t%s\t1\t1\n", uids[i]);
        proc_write(world, 7 + i, "status", status);
        processes[i] = attach(world, 7 + i);
        processes[i]->sampled_ns = (uint64_t)i;
    }
    for (uint64_t i = 0; i < 1000; i++)
        map(world, 9, 10, 0x100000 + i * 0x2000, 0x101000 + i * 0x2000, "/lib/many.so");
    for (int i = 0; i < 3; i++)
        assert_int_equal(rts_process_owner(world->table, processes[i]), (unsigned)i);
    rts_process_table_list(world->table, &ledger);
    assert_true(ledger.used[2] > 1000 * sizeof(struct rts_mapping));
    assert_true(ledger.used[0] > 0 && ledger.used[0] == ledger.used[1]);
    assert_int_equal(shed(world, 2, 1), 1);
    assert_true(processes[0]->maps_known && processes[1]->maps_known);
    assert_false(processes[2]->maps_known);
    /* It is read once; a child has its own, and its parent's where it is gone already. */
    proc_write(world, 9, "status", "Name:\tapp\nUid:\t0\t0\t0\t0\n");
    assert_int_equal(rts_process_owner(world->table, processes[2]), 2);
    rts_process_forked(world->table, 9, 10, 1000);
    rts_process_forked(world->table, 9, 11, 2000);
    proc_write(world, 11, "status", "Name:\tapp\nUid:\t0\t0\t0\t0\n");
    assert_int_equal(rts_process_owner(world->table, rts_process_find(world->table, 10, 3000)), 2);
    assert_int_equal(rts_process_owner(world->table, rts_process_find(world->table, 11, 3000)), 0);
}

/* A child that changes something has all mappings of its own then, which is told. */
static void test_copies_are_told(void **state)
{
    struct world *world = *state;
    proc_write(world, 7, "maps", two_files);
    attach(world, 7);
    for (uint64_t i = 0; i < 1000; i++)
        map(world, 7, 10, 0x100000 + i * 0x2000, 0x101000 + i * 0x2000, "/lib/many.so");
    assert_true(rts_process_table_copied(world->table) > 1000 * sizeof(struct rts_mapping));
    for (int32_t pid = 100; pid < 110; pid++)
        rts_process_forked(world->table, 7, pid, 100 + (uint64_t)pid);
    assert_int_equal(rts_process_table_copied(world->table), 0);
    map(world, 105, 20000, 0x100000, 0x101000, "/lib/childs.so");
    assert_true(rts_process_table_copied(world->table) > 1000 * sizeof(struct rts_mapping));
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_children_share_mappings, setup, teardown),
        cmocka_unit_test_setup_teardown(test_mappings_are_read_again, setup, teardown),
        cmocka_unit_test_setup_teardown(test_whose_mappings_go, setup, teardown),
        cmocka_unit_test_setup_teardown(test_copies_are_told, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
