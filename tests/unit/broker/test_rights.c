/* SPDX-License-Identifier: Apache-2.0 */
/* Whose rights a process has, beside what id(1) and the kernel say; and what can be read with them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "broker/rights.h"

#include "../oracle.h"
#include "../suite.h"

#define OTHER 23456

#define AS_ROOT()                                                                                  \
    do {                                                                                           \
        if (geteuid() != 0)                                                                        \
            skip();                                                                                \
    } while (0)

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

/* Fills *rights from a status file of these lines. */
static int read_lines(const char *lines, struct rts_rights *rights)
{
    char root[] = "/tmp/rtsample-test-XXXXXX", path[64];
    assert_non_null(mkdtemp(root));
    snprintf(path, sizeof path, "%s/77", root);
    assert_int_equal(mkdir(path, 0700), 0);
    strcat(path, "/status");
    write_file(path, lines);
    int result = rts_rights_read(root, 77, rights);
    free(oracle_ask("rm -r %s && echo", root));
    return result;
}

/* A child that has become `user`, with these groups, and waits. */
static pid_t start_other(uint32_t user, const gid_t *groups, size_t count, bool keep)
{
    int ready[2];
    char byte;
    assert_int_equal(pipe(ready), 0);
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (keep)
            prctl(PR_SET_KEEPCAPS, 1);
        if (setgroups(count, groups) < 0 || setresgid(user, user, user) < 0 ||
            setresuid(user, user, user) < 0)
            _exit(1);
        if (write(ready[1], "", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    close(ready[1]);
    return pid;
}

static void end(pid_t pid)
{
    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void test_ours(void **state)
{
    (void)state;
    struct rts_rights rights;
    char *groups = oracle_ask("id -G"), *user = oracle_ask("id -u"), *group = oracle_ask("id -g");
    assert_int_equal(rts_rights_read("/proc", getpid(), &rights), 0);
    assert_int_equal(rights.foreign, 1);
    assert_int_equal(rights.pid, getpid());
    assert_int_equal(rights.uid, atol(user));
    assert_int_equal(rights.gid, atol(group));
    /* id(1) names the own group first; the kernel has it among the others, or not. */
    for (uint32_t i = 0; i < rights.group_count; i++) {
        char word[32], list[8192];
        snprintf(word, sizeof word, " %u ", rights.groups[i]);
        snprintf(list, sizeof list, " %s ", groups);
        assert_non_null(strstr(list, word));
    }
    free(groups);
    free(user);
    free(group);
}

static void test_of_another(void **state)
{
    (void)state;
    AS_ROOT();
    const gid_t groups[] = {OTHER + 1, OTHER + 2};
    struct rts_rights rights;
    pid_t pid = start_other(OTHER, groups, 2, false);
    assert_int_equal(rts_rights_read("/proc", pid, &rights), 0);
    end(pid);
    assert_int_equal(rights.uid, OTHER);
    assert_int_equal(rights.gid, OTHER);
    assert_int_equal(rights.reads_all, 0);
    assert_int_equal(rights.group_count, 2);
    assert_int_equal(rights.groups[0], OTHER + 1);
    assert_int_equal(rights.groups[1], OTHER + 2);
    /* Now it is gone. */
    assert_int_equal(rts_rights_read("/proc", pid, &rights), -1);
    assert_int_equal(rights.foreign, 1);
    assert_int_equal(rights.uid, RTS_RIGHTS_NOBODY);
    assert_int_equal(rights.group_count, 0);
}

static void test_lines(void **state)
{
    (void)state;
    struct rts_rights rights;
    const char *all = "Name:\tx\nUid:\t1\t2\t3\t4\nGid:\t5\t6\t7\t8\nGroups:\t9 10 \n"
                      "CapEff:\t00000000ffffffff\n";
    assert_int_equal(read_lines(all, &rights), 0);
    assert_int_equal(rights.uid, 4); /* that of the file system */
    assert_int_equal(rights.gid, 8);
    assert_int_equal(rights.group_count, 2);
    /* Capabilities of somebody who is not root here are those of a user namespace. */
    assert_int_equal(rights.reads_all, 0);
    assert_int_equal(
        read_lines("Uid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\nCapEff:\t0000000000000002\n", &rights), 0);
    assert_int_equal(rights.reads_all, 1);
    assert_int_equal(
        read_lines("Uid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\nCapEff:\t0000000000000001\n", &rights), 0);
    assert_int_equal(rights.reads_all, 0);
}

/* What is not said as a whole is nobody's: never root's by accident. */
static void test_damaged_lines(void **state)
{
    (void)state;
    static const char *const damaged[] = {
        "",
        "Uid:\t0\t0\t0\t0\n",
        "Uid:\t0\t0\t0\nGid:\t0\t0\t0\t0\nCapEff:\tff\n",
        "Name:\tUid: 0 0 0 0\nGid:\t0\t0\t0\t0\nCapEff:\tff\n",
        "Uid:\t\t\t\t\nGid:\t0\t0\t0\t0\nCapEff:\tff\n",
    };
    for (size_t i = 0; i < sizeof damaged / sizeof *damaged; i++) {
        struct rts_rights rights;
        assert_int_equal(read_lines(damaged[i], &rights), -1);
        assert_int_equal(rights.foreign, 1);
        assert_int_equal(rights.uid, RTS_RIGHTS_NOBODY);
        assert_int_equal(rights.reads_all, 0);
    }
}

static void test_many_groups(void **state)
{
    (void)state;
    struct rts_rights rights;
    char lines[4096] = "Uid:\t1\t1\t1\t1\nGid:\t1\t1\t1\t1\nCapEff:\t0\nGroups:\t";
    for (int i = 0; i < 3 * RTS_RIGHTS_GROUPS_MAX; i++)
        snprintf(lines + strlen(lines), sizeof lines - strlen(lines), "%d ", 100 + i);
    assert_int_equal(read_lines(lines, &rights), 0);
    assert_int_equal(rights.group_count, RTS_RIGHTS_GROUPS_MAX);
    assert_int_equal(rights.groups[0], 100);
}

/* ---- with them ---- */

static bool may_read(const struct rts_rights *rights, const char *path)
{
    assert_int_equal(rts_rights_take(rights), 0);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    rts_rights_give_back(rights);
    if (fd >= 0)
        close(fd);
    /* And ours are back. */
    assert_int_equal(setfsuid((uid_t)-1), geteuid());
    assert_int_equal(setfsgid((gid_t)-1), getegid());
    return fd >= 0;
}

static void test_take(void **state)
{
    (void)state;
    AS_ROOT();
    struct rts_rights rights = {.foreign = 1, .uid = OTHER, .gid = OTHER};
    char path[] = "/tmp/rtsample-test-XXXXXX";
    close(mkstemp(path));
    assert_false(may_read(&rights, path)); /* 0600, of root */
    assert_int_equal(chmod(path, 0644), 0);
    assert_true(may_read(&rights, path));
    assert_int_equal(chmod(path, 0640), 0);
    assert_int_equal(chown(path, 0, OTHER + 1), 0);
    assert_false(may_read(&rights, path));
    rights.group_count = 1;
    rights.groups[0] = OTHER + 1;
    assert_true(may_read(&rights, path));
    rights.group_count = 0;
    rights.gid = OTHER + 1;
    assert_true(may_read(&rights, path));
    rights.gid = OTHER;
    assert_int_equal(chown(path, OTHER, OTHER), 0);
    assert_true(may_read(&rights, path));

    /* Root of whom capabilities were taken may read what root's files permit. */
    rights = (struct rts_rights){.foreign = 1};
    assert_int_equal(chown(path, 0, 0), 0);
    assert_int_equal(chmod(path, 0000), 0);
    assert_false(may_read(&rights, path));
    rights.reads_all = 1;
    assert_true(may_read(&rights, path));
    /* No rights of anybody's are our own ones. */
    rights = (struct rts_rights){0};
    assert_true(may_read(&rights, path));
    /* An id that is none, of which the kernel says that nothing has changed. */
    rights = (struct rts_rights){.foreign = 1, .uid = UINT32_MAX, .gid = UINT32_MAX};
    assert_int_equal(rts_rights_take(&rights), 1);
    assert_int_equal(setfsuid((uid_t)-1), geteuid());
    unlink(path);
}

static void test_not_permitted(void **state)
{
    (void)state;
    const struct rts_rights others = {.foreign = 1, .uid = OTHER, .gid = OTHER};
    pid_t pid = fork();
    if (pid == 0) {
        if (geteuid() == 0 && setresuid(OTHER + 9, OTHER + 9, OTHER + 9) < 0)
            _exit(1);
        const struct rts_rights own = {.foreign = 1, .uid = geteuid(), .gid = getegid()};
        _exit(rts_rights_take(&others) != 1           ? 2
              : rts_rights_take(&own) != 0            ? 3
              : setfsuid((uid_t)-1) != (int)geteuid() ? 4
                                                      : 0);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ours),          cmocka_unit_test(test_of_another),
        cmocka_unit_test(test_lines),         cmocka_unit_test(test_damaged_lines),
        cmocka_unit_test(test_many_groups),   cmocka_unit_test(test_take),
        cmocka_unit_test(test_not_permitted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
