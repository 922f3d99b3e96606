/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One ring per CPU, each owned by a dummy event on ourselves: so a ring outlives every thread of
 * the target, and its fd can be polled to the end.
 *
 * Where memory is read near samples there is another one per CPU, which wakes its reader with each
 * record, in place of a quarter of its size: those behind the first `cpu_count` items.
 */
#ifndef RTS_CAPTURE_PERF_RINGS_H
#define RTS_CAPTURE_PERF_RINGS_H

#include <linux/perf_event.h>
#include <poll.h>
#include <stdbool.h>

#include "capture/ring.h"
#include "util/error.h"

struct rts_perf_rings {
    unsigned cpu_count;     /* configured CPUs */
    struct rts_ring *items; /* per CPU, twice; page is NULL for those that are not there */
    int *owners;            /* likewise: the dummy event, or -1 */
    unsigned cpus;          /* that have a ring */
    size_t bytes;           /* of each ring */
    size_t near_bytes;      /* of each of those near ones; 0: there are none */
    unsigned features;      /* set of enum rts_feature that the kernel takes */
    unsigned gave_up;       /* and of those that it refused */
    bool refused;           /* the last failure was that of a ring's mmap() */
};

/* Room for the rings of all configured CPUs, none mapped. */
void rts_perf_rings_init(struct rts_perf_rings *rings, unsigned features);

/* Maps all rings with one size: the largest that the locked-memory limit allows, about `wish` bytes
 * each. RTS_NOT_PERMITTED says what to grant. */
int rts_perf_rings_map(struct rts_perf_rings *rings, uint64_t wish, struct rts_error *error);

/* Maps the near rings, each as large as the others, or smaller, but not below `least` bytes. */
int rts_perf_rings_map_near(struct rts_perf_rings *rings, uint64_t least, struct rts_error *error);

void rts_perf_rings_finish(struct rts_perf_rings *rings);

/* As rts_capture_poll_fds() and rts_capture_mark_end(). */
size_t rts_perf_rings_poll_fds(const struct rts_perf_rings *rings, struct pollfd *fds,
                               size_t capacity);
void rts_perf_rings_mark_end(const struct rts_perf_rings *rings);

/* perf_event_open(2), close-on-exec. */
int rts_perf_event_open(const struct perf_event_attr *attr, int32_t pid, uint32_t cpu);

/* The same for the processes of a control group, by its folder. */
int rts_perf_event_open_group(const struct perf_event_attr *attr, int folder, uint32_t cpu);

#endif
