/* SPDX-License-Identifier: Apache-2.0 */
/* Names of control groups that anybody could have given count for nothing. Folders of any kind do
 * here: only who may make some in them is asked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../suite.h"
#include "process/cgroup.h"
#include "process/cgroup_names.h"
#include "process/container.h"

#include "../oracle.h"

struct world {
    char root[64];
    int top;
};

static int set_up(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    strcpy(world->root, "/tmp/rtsample-test-XXXXXX");
    assert_non_null(mkdtemp(world->root));
    assert_int_equal(chmod(world->root, 0755), 0);
    world->top = open(world->root, O_PATH | O_DIRECTORY | O_CLOEXEC);
    free(oracle_ask("umask 022 && cd %s && mkdir -p a.slice/b.service/c.scope user.slice/u/x/y "
                    "sticky/z && chmod 1777 sticky && chmod 775 user.slice/u && echo",
                    world->root));
    if (geteuid() == 0)
        free(oracle_ask("chown 65533 %s/a.slice/b.service && echo", world->root));
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;
    close(world->top);
    free(oracle_ask("rm -r %s && echo", world->root));
    free(world);
    return 0;
}

/* What of the path counts. */
static const char *counts(const struct world *world, const char *path)
{
    static char text[256];
    size_t size = rts_cgroup_names(world->top, path, strlen(path));
    snprintf(text, sizeof text, "%.*s", (int)size, path);
    return text;
}

static void test_names(void **state)
{
    const struct world *world = *state;
    assert_string_equal(counts(world, ""), "");
    assert_string_equal(counts(world, "/"), "/");
    assert_string_equal(counts(world, "/a.slice"), "/a.slice");
    /* Its group may make some below, and so may everybody: the names of those are theirs. */
    assert_string_equal(counts(world, "/user.slice/u/x/y"), "/user.slice/u");
    assert_string_equal(counts(world, "/sticky/z"), "/sticky");
    assert_string_equal(counts(world, "sticky"), "sticky");
    /* One that is gone has its name by who has what is above it. */
    assert_string_equal(counts(world, "/a.slice/gone/below"), "/a.slice/gone");
    assert_string_equal(counts(world, "/sticky/gone"), "/sticky");
    assert_string_equal(counts(world, "/../a.slice"), "");
    assert_string_equal(counts(world, "//a.slice/"), "//a.slice/");
    char *before = oracle_ask("ln -s a.slice %s/link && echo", world->root);
    free(before);
    assert_string_equal(counts(world, "/link/b.service"), "/link");
}

/* A group that was given away has the name that root has given it; those in it have not. */
static void test_given_away(void **state)
{
    const struct world *world = *state;
    const char *expected = geteuid() == 0 ? "/a.slice/b.service" : "/a.slice/b.service/c.scope";
    assert_string_equal(counts(world, "/a.slice/b.service/c.scope"), expected);
    assert_int_equal(rts_cgroup_names(-1, "/a.slice", 8), 0);
}

/* Where groups are really mounted. */
static void test_hierarchies(void **state)
{
    (void)state;
    char *lines = oracle_ask("cut -d: -f2 /proc/self/cgroup");
    unsigned found = 0;
    for (char *rest = lines, *line; (line = strsep(&rest, "\n"));) {
        int fd = rts_cgroup_open_hierarchy(RTS_CGROUP_ROOT, line, strlen(line));
        if (fd < 0)
            continue;
        char *kind = oracle_ask("stat -f -c %%T /proc/%d/fd/%d", (int)getpid(), fd);
        assert_string_equal(kind, *line ? "cgroupfs" : "cgroup2fs");
        free(kind);
        close(fd);
        found++;
    }
    free(lines);
    assert_int_equal(rts_cgroup_open_hierarchy("/nowhere", "", 0), -1);
    assert_int_equal(rts_cgroup_open_hierarchy("/tmp", "", 0), -1);
    assert_int_equal(rts_cgroup_open_hierarchy(RTS_CGROUP_ROOT, "../../proc", 10), -1);
    if (found == 0)
        skip();
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_names, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_given_away, set_up, tear_down),
        cmocka_unit_test(test_hierarchies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
