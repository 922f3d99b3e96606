/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "process/descendants.h"
#include "process/process.h"

#include "../suite.h"
#include "fake_proc.h"

static void test_attach(void **state)
{
    struct world *world = *state;
    proc_write(world, 7, "maps", two_files);
    proc_write(world, 7, "comm", "my app\n");
    struct rts_process *process = attach(world, 7);
    assert_string_equal(process->name, "my app");
    assert_true(process->maps_known);
    assert_int_equal(process->mappings.count, 5); /* the executable ones */
    assert_string_equal(path_at(process, 0x1000, 0), "/bin/app");
    assert_string_equal(path_at(process, 0x2fff, 99), "/bin/app");
    assert_null(path_at(process, 0x3000, 99));
    static const struct {
        uint64_t pc;
        enum rts_mapping_kind kind;
    } kinds[] = {
        {0x8000, RTS_MAPPING_FILE},
        {0xa000, RTS_MAPPING_ANONYMOUS},
        {0xc000, RTS_MAPPING_VDSO},
        {0xffffffffff600000, RTS_MAPPING_VSYSCALL},
    };
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(rts_mapping_set_find(&process->mappings, kinds[i].pc, 5)->kind,
                         kinds[i].kind);
    assert_ptr_equal(attach(world, 7), process); /* once is enough */
    assert_ptr_equal(rts_process_find(world->table, 7, 123), process);
    assert_ptr_equal(rts_process_instance(world->table, process->instance), process);
    assert_null(rts_process_find(world->table, 8, 123));
}

/* Two processes that map one file share one entry. */
static void test_files_are_shared(void **state)
{
    struct world *world = *state;
    proc_write(world, 7, "maps", two_files);
    proc_write(world, 8, "maps",
               "50000-52000 r-xp 00001000 08:01 10 /bin/app\n"
               "60000-62000 r-xp 00001000 08:01 11 /bin/app\n");
    const struct rts_mapping_set *a = &attach(world, 7)->mappings, *b = &attach(world, 8)->mappings;
    const struct rts_mapped_file *file = rts_mapping_set_find(a, 0x1000, 0)->file;
    assert_ptr_equal(rts_mapping_set_find(b, 0x50000, 0)->file, file);
    assert_ptr_not_equal(rts_mapping_set_find(b, 0x60000, 0)->file, file); /* another inode */
    assert_int_equal(file->references, 2);
}

static void test_attach_fails(void **state)
{
    struct world *world = *state;
    struct rts_process *process = NULL;
    struct rts_error error = {0};
    assert_int_equal(rts_process_attach(world->table, 9, &process, &error), -1);
    assert_int_equal(error.failure, RTS_NOT_FOUND);

    proc_write(world, 10, "maps", "");
    assert_int_equal(rts_process_attach(world->table, 10, &process, &error), 0);
    assert_false(process->maps_known); /* a kernel thread, or one that is just ending */
    proc_write(world, 10, "maps", two_files);
    assert_ptr_equal(attach(world, 10), process);
    assert_true(process->maps_known);
    assert_string_equal(path_at(process, 0x1000, 0), "/bin/app");
}

static void test_mapped_over_time(void **state)
{
    struct world *world = *state;
    proc_write(world, 7, "maps", two_files);
    const struct rts_process *process = attach(world, 7);
    map(world, 7, 100, 0x8000, 0x9000, "/lib/two.so");
    assert_string_equal(path_at(process, 0x8000, 99), "/lib/one.so");
    assert_string_equal(path_at(process, 0x8000, 100), "/lib/two.so");
    /* A process that is first heard of by its mapping. */
    map(world, 70, 200, 0x1000, 0x2000, "/new");
    const struct rts_process *heard = rts_process_find(world->table, 70, 200);
    assert_non_null(heard);
    assert_false(heard->maps_known);
    assert_string_equal(path_at(heard, 0x1000, 200), "/new");
}

