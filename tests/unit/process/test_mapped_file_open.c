/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening what a process has mapped, with a real child that maps a file and waits, while the test
 * deletes the file, replaces it, or puts something nasty in its place.
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
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "process/mapped_file.h"

#include "../oracle.h"
#include "../suite.h"

static const char content[] = "the mapped file";
static const char impostor[] = "another file";

/* Where the child lives. */
enum place {
    HERE,
    CHROOT,
    MOUNT_NAMESPACE
};

struct world {
    char folder[64];
    char path[128];   /* of the mapped file, as the test sees it */
    char inside[128]; /* as the child sees it */
    pid_t child;
    void *address;
    struct rts_mapped_file file;
    struct rts_mapping mapping;
};

static void write_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0700);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
}

static int setup(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    strcpy(world->folder, "/tmp/rtsample-test-XXXXXX");
    assert_non_null(mkdtemp(world->folder));
    snprintf(world->path, sizeof world->path, "%s/mapped", world->folder);
    write_file(world->path, content);
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;
    if (world->child > 0) {
        kill(world->child, SIGKILL);
        waitpid(world->child, NULL, 0);
    }
    free(oracle_ask("rm -rf %s && echo", world->folder));
    free(world);
    return 0;
}

static bool enter(const struct world *world, enum place place)
{
    if (place == CHROOT)
        return chroot(world->folder) == 0 && chdir("/") == 0;
    if (place == MOUNT_NAMESPACE)
        return unshare(CLONE_NEWNS) == 0 &&
               mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
               mount("tmpfs", world->folder, "tmpfs", 0, NULL) == 0;
    return true;
}

/* Starts the child, which maps the file (in a mount namespace of its own: one that it makes there)
 * and tells where. False when the kernel does not let us. */
static bool start(struct world *world, enum place place)
{
    int answer[2];
    strcpy(world->inside, place == CHROOT ? "/mapped" : world->path);
    assert_int_equal(pipe(answer), 0);
    world->child = fork();
    if (world->child == 0) {
        struct {
            void *address;
            struct stat stat;
        } told = {0};
        bool ok = enter(world, place);
        int fd = open(world->inside, O_RDWR | O_CREAT, 0700);
        if (place == MOUNT_NAMESPACE)
            ok = ok && write(fd, content, strlen(content)) > 0;
        told.address = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
        ok = ok && told.address != MAP_FAILED && fstat(fd, &told.stat) == 0;
        close(fd);
        if (ok && write(answer[1], &told, sizeof told) < 0)
            _exit(1);
        close(answer[1]);
        if (!ok)
            _exit(1);
        for (;;)
            pause();
    }
    struct {
        void *address;
        struct stat stat;
    } told;
    close(answer[1]);
    bool ok = read(answer[0], &told, sizeof told) == (ssize_t)sizeof told;
    close(answer[0]);
    if (!ok)
        return false;
    world->address = told.address;
    world->file = (struct rts_mapped_file){
        .path = world->inside,
        .has_identity = true,
        .major = major(told.stat.st_dev),
        .minor = minor(told.stat.st_dev),
        .inode = told.stat.st_ino,
    };
    world->mapping = (struct rts_mapping){
        .start = (uint64_t)(uintptr_t)told.address,
        .end = (uint64_t)(uintptr_t)told.address + 4096,
        .kind = RTS_MAPPING_FILE,
        .file = &world->file,
    };
    return true;
}

/* Is the mapped file what `place` has? Anything that it has instead must be refused. */
static bool opens(const struct world *world, const char *proc, enum rts_file_place place)
{
    struct rts_error error = {0};
    const struct rts_rights rights = {0};
    struct rts_mapped_found found = {.verified = !world->file.has_identity};
    int fd =
        rts_mapped_file_open(proc, world->child, &world->mapping, place, &rights, &found, &error);
    if (fd < 0) {
        assert_int_not_equal(error.text[0], '\0');
        return false;
    }
    char text[64] = "";
    assert_int_equal(read(fd, text, sizeof text - 1), strlen(content));
    assert_string_equal(text, content);
    assert_int_equal(found.verified, world->file.has_identity);
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    close(fd);
    return true;
}

