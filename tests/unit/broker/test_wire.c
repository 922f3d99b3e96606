/* SPDX-License-Identifier: Apache-2.0 */
/* What a side of the broker's socket believes of what the other one sends. */
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
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../suite.h"
#include "broker/channel.h"
#include "broker/sealed_copy.h"
#include "broker/wire.h"

#define LIMIT ((size_t)1 << 20)

static int ends[2];

static size_t open_files(void)
{
    size_t count = 0;
    DIR *folder = opendir("/proc/self/fd");
    assert_non_null(folder);
    while (readdir(folder))
        count++;
    closedir(folder);
    return count;
}

static int set_up(void **state)
{
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
    *state = (void *)open_files();
    return 0;
}

static int tear_down(void **state)
{
    /* Whatever came, no descriptor of it is left. */
    assert_int_equal(open_files(), (size_t)*state);
    close(ends[0]);
    close(ends[1]);
    return 0;
}

static void send_raw(const void *head, size_t head_size, const void *text, size_t text_size,
                     int *fds, size_t fd_count)
{
    const struct rts_message message = {
        .head = (void *)head,
        .head_size = head_size,
        .text = (void *)text,
        .text_size = text_size,
        .fds = fds,
        .fd_count = fd_count,
    };
    assert_int_equal(rts_message_send(ends[0], &message), 0);
}

/* ---- questions ---- */

static struct rts_question question;

static void assert_no_question(const struct rts_ask *ask, const char *text, size_t text_size)
{
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    send_raw(ask, sizeof *ask, text, text_size, &fd, 1);
    close(fd);
    assert_int_equal(rts_question_receive(ends[1], &question), -1);
    assert_int_equal(errno, EBADMSG);
    assert_int_equal(question.fd, -1);
}

static void test_question(void **state)
{
    (void)state;
    struct rts_ask ask = {.what = RTS_ASK_LIST, .number = 7, .pid = 42, .text_size = 5};
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    assert_int_equal(rts_question_send(ends[0], &ask, "/etc", fd), 0);
    close(fd);
    memset(&question, 'x', sizeof question);
    assert_int_equal(rts_question_receive(ends[1], &question), 1);
    assert_memory_equal(&question.ask, &ask, sizeof ask);
    assert_string_equal(question.text, "/etc");
    assert_true(fcntl(question.fd, F_GETFD) & FD_CLOEXEC);
    rts_question_finish(&question);
    assert_int_equal(question.fd, -1);

    ask.text_size = 0;
    assert_int_equal(rts_question_send(ends[0], &ask, NULL, -1), 0);
    assert_int_equal(rts_question_receive(ends[1], &question), 1);
    assert_string_equal(question.text, "");
    assert_int_equal(question.fd, -1);
    shutdown(ends[0], SHUT_WR);
    assert_int_equal(rts_question_receive(ends[1], &question), 0);
}

static void test_question_too_long(void **state)
{
    (void)state;
    static char text[RTS_WIRE_TEXT_MAX + 1];
    struct rts_ask ask = {.what = RTS_ASK_FILE, .text_size = sizeof text};
    assert_int_equal(rts_question_send(ends[0], &ask, text, -1), -1);
    assert_int_equal(errno, ENAMETOOLONG);
    send_raw(&ask, sizeof ask, text, sizeof text, NULL, 0);
    assert_int_equal(rts_question_receive(ends[1], &question), -1);
    assert_int_equal(errno, EBADMSG);
}

static void test_bad_questions(void **state)
{
    (void)state;
    struct rts_ask ask = {.what = RTS_ASK_FILE, .text_size = 4};
    assert_no_question(&ask, "/etc", 4); /* no NUL */
    assert_no_question(&ask, "/etc", 5); /* another size */
    assert_no_question(&ask, NULL, 0);
    ask.rights.group_count = RTS_RIGHTS_GROUPS_MAX + 1;
    assert_no_question(&ask, "abc", 4);
    ask.rights.group_count = UINT32_MAX;
    assert_no_question(&ask, "abc", 4);
    send_raw(&ask, sizeof ask - 1, NULL, 0, NULL, 0); /* half a head */
    assert_int_equal(rts_question_receive(ends[1], &question), -1);
    assert_int_equal(errno, EBADMSG);
}

static void test_more_files_than_one(void **state)
{
    (void)state;
    struct rts_ask ask = {.what = RTS_ASK_FILE};
    int fds[RTS_MESSAGE_FDS_MAX];
    for (size_t i = 0; i < RTS_MESSAGE_FDS_MAX; i++)
        fds[i] = ends[0];
    send_raw(&ask, sizeof ask, NULL, 0, fds, RTS_MESSAGE_FDS_MAX);
    assert_int_equal(rts_question_receive(ends[1], &question), 1);
    assert_true(question.fd >= 0);
    rts_question_finish(&question);
}

/* More than we ever send. What has no room is closed by the kernel, what has by us. */
static void test_far_more_files(void **state)
{
    (void)state;
    struct rts_ask ask = {.what = RTS_ASK_FILE};
    int fds[250];
    union {
        char bytes[CMSG_SPACE(sizeof fds)];
        struct cmsghdr aligned;
    } control = {.bytes = {0}};
    struct iovec part = {&ask, sizeof ask};
    struct msghdr header = {
        .msg_iov = &part,
        .msg_iovlen = 1,
        .msg_control = control.bytes,
        .msg_controllen = sizeof control.bytes,
    };
    for (size_t i = 0; i < 250; i++)
        fds[i] = ends[0];
    struct cmsghdr *rights = CMSG_FIRSTHDR(&header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof fds);
    memcpy(CMSG_DATA(rights), fds, sizeof fds);
    assert_int_equal(sendmsg(ends[0], &header, 0), sizeof ask);
    assert_int_equal(rts_question_receive(ends[1], &question), -1);
    assert_int_equal(errno, EMFILE);
}