static void test_fork(void **state)
{
    struct world *world = *state;
    proc_write(world, 7, "maps", two_files);
    proc_write(world, 7, "comm", "parent\n");
    struct rts_process *parent = attach(world, 7);
    map(world, 7, 50, 0x20000, 0x21000, "/lib/gone.so");
    map(world, 7, 60, 0x20000, 0x21000, "/lib/there.so");
    rts_process_forked(world->table, 7, 71, 100);
    rts_process_forked(world->table, 7, 7, 101); /* a thread: no process */
    map(world, 7, 110, 0x30000, 0x31000, "/lib/later.so");

    struct rts_process *child = rts_process_find(world->table, 71, 100);
    assert_non_null(child);
    assert_int_not_equal(child->instance, parent->instance);
    assert_string_equal(child->name, "parent");
    assert_true(child->maps_known);
    assert_string_equal(path_at(child, 0x1000, 100), "/bin/app");
    assert_string_equal(path_at(child, 0x20000, 100), "/lib/there.so");
    assert_null(path_at(child, 0x30000, 200));
    map(world, 71, 120, 0x40000, 0x41000, "/lib/childs.so");
    assert_null(path_at(parent, 0x40000, 200));
    assert_ptr_equal(rts_process_find(world->table, 7, 500), parent);

    /* The same record by another event. */
    rts_process_forked(world->table, 7, 71, 100);
    assert_ptr_equal(rts_process_find(world->table, 71, 130), child);
}

static void test_fork_of_an_unknown_parent(void **state)
{
    struct world *world = *state;
    rts_process_forked(world->table, 500, 501, 100);
    const struct rts_process *child = rts_process_find(world->table, 501, 100);
    assert_non_null(child);
    assert_false(child->maps_known);
    assert_int_equal(child->mappings.count, 0);
}

static void test_exec(void **state)
{
    struct world *world = *state;
    proc_write(world, 7, "maps", two_files);
    struct rts_process *before = attach(world, 7);
    rts_process_renamed(world->table, 7, 90, "renamed only", false);
    assert_ptr_equal(rts_process_find(world->table, 7, 95), before);
    assert_string_equal(before->name, "renamed only");

    rts_process_renamed(world->table, 7, 100, "after", true);
    rts_process_renamed(world->table, 7, 100, "after", true); /* by another event */
    map(world, 7, 101, 0x1000, 0x3000, "/bin/after");
    struct rts_process *after = rts_process_find(world->table, 7, 100);
    assert_ptr_not_equal(after, before);
    assert_ptr_equal(after->older, before);
    assert_int_equal(before->died_ns, 100);
    assert_string_equal(after->name, "after");
    assert_true(after->maps_known);
    /* A sample that was taken before the exec still belongs to the old image. */
    assert_ptr_equal(rts_process_find(world->table, 7, 99), before);
    assert_string_equal(path_at(before, 0x1000, 99), "/bin/app");
    assert_string_equal(path_at(after, 0x1000, 101), "/bin/after");
    assert_null(path_at(after, 0x8000, 101));
}

/* A long name, and one without a process. */
static void test_names(void **state)
{
    struct world *world = *state;
    rts_process_renamed(world->table, 33, 5, "nobody", false);
    assert_null(rts_process_find(world->table, 33, 5));
    rts_process_renamed(world->table, 33, 5, "a name of more than sixteen bytes", true);
    assert_string_equal(rts_process_find(world->table, 33, 5)->name, "a name of more t");
}

/* The pid comes around: a new instance, and each sample goes to the one of its time. */
static void test_pid_reuse(void **state)
{
    struct world *world = *state;
    proc_write(world, 7, "maps", two_files);
    attach(world, 7);
    struct rts_process *lives[4];
    for (int i = 0; i < 4; i++) {
        uint64_t birth = 1000000 * (uint64_t)(i + 1);
        char path[] = "/lib/life0.so";
        path[9] = (char)('0' + i);
        rts_process_forked(world->table, 7, 71, birth);
        map(world, 71, birth + 10, 0x50000, 0x51000, path);
        lives[i] = rts_process_find(world->table, 71, birth);
        proc_stat(world, 71, "x", 'Z', 7, 1);
        rts_process_thread_exited(world->table, 71, 71, birth + 90);
        rts_process_table_alive(world->table, birth + 95, false);
    }
    for (int i = 0; i < 4; i++) {
        uint64_t birth = 1000000 * (uint64_t)(i + 1);
        char path[] = "/lib/life0.so";
        path[9] = (char)('0' + i);
        assert_int_equal(lives[i]->died_ns, birth + 95);
        for (int j = i + 1; j < 4; j++)
            assert_int_not_equal(lives[i]->instance, lives[j]->instance);
        assert_ptr_equal(rts_process_find(world->table, 71, birth + 50), lives[i]);
        assert_ptr_equal(rts_process_find(world->table, 71, birth + 99), lives[i]);
        assert_string_equal(path_at(lives[i], 0x50000, birth + 50), path);
        assert_null(path_at(lives[i], 0x50000, birth + 5));
    }
}

