/* SPDX-License-Identifier: Apache-2.0 */
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
#include "util/open_below.h"

/* A root with files, and a secret beside it. */
struct tree {
    char folder[64];
    int root;
    int above;
};

static void write_file(int folder, const char *name, const char *text)
{
    int fd = openat(folder, name, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
}

static int set_up(void **state)
{
    struct tree *tree = calloc(1, sizeof *tree);
    strcpy(tree->folder, "/tmp/rtsample-test-XXXXXX");
    assert_non_null(mkdtemp(tree->folder));
    tree->above = open(tree->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(mkdirat(tree->above, "root", 0700), 0);
    assert_int_equal(mkdirat(tree->above, "root/sub", 0700), 0);
    tree->root = openat(tree->above, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);
    write_file(tree->above, "secret", "outside");
    write_file(tree->above, "root/plain", "inside");
    *state = tree;
    return 0;
}

static int tear_down(void **state)
{
    struct tree *tree = *state;
    char command[128];
    close(tree->root);
    close(tree->above);
    snprintf(command, sizeof command, "rm -rf %s", tree->folder);
    int result = system(command);
    free(tree);
    return result;
}

/* The walk has to find what the kernel finds, or nothing where that finds nothing. */
static void assert_walk_agrees(int root, const char *path, int fd)
{
    int walked = rts_walk_below(root, path);
    struct stat theirs, ours;
    if (fd >= 0) {
        assert_true(walked >= 0);
        assert_true(fcntl(walked, F_GETFD) & FD_CLOEXEC);
        assert_int_equal(fstat(fd, &theirs), 0);
        assert_int_equal(fstat(walked, &ours), 0);
        assert_int_equal(theirs.st_ino, ours.st_ino);
        assert_int_equal(theirs.st_dev, ours.st_dev);
        close(walked);
    } else {
        assert_int_equal(walked, -1);
    }
}

/* What the file that is opened holds; "" when none is. */
static const char *content(int root, const char *path)
{
    static char text[64];
    int fd = rts_open_below(root, path);
    memset(text, 0, sizeof text);
    if (root >= 0)
        assert_walk_agrees(root, path, fd);
    if (fd < 0)
        return "";
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    assert_true(read(fd, text, sizeof text - 1) >= 0);
    close(fd);
    return text;
}

static void test_plain(void **state)
{
    const struct tree *tree = *state;
    char path[128];
    assert_string_equal(content(tree->root, "/plain"), "inside");
    assert_string_equal(content(tree->root, "plain"), "inside");
    assert_string_equal(content(tree->root, "/sub/../plain"), "inside");
    assert_string_equal(content(tree->root, "/missing"), "");
    snprintf(path, sizeof path, "%s/secret", tree->folder);
    assert_string_equal(content(-1, path), "outside");
}

static void test_stays_inside(void **state)
{
    const struct tree *tree = *state;
    char path[128];
    assert_string_equal(content(tree->root, "../secret"), "");
    assert_string_equal(content(tree->root, "/../../plain"), "inside");
    snprintf(path, sizeof path, "%s/secret", tree->folder);
    assert_int_equal(symlinkat(path, tree->above, "root/absolute"), 0);
    assert_int_equal(symlinkat("../secret", tree->above, "root/relative"), 0);
    assert_int_equal(symlinkat("/proc/self/root", tree->above, "root/magic"), 0);
    assert_int_equal(symlinkat("/plain", tree->above, "root/sub/link"), 0);
    assert_int_equal(symlinkat("loop", tree->above, "root/loop"), 0);
    assert_string_equal(content(tree->root, "/absolute"), "");
    assert_string_equal(content(tree->root, "/relative"), "");
    assert_string_equal(content(tree->root, "/magic/etc/passwd"), "");
    assert_string_equal(content(tree->root, "/loop"), "");
    assert_string_equal(content(tree->root, "/sub/link"), "inside");
    assert_string_equal(content(tree->root, "/plain/../plain"), "");
    assert_string_equal(content(tree->root, "/plain/"), "");
}

/* What is located may be a directory, and the root itself. */
static void test_directories(void **state)
{
    const struct tree *tree = *state;
    static const char *const paths[] = {"/",      "",     ".",          "..",        "/sub",
                                        "/sub/.", "sub/", "/sub/../..", "/up/up/sub"};
    assert_int_equal(symlinkat("..", tree->above, "root/up"), 0);
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        int fd = rts_locate_below(tree->root, paths[i]);
        assert_walk_agrees(tree->root, paths[i], fd);
        if (fd >= 0)
            close(fd);
    }
}

/* A chain of links that only its length makes wrong. */
static void test_many_links(void **state)
{
    const struct tree *tree = *state;
    char name[32], target[32] = "plain";
    for (int i = 0; i < 45; i++) {
        snprintf(name, sizeof name, "root/link%d", i);
        assert_int_equal(symlinkat(target, tree->above, name), 0);
        snprintf(target, sizeof target, "/link%d", i);
    }
    assert_string_equal(content(tree->root, "/link39"), "inside");
    assert_string_equal(content(tree->root, "/link44"), "");
}

static void test_regular_files_only(void **state)
{
    const struct tree *tree = *state;
    assert_int_equal(mkfifoat(tree->above, "root/fifo", 0600), 0);
    assert_int_equal(rts_open_below(tree->root, "/fifo"), -1);
    assert_int_equal(rts_open_below(tree->root, "/sub"), -1);
    assert_int_equal(rts_open_below(-1, "/dev/zero"), -1);
    assert_int_equal(rts_open_below(-1, "/"), -1);
}

/* A link of /proc to an open file would lead out of any root. */
static void test_magic_links(void **state)
{
    (void)state;
    int proc = open("/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC);
    assert_true(proc >= 0);
    assert_int_equal(rts_open_below(proc, "exe"), -1);
    close(proc);
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_plain, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_stays_inside, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_directories, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_many_links, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_regular_files_only, set_up, tear_down),
        cmocka_unit_test(test_magic_links),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
