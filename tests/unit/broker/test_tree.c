/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files of a tree that may be of somebody who means harm: by ourselves, and through a broker, which
 * have to say the same.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "broker/broker.h"
#include "broker/channel.h"
#include "broker/sealed_copy.h"
#include "broker/tree.h"

#include "../oracle.h"
#include "../suite.h"

/* A folder that everybody may pass, with a tree in it and a secret beside that. */
struct world {
    char folder[64];
    int root;
    struct rts_broker *broker;
};

static void write_file(const struct world *world, const char *name, const char *text, mode_t mode)
{
    int fd = openat(world->root, name, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(fchmod(fd, mode), 0);
    close(fd);
}

static int set_up(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    const struct rts_broker_setup setup = {.proc_root = "/proc"};
    char path[128];
    strcpy(world->folder, "/tmp/rtsample-test-XXXXXX");
    assert_non_null(mkdtemp(world->folder));
    assert_int_equal(chmod(world->folder, 0755), 0);
    snprintf(path, sizeof path, "%s/tree", world->folder);
    assert_int_equal(mkdir(path, 0755), 0);
    world->broker = rts_broker_start(&setup, NULL);
    assert_non_null(world->broker);
    world->root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    write_file(world, "../secret", "secret", 0644);
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;
    rts_broker_destroy(world->broker);
    close(world->root);
    free(oracle_ask("rm -r %s && echo", world->folder));
    free(world);
    return 0;
}

static struct rts_tree tree_of(const struct world *world, bool by_broker)
{
    return (struct rts_tree){.root_fd = world->root, .broker = by_broker ? world->broker : NULL};
}

static void assert_reads(const struct rts_tree *tree, const char *path, const char *text)
{
    char content[64];
    int fd = rts_tree_open(tree, path);
    assert_true(fd >= 0);
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    assert_true(rts_sealed_is(fd) || (fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDONLY);
    ssize_t size = read(fd, content, sizeof content);
    assert_int_equal(size, strlen(text));
    assert_memory_equal(content, text, (size_t)size);
    close(fd);
}

static void assert_refuses(const struct rts_tree *tree, const char *path, int number)
{
    assert_int_equal(rts_tree_open(tree, path), -1);
    assert_int_equal(errno, number);
}

static void test_open(void **state)
{
    struct world *world = *state;
    write_file(world, "plain", "inside", 0644);
    assert_int_equal(mkdirat(world->root, "sub", 0755), 0);
    assert_int_equal(symlinkat("/plain", world->root, "sub/link"), 0);
    assert_int_equal(symlinkat("../secret", world->root, "up"), 0);
    assert_int_equal(symlinkat("/etc/passwd", world->root, "away"), 0);
    assert_int_equal(symlinkat("loop", world->root, "loop"), 0);
    for (int by_broker = 0; by_broker < 2; by_broker++) {
        const struct rts_tree tree = tree_of(world, by_broker);
        assert_reads(&tree, "/plain", "inside");
        assert_reads(&tree, "/sub/link", "inside");
        assert_reads(&tree, "/../../plain", "inside");
        assert_refuses(&tree, "/up", ENOENT);
        assert_refuses(&tree, "/away", ENOENT);
        assert_refuses(&tree, "/../secret", ENOENT);
        assert_refuses(&tree, "/loop", ELOOP);
        assert_refuses(&tree, "/sub", EBADF);
        assert_refuses(&tree, "", ENOENT);
        char path[8192];
        memset(path, 'a', sizeof path);
        path[sizeof path - 1] = '\0';
        assert_refuses(&tree, path, ENAMETOOLONG);
    }
}

static void test_no_files(void **state)
{
    struct world *world = *state;
    char path[128];
    snprintf(path, sizeof path, "%s/tree/fifo", world->folder);
    assert_int_equal(mkfifo(path, 0644), 0);
    int listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct {
        sa_family_t family;
        char path[100];
    } address = {.family = AF_UNIX};
    snprintf(address.path, sizeof address.path, "%s/tree/socket", world->folder);
    assert_int_equal(bind(listening, (struct sockaddr *)&address, sizeof address), 0);
    struct rts_tree ours = RTS_TREE_OURS;
    for (int by_broker = 0; by_broker < 2; by_broker++) {
        const struct rts_tree tree = tree_of(world, by_broker);
        ours.broker = tree.broker;
        assert_refuses(&tree, "/fifo", EBADF);
        assert_refuses(&tree, "/socket", EBADF);
        assert_refuses(&ours, "/dev/null", EBADF);
        assert_refuses(&ours, "/proc/version", EBADF);
        assert_refuses(&ours, "/proc/self/status", EBADF);
        assert_refuses(&ours, "/sys/kernel/mm/transparent_hugepage/enabled", EBADF);
    }
    close(listening);
}

/* No link of /proc to what somebody has open is followed for somebody else. */
static void test_no_links_of_proc(void **state)
{
    struct world *world = *state;
    char path[64];
    int fd = openat(world->root, "../secret", O_RDONLY | O_CLOEXEC);
    snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)getpid(), fd);
    struct rts_tree tree = RTS_TREE_OURS;
    assert_reads(&tree, path, "secret");
    tree.rights = (struct rts_rights){
        .foreign = 1, .uid = geteuid(), .gid = getegid(), .reads_all = geteuid() == 0};
    for (int by_broker = 0; by_broker < 2; by_broker++) {
        tree.broker = by_broker ? world->broker : NULL;
        assert_refuses(&tree, path, ELOOP);
    }
    close(fd);
}

