/* SPDX-License-Identifier: Apache-2.0 */
/* A fake proc, a folder that tests of the process table write into, and the table that reads it. To
 * be included by a test file, after cmocka. */
#ifndef RTS_TESTS_FAKE_PROC_H
#define RTS_TESTS_FAKE_PROC_H

#include <stdio.h>
#include <sys/stat.h>

#include "process/process.h"

#include "../oracle.h"

struct world {
    char root[64];
    struct rts_process_table *table;
    int forgotten;
};

static int setup(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    strcpy(world->root, "/tmp/rtsample-test-XXXXXX");
    assert_non_null(mkdtemp(world->root));
    world->table = rts_process_table_create(world->root);
    *state = world;
    return 0;
}

static void forget(void *context, struct rts_object *object)
{
    (void)object;
    ++*(int *)context;
}

static int teardown(void **state)
{
    struct world *world = *state;
    rts_process_table_destroy(world->table, forget, &world->forgotten);
    free(oracle_ask("rm -r %s && echo", world->root));
    free(world);
    return 0;
}

static void proc_write(const struct world *world, int pid, const char *name, const char *text)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%d", world->root, pid);
    mkdir(path, 0700);
    snprintf(path, sizeof path, "%s/%d/%s", world->root, pid, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

__attribute__((unused)) static void proc_remove(const struct world *world, int pid)
{
    free(oracle_ask("rm -r %s/%d && echo", world->root, pid));
}

/* A stat line as the kernel writes it: only state, parent and number of threads matter. */
__attribute__((unused)) static void proc_stat(const struct world *world, int pid, const char *name,
                                              char state, int parent, int threads)
{
    char text[256];
    snprintf(text, sizeof text,
             "%d (%s) %c %d 1 1 0 -1 4194304 100 0 0 0 1 2 0 0 20 0 %d 0 12345 1000 10 18446744073"
             "709551615 0 0\n",
             pid, name, state, parent, threads);
    proc_write(world, pid, "stat", text);
}

static const char two_files[] =
    "1000-3000 r-xp 00001000 08:01 10 /bin/app\n"
    "3000-4000 rw-p 00003000 08:01 10 /bin/app\n"
    "8000-9000 r-xp 00000000 08:01 20 /lib/one.so\n"
    "a000-b000 rwxp 00000000 00:00 0 \n"
    "c000-d000 r-xp 00000000 00:00 0 [vdso]\n"
    "ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0 [vsyscall]\n";

static struct rts_process *attach(const struct world *world, int pid)
{
    struct rts_process *process = NULL;
    assert_int_equal(rts_process_attach(world->table, pid, &process, NULL), 0);
    assert_non_null(process);
    return process;
}

/* The path behind a pc, "" for code without a file, NULL for nothing. */
static const char *path_at(const struct rts_process *process, uint64_t pc, uint64_t time)
{
    const struct rts_mapping *mapping = rts_mapping_set_find(&process->mappings, pc, time);
    return !mapping ? NULL : mapping->file ? mapping->file->path : "";
}

static void map(const struct world *world, int pid, uint64_t time, uint64_t start, uint64_t end,
                char *path)
{
    struct rts_mapping mapping = {.start = start, .end = end};
    struct rts_mapped_file file = {
        .path = path, .has_identity = true, .major = 8, .minor = 1, .inode = strlen(path)};
    rts_process_mapped(world->table, pid, time, &mapping, &file);
}

#endif
