/* SPDX-License-Identifier: Apache-2.0 */
/* Messages with descriptors over a socket that keeps them apart (SOCK_SEQPACKET). */
#ifndef RTS_BROKER_CHANNEL_H
#define RTS_BROKER_CHANNEL_H

#include <stddef.h>

/* Descriptors that one message can have. */
#define RTS_MESSAGE_FDS_MAX 65

struct rts_message {
    void *head; /* of a size that both sides know */
    size_t head_size;
    void *text;       /* behind it; received: room for it */
    size_t text_size; /* received: before, how much room there is; after, how much came */
    int *fds;         /* received: to be closed by the caller */
    size_t fd_count;  /* likewise */
};

/* Sends one. Returns 0, or -1 with errno. */
int rts_message_send(int socket, const struct rts_message *message);

/* Receives one, with `flags` of recvmsg(2). Returns 1; 0 when the other side is gone; -1 with
 * errno, EBADMSG when it is shorter than its head or longer than there is room. Descriptors that
 * have no room are closed; all are close-on-exec. */
int rts_message_receive(int socket, struct rts_message *message, int flags);

#endif
