/* SPDX-License-Identifier: Apache-2.0 */
/* What is made of findings, also of kernels and containers that we do not have. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "../suite.h"
#include "doctor/judge.h"

#define BIT(number) (1ULL << (number))
#define ALL_BITS    0x1ffffffffffULL

static struct rts_report report;

/* A machine that refuses nothing, root, and a target of another user. */
static struct rts_findings everything_permitted(void)
{
    const struct rts_sampling sampling = {
        .samples = 1,
        .frequency = 99,
        .stack_bytes = 65528,
        .ring_bytes = 4 << 20,
        .cpus = 2,
    };
    return (struct rts_findings){
        .host = {.release = "6.1.0",
                 .has_proc = true,
                 .has_sys = true,
                 .proc_is_ours = true,
                 .has_settings = true,
                 .paranoid = 2,
                 .mlock_kb = 516,
                 .sample_rate = 100000,
                 .cpu_percent = 25,
                 .ptrace_scope = RTS_HOST_UNKNOWN,
                 .last_capability = 40},
        .self = {.known = true, .pid = 5, .group = 5, .threads = 1},
        .standing = {.effective = ALL_BITS,
                     .permitted = ALL_BITS,
                     .bounding = ALL_BITS,
                     .knows_perfmon = true,
                     .has_sysctl = true,
                     .has_paranoid = true,
                     .paranoid = 2,
                     .yama_scope = -1,
                     .perf_call = EINVAL,
                     .ptrace_call = ESRCH},
        .gates = {EINVAL, ESRCH, EINVAL, EINVAL},
        .limits = {.locked_bytes = 8 << 20, .files = 1024, .files_hard = 4096},
        .program = {.path = "/usr/bin/rtsample"},
        .perf = {.child = sampling, .cpus = sampling, .of_target = sampling},
        .ptrace = {.sampling = sampling},
        .entry = {.breakpoint_hits = RTS_ENTRY_CALLS, .uprobe_hits = RTS_ENTRY_CALLS},
        .near =
            {.tried = true, .online = 2, .cpus = 2, .disowned = true, .schedule = RTS_NEAR_FIFO},
        .has_target = true,
        .target_pid = 7,
        .target = {.known = true, .pid = 7, .group = 7, .threads = 3, .name = "web", .state = 'S'},
        .target_standing = {.pid = 7, .known = true},
    };
}

/* The same for a user without capabilities, whose own process the target is. */
static struct rts_findings nothing_granted(void)
{
    struct rts_findings findings = everything_permitted();
    findings.self.user = findings.target.user = 1000;
    findings.standing.effective = findings.standing.permitted = 0;
    findings.standing.uid = findings.standing.gid = 1000;
    findings.target_standing.same_user = true;
    return findings;
}

static const struct rts_check *judged(const struct rts_findings *findings, const char *key)
{
    rts_judge(findings, &report);
    const struct rts_check *check = rts_report_find(&report, key);
    assert_non_null(check);
    return check;
}

static void assert_cause(const struct rts_findings *findings, const char *key, const char *cause,
                         const char *fix)
{
    const struct rts_check *check = judged(findings, key);
    assert_true(check->state == RTS_CHECK_REFUSED || check->state == RTS_CHECK_LIMITED);
    assert_string_equal(check->cause, cause);
    assert_true(*check->because && *check->lost);
    for (size_t i = 0; i < check->fix_count; i++)
        if (strstr(check->fixes[i], fix))
            return;
    fail_msg("%s: no fix has \"%s\", but \"%s\"", key, fix, check->fixes[0]);
}

static void all_works(void **state)
{
    (void)state;
    struct rts_findings findings = everything_permitted();
    rts_judge(&findings, &report);
    assert_int_equal(report.status, 0);
    assert_string_equal(report.method, "perf");
    for (size_t i = 0; i < report.count; i++) {
        const struct rts_check *check = &report.checks[i];
        if (check->state != RTS_CHECK_WORKS && check->state != RTS_CHECK_INFO)
            fail_msg("%s: %s", check->key, check->because);
        assert_true(check->fix_count == 0 && !check->cause && *check->found);
    }
    assert_in_range(report.count, 30, RTS_CHECKS_MAX);
}

static void refuse_perf(struct rts_findings *findings, int number)
{
    struct rts_perf_findings *perf = &findings->perf;
    perf->own = perf->kernel = number;
    perf->child = perf->cpus = perf->of_target = (struct rts_sampling){.number = number};
}

