/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../suite.h"
#include "binary/file_watch.h"

#define SIZE 40000

/* The file of a test, filled with one byte value. */
struct file {
    char path[64], other[80];
    int fd;
    struct rts_file_watch *watch;
};

static void fill(const struct file *file, char byte)
{
    char bytes[SIZE];
    memset(bytes, byte, sizeof bytes);
    assert_int_equal(pwrite(file->fd, bytes, sizeof bytes, 0), sizeof bytes);
}

static int set_up(void **state)
{
    struct file *file = calloc(1, sizeof *file);
    strcpy(file->path, "/tmp/rtsample-watch-XXXXXX");
    file->fd = mkstemp(file->path);
    snprintf(file->other, sizeof file->other, "%s.other", file->path);
    assert_true(file->fd >= 0);
    fill(file, 'a');
    file->watch = rts_file_watch_create(file->fd, NULL);
    assert_non_null(file->watch);
    *state = file;
    return 0;
}

static int tear_down(void **state)
{
    struct file *file = *state;
    rts_file_watch_destroy(file->watch);
    close(file->fd);
    unlink(file->path);
    unlink(file->other);
    free(file);
    return 0;
}

/* As old as a file that has long been there: its last change of anything is not for us to set, so
 * the content's is, and the other one is waited for. */
static void set_time(const struct file *file, time_t seconds)
{
    const struct timespec times[2] = {{.tv_sec = seconds}, {.tv_sec = seconds}};
    assert_int_equal(futimens(file->fd, times), 0);
}

static void watch_anew(struct file *file)
{
    rts_file_watch_destroy(file->watch);
    file->watch = rts_file_watch_create(file->fd, NULL);
}

/* One that was written this moment is watched as any other. */
static void test_untouched(void **state)
{
    struct file *file = *state;
    for (int i = 0; i < 1000; i++)
        assert_true(rts_file_watch_is_intact(file->watch));
    rts_file_watch_whole(file->watch);
    for (int i = 0; i < 100; i++)
        assert_true(rts_file_watch_is_intact(file->watch));
    assert_false(rts_file_watch_has_changed(file->watch));
}

static void test_overwritten(void **state)
{
    struct file *file = *state;
    set_time(file, 1000000000);
    watch_anew(file);
    fill(file, 'b');
    assert_false(rts_file_watch_has_same_time(file->watch));
    assert_false(rts_file_watch_is_intact(file->watch));
    assert_true(rts_file_watch_modified_ns(file->watch) > 1000000000LL * 1000000000);
    /* Nor when all is as it was: nobody knows what was read meanwhile. */
    fill(file, 'a');
    set_time(file, 1000000000);
    assert_false(rts_file_watch_is_intact(file->watch));
    assert_true(rts_file_watch_has_changed(file->watch));
}

/* The same size, and the time of the content set back. */
static void test_set_back(void **state)
{
    struct file *file = *state;
    set_time(file, 1000000000);
    watch_anew(file);
    fill(file, 'b');
    set_time(file, 1000000000);
    assert_true(rts_file_watch_has_same_time(file->watch));
    assert_false(rts_file_watch_is_intact(file->watch));
    assert_true(rts_file_watch_modified_ns(file->watch) > 1000000000LL * 1000000000);
}

/* The ends are the same, and nothing stands for what is between them. */
static void test_middle_set_back(void **state)
{
    struct file *file = *state;
    set_time(file, 1000000000);
    for (int whole = 0; whole < 2; whole++) {
        watch_anew(file);
        if (whole)
            rts_file_watch_whole(file->watch);
        assert_int_equal(pwrite(file->fd, whole ? "x" : "y", 1, SIZE / 2), 1);
        set_time(file, 1000000000);
        assert_int_equal(rts_file_watch_is_intact(file->watch), !whole);
        assert_int_equal(rts_file_watch_digest(file->watch) != NULL, whole);
    }
}

/* Within one tick of the clock of files: what the times do not tell, the content does. */
static void test_same_tick(void **state)
{
    struct file *file = *state;
    for (int i = 0; i < 200; i++) {
        fill(file, 'a');
        watch_anew(file);
        fill(file, 'b');
        assert_false(rts_file_watch_is_intact(file->watch));
    }
}

/* What does not touch the content changes the time of the last change, too. */
static void test_renamed(void **state)
{
    struct file *file = *state;
    assert_int_equal(rename(file->path, file->other), 0);
    assert_true(rts_file_watch_is_intact(file->watch));
    assert_int_equal(chmod(file->other, 0700), 0);
    assert_true(rts_file_watch_is_intact(file->watch));
    assert_int_equal(link(file->other, file->path), 0);
    assert_true(rts_file_watch_is_intact(file->watch));
    assert_int_equal(unlink(file->path), 0);
    assert_int_equal(unlink(file->other), 0);
    assert_true(rts_file_watch_is_intact(file->watch));
    assert_false(rts_file_watch_has_changed(file->watch));
    fill(file, 'b');
    assert_false(rts_file_watch_is_intact(file->watch));
}

static void test_other_size(void **state)
{
    struct file *file = *state;
    assert_int_equal(ftruncate(file->fd, SIZE - 1), 0);
    assert_false(rts_file_watch_is_intact(file->watch));
    watch_anew(file);
    assert_true(rts_file_watch_is_intact(file->watch));
    assert_int_equal(pwrite(file->fd, "x", 1, SIZE), 1);
    assert_false(rts_file_watch_is_intact(file->watch));
    assert_int_equal(ftruncate(file->fd, 0), 0);
    watch_anew(file);
    assert_true(rts_file_watch_is_intact(file->watch));
}

/* Who writes through a mapping changes the times with his first write. */
static void test_mapped(void **state)
{
    struct file *file = *state;
    char *bytes = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, file->fd, 0);
    assert_true(bytes != MAP_FAILED);
    assert_true(rts_file_watch_is_intact(file->watch));
    bytes[100] = 'b';
    assert_false(rts_file_watch_is_intact(file->watch));
    munmap(bytes, SIZE);
}

RTS_SUITE
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_untouched),       TEST(test_overwritten), TEST(test_set_back),
        TEST(test_middle_set_back), TEST(test_same_tick),   TEST(test_renamed),
        TEST(test_other_size),      TEST(test_mapped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
