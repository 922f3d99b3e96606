/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is said between rtsample and its broker, over a socket that keeps messages apart: a question
 * (struct rts_ask and a text), and an answer (struct rts_told, a text and descriptors). Both sides
 * run the same program, but neither believes the other: sizes and ends of texts are checked.
 */
#ifndef RTS_BROKER_WIRE_H
#define RTS_BROKER_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "broker/rights.h"
#include "broker/tree_place.h"
#include "util/buffer.h"

enum rts_ask_what {
    RTS_ASK_FILE = 1,  /* rts_tree_open() of the text */
    RTS_ASK_FILES,     /* rts_tree_open_each(): the folder, then the names */
    RTS_ASK_STATUS,    /* rts_tree_status() */
    RTS_ASK_LIST,      /* rts_tree_list() */
    RTS_ASK_PROC_READ, /* what broker/proc.h has, likewise */
    RTS_ASK_PROC_LIST,
    RTS_ASK_PROC_LINK,
    RTS_ASK_PROC_LINKS,
    RTS_ASK_PROC_MAY,
    RTS_ASK_MEMORY,
    RTS_ASK_WINDOW, /* go to the window (broker/memory_window.h) that comes along, after the answer
                     */
    RTS_ASK_OTHERS = 32, /* from here on: the answers of the one that started it */
};

/* A text in a message; one that is longer goes into a descriptor. */
#define RTS_WIRE_TEXT_MAX 61440

#define RTS_WIRE_FDS_MAX RTS_TREE_BATCH

struct rts_ask {
    uint32_t what;
    uint32_t number; /* of the question; the answer has it too */
    int32_t pid;     /* whose business it is; 0: nobody's */
    uint32_t flags;
    uint64_t values[8];
    struct rts_rights rights;
    uint32_t text_size; /* bytes behind this, the last one a NUL; 0: none */
};

struct rts_told {
    uint32_t number;
    int32_t error; /* errno; 0: it was done */
    uint32_t flags;
    uint32_t fd_count;
    uint64_t values[8];
    uint64_t cpu_ns; /* that the broker has used */
    struct rts_rights rights;
    struct rts_file_status status;
    uint32_t text_size;  /* bytes behind this, or in the last descriptor */
    uint32_t text_in_fd; /* 1: there */
    uint64_t taken_ns;   /* from question to answer, without waiting for a CPU */
};

/* A question with its text, NUL-terminated whatever was sent, and one descriptor; -1: none. */
struct rts_question {
    struct rts_ask ask;
    int fd;
    char text[RTS_WIRE_TEXT_MAX + 1];
};

/* An answer, with what goes along. */
struct rts_reply {
    struct rts_told told;
    int fds[RTS_WIRE_FDS_MAX + 1]; /* owned; -1: none */
    struct rts_buffer text;        /* owned; of a received answer: NUL-terminated */
};

/* Sends a question. Returns 0, or -1 with errno. */
int rts_question_send(int socket, const struct rts_ask *ask, const char *text, int fd);

/* Waits for a question. Returns 1; 0 when the other side is gone; -1 with errno (EBADMSG: it is
 * none). What was received before is closed with rts_question_finish(). */
int rts_question_receive(int socket, struct rts_question *question);
void rts_question_finish(struct rts_question *question);

void rts_reply_init(struct rts_reply *answer);
void rts_reply_finish(struct rts_reply *answer);

/* Adds a descriptor, which the answer owns from here on. */
void rts_reply_add(struct rts_reply *answer, int fd);

/* The descriptor at `index`, handed over; -1: there is none. */
int rts_reply_take(struct rts_reply *answer, size_t index);

/* Appends the text of an answer, a list of names (broker/tree.h), to *names. Returns how many they
 * are; -1 with EBADMSG where it is no such list, or has more than `limit`. */
int rts_reply_names(const struct rts_reply *answer, size_t limit, struct rts_buffer *names);

/* Sends an answer. Returns 0, or -1 with errno. */
int rts_reply_send(int socket, struct rts_reply *answer);

/* Receives one, which was initialised; does not wait. Returns as rts_question_receive(). A text
 * that is longer than `limit` is EBADMSG. */
int rts_reply_receive(int socket, struct rts_reply *answer, size_t limit);

#endif