static bool in_map_files(const struct world *world)
{
    return opens(world, "/proc", RTS_PLACE_MAP_FILES);
}

static bool in_its_root(const struct world *world)
{
    return opens(world, "/proc", RTS_PLACE_ITS_ROOT);
}

static bool in_our_root(const struct world *world)
{
    return opens(world, "/proc", RTS_PLACE_OUR_ROOT);
}

/* Expects the file in map_files, where the kernel lets us look there. */
static void expect_in_map_files(const struct world *world)
{
    char path[256];
    snprintf(path, sizeof path, "/proc/%d/map_files/%llx-%llx", (int)world->child,
             (unsigned long long)world->mapping.start, (unsigned long long)world->mapping.end);
    int fd = open(path, O_RDONLY);
    if (fd < 0) {
        assert_int_equal(errno, EPERM);
        print_message("map_files may not be used here\n");
        return;
    }
    close(fd);
    assert_true(in_map_files(world));
}

static void test_plain(void **state)
{
    struct world *world = *state;
    assert_true(start(world, HERE));
    expect_in_map_files(world);
    assert_true(in_its_root(world));
    assert_true(in_our_root(world));
    assert_false(opens(world, "/nonexistent", RTS_PLACE_MAP_FILES));
    assert_false(opens(world, "/nonexistent", RTS_PLACE_ITS_ROOT));
}

static void test_only_the_build_id_is_known(void **state)
{
    struct world *world = *state;
    assert_true(start(world, HERE));
    world->file.has_identity = false;
    world->file.build_id.size = 20;
    expect_in_map_files(world);
    assert_true(in_its_root(world));
    assert_true(in_our_root(world));
}

static void test_deleted(void **state)
{
    struct world *world = *state;
    assert_true(start(world, HERE));
    unlink(world->path);
    assert_false(in_its_root(world));
    assert_false(in_our_root(world));
    expect_in_map_files(world);
}

static void test_replaced(void **state)
{
    struct world *world = *state;
    char other[160];
    assert_true(start(world, HERE));
    snprintf(other, sizeof other, "%s.new", world->path);
    write_file(other, impostor);
    assert_int_equal(rename(other, world->path), 0);
    assert_false(in_its_root(world));
    assert_false(in_our_root(world));
    expect_in_map_files(world);
}

/* Another mapping has taken the address since: the identity tells. */
static void test_another_mapping_at_the_address(void **state)
{
    struct world *world = *state;
    assert_true(start(world, HERE));
    world->file.inode++;
    assert_false(in_map_files(world));
    assert_false(in_its_root(world));
}

/* A mapping that is known in part only has no link in map_files. */
static void test_part_of_a_mapping(void **state)
{
    struct world *world = *state;
    assert_true(start(world, HERE));
    world->mapping.start += 1024;
    assert_false(in_map_files(world));
    assert_true(in_its_root(world));
}

/* Nothing but a regular file is taken, not even when its number matches or only a build-id is
 * known. */
static void test_other_things_in_its_place(void **state)
{
    struct world *world = *state;
    assert_true(start(world, HERE));
    static const struct {
        mode_t type;
        unsigned major, minor;
    } things[] = {{S_IFIFO, 0, 0}, {S_IFSOCK, 0, 0}, {S_IFCHR, 1, 5}, {S_IFCHR, 5, 2}};
    for (int with_identity = 0; with_identity < 2; with_identity++) {
        world->file.has_identity = with_identity;
        for (size_t i = 0; i < sizeof things / sizeof *things; i++) {
            unlink(world->path);
            if (mknod(world->path, things[i].type | 0666,
                      makedev(things[i].major, things[i].minor)) < 0)
                continue; /* only root may make devices */
            struct stat found;
            assert_int_equal(stat(world->path, &found), 0);
            world->file.inode = found.st_ino;
            assert_false(in_its_root(world));
            assert_false(in_our_root(world));
        }
        unlink(world->path);
        assert_int_equal(mkdir(world->path, 0700), 0);
        assert_false(in_its_root(world));
        assert_int_equal(rmdir(world->path), 0);
    }
}

