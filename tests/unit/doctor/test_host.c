/* SPDX-License-Identifier: Apache-2.0 */
/* Settings of kernels that we do not have: made-up folders in the place of /proc, /sys and /. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>
#include <unistd.h>

#include "doctor/host.h"

#include "../oracle.h"
#include "../suite.h"

struct world {
    char root[64], proc[80], sys[80];
};

static int setup(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    strcpy(world->root, "/tmp/rtsample-test-XXXXXX");
    assert_non_null(mkdtemp(world->root));
    snprintf(world->proc, sizeof world->proc, "%s/proc", world->root);
    snprintf(world->sys, sizeof world->sys, "%s/sys", world->root);
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

static void put(const struct world *world, const char *name, const char *text)
{
    free(oracle_ask("f=%s/%s; mkdir -p \"${f%%/*}\" && printf -- '%s\\n' >\"$f\" && echo",
                    world->root, name, text));
}

static char *no_environment(const char *name)
{
    (void)name;
    return NULL;
}

static char *in_kubernetes(const char *name)
{
    return strcmp(name, "KUBERNETES_SERVICE_HOST") == 0 ? (char *)"10.0.0.1" : NULL;
}

static void read_world(const struct world *world, struct rts_host *host)
{
    rts_host_read(host, world->proc, world->sys, world->root, no_environment);
}

static void empty(void **state)
{
    struct rts_host host;
    read_world(*state, &host);
    assert_false(host.has_proc || host.has_sys || host.proc_is_ours || host.has_settings);
    assert_int_equal(host.paranoid, RTS_HOST_UNKNOWN);
    assert_int_equal(host.ptrace_scope, RTS_HOST_UNKNOWN);
    assert_int_equal(host.hidepid, RTS_HOST_UNKNOWN);
    assert_string_equal(host.lockdown, "");
    assert_int_equal(host.where, RTS_WHERE_HOST);
}

static void debian_hardened(void **state)
{
    const struct world *world = *state;
    struct rts_host host;
    put(world, "proc/sys/kernel/perf_event_paranoid", "3");
    put(world, "proc/sys/kernel/perf_event_mlock_kb", "516");
    put(world, "proc/sys/kernel/perf_event_max_sample_rate", "50");
    put(world, "proc/sys/kernel/perf_cpu_time_max_percent", "25");
    put(world, "proc/sys/kernel/yama/ptrace_scope", "2");
    put(world, "proc/sys/kernel/cap_last_cap", "40");
    put(world, "proc/self/attr/current", "rtsample (enforce)");
    put(world, "sys/kernel/security/lockdown", "none integrity [confidentiality]");
    put(world, "sys/kernel/security/lsm", "lockdown,capability,yama,apparmor");
    read_world(world, &host);
    assert_true(host.has_proc && host.has_sys && host.has_settings);
    assert_int_equal(host.paranoid, 3);
    assert_int_equal(host.mlock_kb, 516);
    assert_int_equal(host.sample_rate, 50);
    assert_int_equal(host.cpu_percent, 25);
    assert_int_equal(host.ptrace_scope, 2);
    assert_int_equal(host.last_capability, 40);
    assert_string_equal(host.lockdown, "confidentiality");
    assert_string_equal(host.modules, "lockdown,capability,yama,apparmor");
    assert_string_equal(host.profile, "rtsample (enforce)");
}

static void negative_and_garbage(void **state)
{
    const struct world *world = *state;
    struct rts_host host;
    put(world, "proc/sys/kernel/perf_event_paranoid", "-1");
    put(world, "proc/sys/kernel/perf_event_mlock_kb", "many");
    put(world, "sys/kernel/security/lockdown", "[[[");
    read_world(world, &host);
    assert_int_equal(host.paranoid, -1);
    assert_int_equal(host.mlock_kb, RTS_HOST_UNKNOWN);
    assert_true(strlen(host.lockdown) < sizeof host.lockdown);
}

static void hidepid(void **state)
{
    static const struct {
        const char *option;
        long value;
    } cases[] = {{"rw", 0},
                 {"rw,hidepid=2", 2},
                 {"rw,gid=4,hidepid=invisible", 2},
                 {"hidepid=noaccess", 1},
                 {"hidepid=ptraceable,subset=pid", 4}};
    const struct world *world = *state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rts_host host;
        char text[256];
        snprintf(text, sizeof text, "none /other tmpfs hidepid=7 0 0\\nproc %s proc %s 0 0",
                 world->proc, cases[i].option);
        put(world, "proc/self/mounts", text);
        read_world(world, &host);
        assert_int_equal(host.hidepid, cases[i].value);
    }
}

/* A folder of namespaces as a container has them: files, whose inodes are not the first ones. */
static void be_contained(const struct world *world)
{
    put(world, "proc/self/ns/uts", "");
    put(world, "proc/self/ns/ipc", "");
}

static void place_by_marks(void **state)
{
    static const struct {
        const char *mark;
        enum rts_where where;
    } cases[] = {{".dockerenv", RTS_WHERE_DOCKER}, {"run/.containerenv", RTS_WHERE_PODMAN}};
    const struct world *world = *state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rts_host host;
        put(world, cases[i].mark, "");
        read_world(world, &host);
        assert_int_equal(host.where, RTS_WHERE_HOST); /* a machine made from an image */
        be_contained(world);
        read_world(world, &host);
        assert_int_equal(host.where, cases[i].where);
        free(oracle_ask("rm -r %s/%s %s/self && echo", world->root, cases[i].mark, world->proc));
    }
}

static void place_by_environment_and_groups(void **state)
{
    const struct world *world = *state;
    struct rts_host host;
    char name[64], text[160];
    rts_host_read(&host, world->proc, world->sys, world->root, in_kubernetes);
    assert_int_equal(host.where, RTS_WHERE_KUBERNETES);
    assert_string_equal(rts_where_word(host.where), "kubernetes");
    snprintf(name, sizeof name, "proc/%d/cgroup", (int)getpid());
    snprintf(text, sizeof text, "0::/docker/%064d", 7);
    put(world, name, text);
    read_world(world, &host);
    assert_int_equal(host.where, RTS_WHERE_DOCKER);
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(empty, setup, teardown),
        cmocka_unit_test_setup_teardown(debian_hardened, setup, teardown),
        cmocka_unit_test_setup_teardown(negative_and_garbage, setup, teardown),
        cmocka_unit_test_setup_teardown(hidepid, setup, teardown),
        cmocka_unit_test_setup_teardown(place_by_marks, setup, teardown),
        cmocka_unit_test_setup_teardown(place_by_environment_and_groups, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
