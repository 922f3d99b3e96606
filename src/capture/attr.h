/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ladder of attrs: the best that this kernel might take, and what to give up, rung by rung,
 * when it refuses. What was given up is recorded, so that it can be said.
 *
 * Build-ids in MMAP2 records (Linux 5.12) are asked for only where the target cannot be looked
 * into, and where the kernel keeps them to those that asked (flag_leak.h). They take the place of
 * device and inode, and whoever builds a file can choose its build-id, but not its inode.
 */
#ifndef RTS_CAPTURE_ATTR_H
#define RTS_CAPTURE_ATTR_H

#include <linux/perf_event.h>
#include <stdbool.h>
#include <stdint.h>

#include "types.h"

/* Features that can be given up, in the order in which they are. Bits of a set. */
enum rts_feature {
    RTS_FEATURE_CLOCK_ID = 1 << 0,    /* times on CLOCK_MONOTONIC: Linux 4.1 */
    RTS_FEATURE_KERNEL_SIDE = 1 << 1, /* samples that hit in the kernel, with their user stack */
    RTS_FEATURE_CGROUP_IDS = 1 << 2,  /* control group ids in samples: Linux 5.7 */
    /* Not of an attr: events that are limited to a control group by the kernel, where one was to be
     * sampled. */
    RTS_FEATURE_CGROUP_EVENTS = 1 << 3,
    RTS_FEATURE_BUILD_IDS = 1 << 4, /* the kernel reads the build-id of what is mapped */
};

#define RTS_FEATURE_LAST RTS_FEATURE_BUILD_IDS

/* What samples hold at least, and what ends every other record (PERF_SAMPLE_*): the same in all
 * events that share a ring, or their records could not be told apart. */
#define RTS_ATTR_COMMON_TYPE                                                                       \
    (PERF_SAMPLE_IDENTIFIER | PERF_SAMPLE_IP | PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_CPU)

/* What the caller wants of the sampling event. */
struct rts_attr_request {
    uint32_t frequency; /* Hz */
    enum rts_call_graph call_graph;
    uint32_t stack_bytes;    /* dwarf: a multiple of 8, at most 65528 */
    uint64_t user_registers; /* PERF_REG_* mask of this architecture */
    bool inherit;            /* new threads and children too */
    bool enable_on_exec;     /* stays off until the target calls execve() */
    bool exclude_idle;       /* no samples of an idle CPU */
};

/* Fills *attr for cpu-clock with the given set of features. */
void rts_attr_fill(struct perf_event_attr *attr, const struct rts_attr_request *request,
                   unsigned features);

/* Has MMAP2 records hold the build-id in place of device and inode, where the kernel can read it. A
 * kernel of before Linux 5.12 refuses the event then (EINVAL). */
void rts_attr_ask_build_ids(struct perf_event_attr *attr);

/* The next rung down after perf_event_open() failed with `number`: the reduced set in *features and
 * the feature that was given up as result; 0 when there is nothing left that could help. */
enum rts_feature rts_attr_step_down(unsigned *features, int number);

/* The word for a feature in --stats (run.gave_up). */
const char *rts_feature_name(enum rts_feature feature);

#endif
