/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../suite.h"
#include "target/command.h"

static void wait_for(struct rts_command *command)
{
    while (!rts_command_poll(command))
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

/* Runs a shell line to its end. */
static int status_of(const char *line)
{
    struct rts_command command = RTS_COMMAND_INIT;
    char *argv[] = {"sh", "-c", (char *)(uintptr_t)line, NULL};
    assert_int_equal(rts_command_start(&command, argv, NULL, NULL), 0);
    assert_false(rts_command_poll(&command)); /* it waits */
    assert_int_equal(rts_command_release(&command, "sh", NULL), 0);
    wait_for(&command);
    assert_true(rts_command_poll(&command)); /* and again */
    int status = command.status;
    rts_command_finish(&command);
    return status;
}

static void test_exit_status(void **state)
{
    (void)state;
    assert_int_equal(status_of("exit 0"), 0);
    assert_int_equal(status_of("exit 1"), 1);
    assert_int_equal(status_of("exit 255"), 255);
}

static void test_signal_status(void **state)
{
    (void)state;
    assert_int_equal(status_of("kill -TERM $$"), 128 + SIGTERM);
    assert_int_equal(status_of("kill -KILL $$"), 128 + SIGKILL);
}

static void expect_refusal(char *path, enum rts_failure failure, int number)
{
    struct rts_command command = RTS_COMMAND_INIT;
    struct rts_error error = {0};
    char *argv[] = {path, NULL};
    assert_int_equal(rts_command_start(&command, argv, NULL, &error), 0);
    pid_t child = command.pid;
    assert_int_equal(rts_command_release(&command, path, &error), -1);
    assert_int_equal(error.failure, failure);
    assert_int_equal(error.number, number);
    assert_non_null(strstr(error.text, path));
    rts_command_finish(&command);
    assert_int_equal(waitpid(child, NULL, WNOHANG), -1); /* nothing is left of it */
    assert_int_equal(errno, ECHILD);
}

static void test_exec_fails(void **state)
{
    (void)state;
    char path[] = "/tmp/rtsample-test-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    expect_refusal("/nonexistent/program", RTS_NOT_FOUND, ENOENT);
    expect_refusal("rtsample-no-such-program", RTS_NOT_FOUND, ENOENT);
    expect_refusal(path, RTS_NOT_PERMITTED, EACCES); /* not executable */
    expect_refusal("/", RTS_NOT_PERMITTED, EACCES);
    close(fd);
    unlink(path);
}

/* A child that is given up before it was let go never execs. */
static void test_not_released(void **state)
{
    (void)state;
    char path[] = "/tmp/rtsample-test-XXXXXX";
    assert_non_null(mkdtemp(path));
    char *argv[] = {"rmdir", path, NULL};
    struct rts_command command = RTS_COMMAND_INIT;
    assert_int_equal(rts_command_start(&command, argv, NULL, NULL), 0);
    pid_t child = command.pid;
    rts_command_finish(&command);
    assert_int_equal(waitpid(child, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
    assert_int_equal(rmdir(path), 0); /* still there */
}

/* Nor does one whose parent dies. */
static void test_parent_dies(void **state)
{
    (void)state;
    int told[2];
    assert_int_equal(pipe(told), 0);
    pid_t parent = fork();
    if (parent == 0) {
        close(told[0]);
        char *argv[] = {"sleep", "1000", NULL};
        struct rts_command command = RTS_COMMAND_INIT;
        if (rts_command_start(&command, argv, NULL, NULL) < 0)
            _exit(1);
        kill(getpid(), SIGKILL);
    }
    close(told[1]);
    char byte;
    /* The pipe ends when the last process that holds it does. */
    assert_int_equal(read(told[0], &byte, 1), 0);
    close(told[0]);
    waitpid(parent, NULL, 0);
}

/* One that was killed while it waited: an error, not a death of our own by SIGPIPE. */
static void test_killed_while_waiting(void **state)
{
    (void)state;
    signal(SIGPIPE, SIG_IGN); /* as the session has it */
    char *argv[] = {"true", NULL};
    struct rts_command command = RTS_COMMAND_INIT;
    struct rts_error error = {0};
    assert_int_equal(rts_command_start(&command, argv, NULL, NULL), 0);
    siginfo_t info;
    kill(command.pid, SIGKILL);
    assert_int_equal(waitid(P_PID, (id_t)command.pid, &info, WEXITED | WNOWAIT), 0);
    assert_int_equal(rts_command_release(&command, "true", &error), -1);
    assert_non_null(strstr(error.text, "true"));
    rts_command_finish(&command);
    signal(SIGPIPE, SIG_DFL);
}

/* Signals that this process ignores, without those that are set to their default for a command. */
static unsigned long long ignored_signals(void)
{
    unsigned long long ignored = 0;
    char line[256];
    FILE *file = fopen("/proc/self/status", "r");
    assert_non_null(file);
    while (fgets(line, sizeof line, file))
        if (sscanf(line, "SigIgn: %llx", &ignored) == 1)
            break;
    fclose(file);
    return ignored & ~(1ULL << (SIGPIPE - 1) | 1ULL << (SIGXFSZ - 1) | 1ULL << (SIGCHLD - 1));
}

/* The command finds the signals as we found them, whatever we do with ours. */
static void test_signals_of_the_child(void **state)
{
    (void)state;
    char line[256];
    snprintf(line, sizeof line,
             "awk '/^SigBlk/ && $2 !~ /^0*$/ {bad = 1} /^SigIgn/ && $2 != \"%016llx\" {bad = 2} "
             "END {exit bad}' /proc/self/status",
             ignored_signals());
    sigset_t blocked, old;
    sigfillset(&blocked);
    sigprocmask(SIG_SETMASK, &blocked, &old);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    int status = status_of(line);
    signal(SIGPIPE, SIG_DFL);
    signal(SIGXFSZ, SIG_DFL);
    sigprocmask(SIG_SETMASK, &old, NULL);
    assert_int_equal(status, 0);
}

/* Whoever started us may ignore SIGCHLD: then no child can be waited for, unless we see to it. */
static void test_ignored_children(void **state)
{
    (void)state;
    signal(SIGCHLD, SIG_IGN);
    struct rts_command command = RTS_COMMAND_INIT;
    char *argv[] = {"sh", "-c", "exit 3", NULL};
    assert_int_equal(rts_command_start(&command, argv, NULL, NULL), 0);
    assert_int_equal(rts_command_release(&command, "sh", NULL), 0);
    bool ended = false;
    for (int i = 0; i < 5000 && !ended; i++) {
        ended = rts_command_poll(&command);
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    signal(SIGCHLD, SIG_DFL);
    assert_true(ended);
    assert_int_equal(command.status, 3);
    rts_command_finish(&command);
}

static void test_no_command(void **state)
{
    (void)state;
    struct rts_command command = RTS_COMMAND_INIT;
    assert_false(rts_command_poll(&command));
    rts_command_finish(&command);
}

/* No descriptor of ours reaches the command, and none stays open here. */
static void test_descriptors(void **state)
{
    (void)state;
    char line[256];
    int before = dup(0);
    close(before);
    /* The two pipes get the four lowest numbers that are free. */
    snprintf(line, sizeof line,
             "for n in 0 1 2 3; do [ ! -e /proc/$$/fd/$((n + %d)) ] || exit 1; done", before);
    assert_int_equal(status_of(line), 0);
    expect_refusal("/nonexistent/program", RTS_NOT_FOUND, ENOENT);
    int after = dup(0);
    close(after);
    assert_int_equal(before, after);
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exit_status),          cmocka_unit_test(test_signal_status),
        cmocka_unit_test(test_exec_fails),           cmocka_unit_test(test_not_released),
        cmocka_unit_test(test_parent_dies),          cmocka_unit_test(test_killed_while_waiting),
        cmocka_unit_test(test_signals_of_the_child), cmocka_unit_test(test_ignored_children),
        cmocka_unit_test(test_no_command),           cmocka_unit_test(test_descriptors),
    };
    setenv("PATH", "/usr/bin:/bin", 1); /* a folder that may not be searched changes the error */
    alarm(120); /* a child that is waited for in vain ends the test, not the day */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
