/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/wire.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "broker/channel.h"
#include "broker/sealed_copy.h"
#include "util/cleanup.h"

_Static_assert(RTS_WIRE_FDS_MAX + 1 == RTS_MESSAGE_FDS_MAX, "an answer fits in a message");

static int fail(int number)
{
    errno = number;
    return -1;
}

int rts_question_send(int socket, const struct rts_ask *ask, const char *text, int fd)
{
    struct rts_message message = {
        .head = (void *)ask,
        .head_size = sizeof *ask,
        .text = (void *)text,
        .text_size = ask->text_size,
        .fds = &fd,
        .fd_count = fd >= 0,
    };
    return ask->text_size > RTS_WIRE_TEXT_MAX ? fail(ENAMETOOLONG)
                                              : rts_message_send(socket, &message);
}

static bool is_sound(const struct rts_question *question, size_t text_size)
{
    const struct rts_ask *ask = &question->ask;
    return ask->text_size == text_size && (text_size == 0 || question->text[text_size - 1] == 0) &&
           ask->rights.group_count <= RTS_RIGHTS_GROUPS_MAX;
}

int rts_question_receive(int socket, struct rts_question *question)
{
    struct rts_message message = {
        .head = &question->ask,
        .head_size = sizeof question->ask,
        .text = question->text,
        .text_size = RTS_WIRE_TEXT_MAX,
        .fds = &question->fd,
        .fd_count = 1,
    };
    question->fd = -1;
    int result = rts_message_receive(socket, &message, 0);
    if (result <= 0)
        return result;
    question->text[message.text_size] = '\0';
    if (is_sound(question, message.text_size))
        return 1;
    rts_question_finish(question);
    return fail(EBADMSG);
}

void rts_question_finish(struct rts_question *question)
{
    if (question->fd >= 0)
        close(question->fd);
    question->fd = -1;
}

void rts_reply_init(struct rts_reply *answer)
{
    answer->told = (struct rts_told){0};
    answer->text = (struct rts_buffer)RTS_BUFFER_INIT;
    for (size_t i = 0; i < RTS_MESSAGE_FDS_MAX; i++)
        answer->fds[i] = -1;
}

void rts_reply_finish(struct rts_reply *answer)
{
    for (size_t i = 0; i < RTS_MESSAGE_FDS_MAX; i++)
        if (answer->fds[i] >= 0)
            close(answer->fds[i]);
    rts_buffer_finish(&answer->text);
    rts_reply_init(answer);
}

void rts_reply_add(struct rts_reply *answer, int fd)
{
    if (answer->told.fd_count < RTS_WIRE_FDS_MAX)
        answer->fds[answer->told.fd_count++] = fd;
    else
        close(fd);
}

int rts_reply_take(struct rts_reply *answer, size_t index)
{
    return index < RTS_MESSAGE_FDS_MAX ? rts_take_fd(&answer->fds[index]) : -1;
}

int rts_reply_names(const struct rts_reply *answer, size_t limit, struct rts_buffer *names)
{
    const struct rts_buffer *text = &answer->text;
    size_t count = 0;
    for (size_t i = 0; i < text->size; i++)
        count += text->data[i] == '\0';
    if (count > limit || count > INT_MAX || (text->size > 0 && text->data[text->size - 1] != '\0'))
        return fail(EBADMSG);
    if (count > 0)
        rts_buffer_append(names, text->data, text->size);
    return (int)count;
}

int rts_reply_send(int socket, struct rts_reply *answer)
{
    struct rts_told *told = &answer->told;
    struct rts_message message = {
        .head = told,
        .head_size = sizeof *told,
        .text = answer->text.data,
        .text_size = answer->text.size,
        .fds = answer->fds,
        .fd_count = told->fd_count,
    };
    told->text_size = (uint32_t)answer->text.size;
    if (answer->text.size > RTS_WIRE_TEXT_MAX) {
        int fd = rts_sealed_bytes(answer->text.data, answer->text.size);
        if (fd < 0)
            return -1;
        answer->fds[told->fd_count] = fd;
        told->text_in_fd = 1;
        message.text_size = 0;
        message.fd_count++;
    }
    return rts_message_send(socket, &message);
}

/* Reads a text from the descriptor behind all others. */
static int read_text(struct rts_reply *answer, int fd)
{
    char block[65536];
    struct stat status;
    size_t size = answer->told.text_size;
    if (!rts_sealed_is(fd) || fstat(fd, &status) < 0 || (uint64_t)status.st_size != size)
        return fail(EBADMSG);
    while (answer->text.size < size) {
        ssize_t count = pread(fd, block, sizeof block, (off_t)answer->text.size);
        if (count <= 0)
            return fail(EBADMSG);
        rts_buffer_append(&answer->text, block, (size_t)count);
    }
    return 0;
}

static int take_text(struct rts_reply *answer, const char *text, size_t text_size, size_t limit)
{
    const struct rts_told *told = &answer->told;
    if (told->text_size > limit || told->rights.group_count > RTS_RIGHTS_GROUPS_MAX)
        return fail(EBADMSG);
    if (told->text_in_fd) {
        RTS_CLOSE int fd = rts_reply_take(answer, told->fd_count);
        return text_size > 0 ? fail(EBADMSG) : read_text(answer, fd);
    }
    if (told->text_size != text_size)
        return fail(EBADMSG);
    if (text_size > 0)
        rts_buffer_append(&answer->text, text, text_size);
    return 0;
}

int rts_reply_receive(int socket, struct rts_reply *answer, size_t limit)
{
    char text[RTS_WIRE_TEXT_MAX];
    struct rts_message message = {
        .head = &answer->told,
        .head_size = sizeof answer->told,
        .text = text,
        .text_size = sizeof text,
        .fds = answer->fds,
        .fd_count = RTS_MESSAGE_FDS_MAX,
    };
    int result = rts_message_receive(socket, &message, MSG_DONTWAIT);
    if (result <= 0)
        return result;
    size_t expected = (size_t)answer->told.fd_count + (answer->told.text_in_fd != 0);
    if (message.fd_count != expected) {
        answer->told.fd_count = 0;
        return fail(EBADMSG);
    }
    return take_text(answer, text, message.text_size, limit) < 0 ? -1 : 1;
}