static void test_rights(void **state)
{
    struct world *world = *state;
    write_file(world, "all", "all", 0644);
    write_file(world, "own", "own", 0600);
    assert_int_equal(mkdirat(world->root, "closed", 0700), 0);
    write_file(world, "closed/all", "closed", 0644);
    for (int by_broker = 0; by_broker < 2; by_broker++) {
        struct rts_tree tree = {.root_fd = -1, .broker = by_broker ? world->broker : NULL};
        struct rts_buffer names = RTS_BUFFER_INIT;
        char path[3][128], folder[128];
        snprintf(folder, sizeof folder, "%s/tree/closed", world->folder);
        snprintf(path[0], sizeof path[0], "%s/tree/all", world->folder);
        snprintf(path[1], sizeof path[1], "%s/tree/own", world->folder);
        snprintf(path[2], sizeof path[2], "%s/tree/closed/all", world->folder);
        assert_reads(&tree, path[0], "all");
        assert_reads(&tree, path[1], "own");
        assert_reads(&tree, path[2], "closed");
        assert_int_equal(rts_tree_list(&tree, folder, 10, &names), 1);
        /* Of root, by taking the rights on; of anybody else by what everybody may. */
        const uint32_t other = geteuid() == RTS_RIGHTS_NOBODY ? 12345 : RTS_RIGHTS_NOBODY;
        tree.rights = (struct rts_rights){.foreign = 1, .uid = other, .gid = other};
        assert_reads(&tree, path[0], "all");
        assert_refuses(&tree, path[1], EACCES);
        assert_refuses(&tree, path[2], EACCES);
        assert_int_equal(rts_tree_list(&tree, folder, 10, &names), -1);
        assert_int_equal(errno, EACCES);
        /* Nothing of it has stayed. */
        tree.rights = (struct rts_rights){0};
        assert_reads(&tree, path[1], "own");
        rts_buffer_finish(&names);
    }
}

/* Who may not become somebody else opens what everybody could: in folders that everybody may pass,
 * whatever the tree has at the place that the kernel calls those. 0: all is as it should be. */
