/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is made of answers that fit the wire, and are not what was asked for: a broker that somebody
 * has got into says what he likes. rts_broker_ask() is that broker here.
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
#include <unistd.h>

#include "broker/broker.h"
#include "broker/proc.h"
#include "broker/tree.h"

#include "../suite.h"
#include "process/look.h"

/* The next answer. */
static struct {
    uint64_t value;
    const char *text;
    size_t text_size, limit;
    uint32_t flags;
    int fd;
} lie;

int rts_broker_ask(struct rts_broker *broker, struct rts_ask *ask, const char *text,
                   size_t text_size, int fd, size_t limit, struct rts_reply *answer)
{
    (void)broker, (void)ask, (void)text, (void)text_size, (void)fd;
    lie.limit = limit;
    assert_in_range(lie.text_size, 0, limit);
    answer->told.values[0] = lie.value;
    answer->told.values[1] = lie.value;
    answer->told.flags = lie.flags;
    if (lie.text)
        rts_buffer_append(&answer->text, lie.text, lie.text_size);
    if (lie.fd >= 0)
        rts_reply_add(answer, lie.fd);
    return 0;
}

ssize_t rts_broker_memory(struct rts_broker *broker, int32_t pid, int32_t tid, uint64_t address,
                          void *bytes, size_t size)
{
    (void)broker, (void)pid, (void)tid, (void)address, (void)bytes, (void)size;
    return -1;
}

static const struct rts_proc proc = {.broker = (struct rts_broker *)&lie, .root = "/proc"};
static const struct rts_tree tree = {.broker = (struct rts_broker *)&lie, .root_fd = -1};

static int set_up(void **state)
{
    (void)state;
    lie.value = 0;
    lie.text = NULL;
    lie.text_size = 0;
    lie.flags = 0;
    lie.fd = -1;
    return 0;
}

static void say(const char *text, size_t size, uint64_t value)
{
    lie.text = text;
    lie.text_size = size;
    lie.value = value;
}

static void assert_lists(int expected, size_t limit)
{
    for (int kind = 0; kind < 3; kind++) {
        struct rts_buffer names = RTS_BUFFER_INIT;
        rts_buffer_append(&names, "before", 7);
        int count = kind == 0   ? rts_tree_list(&tree, "/x", limit, &names)
                    : kind == 1 ? rts_proc_list(&proc, 1, "task", limit, &names)
                                : rts_proc_links(&proc, 1, "fd", limit, &names);
        assert_int_equal(count, expected);
        if (expected < 0) {
            assert_int_equal(errno, EBADMSG);
            assert_int_equal(names.size, 7);
        } else {
            int found = -1;
            for (const char *at = NULL; (at = rts_tree_next_name(&names, at));)
                found++;
            assert_int_equal(found, expected);
        }
        rts_buffer_finish(&names);
    }
}

/* How many names there are is what is there. */
static void test_lists(void **state)
{
    (void)state;
    say("a\0bc\0", 5, 2);
    assert_lists(2, 10);
    assert_lists(2, 2);
    say("a\0bc\0", 5, 1000000);
    assert_lists(2, 10);
    say("a\0bc\0", 5, UINT64_MAX);
    assert_lists(2, 10);
    say(NULL, 0, 7);
    assert_lists(0, 10);
    say("a\0bc\0", 5, 2);
    assert_lists(-1, 1); /* more than was asked for */
    say("a\0bc", 4, 2);
    assert_lists(-1, 10); /* no list */
}

static void test_texts(void **state)
{
    (void)state;
    struct rts_buffer text = RTS_BUFFER_INIT;
    char target[8];
    say("text", 4, UINT64_MAX);
    assert_int_equal(rts_proc_read(&proc, 1, "maps", 10, &text), 0);
    assert_string_equal(text.data, "text");
    /* No more than was asked for is taken from the socket. */
    assert_int_equal(lie.limit, 10);
    assert_int_equal(rts_proc_read(&proc, 1, "maps", SIZE_MAX, &text), 0);
    assert_int_equal(lie.limit, RTS_PROC_TEXT_MAX);
    say(NULL, 0, UINT64_MAX);
    assert_int_equal(rts_proc_may_read(&proc, 1, "maps"), 0);
    say("a long target", 13, UINT64_MAX);
    assert_int_equal(rts_proc_link(&proc, 1, "exe", target, sizeof target), 7);
    assert_string_equal(target, "a long ");
    say(NULL, 0, 5);
    assert_int_equal(rts_proc_link(&proc, 1, "exe", target, sizeof target), 0);
    assert_string_equal(target, "");
    rts_buffer_finish(&text);
}