static void paranoid_3(void **state)
{
    (void)state;
    struct rts_findings findings = nothing_granted();
    refuse_perf(&findings, EACCES);
    findings.standing.paranoid = 3;
    findings.standing.perf_call = findings.gates.perf_event_open = EACCES;
    assert_cause(&findings, "perf.child", "paranoid", "setcap cap_perfmon+ep /usr/bin/rtsample");
    assert_cause(&findings, "perf.target", "paranoid", "sysctl -w kernel.perf_event_paranoid=2");
    assert_int_equal(report.status, 0);
    assert_string_equal(report.method, "ptrace");
    assert_non_null(strstr(report.verdict, "ptrace"));
    assert_int_equal(judged(&findings, "self.seccomp")->state, RTS_CHECK_INFO);
}

static void before_perfmon(void **state)
{
    (void)state;
    struct rts_findings findings = nothing_granted();
    findings.perf.cpus = (struct rts_sampling){.number = EACCES};
    findings.standing.knows_perfmon = false;
    assert_cause(&findings, "perf.cpus", "paranoid", "setcap cap_sys_admin+ep");
}

static void yama(void **state)
{
    (void)state;
    struct rts_findings findings = nothing_granted();
    findings.access.tracing = EPERM;
    findings.standing.yama_scope = 1;
    assert_cause(&findings, "ptrace.target", "ptrace_scope", "kernel.yama.ptrace_scope=0");
    findings.standing.yama_scope = 3;
    findings.ptrace.child = EPERM;
    assert_cause(&findings, "ptrace.child", "ptrace_scope", "reboot");
    assert_int_equal(report.status, 0); /* there are perf events */
    refuse_perf(&findings, EACCES);
    rts_judge(&findings, &report);
    assert_int_equal(report.status, 4);
    assert_null(report.method);
}

static void security_module(void **state)
{
    (void)state;
    struct rts_findings findings = everything_permitted();
    refuse_perf(&findings, EACCES);
    strcpy(findings.host.modules, "capability,selinux");
    assert_cause(&findings, "perf.child", "security_module", "capability,selinux");
    findings = everything_permitted();
    findings.ptrace.child = EACCES;
    assert_cause(&findings, "ptrace.child", "security_module", "audit");
}

static void not_built_in(void **state)
{
    (void)state;
    struct rts_findings findings = everything_permitted();
    refuse_perf(&findings, ENOSYS);
    findings.standing.has_paranoid = false;
    findings.standing.perf_call = findings.gates.perf_event_open = ENOSYS;
    assert_cause(&findings, "perf.child", "not_built_in", "CONFIG_PERF_EVENTS");
}

static void filters(void **state)
{
    (void)state;
    static const struct {
        enum rts_where where;
        const char *fix;
    } cases[] = {
        {RTS_WHERE_HOST, "without the seccomp filter"},
        {RTS_WHERE_SERVICE, "SystemCallFilter=perf_event_open"},
        {RTS_WHERE_DOCKER, "docker run --security-opt seccomp=contrib/seccomp/rtsample.json"},
        {RTS_WHERE_PODMAN, "podman run --cap-add PERFMON"},
        {RTS_WHERE_KUBERNETES, "localhostProfile: rtsample.json"},
        {RTS_WHERE_CONTAINER, "perf_event_open"},
    };
    struct rts_findings findings = everything_permitted();
    refuse_perf(&findings, EPERM);
    findings.standing.perf_call = findings.gates.perf_event_open = EPERM;
    findings.standing.seccomp = 2;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        findings.host.where = cases[i].where;
        assert_cause(&findings, "perf.child", "seccomp", cases[i].fix);
    }
    refuse_perf(&findings, RTS_KILLED);
    findings.gates.perf_event_open = RTS_KILLED;
    assert_cause(&findings, "perf.target", "seccomp", "perf_event_open");
    assert_string_equal(judged(&findings, "perf.target")->found, "SIGSYS");
}

static void capabilities_by_place(void **state)
{
    (void)state;
    static const struct {
        enum rts_where where;
        const char *fix;
    } cases[] = {
        {RTS_WHERE_HOST, "setcap cap_perfmon,cap_sys_ptrace+ep /usr/bin/rtsample"},
        {RTS_WHERE_SERVICE, "AmbientCapabilities=CAP_PERFMON CAP_SYS_PTRACE"},
        {RTS_WHERE_DOCKER, "docker run --user 0 --cap-add PERFMON --cap-add SYS_PTRACE"},
        {RTS_WHERE_PODMAN, "podman run --user 0 --cap-add PERFMON"},
        {RTS_WHERE_KUBERNETES,
         "securityContext: {runAsUser: 0, capabilities: {add: [PERFMON, SYS_PTRACE]}}"},
        {RTS_WHERE_CONTAINER, "CAP_PERFMON CAP_SYS_PTRACE"},
    };
    struct rts_findings findings = nothing_granted();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        findings.host.where = cases[i].where;
        assert_cause(&findings, "self.capabilities", "not_granted", cases[i].fix);
    }
}

