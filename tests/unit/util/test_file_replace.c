/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../suite.h"
#include "util/file_replace.h"

struct place {
    char folder[32];
    char file[64], link[64];
};

static int set_up(void **state)
{
    struct place *place = calloc(1, sizeof *place);
    strcpy(place->folder, "/tmp/rtsample-test-XXXXXX");
    if (!mkdtemp(place->folder))
        return -1;
    snprintf(place->file, sizeof place->file, "%s/file", place->folder);
    snprintf(place->link, sizeof place->link, "%s/link", place->folder);
    *state = place;
    return 0;
}

static int tear_down(void **state)
{
    struct place *place = *state;
    unlink(place->file);
    unlink(place->link);
    int result = rmdir(place->folder); /* which fails when anything was left behind */
    free(place);
    return result;
}

static void assert_content(const char *path, const char *expected)
{
    char text[64] = "";
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    size_t size = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    assert_int_equal(size, strlen(expected));
    assert_string_equal(text, expected);
}

static void replace(const char *path, const char *content)
{
    struct rts_error error = {0};
    int result = rts_file_replace(path, content, strlen(content), 0640, RTS_DURABLE, &error);
    if (result < 0)
        fail_msg("%s", error.text);
}

static void creates_and_replaces(void **state)
{
    const struct place *place = *state;
    struct stat before, after;
    mode_t mask = umask(077);
    replace(place->file, "one");
    umask(mask);
    assert_content(place->file, "one");
    assert_int_equal(stat(place->file, &before), 0);
    assert_int_equal(before.st_mode & 07777, 0640);
    FILE *reader = fopen(place->file, "r");
    replace(place->file, "the second");
    assert_content(place->file, "the second");
    assert_int_equal(fgetc(reader), 'o'); /* who has it open goes on with the old one */
    assert_int_equal(stat(place->file, &after), 0);
    assert_int_not_equal(before.st_ino, after.st_ino);
    fclose(reader);
    assert_int_equal(rts_file_replace(place->file, "", 0, 0600, RTS_ATOMIC, NULL), 0);
    assert_content(place->file, "");
}

static void in_the_current_folder(void **state)
{
    const struct place *place = *state;
    char here[4096];
    assert_non_null(getcwd(here, sizeof here));
    assert_int_equal(chdir(place->folder), 0);
    replace("file", "here");
    assert_int_equal(chdir(here), 0);
    assert_content(place->file, "here");
}

static void a_link_stays_a_link(void **state)
{
    const struct place *place = *state;
    struct stat file;
    replace(place->file, "old");
    assert_int_equal(symlink("file", place->link), 0);
    replace(place->link, "new");
    assert_content(place->file, "new");
    assert_int_equal(lstat(place->link, &file), 0);
    assert_true(S_ISLNK(file.st_mode));
}

static void assert_refused(const char *path)
{
    struct rts_error error = {0};
    assert_int_equal(rts_file_replace(path, "x", 1, 0600, RTS_ATOMIC, &error), -1);
    assert_non_null(strstr(error.text, path));
}

/* To rename over a device would take it away from everybody. */
static void only_regular_files(void **state)
{
    const struct place *place = *state;
    struct stat file;
    assert_int_equal(mkfifo(place->file, 0600), 0);
    assert_refused(place->file);
    assert_int_equal(stat(place->file, &file), 0);
    assert_true(S_ISFIFO(file.st_mode));
    assert_refused("/dev/null");
    assert_refused(place->folder);
    assert_refused("/nonexistent-rtsample/file");
    assert_int_equal(symlink("/dev/null", place->link), 0);
    assert_refused(place->link);
    assert_int_equal(stat("/dev/null", &file), 0);
    assert_true(S_ISCHR(file.st_mode));
}

/* What cannot be written as a whole changes nothing and leaves nothing. */
static void a_failure_leaves_the_old_one(void **state)
{
    const struct place *place = *state;
    static char large[65536];
    struct rlimit limit, small;
    struct rts_error error = {0};
    replace(place->file, "old");
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    small = limit;
    small.rlim_cur = 1000;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    int result = rts_file_replace(place->file, large, sizeof large, 0600, RTS_DURABLE, &error);
    setrlimit(RLIMIT_FSIZE, &limit);
    assert_int_equal(result, -1);
    assert_int_equal(error.number, EFBIG);
    assert_content(place->file, "old");
    /* tear_down() finds the folder empty. */
}

struct reading {
    const char *path;
    _Atomic bool done;
    unsigned reads, bad;
};

static void *read_again_and_again(void *argument)
{
    struct reading *reading = argument;
    static char text[20000];
    while (!reading->done || reading->reads == 0) {
        FILE *file = fopen(reading->path, "r");
        size_t size = file ? fread(text, 1, sizeof text, file) : 0;
        reading->reads++;
        if (size != 10000 || memchr(text, text[0] == 'a' ? 'b' : 'a', size))
            reading->bad++;
        if (file)
            fclose(file);
    }
    return NULL;
}

/* A reader never sees a part of one, or of two. */
static void readers_see_all_or_nothing(void **state)
{
    const struct place *place = *state;
    static char content[2][10000];
    memset(content[0], 'a', sizeof content[0]);
    memset(content[1], 'b', sizeof content[1]);
    struct reading reading = {.path = place->file};
    assert_int_equal(
        rts_file_replace(place->file, content[0], sizeof content[0], 0600, RTS_ATOMIC, NULL), 0);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, read_again_and_again, &reading), 0);
    for (int i = 0; i < 2000; i++)
        assert_int_equal(rts_file_replace(place->file, content[i % 2], sizeof content[0], 0600,
                                          RTS_ATOMIC, NULL),
                         0);
    reading.done = true;
    pthread_join(thread, NULL);
    assert_int_equal(reading.bad, 0);
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(creates_and_replaces, set_up, tear_down),
        cmocka_unit_test_setup_teardown(in_the_current_folder, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_link_stays_a_link, set_up, tear_down),
        cmocka_unit_test_setup_teardown(only_regular_files, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_failure_leaves_the_old_one, set_up, tear_down),
        cmocka_unit_test_setup_teardown(readers_see_all_or_nothing, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
