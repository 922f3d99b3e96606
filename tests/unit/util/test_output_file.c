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
#include "util/file_replace.h"
#include "util/output_file.h"

/* Any two users that are neither we nor root. */
#define OTHER 65534
#define THIRD 65533

#define ONLY_ROOT()                                                                                \
    do {                                                                                           \
        if (geteuid() != 0) {                                                                      \
            print_message("only root can give files away\n");                                      \
            skip();                                                                                \
        }                                                                                          \
    } while (0)

/* We are in a folder of our own with `all`, which everybody may write into, `ours`, and a file
 * `ours/kept` that nobody must get at. */
static char folder[] = "/tmp/rtsample-test-XXXXXX";
static struct rts_error error;

static int set_up(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/rtsample-test-XXXXXX");
    if (!mkdtemp(folder) || chdir(folder) != 0 || mkdir("all", 0700) != 0 ||
        chmod("all", 01777) != 0 || mkdir("ours", 0755) != 0)
        return -1;
    FILE *kept = fopen("ours/kept", "w");
    return kept && fputs("kept", kept) >= 0 && fclose(kept) == 0 ? 0 : -1;
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
    int fd = rts_output_open(path, O_NONBLOCK, "the facts", &error);
    if (fd >= 0)
        close(fd);
    return fd < 0 ? -1 : 0;
}

static void assert_taken(const char *path)
{
    if (try_open(path) != 0)
        fail_msg("%s: %s", path, error.text);
}

static void assert_refused(const char *path, const char *reason)
{
    assert_int_equal(try_open(path), -1);
    assert_non_null(strstr(error.text, reason));
    assert_non_null(strstr(error.text, path));
    struct stat kept;
    assert_int_equal(stat("ours/kept", &kept), 0);
    assert_int_equal(kept.st_size, 4);
}

static mode_t mode_of(const char *path)
{
    struct stat status;
    assert_int_equal(lstat(path, &status), 0);
    return status.st_mode & 07777;
}

static void a_new_file_is_ours_alone(void **state)
{
    (void)state;
    mode_t before = umask(0);
    assert_taken("new");
    assert_int_equal(mode_of("new"), 0600);
    assert_taken("all/../ours//new");
    assert_int_equal(mode_of("ours/new"), 0600);
    umask(before);
    assert_int_equal(chmod("new", 0640), 0);
    assert_taken("new");
    assert_int_equal(mode_of("new"), 0640);
}

static void paths(void **state)
{
    (void)state;
    char path[128];
    assert_int_equal(symlink("ours", "link"), 0);
    assert_int_equal(symlink("../link/file", "ours/link"), 0);
    assert_int_equal(symlink("loop", "loop"), 0);
    assert_taken("ours/link"); /* by way of a link in a link, to a file that is made */
    assert_int_equal(access("ours/file", F_OK), 0);
    snprintf(path, sizeof path, "%s/link/absolute", folder);
    assert_taken(path);
    assert_int_equal(access("ours/absolute", F_OK), 0);
    assert_taken("/dev/null");
    int fd = open("ours", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    snprintf(path, sizeof path, "/proc/self/fd/%d/through", fd);
    assert_taken(path);
    assert_int_equal(access("ours/through", F_OK), 0);
    close(fd);
    fd = open("ours/kept", O_RDWR | O_CLOEXEC);
    snprintf(path, sizeof path, "/dev/fd/%d", fd);
    assert_taken(path);
    close(fd);
    assert_refused("loop", strerror(ELOOP));
    assert_refused("ours", strerror(EISDIR));
    assert_refused("ours/.", strerror(EISDIR));
    assert_refused("/", strerror(EISDIR));
    assert_refused("", strerror(ENOENT));
    assert_refused("no/such", strerror(ENOENT));
    assert_refused("ours/kept/file", strerror(ENOTDIR));
    assert_int_equal(mkfifo("fifo", 0600), 0);
    assert_refused("fifo", strerror(ENXIO));
    assert_int_equal(error.number, ENXIO);
}

static void links_of_others(void **state)
{
    (void)state;
    ONLY_ROOT();
    assert_int_equal(symlink("../ours/kept", "all/link"), 0);
    assert_int_equal(symlink("../ours", "all/folder"), 0);
    assert_taken("all/link"); /* our own one */
    assert_int_equal(lchown("all/link", OTHER, OTHER), 0);
    assert_int_equal(lchown("all/folder", OTHER, OTHER), 0);
    assert_refused("all/link", "symbolic link");
    assert_refused("all/folder/kept", "symbolic link");
    assert_refused("all/folder/new", "symbolic link");
    assert_int_equal(access("ours/new", F_OK), -1);
    /* The folder's owner can do what he likes in it. */
    assert_int_equal(chown("all", OTHER, OTHER), 0);
    assert_taken("all/link");
    assert_int_equal(chown("all", THIRD, THIRD), 0);
    assert_refused("all/link", "symbolic link");
    assert_int_equal(chmod("all", 0755), 0);
    assert_taken("all/link");
}

static void files_of_others(void **state)
{
    (void)state;
    ONLY_ROOT();
    assert_taken("all/file");
    assert_int_equal(chmod("all/file", 0666), 0);
    assert_int_equal(chown("all/file", OTHER, OTHER), 0);
    assert_refused("all/file", "belongs to somebody else");
    assert_int_equal(chown("all", OTHER, OTHER), 0);
    assert_taken("all/file");
    assert_int_equal(chown("all", 0, 0), 0);
    assert_int_equal(mkfifo("all/fifo", 0666), 0);
    assert_int_equal(chown("all/fifo", OTHER, OTHER), 0);
    assert_refused("all/fifo", "belongs to somebody else");
    /* Without O_NONBLOCK it would be waited for, for ever. */
    assert_int_equal(rts_output_open("all/fifo", 0, "the account", &error), -1);
    assert_int_equal(link("ours/kept", "all/second"), 0);
    assert_refused("all/second", "another name");
    assert_int_equal(link("ours/kept", "ours/second"), 0);
    assert_taken("ours/second");
}

static void a_replacement_goes_where_we_meant(void **state)
{
    (void)state;
    ONLY_ROOT();
    assert_int_equal(symlink("../ours/kept", "all/link"), 0);
    assert_int_equal(lchown("all/link", OTHER, OTHER), 0);
    assert_int_equal(rts_file_replace("all/link", "new", 3, 0600, RTS_ATOMIC, &error), -1);
    assert_non_null(strstr(error.text, "symbolic link"));
    assert_refused("all/link", "symbolic link");
    assert_int_equal(lchown("all/link", 0, 0), 0);
    assert_int_equal(rts_file_replace("all/link", "new", 3, 0600, RTS_ATOMIC, &error), 0);
    struct stat kept;
    assert_int_equal(stat("ours/kept", &kept), 0);
    assert_int_equal(kept.st_size, 3);
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_new_file_is_ours_alone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(paths, set_up, tear_down),
        cmocka_unit_test_setup_teardown(links_of_others, set_up, tear_down),
        cmocka_unit_test_setup_teardown(files_of_others, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_replacement_goes_where_we_meant, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