static void obstacles(void **state)
{
    (void)state;
    struct rts_findings findings = nothing_granted();
    findings.program.is_nosuid = true;
    assert_cause(&findings, "self.capabilities", "nosuid", "cp /usr/bin/rtsample");
    findings.self.no_new_privileges = true;
    assert_cause(&findings, "self.capabilities", "no_new_privileges", "+cap_38");
    findings.standing.bounding &= ~BIT(RTS_CAPABILITY_PERFMON);
    assert_cause(&findings, "self.capabilities", "bounding_set", "CapabilityBoundingSet=");
    findings.standing.own_user_namespace = true;
    assert_cause(&findings, "self.capabilities", "user_namespace", "outside of the user namespace");
    findings.host.where = RTS_WHERE_PODMAN;
    assert_cause(&findings, "self.capabilities", "user_namespace", "sudo podman run --userns=host");
    findings.host.where = RTS_WHERE_KUBERNETES;
    assert_cause(&findings, "self.capabilities", "user_namespace", "hostUsers: true");
}

static void limits(void **state)
{
    (void)state;
    struct rts_findings findings = everything_permitted();
    findings.perf.child.ring_bytes = 64 << 10;
    findings.perf.child.stack_bytes = 8184;
    assert_cause(&findings, "perf.rings", "locked_memory", "ulimit -l");
    findings.host.where = RTS_WHERE_DOCKER;
    assert_cause(&findings, "perf.rings", "locked_memory", "docker run --ulimit memlock=");
    findings.host.where = RTS_WHERE_SERVICE;
    findings.limits.files_hard = 64;
    assert_cause(&findings, "limit.files", "open_files", "LimitNOFILE=");
    findings.host.sample_rate = 50;
    assert_cause(&findings, "kernel.max_sample_rate", "sample_rate",
                 "sysctl -w kernel.perf_event_max_sample_rate=");
    findings.host.where = RTS_WHERE_PODMAN;
    assert_cause(&findings, "kernel.max_sample_rate", "sample_rate", "on the host: sysctl");
    assert_int_equal(report.status, 0);
}

static void lockdown_is_told(void **state)
{
    (void)state;
    struct rts_findings findings = everything_permitted();
    strcpy(findings.host.lockdown, "confidentiality");
    assert_string_equal(judged(&findings, "kernel.lockdown")->found, "confidentiality");
}

static void targets(void **state)
{
    (void)state;
    struct rts_findings findings = everything_permitted();
    findings.target.state = 'Z';
    assert_cause(&findings, "target.process", "zombie", "runs");
    assert_int_equal(report.status, 3);
    findings.target =
        (struct rts_process_identity){.known = true, .pid = 7, .group = 7, .is_kernel = true};
    assert_cause(&findings, "target.process", "kernel_thread", "process");
    assert_int_equal(report.status, 3);
    findings.target = (struct rts_process_identity){.known = true, .pid = 7, .group = 6};
    assert_cause(&findings, "target.process", "thread", "-p 6");
    assert_int_equal(report.status, 3);
    findings.target.known = false;
    findings.access.signal = ESRCH;
    assert_cause(&findings, "target.process", "no_process", "pid");
    assert_int_equal(report.status, 3);
    findings.access.signal = EPERM;
    assert_cause(&findings, "target.process", "hidden", "hidepid=0");
    assert_int_equal(report.status, 4);
}

static void other_pid_namespace(void **state)
{
    (void)state;
    struct rts_findings findings = everything_permitted();
    findings.target.known = false;
    findings.access.signal = ESRCH;
    findings.self.namespaces[RTS_NAMESPACE_PID] = 4026532000;
    assert_cause(&findings, "target.process", "no_process", "nsenter");
    findings.host.where = RTS_WHERE_DOCKER;
    assert_cause(&findings, "target.process", "no_process", "--pid=host");
    findings.host.where = RTS_WHERE_KUBERNETES;
    assert_cause(&findings, "target.process", "no_process", "shareProcessNamespace: true");
}