/* ---- answers ---- */

static void assert_no_answer(const struct rts_told *told, const char *text, size_t text_size,
                             int *fds, size_t fd_count)
{
    struct rts_reply answer;
    rts_reply_init(&answer);
    send_raw(told, sizeof *told, text, text_size, fds, fd_count);
    assert_int_equal(rts_reply_receive(ends[1], &answer, LIMIT), -1);
    assert_int_equal(errno, EBADMSG);
    rts_reply_finish(&answer);
}

static void test_answer(void **state)
{
    (void)state;
    struct rts_reply sent, got;
    rts_reply_init(&sent);
    rts_reply_init(&got);
    assert_int_equal(rts_reply_receive(ends[1], &got, LIMIT), -1);
    assert_int_equal(errno, EAGAIN);
    sent.told.number = 9;
    for (size_t i = 0; i < RTS_WIRE_FDS_MAX + 3; i++)
        rts_reply_add(&sent, open("/dev/null", O_RDONLY | O_CLOEXEC));
    rts_buffer_text(&sent.text, "some text");
    assert_int_equal(rts_reply_send(ends[0], &sent), 0);
    assert_int_equal(rts_reply_receive(ends[1], &got, LIMIT), 1);
    assert_int_equal(got.told.number, 9);
    assert_int_equal(got.told.fd_count, RTS_WIRE_FDS_MAX);
    assert_string_equal(got.text.data, "some text");
    int fd = rts_reply_take(&got, RTS_WIRE_FDS_MAX - 1);
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    close(fd);
    assert_int_equal(rts_reply_take(&got, RTS_WIRE_FDS_MAX - 1), -1);
    assert_int_equal(rts_reply_take(&got, SIZE_MAX), -1);
    rts_reply_finish(&got);
    rts_reply_finish(&sent);
}

static void test_long_text(void **state)
{
    (void)state;
    struct rts_reply sent, got;
    const size_t size = 3 * RTS_WIRE_TEXT_MAX + 17;
    char *text = malloc(size);
    for (size_t i = 0; i < size; i++)
        text[i] = (char)('a' + i % 23);
    rts_reply_init(&sent);
    rts_reply_init(&got);
    rts_buffer_append(&sent.text, text, size);
    rts_reply_add(&sent, open("/dev/null", O_RDONLY | O_CLOEXEC));
    assert_int_equal(rts_reply_send(ends[0], &sent), 0);
    assert_int_equal(rts_reply_receive(ends[1], &got, LIMIT), 1);
    assert_int_equal(got.text.size, size);
    assert_memory_equal(got.text.data, text, size);
    assert_int_equal(got.text.data[size], 0);
    assert_int_equal(got.told.fd_count, 1);
    rts_reply_finish(&got);

    close(rts_reply_take(&sent, 1));
    assert_int_equal(rts_reply_send(ends[0], &sent), 0);
    assert_int_equal(rts_reply_receive(ends[1], &got, size - 1), -1);
    assert_int_equal(errno, EBADMSG);
    rts_reply_finish(&got);
    rts_reply_finish(&sent);
    free(text);
}

static void test_bad_answers(void **state)
{
    (void)state;
    struct rts_told told = {.text_size = 4};
    assert_no_answer(&told, "abc", 3, NULL, 0);
    told.text_size = UINT32_MAX;
    assert_no_answer(&told, "abc", 3, NULL, 0);
    told = (struct rts_told){.fd_count = 1};
    assert_no_answer(&told, NULL, 0, NULL, 0);
    int fds[2] = {ends[0], ends[0]};
    assert_no_answer(&told, NULL, 0, fds, 2);
    told = (struct rts_told){.rights.group_count = RTS_RIGHTS_GROUPS_MAX + 1};
    assert_no_answer(&told, NULL, 0, NULL, 0);
    /* A count to which one more is none. */
    told = (struct rts_told){.fd_count = UINT32_MAX, .text_in_fd = 1};
    assert_no_answer(&told, NULL, 0, NULL, 0);
    told = (struct rts_told){.text_in_fd = 1, .text_size = 3};
    assert_no_answer(&told, NULL, 0, NULL, 0);
}

/* A text in a descriptor is one that nobody can change any more, of that size. */
static void test_bad_texts_in_files(void **state)
{
    (void)state;
    struct rts_told told = {.text_in_fd = 1, .text_size = 3};
    int fd = memfd_create("text", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    assert_int_equal(write(fd, "abc", 3), 3);
    assert_no_answer(&told, NULL, 0, &fd, 1);
    assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE), 0);
    assert_no_answer(&told, NULL, 0, &fd, 1);
    close(fd);

    fd = rts_sealed_bytes("abc", 3);
    assert_no_answer(&told, "x", 1, &fd, 1);
    told.text_size = 2;
    assert_no_answer(&told, NULL, 0, &fd, 1);
    told.text_size = 4;
    assert_no_answer(&told, NULL, 0, &fd, 1);
    close(fd);

    int pipe_ends[2];
    told.text_size = 0;
    assert_int_equal(pipe2(pipe_ends, O_CLOEXEC), 0);
    assert_no_answer(&told, NULL, 0, &pipe_ends[0], 1);
    close(pipe_ends[0]);
    close(pipe_ends[1]);
    fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);
    told.text_size = 1000;
    assert_no_answer(&told, NULL, 0, &fd, 1);
    close(fd);
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_question, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_question_too_long, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_bad_questions, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_more_files_than_one, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_far_more_files, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_answer, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_long_text, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_bad_answers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_bad_texts_in_files, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
