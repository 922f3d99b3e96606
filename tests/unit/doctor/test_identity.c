/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "doctor/identity.h"

#include "../oracle.h"
#include "../suite.h"

static void ourselves(void **state)
{
    (void)state;
    struct rts_process_identity identity;
    assert_int_equal(prctl(PR_SET_NAME, "a\tb\033[31mc"), 0);
    rts_process_identity_read(&identity, "/proc", "self");
    assert_true(identity.known);
    assert_int_equal(identity.pid, getpid());
    assert_int_equal(identity.group, getpid());
    assert_int_equal(identity.user, geteuid());
    assert_int_equal(identity.threads, 1);
    assert_int_equal(identity.inner_pid, getpid());
    assert_false(identity.is_kernel);
    assert_int_equal(identity.state, 'R');
    assert_string_equal(identity.name, "a\tb\033[31mc"); /* the report makes it visible */
    char *inode = oracle_ask("readlink /proc/%d/ns/mnt | tr -dc 0-9", (int)getpid());
    char text[32];
    snprintf(text, sizeof text, "%llu",
             (unsigned long long)identity.namespaces[RTS_NAMESPACE_MOUNT]);
    assert_string_equal(text, inode);
    free(inode);
}

static void missing(void **state)
{
    (void)state;
    struct rts_process_identity identity;
    rts_process_identity_read(&identity, "/proc", "2147483647");
    assert_false(identity.known);
    rts_process_identity_read(&identity, "/nowhere", "self");
    assert_false(identity.known);
}

/* `status` as /proc/7/status of a made-up root. */
static void read_made_up(const char *status, struct rts_process_identity *identity)
{
    char root[] = "/tmp/rtsample-test-XXXXXX";
    assert_non_null(mkdtemp(root));
    free(oracle_ask("mkdir %s/7 && printf '%s' >%s/7/status && echo", root, status, root));
    rts_process_identity_read(identity, root, "7");
    free(oracle_ask("rm -r %s && echo", root));
}

static void made_up(void **state)
{
    (void)state;
    struct rts_process_identity identity;
    read_made_up("Name:\\tkworker\\nState:\\tI (idle)\\nTgid:\\t7\\nPid:\\t7\\nPPid:\\t2\\n",
                 &identity);
    assert_true(identity.known && identity.is_kernel);
    read_made_up(
        "Name:\\tsh\\nState:\\tS\\nTgid:\\t7\\nPid:\\t7\\nPPid:\\t2\\nNSpid:\\t7\\t70\\t1\\n"
        "VmSize:\\t 100 kB\\nNoNewPrivs:\\t1\\n",
        &identity);
    assert_false(identity.is_kernel); /* in a pid namespace, 2 is anybody */
    assert_true(identity.no_new_privileges);
    assert_int_equal(identity.pid_depth, 3);
    assert_int_equal(identity.inner_pid, 1);
    read_made_up("State:\\tS\\nPid:\\t7\\nPPid:\\t0\\nKthread:\\t1\\n", &identity);
    assert_true(identity.is_kernel);
    read_made_up("no colon\\n::::\\nName\\nUid:\\n", &identity);
    assert_int_equal(identity.pid, 0);
}

static bool runs(const char *status)
{
    struct rts_process_identity identity;
    read_made_up(status, &identity);
    return rts_process_identity_runs(&identity);
}

static void what_can_be_sampled(void **state)
{
    (void)state;
    assert_true(runs("State:\\tS\\nTgid:\\t7\\nPid:\\t7\\nPPid:\\t1\\nVmSize:\\t100 kB\\n"));
    assert_false(runs("State:\\tZ\\nTgid:\\t7\\nPid:\\t7\\nPPid:\\t1\\n"));
    assert_false(runs("State:\\tX\\nTgid:\\t7\\nPid:\\t7\\nPPid:\\t1\\n"));
    assert_false(runs("State:\\tS\\nTgid:\\t6\\nPid:\\t7\\nPPid:\\t1\\n")); /* a thread */
    assert_false(runs("State:\\tI\\nTgid:\\t7\\nPid:\\t7\\nPPid:\\t2\\n")); /* of the kernel */
    assert_false(runs(""));
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ourselves),
        cmocka_unit_test(missing),
        cmocka_unit_test(made_up),
        cmocka_unit_test(what_can_be_sampled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