static void test_alive(void **state)
{
    struct world *world = *state;
    for (int pid = 1; pid <= 5; pid++) {
        proc_write(world, pid, "maps", two_files);
        proc_stat(world, pid, "a) R (b", 'S', 0, 1);
        attach(world, pid);
    }
    assert_int_equal(rts_process_table_alive(world->table, 10, false), 5);
    assert_int_equal(rts_process_table_alive(world->table, 10, true), 5);

    rts_process_thread_exited(world->table, 1, 17, 11); /* one thread of many */
    assert_int_equal(rts_process_table_alive(world->table, 12, false), 5);

    proc_stat(world, 1, "a) R (b", 'Z', 0, 3); /* the first thread is gone, others run */
    rts_process_thread_exited(world->table, 1, 1, 13);
    assert_int_equal(rts_process_table_alive(world->table, 14, false), 5);
    proc_stat(world, 1, "a) R (b", 'Z', 0, 1);
    assert_int_equal(rts_process_table_alive(world->table, 15, false), 4);
    assert_int_equal(rts_process_find(world->table, 1, 20)->died_ns, 15);

    proc_remove(world, 2); /* its EXIT record was lost */
    assert_int_equal(rts_process_table_alive(world->table, 16, false), 4);
    assert_int_equal(rts_process_table_alive(world->table, 17, true), 3);
    proc_write(world, 3, "stat", "garbage");
    assert_int_equal(rts_process_table_alive(world->table, 18, true), 2);
    rts_process_thread_exited(world->table, 4711, 4711, 19); /* never heard of */
    proc_write(world, 4, "stat", /* another process, which started later, has the pid now */
               "4 (b) S 0 1 1 0 -1 4194304 1 0 0 0 1 2 0 0 20 0 1 0 12346 1000 10 1 0 0\n");
    assert_int_equal(rts_process_table_alive(world->table, 20, true), 1);
}

/* Two events on one thread report the same fork and exec, each with its own time stamp. */
static void test_reported_twice(void **state)
{
    struct world *world = *state;
    proc_write(world, 7, "maps", two_files);
    attach(world, 7);
    rts_process_forked(world->table, 7, 71, 5000000);
    const struct rts_process *child = rts_process_find(world->table, 71, 5000000);
    rts_process_forked(world->table, 7, 71, 5000800);
    assert_ptr_equal(rts_process_find(world->table, 71, 6000000), child);
    rts_process_renamed(world->table, 71, 7000000, "life", true);
    const struct rts_process *life = rts_process_find(world->table, 71, 7000000);
    assert_ptr_not_equal(life, child);
    map(world, 71, 7000400, 0x50000, 0x51000, "/lib/life.so");
    rts_process_renamed(world->table, 71, 7000900, "life", true);
    assert_ptr_equal(rts_process_find(world->table, 71, 8000000), life);
    assert_string_equal(path_at(life, 0x50000, 8000000), "/lib/life.so");
}

/* When whole CPUs are sampled, only what is chosen and what descends from it is a target. */
static void test_select(void **state)
{
    struct world *world = *state;
    proc_write(world, 7, "maps", two_files);
    proc_write(world, 8, "maps", two_files);
    assert_true(attach(world, 7)->target);
    rts_process_table_select(world->table, false);
    assert_false(rts_process_find(world->table, 7, 1)->target);
    rts_process_find(world->table, 7, 1)->target = true;
    assert_false(attach(world, 8)->target);
    rts_process_forked(world->table, 7, 71, 1000000);
    rts_process_renamed(world->table, 71, 2000000, "child", true);
    assert_true(rts_process_find(world->table, 71, 1500000)->target);
    assert_true(rts_process_find(world->table, 71, 2500000)->target);
    rts_process_forked(world->table, 8, 81, 1000000);
    rts_process_renamed(world->table, 81, 2000000, "other", true);
    assert_null(rts_process_find(world->table, 81, 2500000));
    map(world, 81, 2500000, 0x50000, 0x51000, "/lib/other.so");
    assert_null(rts_process_find(world->table, 81, 2500000));
    assert_int_equal(rts_process_table_alive(world->table, 3000000, false), 2);
}

/* In the middle of a run those that are targets stay it. A pid of theirs that another process gets
 * is not theirs any more. */
