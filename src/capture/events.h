/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sampling events that are open, and which of them a sample may come from. Threads inherit the
 * events of their creator, so a thread that is born while its process is being attached can end up
 * with two sets: the inherited one and the one that was opened on it. rts_events_admit() lets each
 * thread through once.
 */
#ifndef RTS_CAPTURE_EVENTS_H
#define RTS_CAPTURE_EVENTS_H

#include <linux/perf_event.h>

#include "capture/record.h"
#include "util/table.h"

struct rts_event {
    int fd;
    int32_t tid; /* what it was opened on; -1: a whole CPU */
    uint32_t cpu;
    uint64_t id; /* as samples carry it */
    bool moved;  /* it writes into another ring than the first one */
};

struct rts_events {
    struct rts_event **items;
    size_t count, capacity;
    struct rts_table by_id;   /* struct rts_event */
    struct rts_table threads; /* struct thread: what was opened on */
    struct rts_table owners;  /* struct owner: which inherited event a (tid, cpu) listens to */
    uint32_t cpus;            /* highest CPU number + 1 */
    bool ambiguous;           /* threads may be covered twice */
    size_t retired;    /* of the items, the first ones: off, and closed after the next drain */
    uint64_t since_ns; /* what is retired counts before this, and what came after it from then on */
    int32_t *exited;   /* threads that ended, in the drain before this one and then in this one */
    size_t exited_before, exited_count, exited_capacity;
};

/* Closes all events. */
void rts_events_finish(struct rts_events *events);

/* Takes ownership of `fd`, an event on `tid` and `cpu`. */
void rts_events_add(struct rts_events *events, int fd, int32_t tid, uint32_t cpu);

/* Is an event open on this thread? */
bool rts_events_has_thread(const struct rts_events *events, int32_t tid);

/* Closes what is open on this thread, and forgets it. */
void rts_events_remove_thread(struct rts_events *events, int32_t tid);

/* Turns all events on or off (PERF_EVENT_IOC_ENABLE, PERF_EVENT_IOC_DISABLE). */
void rts_events_control(const struct rts_events *events, unsigned long request);

/* Events of whole CPUs, which are on and are the items from `first` on, take the place of those
 * before: these are turned off. No moment is sampled by both, and none by neither. Records of the
 * old ones are let through in the next drain, at whose end they are closed. Times are on
 * CLOCK_MONOTONIC. */
void rts_events_replace(struct rts_events *events, size_t first);

/* Closes the items from `first` on. */
void rts_events_cut(struct rts_events *events, size_t first);

/* Has all events, but not what was inherited from them already, sample each `period_ns`. Returns 0,
 * or -errno of the first one that refused. */
int rts_events_set_period(const struct rts_events *events, uint64_t period_ns);

/* Has the events that were opened on a thread, or on whole CPUs, write into the rings that `owners`
 * own, by CPU, with all that inherited them. */
void rts_events_move_thread(struct rts_events *events, int32_t tid, const int *owners);

/* Has the event of this id, and those of other CPUs that belong to it, write into the rings that
 * `owners` own, by CPU, with all that inherited them. Those that are there already are left alone. */
void rts_events_move(struct rts_events *events, uint64_t id, const int *owners);

/* Has all those write into the rings that `owners` own again. */
void rts_events_move_back(struct rts_events *events, const int *owners);

/* False when this sample is the second one of a thread that is covered twice, or of an event at a
 * time at which another one counts. */
bool rts_events_admit(struct rts_events *events, const struct rts_record *sample);

/* A thread was born at `time` (CLOCK_MONOTONIC, ns): what is known of its id is about another one
 * whose end was missed, unless it is younger than that. */
void rts_events_thread_born(struct rts_events *events, int32_t tid, uint64_t time);

/* A thread is gone: it is forgotten at the end of the next drain, since its last samples may come
 * no earlier than that. */
void rts_events_thread_exit(struct rts_events *events, int32_t tid);
void rts_events_end_drain(struct rts_events *events);

#endif
