/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is sampled, by which way, and until when: what the files of this folder share.
 *
 *     ladder.c   the best way that is permitted: opens the capture and has it
 *     attach.c   put on the target: processes by number (pids.c), a control group (group.c), all, a
 *                command (command.c)
 *     turn.c     from events of threads to those of whole CPUs
 *     rejoin.c   processes whose events have ended while they live on
 *     unseen.c   what was not sampled, and why
 */
#ifndef RTS_TARGET_TARGET_H
#define RTS_TARGET_TARGET_H

#include "capture/receipt.h"
#include "process/container.h"
#include "sampler/sampler_state.h"
#include "sealing/origin.h"
#include "settings/settings.h"
#include "target/command.h"

struct rts_target {
    const struct rts_settings *settings; /* borrowed, as are: */
    struct rts_sampler *sampler;         /* its reach is decided here */
    struct rts_account *account;
    struct rts_broker *broker;
    struct rts_broker *tracers_broker; /* of the thread that traces; owned; NULL: there is none */
    struct rts_capture *capture;       /* owned; NULL: not open yet */
    struct rts_receipt receipt;        /* of how it came about */
    uint32_t start_frequency;          /* Hz, what it was asked for */
    struct rts_origin origin;          /* what we were, and a command is to be */
    struct rts_command command;
    char *group; /* owned: the folder of the control group that is sampled; NULL: none */
    char container_id[RTS_CONTAINER_ID_SIZE]; /* sampled by its processes, without a folder */
    bool group_failed;                        /* somebody in it cannot be sampled, which was said */
    uint64_t lives_settled_ns;                /* for the last time */
    unsigned drains_since_turn;               /* to whole CPUs, until it matters no more */
    bool stays;                               /* it was tried to turn to whole CPUs, in vain */
};

/* Is this one of rtsample's own processes, which is no target? */
static inline bool rts_target_is_self(const struct rts_target *target, int32_t pid)
{
    return rts_self_is(target->sampler->setup.self, pid);
}

/* proc, and who reads it; borrowed. */
static inline const struct rts_proc *rts_target_proc(const struct rts_target *target)
{
    return rts_process_table_proc(target->sampler->processes);
}

/* Are the events those of threads, which their children inherit? */
static inline bool rts_target_by_process(const struct rts_target *target)
{
    enum rts_reach reach = target->sampler->reach;
    return target->receipt.taken != RTS_RUNG_PTRACE &&
           (reach == RTS_REACH_TREE || reach == RTS_REACH_OWN);
}

/* Are all to be sampled, and only those are that may be, one by one? */
static inline bool rts_target_is_partial(const struct rts_target *target)
{
    return target->settings->target == RTS_TARGET_ALL && target->sampler->reach != RTS_REACH_ALL;
}

#endif
