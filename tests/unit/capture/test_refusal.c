/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/refusal.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "../suite.h"

#define PERFMON    (1ULL << RTS_CAPABILITY_PERFMON)
#define SYS_ADMIN  (1ULL << RTS_CAPABILITY_SYS_ADMIN)
#define SYS_PTRACE (1ULL << RTS_CAPABILITY_SYS_PTRACE)

/* An ordinary user on a usual machine. */
static const struct rts_standing ordinary = {
    .knows_perfmon = true,
    .uid = 1000,
    .gid = 1000,
    .has_sysctl = true,
    .has_paranoid = true,
    .paranoid = 2,
    .yama_scope = -1,
    .perf_call = EINVAL,
    .ptrace_call = ESRCH,
};

static const struct rts_target_standing own = {.pid = 7, .known = true, .same_user = true};
static const struct rts_target_standing others = {.pid = 7, .known = true};

static enum rts_cause perf(const struct rts_standing *standing, enum rts_perf_scope scope,
                           const struct rts_target_standing *target, int number)
{
    struct rts_refusal refusal;
    rts_refusal_of_perf(standing, scope, target, number, &refusal);
    assert_true(refusal.reason[0] && refusal.remedy[0]);
    assert_true(strlen(refusal.reason) < sizeof refusal.reason - 1);
    assert_true(strlen(refusal.remedy) < sizeof refusal.remedy - 1);
    return refusal.cause;
}

static void paranoid_levels(void **state)
{
    (void)state;
    struct rts_standing standing = ordinary;
    assert_int_equal(perf(&standing, RTS_PERF_KERNEL_SIDE, NULL, EACCES), RTS_CAUSE_PARANOID);
    assert_int_equal(perf(&standing, RTS_PERF_CPUS, NULL, EACCES), RTS_CAUSE_PARANOID);
    assert_int_equal(perf(&standing, RTS_PERF_PROCESS, &others, EACCES), RTS_CAUSE_OTHER_USER);
    standing.paranoid = 1;
    assert_int_equal(perf(&standing, RTS_PERF_KERNEL_SIDE, NULL, EACCES),
                     RTS_CAUSE_SECURITY_MODULE);
    standing.paranoid = 3; /* Debian's kernels answer any call so */
    standing.perf_call = EACCES;
    assert_int_equal(perf(&standing, RTS_PERF_SELF, NULL, EACCES), RTS_CAUSE_PARANOID);
    assert_int_equal(perf(&standing, RTS_PERF_PROCESS, &own, EACCES), RTS_CAUSE_PARANOID);
    standing.effective = PERFMON; /* which they do not heed there */
    assert_int_equal(perf(&standing, RTS_PERF_SELF, NULL, EACCES), RTS_CAUSE_PARANOID);
    standing.effective = SYS_ADMIN;
    assert_int_equal(perf(&standing, RTS_PERF_SELF, NULL, EACCES), RTS_CAUSE_SECCOMP);
}

static void filters(void **state)
{
    (void)state;
    struct rts_standing standing = ordinary;
    standing.effective = PERFMON;
    standing.seccomp = 2;
    standing.perf_call = EPERM;
    assert_int_equal(perf(&standing, RTS_PERF_SELF, NULL, EPERM), RTS_CAUSE_SECCOMP);
    standing.perf_call = EACCES;
    assert_int_equal(perf(&standing, RTS_PERF_SELF, NULL, EACCES), RTS_CAUSE_SECCOMP);
    /* There is a filter, and it lets the call through. */
    standing.perf_call = EINVAL;
    assert_int_equal(perf(&standing, RTS_PERF_SELF, NULL, EPERM), RTS_CAUSE_SECURITY_MODULE);
}

static void no_such_call(void **state)
{
    (void)state;
    struct rts_standing standing = ordinary;
    standing.perf_call = ENOSYS;
    assert_int_equal(perf(&standing, RTS_PERF_SELF, NULL, ENOSYS), RTS_CAUSE_SECCOMP);
    standing.has_paranoid = false;
    assert_int_equal(perf(&standing, RTS_PERF_SELF, NULL, ENOSYS), RTS_CAUSE_NOT_BUILT_IN);
    standing.has_sysctl = false; /* no /proc/sys to tell by */
    assert_int_equal(perf(&standing, RTS_PERF_SELF, NULL, ENOSYS), RTS_CAUSE_NOT_BUILT_IN);
    standing.seccomp = 2;
    assert_int_equal(perf(&standing, RTS_PERF_SELF, NULL, ENOSYS), RTS_CAUSE_SECCOMP);
    assert_int_equal(perf(&ordinary, RTS_PERF_SELF, NULL, ENOENT), RTS_CAUSE_NOT_BUILT_IN);
}