/* Samples without mappings name nothing: that is not what is meant by "works". */
static void samples_without_names(void **state)
{
    (void)state;
    struct rts_findings findings = nothing_granted();
    findings.standing.effective = findings.standing.permitted = BIT(RTS_CAPABILITY_PERFMON);
    findings.target_standing.same_user = false;
    findings.access.maps = findings.access.tracing = EACCES;
    findings.access.map_files = RTS_NOT_TRIED;
    assert_cause(&findings, "target.maps", "other_user", "setcap cap_perfmon,cap_sys_ptrace+ep");
    assert_int_equal(report.status, 4);
    assert_string_equal(report.fix, "setcap cap_perfmon,cap_sys_ptrace+ep /usr/bin/rtsample");
    assert_int_equal(judged(&findings, "perf.target")->state, RTS_CHECK_WORKS);
}

static void old_kernel(void **state)
{
    (void)state;
    struct rts_findings findings = nothing_granted();
    findings.host.last_capability = 37;
    findings.standing.knows_perfmon = false;
    findings.access.map_files = EPERM;
    findings.perf.build_id = findings.perf.cgroup = EINVAL;
    findings.perf.child.lost_clock = true;
    findings.gates.openat2 = ENOSYS;
    assert_cause(&findings, "target.map_files", "capability", "cap_sys_admin");
    static const char *const keys[] = {"feature.build_id", "feature.cgroup", "feature.clock",
                                       "feature.openat2"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const struct rts_check *check = judged(&findings, keys[i]);
        assert_int_equal(check->state, RTS_CHECK_LIMITED);
        assert_true(*check->because && *check->lost);
    }
    assert_int_equal(report.status, 0);
}

/* Asking for build-ids would mislead others: it is told, and nothing is refused for it. */
static void build_ids_leak(void **state)
{
    (void)state;
    static const struct {
        enum rts_flag_leak leak;
        const char *cause;
    } cases[] = {{RTS_FLAG_LEAK_FOUND, "leaks"}, {RTS_FLAG_LEAK_UNKNOWN, "untried"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rts_findings findings = everything_permitted();
        findings.perf.leak = cases[i].leak;
        const struct rts_check *check = judged(&findings, "feature.build_id");
        assert_int_equal(check->state, RTS_CHECK_LIMITED);
        assert_string_equal(check->cause, cases[i].cause);
        assert_true(*check->found && *check->because && *check->lost);
        assert_int_equal(report.status, 0);
        /* Where there are none to ask for, or no perf events, that is what is said. */
        findings.perf.build_id = EINVAL;
        assert_string_equal(judged(&findings, "feature.build_id")->cause, "not_built_in");
        refuse_perf(&findings, EACCES);
        assert_int_equal(judged(&findings, "feature.build_id")->state, RTS_CHECK_UNKNOWN);
    }
}

static void near_reader(void **state)
{
    (void)state;
    struct rts_findings findings = everything_permitted();
    assert_int_equal(judged(&findings, "near.reader")->state, RTS_CHECK_WORKS);
    findings.near.schedule = RTS_NEAR_SLICE;
    assert_cause(&findings, "near.reader", "not_granted", "CAP_SYS_NICE");
    findings.near.cpus = 1;
    assert_string_equal(judged(&findings, "near.reader")->cause, "cpuset");
    assert_int_equal(judged(&findings, "near.reader")->state, RTS_CHECK_LIMITED);
    findings.near.cpus = 0;
    assert_int_equal(judged(&findings, "near.reader")->state, RTS_CHECK_REFUSED);
    findings.near.disowned = false;
    assert_cause(&findings, "near.reader", "locked_memory", "CAP_SETUID");
    findings.near.switches = EINVAL; /* before Linux 4.3 */
    assert_string_equal(judged(&findings, "near.reader")->cause, "switches");
    findings.near.tried = false;
    assert_int_equal(judged(&findings, "near.reader")->state, RTS_CHECK_UNKNOWN);
    /* It decides nothing. */
    assert_int_equal(report.status, 0);
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_works),
        cmocka_unit_test(paranoid_3),
        cmocka_unit_test(before_perfmon),
        cmocka_unit_test(yama),
        cmocka_unit_test(security_module),
        cmocka_unit_test(not_built_in),
        cmocka_unit_test(filters),
        cmocka_unit_test(capabilities_by_place),
        cmocka_unit_test(obstacles),
        cmocka_unit_test(limits),
        cmocka_unit_test(near_reader),
        cmocka_unit_test(lockdown_is_told),
        cmocka_unit_test(targets),
        cmocka_unit_test(other_pid_namespace),
        cmocka_unit_test(samples_without_names),
        cmocka_unit_test(old_kernel),
        cmocka_unit_test(build_ids_leak),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
