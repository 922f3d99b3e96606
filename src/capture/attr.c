/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/attr.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <time.h>

/* The number of the bit build_id, which the headers of before Linux 5.12 do not have. */
#define FLAG_BUILD_ID 34

void rts_attr_ask_build_ids(struct perf_event_attr *attr)
{
    /* One of the bits that lie between read_format and wakeup_events. */
    uint64_t flags;
    char *place = (char *)attr + offsetof(struct perf_event_attr, read_format) + 8;
    memcpy(&flags, place, sizeof flags);
    flags |= 1ULL << FLAG_BUILD_ID;
    memcpy(place, &flags, sizeof flags);
}

void rts_attr_fill(struct perf_event_attr *attr, const struct rts_attr_request *request,
                   unsigned features)
{
    memset(attr, 0, sizeof *attr);
    attr->size = PERF_ATTR_SIZE_VER5; /* all that is used fits what Linux 4.4 knows */
    attr->type = PERF_TYPE_SOFTWARE;
    attr->config = PERF_COUNT_SW_CPU_CLOCK;
    attr->freq = 1;
    attr->sample_freq = request->frequency;
    attr->sample_type = RTS_ATTR_COMMON_TYPE | PERF_SAMPLE_REGS_USER;
    attr->sample_regs_user = request->user_registers;
    if (request->call_graph == RTS_CALL_GRAPH_DWARF) {
        attr->sample_type |= PERF_SAMPLE_STACK_USER;
        attr->sample_stack_user = request->stack_bytes;
    } else if (request->call_graph == RTS_CALL_GRAPH_FP) {
        attr->sample_type |= PERF_SAMPLE_CALLCHAIN;
        attr->exclude_callchain_kernel = 1;
    }
    if (features & RTS_FEATURE_CGROUP_IDS) {
        attr->sample_type |= PERF_SAMPLE_CGROUP;
        attr->cgroup = 1;
    }
    attr->sample_id_all = 1;
    attr->mmap = 1;
    attr->mmap2 = 1;
    attr->comm = 1;
    attr->comm_exec = 1;
    attr->task = 1;
    attr->disabled = request->enable_on_exec;
    attr->enable_on_exec = request->enable_on_exec;
    attr->inherit = request->inherit;
    attr->exclude_hv = 1;
    attr->exclude_idle = request->exclude_idle;
    if (!(features & RTS_FEATURE_KERNEL_SIDE))
        attr->exclude_kernel = 1;
    if (features & RTS_FEATURE_BUILD_IDS)
        rts_attr_ask_build_ids(attr);
    if (features & RTS_FEATURE_CLOCK_ID) {
        attr->use_clockid = 1;
        attr->clockid = CLOCK_MONOTONIC;
    }
}

enum rts_feature rts_attr_step_down(unsigned *features, int number)
{
    if (number == EINVAL && (*features & RTS_FEATURE_BUILD_IDS)) {
        *features &= ~(unsigned)RTS_FEATURE_BUILD_IDS;
        return RTS_FEATURE_BUILD_IDS;
    }
    /* A kernel that does not know a bit says EINVAL (E2BIG for a longer attr); one that does not
     * permit something says EACCES or EPERM, and the only thing to be refused is the kernel side.
     */
    bool unknown = number == EINVAL || number == E2BIG || number == EOPNOTSUPP;
    if (unknown && (*features & RTS_FEATURE_CGROUP_IDS)) {
        *features &= ~(unsigned)RTS_FEATURE_CGROUP_IDS;
        return RTS_FEATURE_CGROUP_IDS;
    }
    if (unknown && (*features & RTS_FEATURE_CLOCK_ID)) {
        *features &= ~(unsigned)RTS_FEATURE_CLOCK_ID;
        return RTS_FEATURE_CLOCK_ID;
    }
    if ((number == EACCES || number == EPERM) && (*features & RTS_FEATURE_KERNEL_SIDE)) {
        *features &= ~(unsigned)RTS_FEATURE_KERNEL_SIDE;
        return RTS_FEATURE_KERNEL_SIDE;
    }
    return 0;
}

const char *rts_feature_name(enum rts_feature feature)
{
    switch (feature) {
    case RTS_FEATURE_CLOCK_ID: return "monotonic_clock";
    case RTS_FEATURE_KERNEL_SIDE: return "kernel_samples";
    case RTS_FEATURE_CGROUP_IDS: return "cgroup_ids";
    case RTS_FEATURE_CGROUP_EVENTS: return "cgroup_events";
    case RTS_FEATURE_BUILD_IDS: return "build_ids";
    }
    return "unknown";
}
