/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `-- COMMAND`: a child that waits before its exec until the events are open on it. */
#ifndef RTS_TARGET_COMMAND_H
#define RTS_TARGET_COMMAND_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "sealing/origin.h"
#include "util/error.h"

struct rts_command {
    pid_t pid;      /* 0: no command */
    int go;         /* the child execs when this pipe is written to, and gives up when it closes */
    int exec_error; /* the child writes its errno here when exec fails */
    bool asked;     /* to end, by us */
    bool ended;
    int status;      /* exit status, or 128 + signal */
    uint64_t cpu_ns; /* used by it and those it has waited for, once it has ended */
};

#define RTS_COMMAND_INIT                                                                           \
    {                                                                                              \
        .go = -1, .exec_error = -1                                                                 \
    }

/* Forks the child, which has an empty signal mask, the default dispositions of the signals that a
 * session ignores for itself, and what `origin` has; NULL: we have not changed that. Our own
 * disposition of SIGCHLD becomes the default. To be called before rts_seal(), which a child cannot
 * undo. */
int rts_command_start(struct rts_command *command, char *const *argv,
                      const struct rts_origin *origin, struct rts_error *error);

/* Lets it exec. RTS_NOT_FOUND or RTS_NOT_PERMITTED when that fails. */
int rts_command_release(struct rts_command *command, const char *name, struct rts_error *error);

/* Has it ended? Never waits. */
bool rts_command_poll(struct rts_command *command);

/* Asks it to end (SIGTERM) and waits for that, `wait_ms` at most. Does nothing when it has ended.
 */
void rts_command_end(struct rts_command *command, unsigned wait_ms);

/* Tells people how it ended. */
void rts_command_say_end(const struct rts_command *command);

/* Closes the pipes; a child that has not been released ends. One that runs is left alone. */
void rts_command_finish(struct rts_command *command);

#endif
