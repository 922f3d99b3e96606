/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

#include "../suite.h"
#include "fake_rpm.h"
#include "package/rpm_keeper.h"
#include "package/rpm_starter.h"

/* More than a machine is ever busy for; and for what hangs. */
#define LONG_MS  60000
#define SHORT_MS 300

static struct rts_rpm_starter *start(void)
{
    struct rts_error error;
    struct rts_rpm_starter *starter = rts_rpm_starter_create_for(fake_lister, &error);
    assert_non_null(starter);
    return starter;
}

static uint32_t begin(struct rts_rpm_starter *starter, const char *word, uint64_t wait_ms,
                      uint64_t bytes_max)
{
    struct rts_rpm_job job = {
        .source = {.format = 0, .fds = {fake_database(word), -1}},
        .bytes_max = bytes_max,
        .wait_ms = wait_ms,
    };
    assert_true(job.source.fds[0] >= 0);
    uint32_t number = rts_rpm_starter_begin(starter, &job);
    rts_rpm_source_close(&job.source);
    return number;
}

/* Waits for the end of it. */
static enum rts_rpm_end take(struct rts_rpm_starter *starter, uint32_t number, int *list)
{
    enum rts_rpm_end end;
    assert_true(number > 0);
    while (!rts_rpm_starter_take(starter, number, &end, list))
        rts_rpm_starter_wait(starter, 1000);
    return end;
}

static enum rts_rpm_end end_of(struct rts_rpm_starter *starter, uint32_t number)
{
    int list;
    enum rts_rpm_end end = take(starter, number, &list);
    assert_int_equal(list >= 0, end == RTS_RPM_LISTED);
    if (list >= 0)
        close(list);
    return end;
}

static bool is_gone(pid_t pid)
{
    for (int i = 0; i < 20000 && kill(pid, 0) == 0; i++)
        usleep(1000);
    return kill(pid, 0) < 0 && errno == ESRCH;
}

static int count_open(void)
{
    int count = 0;
    DIR *folder = opendir("/proc/self/fd");
    while (folder && readdir(folder))
        count++;
    closedir(folder);
    return count;
}

static void a_list_is_handed_over(void **state)
{
    (void)state;
    int open_before = count_open(), list;
    char text[256] = "";
    struct rts_rpm_starter *starter = start();
    assert_true(rts_rpm_starter_pid(starter) > 0);
    assert_int_equal(take(starter, begin(starter, "fast\n", LONG_MS, 100), &list), RTS_RPM_LISTED);
    assert_true(pread(list, text, sizeof text - 1, 0) > 0);
    assert_string_equal(text, "P\tapp\t0\t1-1\tx86_64\nF\t\t/usr/bin/app\nE\n");
    close(list);
    rts_rpm_starter_destroy(starter);
    assert_int_equal(count_open(), open_before);
    assert_int_equal(fake_left(), 0);
}

static void how_it_ends_is_told(void **state)
{
    (void)state;
    struct rts_error error;
    struct rts_rpm_starter *starter = start();
    assert_int_equal(end_of(starter, begin(starter, "wrong\n", LONG_MS, 100)), RTS_RPM_DAMAGED);
    assert_int_equal(end_of(starter, begin(starter, "fast\n", LONG_MS, 4)), RTS_RPM_TOO_LARGE);
    assert_int_equal(end_of(starter, begin(starter, "fast\n", LONG_MS, 5)), RTS_RPM_LISTED);
    assert_int_equal(end_of(starter, begin(starter, "slow\n", SHORT_MS, 100)), RTS_RPM_LATE);
    rts_rpm_starter_destroy(starter);
    starter = rts_rpm_starter_create_for("/nowhere/rtsample-rpm", &error);
    assert_int_equal(end_of(starter, begin(starter, "fast\n", LONG_MS, 100)), RTS_RPM_UNCOPIED);
    rts_rpm_starter_destroy(starter);
    assert_int_equal(fake_left(), 0);
}

/* One that hangs, whatever it does about signals, keeps nobody else from his list: those that began
 * before and after it are there while it is still under way. */