static void test_select_and_keep(void **state)
{
    struct world *world = *state;
    proc_write(world, 7, "maps", two_files);
    attach(world, 7);
    rts_process_forked(world->table, 7, 71, 1000000);
    rts_process_table_select(world->table, true);
    assert_true(rts_process_find(world->table, 7, 1)->target);
    rts_process_forked(world->table, 71, 72, 2000000);
    assert_true(rts_process_find(world->table, 72, 2000000)->target);
    rts_process_thread_exited(world->table, 72, 72, 2500000);
    rts_process_forked(world->table, 8, 72, 3000000); /* of whom nothing is known */
    assert_true(rts_process_find(world->table, 72, 2900000)->target);
    assert_false(rts_process_find(world->table, 72, 3000000)->target);
    assert_int_equal(rts_process_find(world->table, 72, 3000000)->mappings.count, 0);
    rts_process_renamed(world->table, 72, 3500000, "other", true);
    rts_process_forked(world->table, 72, 73, 4000000);
    assert_null(rts_process_find(world->table, 73, 4000000));
    assert_string_equal(rts_process_find(world->table, 72, 3600000)->name, "");
}

/* Whose parent is a target, by /proc, is one of them too, though nobody has told of it. */
static void test_descends(void **state)
{
    struct world *world = *state;
    const int parents[][2] = {{71, 7}, {72, 71}, {81, 8}, {8, 1}};
    proc_write(world, 7, "maps", two_files);
    attach(world, 7);
    rts_process_table_select(world->table, true);
    for (size_t i = 0; i < sizeof parents / sizeof *parents; i++) {
        char text[256];
        snprintf(text, sizeof text, "%d (x) S %d 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 500 0 0\n",
                 parents[i][0], parents[i][1]);
        proc_write(world, parents[i][0], "stat", text);
    }
    assert_true(rts_process_descends(world->table, 71));
    assert_true(rts_process_descends(world->table, 72));
    assert_false(rts_process_descends(world->table, 81));
    assert_false(rts_process_descends(world->table, 99)); /* gone */
    rts_process_find(world->table, 7, 1)->died_ns = 5;
    assert_false(rts_process_descends(world->table, 71));
}

static void test_refresh(void **state)
{
    struct world *world = *state;
    proc_write(world, 7, "maps", two_files);
    struct rts_process *process = attach(world, 7);
    uint64_t now = 1000000000;
    assert_false(rts_process_refresh(world->table, process, now)); /* nothing is new */
    char more[1024];
    snprintf(more, sizeof more, "%s%s", two_files,
             "70000-71000 r-xp 00000000 08:01 30 /lib/new.so\n");
    proc_write(world, 7, "maps", more);
    assert_false(rts_process_refresh(world->table, process, now + 99999999)); /* too soon */
    assert_null(path_at(process, 0x70000, now));
    assert_true(rts_process_refresh(world->table, process, now + 100000000));
    assert_string_equal(path_at(process, 0x70000, 5), "/lib/new.so");
    assert_false(rts_process_refresh(world->table, process, now + 300000000));
    process->died_ns = now + 350000000;
    assert_false(rts_process_refresh(world->table, process, now + 900000000));
}

/* A process of which the maps never tell anything new is looked at less and less often, and at once
 * again when they did. */
static void test_refresh_grows_tired(void **state)
{
    struct world *world = *state;
    proc_write(world, 7, "maps", two_files);
    struct rts_process *process = attach(world, 7);
    const uint64_t ms = 1000000;
    uint64_t now = 1000 * ms;
    for (uint64_t wait = 100; wait < 3200; wait *= 2) {
        rts_process_refresh(world->table, process, now);
        assert_int_equal(process->read_again_ns, now + wait * ms);
        rts_process_refresh(world->table, process, now + wait * ms - 1); /* not read */
        assert_int_equal(process->read_again_ns, now + wait * ms);
        rts_process_refresh(world->table, process, now / 2); /* a record that came late: no */
        assert_int_equal(process->read_again_ns, now + wait * ms);
        now += wait * ms;
    }
    for (int i = 0; i < 3; i++, now += 3200 * ms) {
        rts_process_refresh(world->table, process, now);
        assert_int_equal(process->read_again_ns, now + 3200 * ms);
    }
    proc_write(world, 7, "maps", "70000-71000 r-xp 00000000 08:01 30 /lib/new.so\n");
    assert_true(rts_process_refresh(world->table, process, now));
    assert_int_equal(process->read_again_ns, now + 100 * ms);
}

