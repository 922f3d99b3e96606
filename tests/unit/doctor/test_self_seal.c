/* SPDX-License-Identifier: Apache-2.0 */
/* What doctor --self concludes from what its children kept, and from those of this machine. */
#include "doctor/self_seal.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../suite.h"

#define PTRACE (1ULL << 19)
#define ADMIN  (1ULL << 21)

static struct rts_self_findings sealed(void)
{
    struct rts_self_findings findings = {.may_bound = true};
    for (unsigned kind = 0; kind < RTS_SEAL_KINDS; kind++)
        findings.kinds[kind] = (struct rts_seal_findings){
            .allowed = PTRACE,
            .permitted = PTRACE,
            .effective = PTRACE,
            .bounding = PTRACE,
            .no_new_privileges = 1,
            .seccomp = 2,
            .filters = 1,
        };
    return findings;
}

/* The cause that the tracer's check has; NULL: it works. */
static const char *cause_of(const struct rts_self_findings *findings, int *status)
{
    static struct rts_report report;
    rts_judge_self_seal(findings, &report);
    const struct rts_check *check = rts_report_find(&report, "sealed.tracer");
    assert_non_null(check);
    assert_int_equal(report.count, RTS_SEAL_KINDS);
    if (!check->cause)
        assert_int_equal(check->state, RTS_CHECK_WORKS);
    else
        assert_true(check->state == RTS_CHECK_LIMITED || check->state == RTS_CHECK_UNKNOWN);
    *status = report.status;
    return check->cause;
}

static void expect(const struct rts_self_findings *findings, const char *cause, int wanted)
{
    int status;
    const char *found = cause_of(findings, &status);
    if (!cause)
        assert_null(found);
    else
        assert_string_equal(found, cause);
    assert_int_equal(status, wanted);
}

static void test_causes(void **state)
{
    (void)state;
    struct rts_self_findings findings = sealed();
    struct rts_seal_findings *tracer = &findings.kinds[RTS_SEAL_TRACER];
    const struct rts_seal_findings whole = *tracer;
    expect(&findings, NULL, 0);
    tracer->effective |= ADMIN;
    expect(&findings, "capabilities", 0);
    *tracer = whole;
    tracer->ambient = ADMIN;
    expect(&findings, "capabilities", 0);
    *tracer = whole;
    tracer->bounding = ~0ULL;
    expect(&findings, "capabilities", 0);
    findings.may_bound = false; /* an ordinary user's stays, and is of no use to him */
    expect(&findings, NULL, 0);
    *tracer = whole;
    tracer->no_new_privileges = 0;
    expect(&findings, "no_new_privileges", 0);
    *tracer = whole;
    tracer->dumpable = 1;
    expect(&findings, "core", 0);
    *tracer = whole;
    tracer->core_limit = 4096;
    expect(&findings, "core", 0);
    *tracer = whole;
    tracer->seccomp = 0;
    expect(&findings, "no_filter", 0);
    *tracer = whole;
    tracer->sealed.filter = EPERM; /* the one that is there is not ours */
    expect(&findings, "no_filter", 0);
    *tracer = whole;
    tracer->number = ECHILD;
    expect(&findings, "untried", RTS_FAILED);
}

/* Of real children: all of it, but for the filter where there is none. */
static void test_children(void **state)
{
    (void)state;
    static struct rts_self_findings findings;
    static struct rts_report report;
    rts_probe_self_seal(&findings, 0, "/proc", "/sys", "/");
    rts_judge_self_seal(&findings, &report);
    assert_int_equal(report.status, 0);
    for (size_t i = 0; i < report.count; i++) {
        const struct rts_check *check = &report.checks[i];
        assert_true(check->state == RTS_CHECK_WORKS ||
                    (check->state == RTS_CHECK_LIMITED && strcmp(check->cause, "no_filter") == 0));
        assert_non_null(strstr(check->found, "capabilities:"));
        assert_non_null(strstr(check->found, "seccomp:"));
    }
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_causes),
        cmocka_unit_test(test_children),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