static void capabilities(void **state)
{
    (void)state;
    struct rts_standing standing = ordinary;
    standing.effective = PERFMON;
    assert_int_equal(perf(&standing, RTS_PERF_PROCESS, &others, EACCES), RTS_CAUSE_SECURITY_MODULE);
    standing.own_user_namespace = true;
    assert_int_equal(perf(&standing, RTS_PERF_PROCESS, &others, EACCES), RTS_CAUSE_USER_NAMESPACE);
    assert_int_equal(perf(&standing, RTS_PERF_CPUS, NULL, EACCES), RTS_CAUSE_USER_NAMESPACE);
    assert_int_equal(perf(&standing, RTS_PERF_KERNEL_SIDE, NULL, EACCES), RTS_CAUSE_USER_NAMESPACE);
}

static void targets(void **state)
{
    (void)state;
    struct rts_target_standing target = own;
    assert_int_equal(perf(&ordinary, RTS_PERF_PROCESS, &target, EACCES), RTS_CAUSE_SECURITY_MODULE);
    target.more_capable = true;
    assert_int_equal(perf(&ordinary, RTS_PERF_PROCESS, &target, EACCES), RTS_CAUSE_MORE_CAPABLE);
    target.not_dumpable = true;
    assert_int_equal(perf(&ordinary, RTS_PERF_PROCESS, &target, EACCES), RTS_CAUSE_NOT_DUMPABLE);
}

static void limits(void **state)
{
    (void)state;
    assert_int_equal(perf(&ordinary, RTS_PERF_RING, NULL, EPERM), RTS_CAUSE_LOCKED_MEMORY);
    assert_int_equal(perf(&ordinary, RTS_PERF_RING, NULL, ENOMEM), RTS_CAUSE_LOCKED_MEMORY);
    assert_int_equal(perf(&ordinary, RTS_PERF_PROCESS, &own, EMFILE), RTS_CAUSE_OPEN_FILES);
    assert_int_equal(perf(&ordinary, RTS_PERF_SELF, NULL, ENOSPC), RTS_CAUSE_OTHER);
}

static void remedies_name_what_the_kernel_has(void **state)
{
    (void)state;
    struct rts_standing standing = ordinary;
    struct rts_refusal refusal;
    rts_refusal_of_perf(&standing, RTS_PERF_CPUS, NULL, EACCES, &refusal);
    assert_non_null(strstr(refusal.remedy, "CAP_PERFMON"));
    assert_non_null(strstr(refusal.remedy, "perf_event_paranoid to 0"));
    standing.knows_perfmon = false;
    rts_refusal_of_perf(&standing, RTS_PERF_KERNEL_SIDE, NULL, EACCES, &refusal);
    assert_non_null(strstr(refusal.remedy, "CAP_SYS_ADMIN"));
    assert_null(strstr(refusal.remedy, "CAP_PERFMON"));
    assert_non_null(strstr(refusal.remedy, "perf_event_paranoid to 1"));
}

static enum rts_cause traced(const struct rts_standing *standing,
                             const struct rts_target_standing *target, int number)
{
    struct rts_refusal refusal;
    rts_refusal_of_ptrace(standing, target, number, &refusal);
    assert_int_equal(refusal.reason[0] == '\0', refusal.cause == RTS_CAUSE_NONE);
    return refusal.cause;
}

static void tracing(void **state)
{
    (void)state;
    struct rts_standing standing = ordinary;
    struct rts_target_standing target = own;
    assert_int_equal(traced(&standing, &target, 0), RTS_CAUSE_NONE);
    assert_int_equal(traced(&standing, &others, EACCES), RTS_CAUSE_OTHER_USER);
    standing.yama_scope = 1;
    assert_int_equal(traced(&standing, &target, EACCES), RTS_CAUSE_PTRACE_SCOPE);
    target.descendant = true;
    assert_int_equal(traced(&standing, &target, EACCES), RTS_CAUSE_SECURITY_MODULE);
    standing.yama_scope = 2;
    assert_int_equal(traced(&standing, &target, EACCES), RTS_CAUSE_PTRACE_SCOPE);
    standing.effective = SYS_PTRACE;
    assert_int_equal(traced(&standing, &target, EACCES), RTS_CAUSE_SECURITY_MODULE);
    standing.own_user_namespace = true;
    assert_int_equal(traced(&standing, &target, EACCES), RTS_CAUSE_USER_NAMESPACE);
    target.tracer = 9;
    assert_int_equal(traced(&standing, &target, 0), RTS_CAUSE_TRACED);
    standing.ptrace_call = EPERM;
    assert_int_equal(traced(&standing, &target, 0), RTS_CAUSE_SECCOMP);
}

static void every_cause_has_a_word(void **state)
{
    (void)state;
    for (unsigned a = 0; a < RTS_CAUSE_COUNT; a++)
        for (unsigned b = 0; b < a; b++)
            assert_string_not_equal(rts_cause_name((enum rts_cause)a),
                                    rts_cause_name((enum rts_cause)b));
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paranoid_levels),
        cmocka_unit_test(filters),
        cmocka_unit_test(no_such_call),
        cmocka_unit_test(capabilities),
        cmocka_unit_test(targets),
        cmocka_unit_test(limits),
        cmocka_unit_test(remedies_name_what_the_kernel_has),
        cmocka_unit_test(tracing),
        cmocka_unit_test(every_cause_has_a_word),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
