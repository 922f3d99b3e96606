/* SPDX-License-Identifier: Apache-2.0 */
/* What a server's answer means for the batch that was sent. Pure. */
#ifndef RTS_DELIVERY_ANSWER_H
#define RTS_DELIVERY_ANSWER_H

#include <stddef.h>

#define RTS_ANSWER_TEXT_SIZE 400

enum rts_verdict {
    RTS_VERDICT_ACCEPTED, /* 202: done with this batch */
    RTS_VERDICT_REFUSED,  /* the request is wrong and stays wrong: never send it again */
    RTS_VERDICT_TOO_BIG,  /* 413: halves of it may pass */
    RTS_VERDICT_LATER,    /* 429, 5xx, no answer: the same again after a pause */
    RTS_VERDICT_HELP,     /* somebody has to act (token, certificate, address): again, rarely */
};

struct rts_answer {
    enum rts_verdict verdict;
    char text[RTS_ANSWER_TEXT_SIZE]; /* one line for a message, with the status; empty when accepted
                                      */
    char *subject_key;               /* owned; as the server wrote it; NULL when it wrote none */
};

/*
 * Judges `status` (an HTTP status, 100 or more) and the body, which may be anything and cut off.
 * An error's words are looked for as {"error":"text"}, {"error":{"code","message"}} and problem
 * details (RFC 9457); a body of another kind is not quoted.
 */
void rts_answer_judge(struct rts_answer *answer, long status, const char *body, size_t size);

void rts_answer_finish(struct rts_answer *answer);

/* Appends text to a line of `line_size` bytes, which is cut at a whole character. */
void rts_answer_append(char *line, size_t line_size, const char *text);

#endif
