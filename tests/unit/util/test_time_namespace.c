/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "util/time_namespace.h"

#include "../oracle.h"
#include "../suite.h"

#define FIRST "time:[4026531834]"

static int make_root(void **state)
{
    char *root = strdup("/tmp/rtsample-test-XXXXXX");
    assert_non_null(mkdtemp(root));
    *state = root;
    return 0;
}

static int remove_root(void **state)
{
    free(oracle_ask("rm -r %s && echo", (char *)*state));
    free(*state);
    return 0;
}

/* A proc that shows us in these namespaces, with these offsets. NULL: it has no such file. */
static void make_proc(const char *root, const char *own, const char *children, const char *offsets)
{
    char path[128];
    free(oracle_ask("rm -rf %s/self && mkdir -p %s/self/ns && echo", root, root));
    snprintf(path, sizeof path, "%s/self/ns/time", root);
    assert_int_equal(own ? symlink(own, path) : 0, 0);
    snprintf(path, sizeof path, "%s/self/ns/time_for_children", root);
    assert_int_equal(children ? symlink(children, path) : 0, 0);
    snprintf(path, sizeof path, "%s/self/timens_offsets", root);
    FILE *file = offsets ? fopen(path, "w") : NULL;
    if (file) {
        fputs(offsets, file);
        fclose(file);
    }
}

static void tells_the_offset(void **state)
{
    static const struct {
        const char *own, *children, *offsets;
        bool known;
        int64_t offset_ns;
    } cases[] = {
        {NULL, NULL, NULL, true, 0},
        {FIRST, FIRST, "monotonic 0 0\nboottime 0 0\n", true, 0},
        {"time:[7]", "time:[7]", "monotonic      100000         0\nboottime  5 0\n", true,
         100000000000000},
        /* The kernel keeps nanoseconds positive: this is -4.5 s. */
        {"time:[7]", "time:[7]", "monotonic          -5 500000000\nboottime 0 0\n", true,
         -4500000000},
        {"time:[7]", "time:[7]", "boottime 3 0\nmonotonic 1 1\n", true, 1000000001},
        /* What is told is of our children. */
        {FIRST, "time:[7]", "monotonic 100 0\n", true, 0},
        {"time:[7]", "time:[8]", "monotonic 100 0\n", false, 0},
        {"time:[7]", "time:[7]", NULL, false, 0},
        {"time:[7]", "time:[7]", "monotonic 9223372036854775807 0\n", false, 0},
        {"time:[7]", "time:[7]", "monotonic -9223372036854775807 0\n", false, 0},
        {"time:[7]", "time:[7]", "monotonic 1 1000000000\n", false, 0},
        {"time:[7]", "time:[7]", "monotonic\n", false, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t offset_ns = 1;
        make_proc(*state, cases[i].own, cases[i].children, cases[i].offsets);
        assert_int_equal(rts_time_namespace_offset(*state, &offset_ns), cases[i].known);
        assert_int_equal(offset_ns, cases[i].offset_ns);
    }
}

static void knows_where_we_are(void **state)
{
    (void)state;
    int64_t offset_ns;
    assert_true(rts_time_namespace_offset("/proc", &offset_ns));
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(tells_the_offset, make_root, remove_root),
        cmocka_unit_test(knows_where_we_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
