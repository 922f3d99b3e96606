/* SPDX-License-Identifier: Apache-2.0 */
/* What is kept of the capabilities, compared with what the kernel says in /proc/self/status. */
#include <errno.h>
#include <linux/capability.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "../suite.h"
#include "sealing/capabilities.h"
#include "sealing/kinds.h"
#include "sealing/reach.h"

#define BIT(capability) (1ULL << (capability))

static unsigned long long set_of(const char *name)
{
    char line[256];
    unsigned long long set = ~0ULL;
    FILE *file = fopen("/proc/thread-self/status", "re");
    while (file && fgets(line, sizeof line, file))
        if (strncmp(line, name, strlen(name)) == 0)
            set = strtoull(line + strlen(name) + 1, NULL, 16);
    if (file)
        fclose(file);
    return set;
}

static int in_child(int (*function)(void))
{
    pid_t child = fork();
    if (child == 0)
        _exit(function());
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int keep_two(void)
{
    const uint64_t kept = BIT(CAP_SYS_PTRACE) | BIT(CAP_KILL);
    unsigned long long before = set_of("CapPrm"), bounding = set_of("CapBnd");
    if (rts_capabilities_keep(kept, 0) < 0)
        return 1;
    bool may_drop = before & BIT(CAP_SETPCAP);
    if (set_of("CapPrm") != (before & kept) || set_of("CapEff") != (before & kept))
        return 2;
    if (set_of("CapInh") != 0 || set_of("CapAmb") != 0)
        return 3;
    if (set_of("CapBnd") != (may_drop ? bounding & kept : bounding))
        return 4;
    return rts_capabilities_permitted() == (before & kept) ? 0 : 5;
}

static int keep_none(void)
{
    return rts_capabilities_keep(0, 0) < 0 || set_of("CapPrm") || set_of("CapEff");
}

/* What is gone does not come back. */
static int never_more(void)
{
    rts_capabilities_keep(0, 0);
    return rts_capabilities_keep(~0ULL, 0) < 0 || rts_capabilities_use(~0ULL) < 0 ||
           set_of("CapPrm");
}

static int lay_down(void)
{
    unsigned long long before = set_of("CapEff"), permitted = set_of("CapPrm");
    if (rts_capabilities_use(0) < 0 || set_of("CapEff") != 0 || set_of("CapPrm") != permitted)
        return 1;
    return rts_capabilities_use(~0ULL) < 0 || set_of("CapEff") != (permitted | before);
}

/* What is at rest is permitted, and in effect as soon as it is used. */
static int keep_one_at_rest(void)
{
    const uint64_t search = BIT(CAP_DAC_READ_SEARCH), kill = BIT(CAP_KILL);
    uint64_t permitted = set_of("CapPrm") & (search | kill);
    if (rts_capabilities_keep(search | kill, search) < 0 || set_of("CapPrm") != permitted)
        return 1;
    if (set_of("CapEff") & search)
        return 2;
    return rts_capabilities_use(~0ULL) < 0 || set_of("CapEff") != permitted;
}

static void test_sets(void **state)
{
    (void)state;
    assert_int_equal(in_child(keep_two), 0);
    assert_int_equal(in_child(keep_none), 0);
    assert_int_equal(in_child(never_more), 0);
    assert_int_equal(in_child(lay_down), 0);
    assert_int_equal(in_child(keep_one_at_rest), 0);
}

/* CAP_SYS_ADMIN stands in for CAP_PERFMON where that is not to be had. */
static void test_monitoring(void **state)
{
    (void)state;
    const uint64_t perfmon = BIT(38), admin = BIT(CAP_SYS_ADMIN);
    assert_true(rts_seal_kind_capabilities(RTS_SEAL_MAIN, 0, perfmon | admin) & perfmon);
    assert_int_equal(rts_seal_kind_capabilities(RTS_SEAL_MAIN, 0, admin), admin);
    for (unsigned kind = 0; kind < RTS_SEAL_KINDS; kind++)
        assert_int_equal(rts_seal_kind_capabilities((enum rts_seal_kind)kind, 15, 0), 0);
    assert_int_equal(rts_seal_kind_capabilities(RTS_SEAL_DELIVERY, 0, ~0ULL), 0);
    assert_int_equal(rts_seal_kind_capabilities(RTS_SEAL_PACKER, 0, ~0ULL), 0);
    assert_false(rts_seal_kind_capabilities(RTS_SEAL_BROKER, 0, ~0ULL) & BIT(CAP_DAC_OVERRIDE));
}

/* For links in map_files the kernel wants CAP_CHECKPOINT_RESTORE, and before it had that one,
 * CAP_SYS_ADMIN; nothing else of a broker's takes it. */
static void test_looking(void **state)
{
    (void)state;
    const uint64_t restore = BIT(40), admin = BIT(CAP_SYS_ADMIN), search = BIT(CAP_DAC_READ_SEARCH);
    assert_int_equal(rts_seal_kind_capabilities(RTS_SEAL_BROKER, 0, restore | admin), restore);
    assert_int_equal(rts_seal_kind_capabilities(RTS_SEAL_BROKER, 0, admin), admin);
    assert_int_equal(rts_seal_kind_capabilities(RTS_SEAL_DELIVERY, 0, admin), 0);
    for (unsigned kind = 0; kind < RTS_SEAL_KINDS; kind++) {
        bool looks = kind == RTS_SEAL_BROKER || kind == RTS_SEAL_KEEPER;
        assert_int_equal(rts_seal_kind_at_rest((enum rts_seal_kind)kind), looks ? search : 0);
    }
}

/* A file of another user's that is only his, and one of ours. */
static void test_reach(void **state)
{
    (void)state;
    char folder[] = "/tmp/rtsample-reach-XXXXXX", path[64];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/file", folder);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    fclose(file);
    chmod(path, 0600);
    assert_false(rts_reach_takes_capabilities(NULL, false));
    assert_false(rts_reach_takes_capabilities(path, false));
    assert_false(rts_reach_takes_capabilities(folder, true));
    assert_false(rts_reach_takes_capabilities("/nowhere/at/all", false));
    if (rts_capabilities_permitted() & BIT(CAP_CHOWN) &&
        rts_capabilities_permitted() & BIT(CAP_DAC_OVERRIDE)) {
        assert_int_equal(chown(path, 12345, 12345), 0);
        assert_true(rts_reach_takes_capabilities(path, false));
        chmod(path, 0644);
        assert_false(rts_reach_takes_capabilities(path, false));
        assert_int_equal(chown(folder, 12345, 12345), 0);
        chmod(folder, 0755);
        assert_true(rts_reach_takes_capabilities(folder, true));
        chmod(folder, 0777);
        assert_false(rts_reach_takes_capabilities(folder, true));
        chmod(folder, 0700);
        assert_true(rts_reach_takes_capabilities(path, false));
    }
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(folder), 0);
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sets),
        cmocka_unit_test(test_monitoring),
        cmocka_unit_test(test_looking),
        cmocka_unit_test(test_reach),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
