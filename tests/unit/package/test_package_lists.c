/* SPDX-License-Identifier: Apache-2.0 */
/* Packages of files below roots whose databases of rpm are listed beside us. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <signal.h>

#include "../suite.h"
#include "binary/object.h"
#include "fake_rpm.h"
#include "package/package_table.h"
#include "package/rpm_starter.h"
#include "util/clock.h"

#define MS   1000000ULL
#define PURL "pkg:rpm/fedora/app@1-1?arch=x86_64&distro=fedora-39"

/* A root directory of an owner, with a database and a program of the package. */
struct root {
    char path[FAKE_SIZE];
    struct rts_tree tree;
    struct rts_object *object;
};

static struct rts_rpm_starter *starter;
static unsigned namespaces;

/* Else all roots are our own, and nobody else's. */
static bool is_root(void)
{
    return geteuid() == 0;
}

static void make_folder(const struct root *root, const char *name)
{
    char path[2 * FAKE_SIZE];
    snprintf(path, sizeof path, "%s/%s", root->path, name);
    if (mkdir(path, 0755) < 0)
        abort();
}

static void write_database(const struct root *root, const char *word)
{
    char path[2 * FAKE_SIZE];
    snprintf(path, sizeof path, "%s/var/lib/rpm/rpmdb.sqlite", root->path);
    unlink(path);
    fake_write(path, word, 0644);
}

static struct rts_object *open_program(const struct root *root)
{
    char path[2 * FAKE_SIZE], command[4 * FAKE_SIZE];
    snprintf(path, sizeof path, "%s/usr/bin/app", root->path);
    snprintf(command, sizeof command, "cp /bin/true %s", path);
    int fd = system(command) == 0 ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    struct rts_object *object = fd < 0 ? NULL : rts_object_open(fd, "/usr/bin/app", NULL, NULL);
    assert_non_null(object);
    return object;
}