static int open_as_everybody(const struct rts_tree *tree)
{
    struct rts_file_status status;
    struct rts_buffer names = RTS_BUFFER_INIT;
    if (geteuid() == 0 && (setgroups(0, NULL) < 0 || setresuid(4242, 4242, 4242) < 0))
        return 1;
    int fd = rts_tree_open(tree, "/open/file");
    if (fd < 0)
        return 2;
    close(fd);
    if (rts_tree_open(tree, "/private/file") >= 0 || errno != EACCES)
        return 3;
    if (rts_tree_open(tree, "/open/link") >= 0 || errno != EACCES)
        return 4;
    if (rts_tree_open(tree, "/open/unreadable") >= 0 || errno != EACCES)
        return 5;
    if (rts_tree_list(tree, "/private/sub", 9, &names) >= 0 || errno != EACCES)
        return 6;
    if (rts_tree_status(tree, "/private/file", &status) >= 0 || errno != EACCES)
        return 7;
    return rts_tree_list(tree, "/open", 9, &names) == 3 &&
                   rts_tree_status(tree, "/open/unreadable", &status) == 0
               ? 0
               : 8;
}

static void test_by_mode(void **state)
{
    struct world *world = *state;
    int status;
    struct rts_tree tree = tree_of(world, false);
    tree.rights = (struct rts_rights){.foreign = 1, .uid = 4343, .gid = 4343};
    assert_int_equal(mkdirat(world->root, "open", 0755), 0);
    assert_int_equal(mkdirat(world->root, "private", 0700), 0);
    assert_int_equal(mkdirat(world->root, "private/sub", 0755), 0);
    write_file(world, "open/file", "all", 0644);
    write_file(world, "open/unreadable", "few", 0640);
    write_file(world, "private/file", "own", 0644);
    assert_int_equal(symlinkat("/private/file", world->root, "open/link"), 0);
    /* The same folders once more, for all to pass, where the tree is seen from outside. */
    free(oracle_ask("mkdir -p -m 755 %s/tree%s/tree/private/sub && chmod -R a+rx %s/tree/tmp && "
                    "touch %s/tree%s/tree/private/file && echo",
                    world->folder, world->folder, world->folder, world->folder, world->folder));
    if (geteuid() == 0)
        free(oracle_ask("chown -R 4242 %s/tree/open %s/tree/private && echo", world->folder,
                        world->folder));
    pid_t pid = fork();
    if (pid == 0)
        _exit(open_as_everybody(&tree));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static void test_each(void **state)
{
    struct world *world = *state;
    const char *names[RTS_TREE_BATCH];
    char text[RTS_TREE_BATCH][16];
    assert_int_equal(mkdirat(world->root, "info", 0755), 0);
    for (int i = 0; i < RTS_TREE_BATCH; i++) {
        char path[32];
        snprintf(text[i], sizeof text[i], "file%d", i);
        snprintf(path, sizeof path, "info/%s", text[i]);
        names[i] = text[i];
        if (i % 3 != 1)
            write_file(world, path, text[i], 0644);
    }
    for (int by_broker = 0; by_broker < 2; by_broker++) {
        const struct rts_tree tree = tree_of(world, by_broker);
        int fds[RTS_TREE_BATCH];
        size_t opened = rts_tree_open_each(&tree, "/info", names, RTS_TREE_BATCH, fds), seen = 0;
        for (int i = 0; i < RTS_TREE_BATCH; i++) {
            char content[16];
            assert_int_equal(fds[i] >= 0, i % 3 != 1);
            if (fds[i] < 0)
                continue;
            assert_int_equal(read(fds[i], content, sizeof content), strlen(text[i]));
            assert_memory_equal(content, text[i], strlen(text[i]));
            close(fds[i]);
            seen++;
        }
        assert_int_equal(opened, seen);
        assert_int_equal(rts_tree_open_each(&tree, "/nowhere", names, 2, fds), 0);
        assert_int_equal(fds[0], -1);
        assert_int_equal(fds[1], -1);
    }
}

static void test_list(void **state)
{
    struct world *world = *state;
    const int count = 3000;
    char name[300];
    assert_int_equal(mkdirat(world->root, "many", 0755), 0);
    for (int i = 0; i < count; i++) {
        snprintf(name, sizeof name, "many/%0200d", i);
        assert_int_equal(symlinkat("x", world->root, name), 0);
    }
    for (int by_broker = 0; by_broker < 2; by_broker++) {
        const struct rts_tree tree = tree_of(world, by_broker);
        struct rts_buffer names = RTS_BUFFER_INIT;
        int found = 0;
        assert_int_equal(rts_tree_list(&tree, "/many", 10000, &names), count);
        for (const char *at = NULL; (at = rts_tree_next_name(&names, at)); found++)
            assert_int_equal(strlen(at), 200);
        assert_int_equal(found, count);
        rts_buffer_clear(&names);
        assert_int_equal(rts_tree_list(&tree, "/many", 5, &names), 5);
        assert_int_equal(rts_tree_list(&tree, "/nowhere", 5, &names), -1);
        assert_int_equal(errno, ENOENT);
        rts_buffer_finish(&names);
    }
}

static void test_status(void **state)
{
    struct world *world = *state;
    struct stat expected;
    write_file(world, "plain", "inside", 0640);
    assert_int_equal(fstatat(world->root, "plain", &expected, 0), 0);
    for (int by_broker = 0; by_broker < 2; by_broker++) {
        const struct rts_tree tree = tree_of(world, by_broker);
        struct rts_file_status status;
        assert_int_equal(rts_tree_status(&tree, "/plain", &status), 0);
        assert_int_equal(status.device, expected.st_dev);
        assert_int_equal(status.inode, expected.st_ino);
        assert_int_equal(status.size, 6);
        assert_int_equal(status.mode, S_IFREG | 0640);
        assert_int_equal(status.links, 1);
        assert_int_equal(status.modified_ns,
                         expected.st_mtim.tv_sec * INT64_C(1000000000) + expected.st_mtim.tv_nsec);
        assert_int_equal(rts_tree_status(&tree, "/none", &status), -1);
        assert_int_equal(errno, ENOENT);
        assert_int_equal(rts_tree_status(&tree, "/", &status), 0);
        assert_true(S_ISDIR(status.mode));
    }
}

/* ---- copies ---- */

static void test_copy(void **state)
{
    struct world *world = *state;
    char content[16];
    write_file(world, "file", "0123456789", 0644);
    int fd = openat(world->root, "file", O_RDWR | O_CLOEXEC);
    int copy = rts_sealed_copy(fd, 10);
    assert_true(copy >= 0);
    assert_false(rts_sealed_is(fd));
    assert_true(rts_sealed_is(copy));
    assert_int_equal(pwrite(fd, "changed", 7, 0), 7);
    assert_int_equal(pread(copy, content, sizeof content, 0), 10);
    assert_memory_equal(content, "0123456789", 10);
    assert_int_equal(pwrite(copy, "x", 1, 0), -1);
    assert_int_equal(ftruncate(copy, 0), -1);
    assert_int_equal(fcntl(copy, F_ADD_SEALS, F_SEAL_FUTURE_WRITE), -1);
    assert_true(fcntl(copy, F_GETFD) & FD_CLOEXEC);
    close(copy);
    assert_int_equal(rts_sealed_copy(fd, 9), -1);
    assert_int_equal(errno, EFBIG);
    close(fd);

    copy = rts_sealed_bytes("", 0);
    assert_true(rts_sealed_is(copy));
    close(copy);
    /* It said that it is empty, and does not end. */
    fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);
    assert_int_equal(rts_sealed_copy(fd, 1 << 20), -1);
    assert_int_equal(errno, EFBIG);
    close(fd);
    assert_false(rts_sealed_is(-1));
}

