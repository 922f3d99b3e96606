/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/channel.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

union control {
    char bytes[CMSG_SPACE(RTS_MESSAGE_FDS_MAX * sizeof(int))];
    struct cmsghdr aligned;
};

int rts_message_send(int socket, const struct rts_message *message)
{
    union control control = {.bytes = {0}};
    struct iovec parts[2] = {{message->head, message->head_size},
                             {message->text, message->text_size}};
    struct msghdr header = {.msg_iov = parts, .msg_iovlen = message->text_size > 0 ? 2 : 1};
    if (message->fd_count > 0) {
        header.msg_control = control.bytes;
        header.msg_controllen = CMSG_SPACE(message->fd_count * sizeof(int));
        struct cmsghdr *rights = CMSG_FIRSTHDR(&header);
        rights->cmsg_level = SOL_SOCKET;
        rights->cmsg_type = SCM_RIGHTS;
        rights->cmsg_len = CMSG_LEN(message->fd_count * sizeof(int));
        memcpy(CMSG_DATA(rights), message->fds, message->fd_count * sizeof(int));
    }
    ssize_t sent;
    do
        sent = sendmsg(socket, &header, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent < 0 ? -1 : 0;
}

/* Takes the descriptors that came along; those beyond `message->fd_count` are closed. */
static void take_fds(struct msghdr *header, struct rts_message *message)
{
    size_t limit = message->fd_count;
    message->fd_count = 0;
    for (struct cmsghdr *part = CMSG_FIRSTHDR(header); part; part = CMSG_NXTHDR(header, part)) {
        if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS)
            continue;
        size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < count; i++) {
            int fd;
            memcpy(&fd, CMSG_DATA(part) + i * sizeof fd, sizeof fd);
            if (message->fd_count < limit)
                message->fds[message->fd_count++] = fd;
            else
                close(fd);
        }
    }
}

static void close_fds(struct rts_message *message)
{
    for (size_t i = 0; i < message->fd_count; i++)
        close(message->fds[i]);
    message->fd_count = 0;
}

/* Fills `message`, whose sizes and counts are limits before and what came after. */
int rts_message_receive(int socket, struct rts_message *message, int flags)
{
    union control control;
    struct iovec parts[2] = {{message->head, message->head_size},
                             {message->text, message->text_size}};
    struct msghdr header = {
        .msg_iov = parts,
        .msg_iovlen = message->text_size > 0 ? 2 : 1,
        .msg_control = control.bytes,
        .msg_controllen = sizeof control.bytes,
    };
    ssize_t size;
    do
        size = recvmsg(socket, &header, flags | MSG_CMSG_CLOEXEC);
    while (size < 0 && errno == EINTR);
    if (size <= 0)
        return size < 0 ? -1 : 0;
    take_fds(&header, message);
    /* There is room for all: so there was no descriptor left. */
    if (header.msg_flags & MSG_CTRUNC) {
        close_fds(message);
        errno = EMFILE;
        return -1;
    }
    if ((header.msg_flags & MSG_TRUNC) || (size_t)size < message->head_size) {
        close_fds(message);
        errno = EBADMSG;
        return -1;
    }
    message->text_size = (size_t)size - message->head_size;
    return 1;
}