/* Opening a device can do something by itself, so it is not even tried. A FIFO shows it: whoever
 * waits to write into it goes on as soon as somebody opens it to read. */
static void test_nothing_is_set_off(void **state)
{
    struct world *world = *state;
    assert_true(start(world, HERE));
    unlink(world->path);
    assert_int_equal(mkfifo(world->path, 0600), 0);
    world->file.has_identity = false;
    int waiting[2];
    assert_int_equal(pipe(waiting), 0);
    pid_t writer = fork();
    if (writer == 0) {
        if (write(waiting[1], "", 1) != 1)
            _exit(1);
        _exit(open(world->path, O_WRONLY) >= 0 ? 0 : 1);
    }
    char byte;
    assert_int_equal(read(waiting[0], &byte, 1), 1);
    close(waiting[0]);
    close(waiting[1]);
    for (int round = 0; round < 2000; round++) {
        assert_false(in_its_root(world));
        assert_false(in_our_root(world));
    }
    int status;
    bool disturbed = waitpid(writer, &status, WNOHANG) == writer;
    if (!disturbed) {
        kill(writer, SIGKILL);
        waitpid(writer, NULL, 0);
    }
    assert_false(disturbed);
}

/* In the child's root a symlink that leads to / ends at the child's root. */
static void test_symlink_out_of_a_chroot(void **state)
{
    struct world *world = *state;
    if (!start(world, CHROOT)) {
        print_message("chroot is not permitted here\n");
        skip();
    }
    assert_true(in_its_root(world));
    expect_in_map_files(world);
    assert_false(in_our_root(world)); /* /mapped is not there */

    char outside[] = "/tmp/rtsample-test-XXXXXX";
    int fd = mkstemp(outside);
    struct stat found;
    assert_true(fd >= 0 && fstat(fd, &found) == 0);
    unlink(world->path);
    assert_int_equal(symlink(outside, world->path), 0);
    world->file.inode = found.st_ino;
    world->file.major = major(found.st_dev);
    world->file.minor = minor(found.st_dev);
    bool escaped = in_its_root(world);
    close(fd);
    unlink(outside);
    assert_false(escaped);
}

static void test_mount_namespace(void **state)
{
    struct world *world = *state;
    if (!start(world, MOUNT_NAMESPACE)) {
        print_message("a mount namespace is not permitted here\n");
        skip();
    }
    assert_false(in_our_root(world)); /* our own file of this name is another one */
    assert_true(in_its_root(world));
    expect_in_map_files(world);
}

static void test_no_process(void **state)
{
    struct world *world = *state;
    assert_true(start(world, HERE));
    kill(world->child, SIGKILL);
    waitpid(world->child, NULL, 0);
    assert_false(in_map_files(world));
    assert_false(in_its_root(world));
    assert_true(in_our_root(world));
    static const char *const no_paths[] = {"[heap]", "", "relative", "//anon"};
    for (size_t i = 0; i < 4; i++) {
        world->file.path = strcpy(world->inside, no_paths[i]);
        assert_false(in_its_root(world));
        assert_false(in_our_root(world));
    }
    world->child = 0;
}

#define OPEN_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        OPEN_TEST(test_plain),
        OPEN_TEST(test_only_the_build_id_is_known),
        OPEN_TEST(test_deleted),
        OPEN_TEST(test_replaced),
        OPEN_TEST(test_another_mapping_at_the_address),
        OPEN_TEST(test_part_of_a_mapping),
        OPEN_TEST(test_other_things_in_its_place),
        OPEN_TEST(test_nothing_is_set_off),
        OPEN_TEST(test_symlink_out_of_a_chroot),
        OPEN_TEST(test_mount_namespace),
        OPEN_TEST(test_no_process),
    };
    alarm(60); /* a FIFO that is waited for ends the test, not the day */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
