/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <inttypes.h>

#include "process/maps_allowance.h"
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

static void status_of(const struct world *world, int pid, const char *uid)
{
    char text[128];
    snprintf(text, sizeof text, "Name:\tapp\nUid:\t1\t1\t1\t%s\nGid:\t1\t1\t1\t1\nCapEff:\t0\n",
             uid);
    proc_write(world, pid, "status", text);
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
        proc_write(world, 7 + i, "maps", two_files);
        status_of(world, 7 + i, uids[i]);
        processes[i] = attach(world, 7 + i);
        processes[i]->sampled_ns = (uint64_t)i;
    }
    for (uint64_t i = 0; i < 1000; i++)
        map(world, 9, 10, 0x100000 + i * 0x2000, 0x101000 + i * 0x2000, "/lib/many.so");
    for (int i = 0; i < 3; i++)
        assert_int_equal(rts_process_owner(world->table, processes[i]), (unsigned)i);
    rts_process_table_list(world->table, &ledger);
    assert_true(ledger.used[2] > 1000 * sizeof(struct rts_mapping));
    assert_true(ledger.used[1] > 0 &&
                ledger.used[0] > ledger.used[1]); /* files of all are root's */
    assert_int_equal(shed(world, 2, 1), 1);
    assert_true(processes[0]->maps_known && processes[1]->maps_known);
    assert_false(processes[2]->maps_known);
    /* It is read once; a child has its own, and its parent's where it is gone already. */
    status_of(world, 9, "0");
    assert_int_equal(rts_process_owner(world->table, processes[2]), 2);
    rts_process_forked(world->table, 9, 10, 1000);
    rts_process_forked(world->table, 9, 11, 2000);
    status_of(world, 11, "0");
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

/* Names of files are memory, too: whoever maps files with long ones pays for them, and those who
 * map the same as he does not. */
static void test_names_of_files_are_paid_for(void **state)
{
    struct world *world = *state;
    struct rts_ledger ledger = {0};
    struct rts_process *processes[3];
    static const char *const uids[] = {"0", "1000", "2000"};
    char path[4000];
    size_t before[3];
    for (int i = 0; i < 3; i++) {
        proc_write(world, 7 + i, "maps", two_files);
        status_of(world, 7 + i, uids[i]);
        processes[i] = attach(world, 7 + i);
        assert_int_equal(rts_process_owner(world->table, processes[i]), (unsigned)i);
    }
    rts_process_table_list(world->table, &ledger);
    memcpy(before, ledger.used, sizeof before);
    rts_process_table_copied(world->table);
    for (uint64_t i = 0; i < 500; i++) {
        memset(path, 'x', sizeof path);
        snprintf(path, 32, "/%016" PRIx64, i);
        path[17] = 'x';
        path[sizeof path - 1] = '\0';
        map(world, 9, 10, 0x100000 + i * 0x2000, 0x101000 + i * 0x2000, path);
    }
    assert_true(rts_process_table_copied(world->table) > 500 * sizeof path);
    rts_process_table_list(world->table, &ledger);
    assert_int_equal(ledger.used[0], before[0]);
    assert_int_equal(ledger.used[1], before[1]);
    assert_true(ledger.used[2] > before[2] + 500 * sizeof path);
    /* The two files that all have are root's: listed twice, nothing changes. */
    assert_true(ledger.used[0] > ledger.used[1]);
    size_t of_attacker = ledger.used[2];
    rts_process_table_list(world->table, &ledger);
    assert_int_equal(ledger.used[2], of_attacker);
    /* A loss of that size is one process's, and what became free is gone with the next trim. */
    const struct rts_object_owner nobody = {.forget = forget, .context = &world->forgotten};
    size_t all = rts_process_table_bytes(world->table);
    assert_int_equal(shed(world, 2, of_attacker / 2), 1);
    rts_process_table_reap(world->table, 1, &nobody);
    assert_true(rts_process_table_bytes(world->table) < all - 500 * sizeof path);
    assert_true(processes[0]->maps_known && processes[1]->maps_known);
}

/* A hundred processes with very many mappings each: so many lines are read, and then no more of
 * that user's, while those of others are. What was put off is read when there is time again. */
static void test_maps_are_put_off(void **state)
{
    struct world *world = *state;
    ORACLE_NEEDS("python3");
    const unsigned lines = 60000;
    struct rts_process *process;
    unsigned read = 0, put_off = 0;
    free(oracle_ask("mkdir %s/100 && python3 -c 'for i in range(%u): "
                    "print(\"%%x-%%x rw-p 00000000 00:00 0\" %% (4096 * i + 0x100000, 4096 * i + "
                    "0x101000))' > %s/100/maps && cat >> %s/100/maps <<'END'\n%sEND\necho",
                    world->root, lines, world->root, world->root, two_files));
    for (int pid = 100; pid < 150; pid++) {
        if (pid > 100)
            free(oracle_ask("mkdir %s/%d && ln %s/100/maps %s/%d/maps && echo", world->root, pid,
                            world->root, world->root, pid));
        status_of(world, pid, "54321"); /* neither root nor who runs this */
        assert_int_equal(rts_process_attach(world->table, pid, &process, NULL), 0);
        read += process->maps_known;
        put_off += !process->maps_known;
    }
    unsigned owner = rts_process_owner(world->table, process);
    assert_in_range(read, RTS_MAPS_ALLOWANCE_LINES / lines, RTS_MAPS_ALLOWANCE_LINES / lines + 9);
    assert_int_equal(read + put_off, 50);
    assert_int_equal(rts_process_table_put_off(world->table, owner), put_off);
    assert_false(rts_process_refresh(world->table, process, 1000000000));
    assert_int_equal(rts_process_table_put_off(world->table, owner), put_off + 1);
    for (int pid = 7; pid < 10; pid++) {
        proc_write(world, pid, "maps", two_files);
        status_of(world, pid, pid == 7 ? "0" : "1000");
        assert_true(attach(world, pid)->maps_known);
    }
    assert_int_equal(rts_process_table_put_off(world->table, RTS_OWNER_ROOT), 0);
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_children_share_mappings, setup, teardown),
        cmocka_unit_test_setup_teardown(test_mappings_are_read_again, setup, teardown),
        cmocka_unit_test_setup_teardown(test_whose_mappings_go, setup, teardown),
        cmocka_unit_test_setup_teardown(test_copies_are_told, setup, teardown),
        cmocka_unit_test_setup_teardown(test_names_of_files_are_paid_for, setup, teardown),
        cmocka_unit_test_setup_teardown(test_maps_are_put_off, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
