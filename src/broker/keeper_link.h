/* SPDX-License-Identifier: Apache-2.0 */
/* Our end of the keeper: starting it, and what it is asked. */
#ifndef RTS_BROKER_KEEPER_LINK_H
#define RTS_BROKER_KEEPER_LINK_H

#include <sys/types.h>

#include "broker/keeper.h"
#include "util/error.h"

struct rts_keeper_link {
    int fd;    /* -1: there is none any more */
    pid_t pid; /* of the keeper */
    uint32_t number;
    bool begun; /* the first worker, which the keeper starts by itself, was taken */
};

/* Starts the keeper, which holds nothing of ours. */
int rts_keeper_link_open(struct rts_keeper_link *link, const struct rts_broker_setup *setup,
                         struct rts_error *error);

/* Another worker in place of the one before: its socket, and its pid in *worker. -1 with errno:
 * EPIPE: there is no keeper any more; ETIME: too many hang; the last places are for who is
 * `urgent`. */
int rts_keeper_link_another(struct rts_keeper_link *link, bool urgent, pid_t *worker);

/* A near reader in place of the one before: its socket, and its pid in *reader. After the first
 * worker was taken. -1 with errno, as above. */
int rts_keeper_link_near(struct rts_keeper_link *link, pid_t *reader);

/* What the worker is doing, and whose process `pid` is; all zero when the keeper does not say. */
struct rts_keeper_told rts_keeper_link_look(struct rts_keeper_link *link, int32_t pid);

/* Lets the keeper end. */
void rts_keeper_link_leave(struct rts_keeper_link *link);

/* Waits until that time for it to be gone, and kills it then. After leave(). */
void rts_keeper_link_close(struct rts_keeper_link *link, uint64_t until_ns);

#endif