/* While somebody makes it longer and longer. */
static void test_copy_of_what_grows(void **state)
{
    struct world *world = *state;
    static char block[65536];
    write_file(world, "log", "begin", 0644);
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        int log = openat(world->root, "log", O_WRONLY | O_APPEND | O_CLOEXEC);
        for (int i = 0; i < 1024; i++)
            if (write(log, block, sizeof block) < 0)
                break;
        _exit(0);
    }
    int fd = openat(world->root, "log", O_RDONLY | O_CLOEXEC);
    struct stat status;
    int copy;
    do {
        assert_int_equal(fstat(fd, &status), 0);
        copy = rts_sealed_copy(fd, 1 << 20);
        if (copy >= 0) {
            struct stat copied;
            assert_int_equal(fstat(copy, &copied), 0);
            assert_in_range(copied.st_size, status.st_size, 1 << 20);
            close(copy);
        }
    } while (copy >= 0);
    assert_int_equal(errno, EFBIG);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    close(fd);
}

static bool write_map(const char *path, unsigned id)
{
    char text[32];
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    int size = snprintf(text, sizeof text, "0 %u 1", id);
    bool good = fd >= 0 && write(fd, text, (size_t)size) == size;
    close(fd);
    return good;
}

/* A mount namespace of our own, in which we may mount. */
static bool enter_namespace(void)
{
    unsigned user = geteuid(), group = getegid();
    if (user == 0)
        return unshare(CLONE_NEWNS) == 0 && mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
    int fd;
    if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0 ||
        (fd = open("/proc/self/setgroups", O_WRONLY | O_CLOEXEC)) < 0)
        return false;
    bool denied = write(fd, "deny", 4) == 4;
    close(fd);
    return denied && write_map("/proc/self/uid_map", user) &&
           write_map("/proc/self/gid_map", group);
}