/* Code that is mapped, unmapped and mapped elsewhere without end takes no more than so much room,
 * and what is really there is found again; a library is not even forgotten for generated code. */
static void mapping_storm(struct world *world, char *path, bool keeps_files)
{
    proc_write(world, 7, "maps", two_files);
    struct rts_process *process = attach(world, 7);
    size_t most = 0;
    for (uint64_t i = 0; i < 100000; i++) {
        map(world, 7, 10 + i, 0x10000000 + 0x2000 * i, 0x10001000 + 0x2000 * i, path);
        if (process->mappings.count > most)
            most = process->mappings.count;
        if (keeps_files)
            assert_string_equal(path_at(process, 0x1000, 10 + i), "/bin/app");
    }
    assert_in_range(most, 1000, 10000);
    assert_false(process->maps_known);
    rts_process_refresh(world->table, process, 1000000000);
    assert_true(process->maps_known);
    assert_string_equal(path_at(process, 0x1000, 1000000000), "/bin/app");
}

static void test_anonymous_storm(void **state)
{
    mapping_storm(*state, "//anon", true);
}

static void test_file_storm(void **state)
{
    mapping_storm(*state, "/lib/plugin.so", false);
}

/* The same library at the same place, again and again. */
static void test_mapped_again(void **state)
{
    struct world *world = *state;
    proc_write(world, 7, "maps", two_files);
    struct rts_process *process = attach(world, 7);
    size_t before = process->mappings.count;
    for (uint64_t i = 0; i < 100000; i++)
        map(world, 7, 10 + i, 0x20000, 0x21000, "/lib/plugin.so");
    assert_int_equal(process->mappings.count, before + 1);
    assert_true(process->maps_known);
    assert_string_equal(path_at(process, 0x20000, 10), "/lib/plugin.so");
    assert_null(path_at(process, 0x20000, 9));
    assert_int_equal(rts_mapping_set_find(&process->mappings, 0x20000, 10)->file->references, 1);
}

/* Those that are no targets are not waited for, and go all the same when they have ended. */
static void test_reap_of_others(void **state)
{
    struct world *world = *state;
    static const struct rts_object_owner nobody;
    proc_write(world, 8, "maps", two_files);
    attach(world, 8);
    uint64_t instances[100];
    for (int32_t pid = 1000; pid < 1100; pid++) {
        uint64_t birth = (uint64_t)pid * 1000000;
        rts_process_forked(world->table, 8, pid, birth);
        instances[pid - 1000] = rts_process_find(world->table, pid, birth)->instance;
    }
    rts_process_table_select(world->table, false);
    for (int32_t pid = 1000; pid < 1100; pid++)
        rts_process_thread_exited(world->table, pid, pid, (uint64_t)pid * 1000000 + 5);
    rts_process_table_reap(world->table, 2000000000, &nobody);
    rts_process_table_reap(world->table, 4000000000, &nobody);
    for (size_t i = 0; i < 100; i++)
        assert_null(rts_process_instance(world->table, instances[i]));
}

/* A library was unloaded and another one took its place, and the records of that were lost. */
static void test_refresh_sees_another_file(void **state)
{
    struct world *world = *state;
    proc_write(world, 7, "maps", two_files);
    struct rts_process *process = attach(world, 7);
    proc_write(world, 7, "maps",
               "1000-3000 r-xp 00001000 08:01 10 /bin/app\n"
               "8000-9000 r-xp 00000000 08:01 99 /lib/other.so\n");
    uint64_t now = 1000000000;
    rts_process_refresh(world->table, process, now);
    assert_string_equal(path_at(process, 0x8000, now), "/lib/other.so");
    assert_string_equal(path_at(process, 0x8000, now - 1), "/lib/one.so");
    assert_string_equal(path_at(process, 0x1000, now), "/bin/app");
}

