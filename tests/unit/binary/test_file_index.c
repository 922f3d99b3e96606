/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <fcntl.h>
#include <sys/stat.h>

#include "../suite.h"
#include "binary/build_id.h"
#include "binary/file_index.h"

static char folder[] = "/tmp/rtsample-index-XXXXXX";
static struct rts_build_id own;

static int shell(const char *command)
{
    char line[1024];
    snprintf(line, sizeof line, "cd %s && { %s; } >/dev/null 2>&1", folder, command);
    return system(line);
}

/* Copies of ourselves, under several names and in several forms. */
static int set_up(void **state)
{
    (void)state;
    struct rts_elf_image image;
    char command[512];
    int fd = open("/proc/self/exe", O_RDONLY);
    if (!mkdtemp(folder) || fd < 0 || rts_elf_image_open(&image, fd, NULL) < 0)
        return -1;
    rts_build_id_read(&image, &own);
    rts_elf_image_finish(&image);
    snprintf(
        command, sizeof command,
        "cat /proc/%d/exe >one && mkdir -p deep/er && cp one deep/er/two && ln -s ../one deep/l "
        "&& ln -s / root && echo text >text && head -c 100 one >cut && mkfifo fifo",
        (int)getpid());
    return shell(command);
}

static int tear_down(void **state)
{
    (void)state;
    return shell("rm -rf -- \"$PWD\"");
}

/* How many files have our build-id, and whether each is what was copied. */
static size_t count(const struct rts_file_index *index, int wanted_root, const char *below)
{
    size_t position = 0, found = 0;
    int root;
    for (const char *path; (path = rts_file_index_next(index, &own, &position, &root)); found++) {
        char full[512];
        struct stat status;
        assert_int_equal(root, wanted_root);
        snprintf(full, sizeof full, "%s%s", below, path);
        assert_int_equal(lstat(full, &status), 0);
        assert_true(S_ISREG(status.st_mode));
    }
    return found;
}

static void every_copy_is_found_and_no_link(void **state)
{
    (void)state;
    if (own.size == 0)
        skip(); /* the linker gives no build-ids here */
    struct rts_file_index *index = rts_file_index_create();
    rts_file_index_scan(index, -1, folder, false);
    assert_int_equal(count(index, -1, ""), 2);
    rts_file_index_destroy(index);

    index = rts_file_index_create();
    int root = open(folder, O_PATH | O_DIRECTORY);
    rts_file_index_scan(index, root, "/", false);
    rts_file_index_scan(index, root, "/not/there", false);
    assert_int_equal(count(index, root, folder), 2);
    close(root);
    rts_file_index_destroy(index);
    rts_file_index_destroy(NULL);
}

static void debug_files_are_left_out(void **state)
{
    (void)state;
    if (own.size == 0 || shell("objcopy --only-keep-debug one one.debug") != 0)
        skip();
    struct rts_file_index *index = rts_file_index_create();
    rts_file_index_scan(index, -1, folder, false);
    assert_int_equal(count(index, -1, ""), 2);
    rts_file_index_destroy(index);
}

/* It has no end. */
static void trees_of_the_kernel_are_passed_by(void **state)
{
    (void)state;
    struct rts_file_index *index = rts_file_index_create();
    rts_file_index_scan(index, -1, "/proc", false);
    assert_int_equal(count(index, -1, ""), 0);
    rts_file_index_destroy(index);
}

/* One is executable, the others are named like libraries or like nothing. */
static void of_programs_only_what_looks_like_one_is_found(void **state)
{
    (void)state;
    if (own.size == 0)
        skip();
    assert_int_equal(
        shell("mkdir -p some/in && cp one some/in/lib.so.1 && cp one some/in/a.node && "
              "cp one some/in/program && cp one some/in/data && chmod 644 some/in/* && "
              "chmod 755 some/in/program"),
        0);
    char some[64], in[64];
    snprintf(some, sizeof some, "%s/some", folder);
    snprintf(in, sizeof in, "%s/some/in", folder);
    struct rts_file_index *index = rts_file_index_create();
    rts_file_index_scan(index, -1, in, true);
    assert_int_equal(count(index, -1, ""), 3);
    rts_file_index_scan(index, -1, some, true); /* "in" was gone through */
    assert_int_equal(count(index, -1, ""), 3);
    rts_file_index_destroy(index);
    assert_int_equal(shell("rm -r some"), 0);
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_copy_is_found_and_no_link),
        cmocka_unit_test(of_programs_only_what_looks_like_one_is_found),
        cmocka_unit_test(debug_files_are_left_out),
        cmocka_unit_test(trees_of_the_kernel_are_passed_by),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
