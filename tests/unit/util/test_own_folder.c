/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "../suite.h"
#include "util/own_folder.h"

#define OTHER 65534

static char folder[] = "/tmp/rtsample-test-XXXXXX";
static struct rts_error error;

static int set_up(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/rtsample-test-XXXXXX");
    return mkdtemp(folder) && chdir(folder) == 0 ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    char command[64];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return chdir("/") == 0 ? system(command) : -1;
}

static int try_open(const char *path)
{
    memset(&error, 0, sizeof error);
    int fd = rts_own_folder_open(AT_FDCWD, path, path, "the spool", &error);
    if (fd >= 0)
        close(fd);
    return fd < 0 ? -1 : 0;
}

static void assert_taken(const char *path, mode_t mode)
{
    struct stat status;
    if (try_open(path) != 0)
        fail_msg("%s: %s", path, error.text);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, mode);
}

static void assert_refused(const char *path, const char *reason)
{
    assert_int_equal(try_open(path), -1);
    if (!strstr(error.text, reason) || !strstr(error.text, path))
        fail_msg("%s: %s", path, error.text);
}

static void one_that_is_made_is_ours_alone(void **state)
{
    (void)state;
    mode_t before = umask(0);
    assert_taken("new", 0700);
    assert_taken("with_slash//", 0700);
    umask(before);
    assert_int_equal(chmod("new", 0755), 0);
    assert_taken("new", 0755); /* what others may see is for its users to decide */
    assert_int_equal(symlink("new", "link"), 0);
    assert_taken("link", 0755);
    assert_taken(".", 0700);
    int parent = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(rts_own_folder_open(parent, "link", "./link", "the spool", &error), -1);
    int fd = rts_own_folder_open(parent, "inner", "./inner", "the spool", &error);
    assert_true(fd >= 0);
    close(fd);
    close(parent);
    assert_refused("no/such", strerror(ENOENT));
    assert_refused("/dev/null", strerror(ENOTDIR));
    assert_refused("", strerror(ENOENT));
}

static void where_others_may_write(void **state)
{
    (void)state;
    assert_int_equal(mkdir("spool", 0700), 0);
    assert_int_equal(chmod("spool", 0777), 0);
    assert_taken("spool", 0700); /* nobody has put anything into it */
    assert_int_equal(chmod("spool", 0770), 0);
    assert_int_equal(mkdir("spool/lost+found", 0700), 0);
    assert_taken("spool", 0700);
    assert_int_equal(mkdir("spool/planted", 0700), 0);
    assert_int_equal(chmod("spool", 0777), 0);
    assert_refused("spool", "others can write");
    assert_int_equal(chmod("spool", 0720), 0);
    assert_refused("spool", "others can write");
    assert_int_equal(chmod("spool", 0755), 0);
    assert_taken("spool", 0755);
    assert_int_equal(rmdir("spool/planted"), 0);
    assert_int_equal(chmod("spool", 01777), 0); /* as /tmp */
    assert_refused("spool", "others can write");
    struct stat status;
    assert_int_equal(stat("spool", &status), 0);
    assert_int_equal(status.st_mode & 07777, 01777);
}

static void of_others(void **state)
{
    (void)state;
    if (geteuid() != 0) {
        print_message("only root can give files away\n");
        skip();
    }
    assert_int_equal(mkdir("theirs", 0700), 0);
    assert_int_equal(mkdir("ours", 0700), 0);
    assert_int_equal(symlink("ours", "link"), 0);
    assert_int_equal(symlink("ours/deep", "link_to_new"), 0);
    assert_int_equal(mkdir("ours/inner", 0700), 0);
    assert_taken("link", 0700);
    assert_int_equal(chown("theirs", OTHER, OTHER), 0);
    assert_int_equal(lchown("link", OTHER, OTHER), 0);
    assert_int_equal(lchown("link_to_new", OTHER, OTHER), 0);
    assert_refused("theirs", "belongs to another user (65534)");
    assert_refused("link", "symbolic link");
    assert_refused("link/inner", "symbolic link");
    assert_refused("link_to_new", "symbolic link");
    assert_int_equal(access("ours/deep", F_OK), -1);
    assert_int_equal(chmod("theirs", 0777), 0);
    assert_refused("theirs", "belongs to another user");
    /* The other way round: a folder of root is taken, and refused when it is a third one's. */
    assert_int_equal(chmod(".", 0755), 0);
    assert_int_equal(chmod("ours", 0755), 0);
    assert_int_equal(chown("theirs", OTHER - 1, 0), 0);
    assert_int_equal(seteuid(OTHER), 0);
    int ours = try_open("ours"), theirs = try_open("theirs");
    assert_int_equal(seteuid(0), 0);
    assert_int_equal(ours, 0);
    assert_int_equal(theirs, -1);
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(one_that_is_made_is_ours_alone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(where_others_may_write, set_up, tear_down),
        cmocka_unit_test_setup_teardown(of_others, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