static struct root make_root(const char *name, uint32_t uid, const char *word)
{
    static const char *const folders[] = {"usr",     "usr/bin",     "etc", "var",
                                          "var/lib", "var/lib/rpm", NULL};
    char path[2 * FAKE_SIZE];
    struct root root = {.tree = {.rights = {.foreign = is_root(), .uid = uid, .gid = uid}}};
    snprintf(root.path, sizeof root.path, "%s/%s", fake_folder, name);
    make_folder(&root, "");
    for (size_t i = 0; folders[i]; i++)
        make_folder(&root, folders[i]);
    snprintf(path, sizeof path, "%s/etc/os-release", root.path);
    fake_write(path, "ID=fedora\nVERSION_ID=39\n", 0644);
    write_database(&root, word);
    root.tree.root_fd = open(root.path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    root.object = open_program(&root);
    return root;
}

static void remove_root(struct root *root)
{
    char command[2 * FAKE_SIZE];
    rts_object_destroy(root->object);
    close(root->tree.root_fd);
    snprintf(command, sizeof command, "rm -rf %s", root->path);
    assert_int_equal(system(command), 0);
}

static void note(struct rts_package_table *table, const struct root *root)
{
    const struct rts_package_place place = {
        .path = "/usr/bin/app",
        .tree = root->tree,
        .namespace = ++namespaces,
        .certain = true,
    };
    rts_package_table_note(table, root->object, &place, 1);
}

static const char *purl_of(struct rts_package_table *table, const struct root *root)
{
    const char *purl = rts_package_table_find(table, root->object, "main").purl;
    return purl ? purl : "-";
}

/* Until it is known; as the loop of a run. */
static void turn_until_known(struct rts_package_table *table, const struct root *root)
{
    for (int i = 0; i < 60000 && purl_of(table, root)[0] == '-'; i++) {
        rts_package_table_turn(table);
        usleep(1000);
    }
    assert_string_equal(purl_of(table, root), PURL);
}

static bool is_gone(pid_t pid)
{
    for (int i = 0; i < 20000 && kill(pid, 0) == 0; i++)
        usleep(1000);
    return kill(pid, 0) < 0 && errno == ESRCH;
}

static struct rts_package_table *make_table(void)
{
    struct rts_package_table *table = rts_package_table_create();
    rts_package_table_use_starter(table, starter);
    return table;
}

static void a_list_is_begun_when_a_file_is_met(void **state)
{
    (void)state;
    struct root root = make_root("early", 1001, "fast\n");
    struct rts_package_table *table = make_table();
    uint64_t now = rts_clock_monotonic_ns();
    assert_false(rts_package_table_hold(table, now, now));
    note(table, &root);
    rts_package_table_turn(table);
    now = rts_clock_monotonic_ns();
    assert_true(rts_package_table_hold(table, now, now));
    turn_until_known(table, &root);
    now = rts_clock_monotonic_ns();
    assert_false(rts_package_table_hold(table, now, now));
    assert_int_equal(rts_package_table_counts(table).late, 0);
    rts_package_table_settle(table);
    rts_package_table_destroy(table);
    remove_root(&root);
}

/* As by a package manager at work: the list that was waited for is of a moment ago, and counts. */
static void what_changes_meanwhile_is_not_waited_for_again(void **state)
{
    (void)state;
    struct root root = make_root("changes", 1001, "fast\n");
    struct rts_package_table *table = make_table();
    note(table, &root);
    rts_package_table_turn(table);
    for (uint64_t now = rts_clock_monotonic_ns(); rts_package_table_hold(table, now, now);
         now = rts_clock_monotonic_ns()) {
        rts_package_table_turn(table);
        usleep(1000);
    }
    write_database(&root, "slow\n");
    assert_string_equal(purl_of(table, &root), PURL);
    rts_package_table_settle(table);
    rts_package_table_destroy(table);
    remove_root(&root);
}

/* A table in which the list of `root` was there while that of a slow one was under way. A machine
 * may be so busy that nothing is there in four seconds: then the slow one is late, and it is tried
 * again.
 */
static struct rts_package_table *know_beside(struct root *slow, size_t count,
                                             const struct root *root)
{
    for (int attempt = 0; attempt < 10; attempt++) {
        struct rts_package_table *table = make_table();
        for (size_t i = 0; i < count; i++) {
            note(table, &slow[i]);
            rts_package_table_turn(table);
        }
        pid_t pid = fake_pid();
        note(table, root);
        turn_until_known(table, root);
        if (rts_package_table_counts(table).late == 0) {
            assert_int_equal(kill(pid, 0), 0);
            return table;
        }
        rts_package_table_destroy(table);
    }
    fail_msg("a list is never there before another is late");
    return NULL;
}

/* One waits for ever, and another's is known; at the end both answers are. */
static void who_is_slow_keeps_nobody_else(void **state)
{
    (void)state;
    struct root slow = make_root("slow", 1001, "slow\n"), fast = make_root("fast", 1002, "fast\n");
    struct rts_package_table *table = know_beside(&slow, 1, &fast);
    assert_string_equal(purl_of(table, &slow), "-");
    /* A window ends: what is not known yet waits on. */
    rts_package_table_settle(table);
    assert_int_equal(rts_package_table_counts(table).put_off, 0);
    /* The run does. */
    rts_package_table_hurry(table);
    assert_string_equal(purl_of(table, &slow), "-");
    assert_string_equal(purl_of(table, &fast), PURL);
    assert_int_equal(rts_package_table_counts(table).unreadable, 1);
    rts_package_table_settle(table);
    rts_package_table_destroy(table);
    remove_root(&slow);
    remove_root(&fast);
}

/* He waits with all that he has, the others do not; his turn comes again. */
static void who_is_late_is_given_up_alone(void **state)
{
    (void)state;
    if (!is_root())
        skip();
    struct root late = make_root("late", 1001, "stuck\n");
    struct root his = make_root("his", 1001, "fast\n");
    struct root others = make_root("others", 1002, "fast\n");
    struct rts_package_table *table = make_table();
    note(table, &late);
    rts_package_table_turn(table);
    pid_t pid = fake_pid();
    while (rts_package_table_counts(table).late == 0) {
        rts_package_table_turn(table);
        usleep(1000);
    }
    assert_true(is_gone(pid));
    note(table, &his);
    note(table, &others);
    turn_until_known(table, &others);
    assert_string_equal(purl_of(table, &his), "-");
    uint64_t now = rts_clock_monotonic_ns();
    assert_false(rts_package_table_hold(table, now, now)); /* nobody waits for them */
    rts_package_table_settle(table);
    assert_int_equal(rts_package_table_counts(table).late, 1);
    /* At the end nobody waits for one who was late: there are 15 s before his next turn. */
    rts_package_table_wait(table, 60000);
    assert_string_equal(purl_of(table, &late), "-");
    assert_string_equal(purl_of(table, &his), "-");
    assert_int_equal(rts_package_table_counts(table).unreadable, 2);
    rts_package_table_destroy(table);
    remove_root(&late);
    remove_root(&his);
    remove_root(&others);
}

/* Many databases of one owner that never end, and the list of somebody who came after them. */
static void many_of_one_owner_are_one(void **state)
{
    (void)state;
    if (!is_root())
        skip();
    enum {
        MANY = 50
    };
    char name[32];
    struct root many[MANY], other = make_root("other", 1002, "fast\n");
    for (int i = 0; i < MANY; i++) {
        snprintf(name, sizeof name, "many%d", i);
        many[i] = make_root(name, 1001, "slow\n");
    }
    struct rts_package_table *table = know_beside(many, MANY, &other);
    /* Not all of them are held open: some wait no longer, which is counted. */
    rts_package_table_settle(table);
    uint64_t put_off = rts_package_table_counts(table).put_off;
    assert_in_range(put_off, MANY - 40, MANY - 20);
    rts_package_table_destroy(table);
    for (int i = 0; i < MANY; i++)
        remove_root(&many[i]);
    remove_root(&other);
}

/* An object may go while it waits. */
static void what_waits_may_go(void **state)
{
    (void)state;
    struct root root = make_root("goes", 1001, "slow\n");
    struct rts_package_table *table = make_table();
    note(table, &root);
    rts_package_table_turn(table);
    fake_pid();
    assert_string_equal(purl_of(table, &root), "-");
    rts_package_table_settle(table);
    rts_package_table_forget(table, rts_object_serial(root.object));
    rts_object_destroy(root.object);
    rts_package_table_settle(table);
    rts_package_table_trim(table);
    root.object = open_program(&root);
    write_database(&root, "fast\n");
    rts_package_table_destroy(table);
    table = make_table();
    note(table, &root);
    turn_until_known(table, &root);
    rts_package_table_settle(table);
    rts_package_table_destroy(table);
    remove_root(&root);
}

static int make(void **state)
{
    struct rts_error error;
    (void)state;
    fake_make();
    starter = rts_rpm_starter_create_for(fake_lister, &error);
    return starter ? 0 : -1;
}

static int clean(void **state)
{
    (void)state;
    rts_rpm_starter_destroy(starter);
    int left = fake_left();
    fake_remove();
    return left == 0 ? 0 : -1;
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_is_begun_when_a_file_is_met),
        cmocka_unit_test(what_changes_meanwhile_is_not_waited_for_again),
        cmocka_unit_test(who_is_slow_keeps_nobody_else),
        cmocka_unit_test(who_is_late_is_given_up_alone),
        cmocka_unit_test(many_of_one_owner_are_one),
        cmocka_unit_test(what_waits_may_go),
    };
    return cmocka_run_group_tests(tests, make, clean);
}