static void who_hangs_keeps_nobody(void **state)
{
    (void)state;
    static const char *const words[] = {"slow\n", "stuck\n"};
    struct rts_rpm_starter *starter = start();
    for (int i = 0; i < 2; i++) {
        enum rts_rpm_end end;
        int list;
        uint32_t before = begin(starter, "fast\n", LONG_MS, 100);
        uint32_t hangs = begin(starter, words[i], LONG_MS, 100);
        pid_t pid = fake_pid();
        uint32_t after = begin(starter, "fast\n", LONG_MS, 100);
        assert_int_equal(end_of(starter, after), RTS_RPM_LISTED);
        assert_int_equal(end_of(starter, before), RTS_RPM_LISTED);
        assert_false(rts_rpm_starter_take(starter, hangs, &end, &list));
        rts_rpm_starter_drop(starter, hangs);
        assert_true(is_gone(pid));
        /* It is forgotten, and its place is free. */
        assert_true(rts_rpm_starter_take(starter, hangs, &end, &list));
        assert_int_equal(end, RTS_RPM_UNSTARTED);
    }
    rts_rpm_starter_destroy(starter);
    assert_int_equal(fake_left(), 0);
}

static void who_is_late_is_ended_again_and_again(void **state)
{
    (void)state;
    struct rts_rpm_starter *starter = start();
    for (int i = 0; i < 12; i++) {
        uint32_t late = begin(starter, i % 2 ? "slow\n" : "stuck\n", SHORT_MS, 100);
        uint32_t other = i % 4 ? 0 : begin(starter, "fast\n", LONG_MS, 100);
        assert_int_equal(end_of(starter, late), RTS_RPM_LATE);
        if (other)
            assert_int_equal(end_of(starter, other), RTS_RPM_LISTED);
    }
    rts_rpm_starter_destroy(starter);
    assert_int_equal(fake_left(), 0);
}

static void what_is_under_way_ends_with_the_run(void **state)
{
    (void)state;
    struct rts_rpm_starter *starter = start();
    begin(starter, "stuck\n", LONG_MS, 100);
    pid_t pid = fake_pid(), keeper = rts_rpm_starter_pid(starter);
    int keeps_it_open = begin(starter, "slow\n", LONG_MS, 100) ? fork() : -1;
    if (keeps_it_open == 0) { /* as a command that has not begun yet */
        pause();
        _exit(0);
    }
    rts_rpm_starter_destroy(starter);
    assert_true(is_gone(keeper));
    assert_true(is_gone(pid));
    assert_int_equal(fake_left(), 0);
    kill(keeps_it_open, SIGKILL);
    waitpid(keeps_it_open, NULL, 0);
}

/* The process itself hangs: we do not, and go on with it when it does. */
static void nobody_waits_for_the_process(void **state)
{
    (void)state;
    enum rts_rpm_end end;
    int list;
    struct rts_rpm_starter *starter = start();
    assert_int_equal(end_of(starter, begin(starter, "fast\n", LONG_MS, 100)), RTS_RPM_LISTED);
    kill(rts_rpm_starter_pid(starter), SIGSTOP);
    uint32_t number = begin(starter, "fast\n", LONG_MS, 100);
    for (int i = 0; i < 1000; i++) { /* more than there is room for */
        uint32_t another = begin(starter, "fast\n", LONG_MS, 100);
        assert_int_equal(another > 0, i < RTS_RPM_JOBS_MAX - 1);
    }
    assert_false(rts_rpm_starter_take(starter, number, &end, &list));
    kill(rts_rpm_starter_pid(starter), SIGCONT);
    assert_int_equal(end_of(starter, number), RTS_RPM_LISTED);
    rts_rpm_starter_destroy(starter);
    assert_int_equal(fake_left(), 0);
}

static void without_the_process_nothing_comes(void **state)
{
    (void)state;
    struct rts_rpm_starter *starter = start();
    uint32_t number = begin(starter, "slow\n", LONG_MS, 100);
    pid_t pid = fake_pid();
    kill(rts_rpm_starter_pid(starter), SIGKILL);
    kill(pid, SIGKILL);
    assert_int_equal(end_of(starter, number), RTS_RPM_UNSTARTED);
    assert_false(rts_rpm_starter_is_there(starter));
    assert_int_equal(begin(starter, "fast\n", LONG_MS, 100), 0);
    rts_rpm_starter_destroy(starter);
}

static int make(void **state)
{
    (void)state;
    fake_make();
    return 0;
}

static int clean(void **state)
{
    (void)state;
    fake_remove();
    return 0;
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_is_handed_over),
        cmocka_unit_test(how_it_ends_is_told),
        cmocka_unit_test(who_hangs_keeps_nobody),
        cmocka_unit_test(who_is_late_is_ended_again_and_again),
        cmocka_unit_test(what_is_under_way_ends_with_the_run),
        cmocka_unit_test(nobody_waits_for_the_process),
        cmocka_unit_test(without_the_process_nothing_comes),
    };
    return cmocka_run_group_tests(tests, make, clean);
}
