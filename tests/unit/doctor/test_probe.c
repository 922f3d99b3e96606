/* SPDX-License-Identifier: Apache-2.0 */
/* The probes on this machine, whatever it permits: what they find agrees with itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../suite.h"
#include "doctor/judge.h"
#include "doctor/probe.h"
#include "unwind/architecture.h"

static struct rts_findings findings;
static struct rts_report report;

static void probe(int32_t pid)
{
    const struct rts_probe_options options = {
        .proc_root = "/proc",
        .sys_root = "/sys",
        .file_root = "/",
        .pid = pid,
        .user_registers = rts_architecture_native()->perf_registers,
    };
    rts_probe_all(&findings, &options);
    rts_judge(&findings, &report);
}

static void nobody_is_left(void)
{
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
}

static void without_target(void **state)
{
    (void)state;
    probe(0);
    assert_int_equal(findings.self.pid, getpid());
    assert_true(*findings.host.release && *findings.program.path);
    assert_true(findings.perf.child.number != 0 || findings.perf.child.samples > 0);
    assert_true(findings.ptrace.sampling.number != 0 || findings.ptrace.sampling.samples > 0);
    assert_false(report.status == 0 && !report.method);
    nobody_is_left();
}

static void with_target(void **state)
{
    (void)state;
    pid_t child = fork();
    if (child == 0)
        for (;;)
            pause();
    probe(child);
    assert_int_equal(findings.target.pid, child);
    assert_int_equal(findings.access.signal, 0);
    assert_int_equal(findings.target.threads, 1);
    if (findings.access.maps == 0)
        assert_true(findings.access.maps_lines > 3);
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, NULL, 0), child);
    nobody_is_left();
    probe(child);
    assert_int_equal(report.status, 3);
}

static void gates(void **state)
{
    (void)state;
    struct rts_gates found;
    rts_probe_gates(&found);
    errno = 0;
    ptrace(PTRACE_SEIZE, INT32_MAX, NULL, NULL);
    assert_int_equal(found.ptrace, errno);
    nobody_is_left();
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_target),
        cmocka_unit_test(with_target),
        cmocka_unit_test(gates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