/* What ended before the horizon goes, with its mappings and in the end its files. */
static void test_reap(void **state)
{
    struct world *world = *state;
    const struct rts_object_owner owner = {.context = &world->forgotten, .forget = forget};
    proc_write(world, 7, "maps", two_files);
    proc_stat(world, 7, "x", 'S', 1, 1);
    struct rts_process *process = attach(world, 7);
    for (int32_t pid = 1000; pid < 3000; pid++) {
        uint64_t birth = (uint64_t)pid * 10;
        rts_process_forked(world->table, 7, pid, birth);
        rts_process_renamed(world->table, pid, birth + 2, "short", true);
        map(world, pid, birth + 3, 0x1000, 0x2000, "/bin/short");
        rts_process_thread_exited(world->table, pid, pid, birth + 5);
        if (pid % 100 == 0)
            rts_process_table_reap(world->table, birth, &owner);
    }
    uint64_t last = rts_process_find(world->table, 2999, 29995)->instance;
    rts_process_table_reap(world->table, 40000, &owner); /* they are dead now */
    rts_process_table_reap(world->table, 50000, &owner);
    assert_null(rts_process_find(world->table, 2999, 50000));
    assert_null(rts_process_find(world->table, 1000, 50000));
    for (uint64_t instance = 2; instance <= last; instance++)
        assert_null(rts_process_instance(world->table, instance));
    assert_ptr_equal(rts_process_find(world->table, 7, 50000), process);
    assert_string_equal(path_at(process, 0x1000, 50000), "/bin/app");
    assert_int_equal(world->forgotten, 0); /* no file held an object */
}

/* Objects are given back exactly once, when their file is trimmed or at the end. */
static void test_objects_are_given_back(void **state)
{
    struct world *world = *state;
    int token;
    proc_write(world, 7, "maps", two_files);
    struct rts_process *process = attach(world, 7);
    struct rts_mapped_file *file = rts_mapping_set_find(&process->mappings, 0x1000, 0)->file;
    file->object = (struct rts_object *)(void *)&token;
    int forgotten = 0;
    rts_process_table_destroy(world->table, forget, &forgotten);
    assert_int_equal(forgotten, 1);
    world->table = rts_process_table_create(world->root);
}

static bool holds(const int32_t *pids, size_t count, int32_t pid)
{
    for (size_t i = 0; i < count; i++)
        if (pids[i] == pid)
            return true;
    return false;
}

static void test_descendants(void **state)
{
    struct world *world = *state;
    static const struct {
        int pid, parent;
        const char *name;
    } all[] = {
        {100, 50, "leaf first"},
        {50, 10, "a) S 99 (b"},
        {10, 1, "root"},
        {20, 1, ")"},
        {60, 20, ""},
        {101, 100, "deep"},
        {1, 0, "init"},
    };
    for (size_t i = 0; i < 7; i++)
        proc_stat(world, all[i].pid, all[i].name, 'S', all[i].parent, 1);
    char path[128];
    snprintf(path, sizeof path, "%s/self", world->root);
    assert_int_equal(mkdir(path, 0700), 0);
    size_t count;
    int32_t *pids = rts_process_list(&(struct rts_proc){.root = world->root}, 10, &count);
    assert_int_equal(count, 3);
    assert_true(holds(pids, count, 50) && holds(pids, count, 100) && holds(pids, count, 101));
    free(pids);
    pids = rts_process_list(&(struct rts_proc){.root = world->root}, 101, &count);
    assert_int_equal(count, 0);
    assert_non_null(pids);
    free(pids);
    pids = rts_process_list(&(struct rts_proc){.root = world->root}, 0, &count);
    assert_int_equal(count, 7);
    free(pids);
    pids = rts_process_list(&(struct rts_proc){.root = "/nonexistent"}, 1, &count);
    assert_int_equal(count, 0);
    assert_non_null(pids);
    free(pids);
}

#define PROCESS_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        PROCESS_TEST(test_attach),
        PROCESS_TEST(test_files_are_shared),
        PROCESS_TEST(test_attach_fails),
        PROCESS_TEST(test_mapped_over_time),
        PROCESS_TEST(test_fork),
        PROCESS_TEST(test_fork_of_an_unknown_parent),
        PROCESS_TEST(test_exec),
        PROCESS_TEST(test_names),
        PROCESS_TEST(test_reported_twice),
        PROCESS_TEST(test_select),
        PROCESS_TEST(test_select_and_keep),
        PROCESS_TEST(test_descends),
        PROCESS_TEST(test_pid_reuse),
        PROCESS_TEST(test_alive),
        PROCESS_TEST(test_refresh),
        PROCESS_TEST(test_refresh_sees_another_file),
        PROCESS_TEST(test_refresh_grows_tired),
        PROCESS_TEST(test_anonymous_storm),
        PROCESS_TEST(test_file_storm),
        PROCESS_TEST(test_mapped_again),
        PROCESS_TEST(test_reap_of_others),
        PROCESS_TEST(test_reap),
        PROCESS_TEST(test_objects_are_given_back),
        PROCESS_TEST(test_descendants),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
