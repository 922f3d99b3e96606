/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <sys/stat.h>
#include <unistd.h>

#include "process/cgroup.h"

#include "../oracle.h"
#include "../suite.h"

#define A "3f4a1c9e0b7d5e2f8a6c4b1d9e0f7a5c3b2d1e8f6a4c9b7d5e3f1a2c4b6d8e0f"
#define B "3f4a1c9e0b7d5e2f8a6c4b1d9e0f7a5c3b2d1e8f6a4c9b7d5e3f1a2c4b6d8e00"

struct world {
    char root[64];
};

static int setup(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    strcpy(world->root, "/tmp/rtsample-test-XXXXXX");
    assert_non_null(mkdtemp(world->root));
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;
    free(oracle_ask("rm -r %s && echo", world->root));
    free(world);
    return 0;
}

static void write_file(const struct world *world, const char *path, const char *text)
{
    free(oracle_ask("mkdir -p $(dirname %s/%s) && echo", world->root, path));
    char name[256];
    snprintf(name, sizeof name, "%s/%s", world->root, path);
    FILE *file = fopen(name, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

/* Whatever the folders are: only find() asks whether they are control groups. */
static void test_processes(void **state)
{
    const struct world *world = *state;
    write_file(world, "cgroup.procs", "3\n0\n4\n");
    write_file(world, "a/cgroup.procs", "5\n");
    write_file(world, "a/b/cgroup.procs", "6\nx\n7\n");
    write_file(world, "c/other", "8\n");
    char path[128];
    snprintf(path, sizeof path, "%s/d", world->root);
    assert_int_equal(symlink("a", path), 0);
    size_t count;
    int32_t *pids = rts_cgroup_processes(world->root, &count);
    int sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += pids[i];
    assert_int_equal(count, 4);
    assert_int_equal(sum, 3 + 4 + 5 + 6);
    free(pids);
    pids = rts_cgroup_processes("/nowhere", &count);
    assert_non_null(pids);
    assert_int_equal(count, 0);
    free(pids);
}

static void test_no_group(void **state)
{
    const struct world *world = *state;
    struct rts_error error;
    write_file(world, "a/cgroup.procs", "5\n");
    const char *const paths[] = {"a", "/", "", "nowhere", world->root};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        assert_null(rts_cgroup_find(world->root, paths[i], &error));
        assert_int_equal(error.failure, RTS_NOT_FOUND);
    }
}

static void test_real_group(void **state)
{
    (void)state;
    struct rts_error error;
    char *point = oracle_ask("awk '$3 ~ /^cgroup/ {print $2; exit}' /proc/mounts");
    if (!*point) {
        free(point);
        skip();
    }
    char *found = rts_cgroup_find("/somewhere/else", point, &error);
    assert_non_null(found);
    assert_string_equal(found, point);
    free(found);
    free(point);
}

static void test_containers(void **state)
{
    const struct world *world = *state;
    struct rts_container_place place;
    struct rts_error error = {0};
    write_file(world, "5/cgroup", "7:cpu:/docker/" A "\n0::/\n");
    write_file(world, "5/stat", "5 (x) S 1 5 5 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 9 0 0\n");
    write_file(world, "6/cgroup", "0::/\n");
    write_file(world, "6/mountinfo",
               "9 1 8:1 /docker/containers/" A "/hostname /etc/hostname rw - ext4 x rw\n");
    free(oracle_ask("mkdir -p %s/6/ns && ln -s $(readlink /proc/self/ns/user) %s/6/ns/user && echo",
                    world->root, world->root));
    write_file(world, "6/stat", "6 (x) S 1 6 6 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 9 0 0\n");
    assert_int_equal(rts_cgroup_find_container(&(struct rts_proc){.root = world->root}, world->root,
                                               "3f4a1c", &place, &error),
                     0);
    assert_string_equal(place.id, A);
    assert_null(place.folder); /* nothing here is a control group */
    size_t count;
    int32_t *pids =
        rts_container_processes(&(struct rts_proc){.root = world->root}, NULL, A, &count);
    assert_int_equal(count, 2);
    assert_int_equal(pids[0] + pids[1], 11);
    free(pids);
    pids = rts_container_processes(&(struct rts_proc){.root = world->root}, NULL, B, &count);
    assert_int_equal(count, 0);
    free(pids);

    write_file(world, "7/cgroup", "0::/system.slice/docker-" B ".scope\n");
    write_file(world, "7/stat", "7 (x) S 1 7 7 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 9 0 0\n");
    assert_int_equal(rts_cgroup_find_container(&(struct rts_proc){.root = world->root}, world->root,
                                               "3f4a1c", &place, &error),
                     -1);
    assert_int_equal(error.failure, RTS_USAGE);
    assert_non_null(strstr(error.text, "several"));
    assert_int_equal(rts_cgroup_find_container(&(struct rts_proc){.root = world->root}, world->root,
                                               B, &place, &error),
                     0);
    assert_int_equal(rts_cgroup_find_container(&(struct rts_proc){.root = world->root}, world->root,
                                               "9", &place, &error),
                     -1);
    assert_int_equal(error.failure, RTS_NOT_FOUND);
    const char *const wrong[] = {"", "name", "3F", A "0"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_int_equal(rts_cgroup_find_container(&(struct rts_proc){.root = world->root},
                                                   world->root, wrong[i], &place, &error),
                         -1);
        assert_int_equal(error.failure, RTS_USAGE);
    }
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_processes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_group, setup, teardown),
        cmocka_unit_test(test_real_group),
        cmocka_unit_test_setup_teardown(test_containers, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
