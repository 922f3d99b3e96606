/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The broker: another process that opens, reads and asks in our place what belongs to a target. All
 * of that can make its reader wait for ever: a file system of the target's own, a lock that it
 * holds. Here it is waited for so long and no longer. Then that process instance is given up, the
 * broker is left to its fate and another one takes its place.
 *
 *     rtsample ──questions──▶ broker (a worker)
 *         └──"another one"──▶ keeper ──forks──▶ workers
 *
 * The keeper does nothing but fork workers, and looks at what they are doing. It touches nobody. It
 * also forks the process that reads memory near samples (capture/near_reader.h), since we may not
 * start one with these rights any more when we need it.
 */
#ifndef RTS_BROKER_BROKER_H
#define RTS_BROKER_BROKER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "broker/setup.h"
#include "util/error.h"

struct rts_broker;

struct rts_broker_counts {
    uint64_t asked;    /* questions */
    uint64_t late;     /* not answered in time: as many process instances were given up */
    uint64_t refused;  /* not asked, since their process was given up */
    uint64_t replaced; /* workers */
    uint64_t cpu_ms;   /* that workers have used */
};

/* Starts keeper and worker. To be called while there is one thread and few descriptors are open.
 * The worker holds none of ours. NULL: it failed. */
struct rts_broker *rts_broker_start(const struct rts_broker_setup *setup, struct rts_error *error);

/* Lets both end while we do something else. Whoever asks from now on gets EPIPE. Accepts NULL. */
void rts_broker_leave(struct rts_broker *broker);

/* Ends both, waiting a moment for them: one that hangs is killed, and ends when it can. */
void rts_broker_destroy(struct rts_broker *broker);

/* Asks, and waits for the answer. *answer is to be initialised, and finished by the caller in any
 * case. `ask` has everything but number and text_size; `text` ends with a NUL and is `text_size`
 * bytes with it; `fd` -1: none goes along. The answer's text is `limit` bytes at most. Returns 0,
 * or -1 with errno: what the broker met; ETIME: the answer did not come in time, or the process
 * ask->pid was given up; EPIPE: there is no broker any more. */
int rts_broker_ask(struct rts_broker *broker, struct rts_ask *ask, const char *text,
                   size_t text_size, int fd, size_t limit, struct rts_reply *answer);

/* The run has to end: from now on little is waited for, and after some answers that were late
 * nothing is asked any more. */
void rts_broker_hurry(struct rts_broker *broker);

/* While it waits it looks at `signals`, a signalfd or -1, and hurries once a signal is pending that
 * tells us to end. */
void rts_broker_watch(struct rts_broker *broker, int signals);

/* For a caller that holds up others while it waits: whenever an answer has not come for another
 * `every_ns`, late(context) is called, and before a question is answered with ETIME for the first
 * time. When it returns true, the answer is not waited for any longer: ETIME; the process is given
 * up unless the broker was busy. */
void rts_broker_on_late(struct rts_broker *broker, uint64_t every_ns, bool (*late)(void *context),
                        void *context);

/* Sees to it that the next question does not have to wait for a worker to be started, and, after
 * rts_broker_on_late(), that memory comes as soon as it can. Returns the worker's pid; 0: there is
 * none. */
int32_t rts_broker_prepare(struct rts_broker *broker);

/* What rts_proc_thread_memory() says, by a worker that waits for nothing else. -1: it does not;
 * then it is to be asked as usual. */
ssize_t rts_broker_memory(struct rts_broker *broker, int32_t pid, int32_t tid, uint64_t address,
                          void *bytes, size_t size);

/* Starts a process that reads memory near samples, in place of the one before. Returns our end of
 * its socket, and its pid in *pid; -1 with errno: there is none to be had. */
int rts_broker_near(struct rts_broker *broker, int32_t *pid);

/* `pid` is that of another process from now on. */
void rts_broker_forget(struct rts_broker *broker, int32_t pid);

/* Was this process given up? */
bool rts_broker_gave_up(const struct rts_broker *broker, int32_t pid);

/* Is `pid` one of the broker's own processes, or the near reader? */
bool rts_broker_is_own(const struct rts_broker *broker, int32_t pid);

/* What was counted so far. */
struct rts_broker_counts rts_broker_counts(const struct rts_broker *broker);

#endif