/* What is no regular file is none, whatever it is called. */
static void test_files(void **state)
{
    (void)state;
    static const char *const names[] = {"a", "b", "c"};
    int ends[2], fds[3];
    lie.value = UINT64_MAX;
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    const int others[] = {ends[0], ends[1], open("/dev/zero", O_RDONLY | O_CLOEXEC),
                          open("/", O_RDONLY | O_CLOEXEC), -1};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        lie.fd = others[i] < 0 ? -1 : dup(others[i]);
        assert_int_equal(rts_tree_open(&tree, "/x"), -1);
        assert_int_equal(errno, EBADF);
        assert_int_equal(fcntl(lie.fd, F_GETFD), -1);
        lie.fd = others[i] < 0 ? -1 : dup(others[i]);
        assert_int_equal(rts_tree_open_each(&tree, "/x", names, 3, fds), 0);
        assert_int_equal(fds[0], -1);
        assert_int_equal(fds[2], -1);
        assert_int_equal(fcntl(lie.fd, F_GETFD), -1);
        close(others[i]);
    }
}

/* A door into the kernel is a regular file by its mode. */
static void test_doors(void **state)
{
    (void)state;
    lie.fd = open("/proc/version", O_RDONLY | O_CLOEXEC);
    assert_int_equal(rts_tree_open(&tree, "/x"), -1);
    assert_int_equal(fcntl(lie.fd, F_GETFD), -1);
}

static void test_views(void **state)
{
    (void)state;
    struct rts_mapped_file file = {.path = (char *)(uintptr_t) "/lib/x.so"};
    const struct rts_mapping mapping = {.end = 4096, .file = &file};
    const struct rts_file_status status = {.inode = 1};
    static const struct {
        const char *text;
        size_t size;
        uint64_t value;
        uint32_t flags;
    } lies[] = {
        {NULL, 0, 0, 0},
        {NULL, 0, 0, UINT32_MAX},
        {"/", 2, 31, UINT32_MAX}, /* a descriptor that is not there */
        {"/", 1, 0, 1},
        {"", 0, UINT64_MAX, 1},
        {"\0\0\0", 3, 0, UINT32_MAX},
    };
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
        struct rts_file_origins origins;
        struct rts_root_view view;
        struct rts_build_id build_id;
        say(lies[i].text, lies[i].size, lies[i].value);
        lie.flags = lies[i].flags;
        rts_look_origins(&proc, 1, &mapping, &status, &origins);
        assert_in_range(origins.count, 1, RTS_FILE_ORIGINS_MAX);
        rts_file_origins_finish(&origins);
        rts_look_root(&proc, 1, &view);
        assert_in_range(strlen(view.path), 0, sizeof view.path - 1);
        rts_root_view_finish(&view);
        rts_look_build_id(&proc, 1, &mapping, &build_id);
        assert_in_range(build_id.size, 0, sizeof build_id.bytes);
    }
    static char bytes[100];
    struct rts_build_id build_id;
    say(bytes, sizeof bytes, 0);
    assert_false(rts_look_build_id(&proc, 1, &mapping, &build_id));
}

static void test_memory(void **state)
{
    (void)state;
    char bytes[8] = "untouch";
    say("abc", 3, UINT64_MAX);
    assert_int_equal(rts_proc_memory(&proc, 1, 0, bytes, 4), 3);
    assert_int_equal(lie.limit, 4);
    assert_memory_equal(bytes, "abcouch", 8);
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_lists, set_up), cmocka_unit_test_setup(test_texts, set_up),
        cmocka_unit_test_setup(test_files, set_up), cmocka_unit_test_setup(test_doors, set_up),
        cmocka_unit_test_setup(test_views, set_up), cmocka_unit_test_setup(test_memory, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
