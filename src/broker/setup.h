/* SPDX-License-Identifier: Apache-2.0 */
/* What keeper and workers are started with. */
#ifndef RTS_BROKER_SETUP_H
#define RTS_BROKER_SETUP_H

#include "broker/wire.h"

struct rts_broker_setup {
    const char *proc_root; /* where proc is mounted; borrowed until start() returns */
    /* Answers questions from RTS_ASK_OTHERS on, in the worker. NULL: there are none. */
    void (*answer)(const char *proc_root, struct rts_question *question, struct rts_reply *answer);
    /* Called once in a worker, before its first question, and in the keeper: gives up what it does
     * not need. NULL: nothing. */
    void (*seal)(bool worker);
    /* The life of a process that reads memory near samples, at its end of a socket; never returns.
     * NULL: there is none to be had. */
    void (*near)(int socket);
    const char *loses; /* what becomes of a process that is given up, for people; static. NULL: "its
                          code stays unnamed" */
};

#endif
