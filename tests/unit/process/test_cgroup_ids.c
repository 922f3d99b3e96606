/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <sys/stat.h>

#include "process/cgroup_ids.h"

#include "../oracle.h"
#include "../suite.h"

#define ID "3f4a1c9e0b7d5e2f8a6c4b1d9e0f7a5c3b2d1e8f6a4c9b7d5e3f1a2c4b6d8e0f"

static void test_added(void **state)
{
    (void)state;
    struct rts_cgroup_ids *ids = rts_cgroup_ids_create(NULL);
    assert_null(rts_cgroup_ids_find(ids, 7, 1));
    rts_cgroup_ids_add(ids, 7, "/machine.slice/libpod-" ID ".scope/container");
    rts_cgroup_ids_add(ids, 8, "/system.slice/redis.service");
    rts_cgroup_ids_add(ids, 7, "/of another name meanwhile");
    rts_cgroup_ids_add(ids, 0, "/docker/" ID);
    const struct rts_container *found = rts_cgroup_ids_find(ids, 7, 1);
    assert_non_null(found);
    assert_string_equal(found->id, ID);
    assert_string_equal(found->runtime, "podman");
    assert_null(rts_cgroup_ids_find(ids, 8, 1));
    assert_null(rts_cgroup_ids_find(ids, 9, 1));
    assert_null(rts_cgroup_ids_find(ids, 0, 1));
    rts_cgroup_ids_destroy(ids);
}

static void test_many(void **state)
{
    (void)state;
    struct rts_cgroup_ids *ids = rts_cgroup_ids_create(NULL);
    for (uint64_t id = 1; id <= RTS_CGROUP_IDS_MAX + 10; id++)
        rts_cgroup_ids_add(ids, id, "/docker/" ID);
    assert_non_null(rts_cgroup_ids_find(ids, RTS_CGROUP_IDS_MAX, 1));
    assert_null(rts_cgroup_ids_find(ids, RTS_CGROUP_IDS_MAX + 1, 1));
    rts_cgroup_ids_destroy(ids);
}

/* A folder that is no control group is never looked into. */
static void test_no_hierarchy(void **state)
{
    (void)state;
    struct stat status;
    char root[] = "/tmp/rtsample-test-XXXXXX", path[256];
    assert_non_null(mkdtemp(root));
    snprintf(path, sizeof path, "%s/docker-" ID ".scope", root);
    mkdir(path, 0700);
    assert_int_equal(stat(path, &status), 0);
    struct rts_cgroup_ids *ids = rts_cgroup_ids_create(root);
    assert_null(rts_cgroup_ids_find(ids, status.st_ino, 1));
    const struct rts_tree ours = {.root_fd = -1};
    assert_int_equal(rts_cgroup_ids_of_root(ids, &ours), 0);
    rts_cgroup_ids_destroy(ids);
    free(oracle_ask("rm -r %s && echo", root));
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_added),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_no_hierarchy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
