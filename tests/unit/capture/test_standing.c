/* SPDX-License-Identifier: Apache-2.0 */
/* Of ourselves and a child, beside what /proc and the C library say. */
#include "capture/standing.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "../suite.h"

/* A set of capabilities, or a number, in /proc/self/status. */
static unsigned long long own_status(const char *field, int base)
{
    char line[256];
    unsigned long long value = 0;
    FILE *file = fopen("/proc/self/status", "re");
    assert_non_null(file);
    while (fgets(line, sizeof line, file))
        if (strncmp(line, field, strlen(field)) == 0)
            value = strtoull(line + strlen(field), NULL, base);
    fclose(file);
    return value;
}

static void own_standing(void **state)
{
    (void)state;
    struct rts_standing standing;
    rts_standing_read(&(const struct rts_proc){.root = "/proc"}, &standing);
    assert_int_equal(standing.effective, own_status("CapEff:", 16));
    assert_int_equal(standing.permitted, own_status("CapPrm:", 16));
    assert_int_equal(standing.bounding, own_status("CapBnd:", 16));
    assert_int_equal(standing.ambient, own_status("CapAmb:", 16));
    assert_int_equal(standing.seccomp, own_status("Seccomp:", 10));
    assert_true(standing.has_sysctl);
    assert_true(standing.perf_call != 0 && standing.ptrace_call != 0);
}

static void no_proc(void **state)
{
    (void)state;
    struct rts_standing standing, whole;
    rts_standing_read(&(const struct rts_proc){.root = "/proc"}, &whole);
    rts_standing_read(&(const struct rts_proc){.root = "/nonexistent"}, &standing);
    assert_false(standing.has_sysctl || standing.has_paranoid || standing.own_user_namespace);
    assert_int_equal(standing.yama_scope, -1);
    assert_int_equal(standing.effective, whole.effective);
}

/* A child that waits; with `dumpable` 0 the kernel keeps it from its user. */
static pid_t start_child(int dumpable)
{
    int ready[2];
    char byte;
    assert_int_equal(pipe(ready), 0);
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* also when an assertion fails */
        prctl(PR_SET_DUMPABLE, dumpable);
        if (write(ready[1], "", 1) == 1)
            pause();
        _exit(0);
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    close(ready[1]);
    return pid;
}

static void end_child(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

static void child(void **state)
{
    (void)state;
    struct rts_standing standing;
    struct rts_target_standing target;
    rts_standing_read(&(const struct rts_proc){.root = "/proc"}, &standing);
    pid_t pid = start_child(1);
    assert_true(rts_target_standing_read(&(const struct rts_proc){.root = "/proc"}, pid, &standing,
                                         &target));
    assert_true(target.known && target.same_user && target.descendant);
    assert_false(target.more_capable || target.not_dumpable || target.tracer);
    end_child(pid);
    assert_false(rts_target_standing_read(&(const struct rts_proc){.root = "/proc"}, pid, &standing,
                                          &target));
}

static void not_dumpable_child(void **state)
{
    (void)state;
    struct rts_standing standing;
    struct rts_target_standing target;
    if (geteuid() == 0)
        skip(); /* root's are root's in any case */
    rts_standing_read(&(const struct rts_proc){.root = "/proc"}, &standing);
    pid_t pid = start_child(0);
    assert_true(rts_target_standing_read(&(const struct rts_proc){.root = "/proc"}, pid, &standing,
                                         &target));
    assert_true(target.not_dumpable);
    end_child(pid);
}

static void more_capable(void **state)
{
    (void)state;
    struct rts_standing standing = {.uid = 0, .gid = 0};
    struct rts_target_standing target;
    if (geteuid() != 0)
        skip(); /* nobody here has capabilities */
    assert_true(rts_target_standing_read(&(const struct rts_proc){.root = "/proc"}, getpid(),
                                         &standing, &target));
    assert_true(target.more_capable && !target.descendant);
    standing.uid = 1;
    assert_true(rts_target_standing_read(&(const struct rts_proc){.root = "/proc"}, getpid(),
                                         &standing, &target));
    assert_false(target.same_user);
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(own_standing), cmocka_unit_test(no_proc),
        cmocka_unit_test(child),        cmocka_unit_test(not_dumpable_child),
        cmocka_unit_test(more_capable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
