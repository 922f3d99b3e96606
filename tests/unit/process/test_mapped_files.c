/* SPDX-License-Identifier: Apache-2.0 */
/* Entries of files that nobody has mapped any more: who leaves many takes no room of others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <stdio.h>

#include "../suite.h"
#include "process/mapped_file.h"

#define LIMIT 100000

/* An object is an address here: that of a number, which is its owner's. */
static unsigned owners[RTS_OWNERS_MAX];

static struct rts_object *object_of(unsigned owner)
{
    owners[owner] = owner;
    return (struct rts_object *)(void *)&owners[owner];
}

static unsigned whose(void *context, const struct rts_object *object)
{
    (void)context;
    return *(const unsigned *)(const void *)object;
}

static void forget(void *context, struct rts_object *object)
{
    (void)object;
    ++*(int *)context;
}

static void key_of(struct rts_mapped_file *key, char path[64], const char *name, unsigned number)
{
    snprintf(path, 64, "/usr/lib/%s/%u", name, number);
    *key = (struct rts_mapped_file){.path = path, .has_identity = true, .inode = number + 1};
}

/* A process maps it, a sample finds its object, and the process ends. */
static void use_once(struct rts_mapped_files *files, const char *name, unsigned number,
                     unsigned owner)
{
    char path[64];
    struct rts_mapped_file key;
    key_of(&key, path, name, number);
    struct rts_mapped_file *file = rts_mapped_files_get(files, &key);
    file->object = file->object ? file->object : object_of(owner);
    file->resolved = true;
    rts_mapped_file_unref(file);
}

/* Of so many files those are there that have their object still. */
static unsigned count_kept(struct rts_mapped_files *files, const char *name, unsigned count)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < count; i++) {
        char path[64];
        struct rts_mapped_file key;
        key_of(&key, path, name, i);
        struct rts_mapped_file *file = rts_mapped_files_get(files, &key);
        kept += file->object != NULL;
        rts_mapped_file_unref(file);
    }
    return kept;
}

static void test_idle_files_of_owners(void **state)
{
    (void)state;
    int forgotten = 0;
    struct rts_mapped_files files = {.bytes = 0};
    const struct rts_object_owner owner = {.context = &forgotten, .forget = forget, .whose = whose};
    for (unsigned i = 0; i < 40; i++) {
        use_once(&files, "victim", i, 2);
        use_once(&files, "root", i, RTS_OWNER_ROOT);
    }
    rts_mapped_files_trim(&files, LIMIT, &owner);
    assert_int_equal(files.idle.evictions[2] + files.idle.evictions[RTS_OWNER_ROOT], 0);
    for (unsigned round = 0; round < 20; round++) {
        for (unsigned i = 0; i < 500; i++)
            use_once(&files, "attacker", 500 * round + i, 3);
        rts_mapped_files_trim(&files, LIMIT, &owner);
        assert_true(files.bytes <= LIMIT);
    }
    assert_int_equal(count_kept(&files, "victim", 40), 40);
    assert_int_equal(count_kept(&files, "root", 40), 40);
    assert_int_equal(files.idle.evictions[2] + files.idle.evictions[RTS_OWNER_ROOT], 0);
    assert_true(files.idle.evictions[3] > 9000);
    assert_true(files.idle.pressed[3] && !files.idle.pressed[2]);
    assert_int_equal(forgotten, files.idle.evictions[3]);
    rts_mapped_files_finish(&files, forget, &forgotten);
    assert_int_equal(forgotten, 10000 + 80);
}

/* What nobody has asked about says nothing that could be kept: it goes with its last process. */
static void test_without_an_object(void **state)
{
    (void)state;
    int forgotten = 0;
    struct rts_mapped_files files = {.bytes = 0};
    const struct rts_object_owner owner = {.context = &forgotten, .forget = forget, .whose = whose};
    char path[64];
    struct rts_mapped_file key;
    key_of(&key, path, "unused", 1);
    struct rts_mapped_file *file = rts_mapped_files_get(&files, &key);
    rts_mapped_files_trim(&files, LIMIT, &owner);
    assert_true(files.bytes > 0);
    rts_mapped_file_unref(file);
    rts_mapped_files_trim(&files, LIMIT, &owner);
    assert_int_equal(files.bytes, 0);
    rts_mapped_files_finish(&files, forget, &forgotten);
}

/* Each owner has attempts of its own. */
static void test_attempts(void **state)
{
    (void)state;
    int forgotten = 0;
    struct rts_mapped_files files = {.bytes = 0};
    char path[64];
    struct rts_mapped_file key;
    key_of(&key, path, "hidden", 1);
    struct rts_mapped_file *file = rts_mapped_files_get(&files, &key);
    assert_int_equal(rts_mapped_file_attempts(file, 3), 0);
    for (int i = 0; i < 1000; i++)
        rts_mapped_file_failed(file, 3);
    rts_mapped_file_failed(file, 5000);
    assert_int_equal(rts_mapped_file_attempts(file, 3), UINT8_MAX);
    assert_int_equal(rts_mapped_file_attempts(file, RTS_OWNER_ROOT), 0);
    assert_int_equal(rts_mapped_file_attempts(file, RTS_OWNER_OTHER), 1);
    rts_mapped_file_forget_attempts(file);
    assert_int_equal(rts_mapped_file_attempts(file, 3), 0);
    rts_mapped_file_unref(file);
    rts_mapped_files_finish(&files, forget, &forgotten);
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_idle_files_of_owners),
        cmocka_unit_test(test_without_an_object),
        cmocka_unit_test(test_attempts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
