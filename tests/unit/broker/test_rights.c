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
#include <linux/capability.h>
#include <signal.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "broker/rights.h"
#include "process/owner.h"

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

/* A line of our own /proc/self/status; the caller frees it. Kept by the kernel for each thread. */
static char *own_line(const char *word)
{
    char line[4096], *found = NULL;
    FILE *file = fopen("/proc/thread-self/status", "re");
    assert_non_null(file);
    while (!found && fgets(line, sizeof line, file))
        if (strncmp(line, word, strlen(word)) == 0)
            found = strdup(line);
    fclose(file);
    assert_non_null(found);
    return found;
}

static void same_line(const char *word, const char *before)
{
    char *now = own_line(word);
    assert_string_equal(now, before);
    free(now);
}

static bool may_read(const struct rts_rights *rights, const char *path)
{
    struct rts_rights_before before;
    char *groups = own_line("Groups:"), *effective = own_line("CapEff:"), *ids = own_line("Uid:");
    assert_int_equal(rts_rights_take(rights, &before), 0);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    rts_rights_give_back(&before);
    if (fd >= 0)
        close(fd);
    /* And ours are back, all of them. */
    assert_int_equal(setfsuid((uid_t)-1), geteuid());
    assert_int_equal(setfsgid((gid_t)-1), getegid());
    same_line("Groups:", groups);
    same_line("CapEff:", effective);
    same_line("Uid:", ids);
    free(groups);
    free(effective);
    free(ids);
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
    struct rts_rights_before before;
    char *groups = own_line("Groups:");
    assert_int_equal(rts_rights_take(&rights, &before), 1);
    assert_int_equal(setfsuid((uid_t)-1), geteuid());
    same_line("Groups:", groups);
    free(groups);
    rts_rights_give_back(&before); /* once more does no harm */
    unlink(path);
}

/* In a child with groups of its own: each has them again when it was somebody else, more than one
 * time, and with more groups than can be given back it becomes nobody else. */
static int keep_groups(void)
{
    gid_t mine[RTS_RIGHTS_OWN_GROUPS_MAX + 1], now[RTS_RIGHTS_OWN_GROUPS_MAX + 1];
    struct rts_rights other = {.foreign = 1, .uid = OTHER, .gid = OTHER, .group_count = 1};
    struct rts_rights_before before;
    other.groups[0] = OTHER + 1;
    for (gid_t i = 0; i < RTS_RIGHTS_OWN_GROUPS_MAX + 1; i++)
        mine[i] = 40000 + i;
    for (int count = 0; count < 4; count++) {
        if (setgroups((size_t)count, mine) < 0)
            return 1;
        for (int round = 0; round < 2; round++) {
            if (rts_rights_take(&other, &before) != 0)
                return 2;
            if (getgroups(RTS_RIGHTS_OWN_GROUPS_MAX, now) != 1 || now[0] != OTHER + 1)
                return 3;
            rts_rights_give_back(&before);
            if (getgroups(RTS_RIGHTS_OWN_GROUPS_MAX, now) != count ||
                memcmp(now, mine, (size_t)count * sizeof *mine) != 0)
                return 4;
        }
    }
    if (setgroups(RTS_RIGHTS_OWN_GROUPS_MAX + 1, mine) < 0)
        return 5;
    if (rts_rights_take(&other, &before) != 1 || setfsuid((uid_t)-1) != 0)
        return 6;
    return getgroups(RTS_RIGHTS_OWN_GROUPS_MAX + 1, now) == RTS_RIGHTS_OWN_GROUPS_MAX + 1 ? 0 : 7;
}

static int in_child(int (*act)(void))
{
    int status;
    pid_t pid = fork();
    if (pid == 0)
        _exit(act());
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static void test_groups_come_back(void **state)
{
    (void)state;
    AS_ROOT();
    assert_int_equal(in_child(keep_groups), 0);
}

/* One who is not root and has root's way around permissions has it for nobody's files: neither for
 * another user's, nor for those of a target that runs as he does; and not for what has an id that
 * is not 0 before and after. */
static int read_nothing_more(void)
{
    const uint32_t me = OTHER + 9;
    const struct rts_rights rights[] = {
        {.foreign = 1, .uid = me, .gid = me},
        {.foreign = 1, .uid = OTHER, .gid = OTHER},
        {.foreign = 1},
    };
    struct rts_rights_before before;
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {{0}};
    if (prctl(PR_SET_KEEPCAPS, 1) < 0 || setresgid(me, me, me) < 0 || setresuid(me, me, me) < 0)
        return 1;
    data[0].effective = data[0].permitted =
        1u << CAP_DAC_READ_SEARCH | 1u << CAP_DAC_OVERRIDE | 1u << CAP_SETUID | 1u << CAP_SETGID;
    if (syscall(SYS_capset, &header, data) < 0)
        return 2;
    for (size_t i = 0; i < sizeof rights / sizeof *rights; i++) {
        if (access("/etc/shadow", F_OK) < 0 || open("/etc/shadow", O_RDONLY | O_CLOEXEC) < 0)
            return 3; /* it has it */
        if (rts_rights_take(&rights[i], &before) != 0)
            return 4;
        if (rights[i].uid != 0 && open("/etc/shadow", O_RDONLY | O_CLOEXEC) >= 0)
            return 5 + (int)i;
        rts_rights_give_back(&before);
    }
    return 0;
}

static void test_nobody_reads_all(void **state)
{
    (void)state;
    AS_ROOT();
    struct stat shadow;
    if (stat("/etc/shadow", &shadow) < 0 || shadow.st_mode & S_IROTH)
        skip();
    assert_int_equal(in_child(read_nothing_more), 0);
}

/* The uid for which files count is the same wherever it is asked for: as stat(1) says of the
 * process's own folder. */
static void test_one_way_to_read_ids(void **state)
{
    (void)state;
    AS_ROOT();
    struct rts_rights rights;
    const struct rts_proc proc = {.root = "/proc"};
    uint32_t uid;
    pid_t pid = start_other(OTHER, NULL, 0, false);
    char *told = oracle_ask("stat -c %%u /proc/%d", (int)pid);
    assert_int_equal(rts_process_uid_read(&proc, pid, &uid), 0);
    assert_int_equal(rts_rights_read("/proc", pid, &rights), 0);
    end(pid);
    assert_int_equal(uid, atol(told));
    assert_int_equal(rights.uid, uid);
    free(told);
    assert_false(rts_rights_parse("", &rights));
    assert_true(rights.gone && rights.uid == RTS_RIGHTS_NOBODY);
    /* A list of groups that ends with its line. */
    assert_true(
        rts_rights_parse("Groups:\t\nUid:\t1\t1\t1\t1\nGid:\t2\t2\t2\t2\nCapEff:\t0\n", &rights));
    assert_int_equal(rights.group_count, 0);
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
        struct rts_rights_before before;
        _exit(rts_rights_take(&others, &before) != 1  ? 2
              : rts_rights_take(&own, &before) != 0   ? 3
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
        cmocka_unit_test(test_ours),
        cmocka_unit_test(test_of_another),
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_damaged_lines),
        cmocka_unit_test(test_many_groups),
        cmocka_unit_test(test_take),
        cmocka_unit_test(test_not_permitted),
        cmocka_unit_test(test_groups_come_back),
        cmocka_unit_test(test_nobody_reads_all),
        cmocka_unit_test(test_one_way_to_read_ids),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