/* In the child: a mount namespace with an overlay in it, whose root directory is handed over. */
static void mount_overlay(const struct world *world, int socket)
{
    char options[512], message = 0;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (!enter_namespace() || chdir(world->folder) < 0)
        _exit(77);
    snprintf(options, sizeof options, "lowerdir=tree,upperdir=layers/upper,workdir=layers/work");
    if (mount("none", "layers", "tmpfs", 0, NULL) < 0 || mkdir("layers/upper", 0755) < 0 ||
        mkdir("layers/work", 0755) < 0 || mount("none", "merged", "overlay", 0, options) < 0)
        _exit(77);
    int fd = open("merged", O_PATH | O_DIRECTORY | O_CLOEXEC);
    const struct rts_message reply = {.head = &message, .head_size = 1, .fds = &fd, .fd_count = 1};
    if (fd < 0 || rts_message_send(socket, &reply) < 0)
        _exit(77);
    for (;;)
        pause();
}

/* Anybody can lay an overlay over a FUSE: what is on one of somebody else's is copied. */
static void test_file_system_of_others(void **state)
{
    struct world *world = *state;
    int ends[2], root = -1;
    char byte, path[128];
    struct rts_message message = {.head = &byte, .head_size = 1, .fds = &root, .fd_count = 1};
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
    snprintf(path, sizeof path, "%s/merged", world->folder);
    assert_int_equal(mkdir(path, 0755), 0);
    snprintf(path, sizeof path, "%s/layers", world->folder);
    assert_int_equal(mkdir(path, 0755), 0);
    write_file(world, "plain", "inside", 0644);
    write_file(world, "huge", "", 0644);
    int huge = openat(world->root, "huge", O_WRONLY | O_CLOEXEC);
    assert_int_equal(ftruncate(huge, RTS_SEALED_COPY_MAX + 1), 0);
    close(huge);
    pid_t pid = fork();
    if (pid == 0) {
        close(ends[0]);
        mount_overlay(world, ends[1]);
    }
    close(ends[1]);
    int result = rts_message_receive(ends[0], &message, 0);
    close(ends[0]);
    if (result == 1) {
        for (int by_broker = 0; by_broker < 2; by_broker++) {
            struct rts_tree tree = tree_of(world, by_broker);
            int plain = rts_tree_open(&tree, "/plain");
            assert_false(rts_sealed_is(plain));
            close(plain);
            tree.root_fd = root;
            int fd = rts_tree_open(&tree, "/plain");
            assert_true(rts_sealed_is(fd));
            close(fd);
            assert_reads(&tree, "/plain", "inside");
            assert_refuses(&tree, "/huge", EFBIG);
        }
        close(root);
    }
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    if (result != 1) {
        print_message("no overlay can be mounted in a namespace\n");
        skip();
    }
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_open, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_files, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_links_of_proc, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_rights, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_by_mode, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_each, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_list, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_status, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_copy, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_copy_of_what_grows, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_file_system_of_others, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
