/* SPDX-License-Identifier: Apache-2.0 */
#include "doctor/probe.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "capture/capture.h"
#include "capture/flag_leak.h"
#include "capture/perf_rings.h"
#include "doctor/probe_sampling.h"

/* Bits that are newer than the headers we may be built with. */
#define ATTR_CGROUP_BIT   (1ULL << 32) /* Linux 5.7 */
#define SAMPLE_CGROUP     (1ULL << 21)
#define ATTR_FLAGS_OFFSET 40 /* of the word of flags in struct perf_event_attr */

/* Opens an event on ourselves and closes it; 0 or the errno. */
static int try_open(const struct perf_event_attr *attr)
{
    int fd = rts_perf_event_open(attr, 0, (uint32_t)-1);
    if (fd < 0)
        return errno;
    close(fd);
    return 0;
}

static struct perf_event_attr plain_attr(void)
{
    return (struct perf_event_attr){
        .size = PERF_ATTR_SIZE_VER5,
        .type = PERF_TYPE_SOFTWARE,
        .config = PERF_COUNT_SW_CPU_CLOCK,
        .sample_period = 1000000,
        .disabled = 1,
        .exclude_kernel = 1,
        .exclude_hv = 1,
    };
}

static void set_flag(struct perf_event_attr *attr, uint64_t bit)
{
    uint64_t flags;
    memcpy(&flags, (const char *)attr + ATTR_FLAGS_OFFSET, sizeof flags);
    flags |= bit;
    memcpy((char *)attr + ATTR_FLAGS_OFFSET, &flags, sizeof flags);
}

static void try_attrs(struct rts_perf_findings *perf)
{
    struct perf_event_attr attr = plain_attr();
    perf->own = try_open(&attr);
    attr.exclude_kernel = 0;
    perf->kernel = try_open(&attr);

    attr = plain_attr();
    attr.mmap = attr.mmap2 = 1;
    rts_attr_ask_build_ids(&attr);
    perf->build_id = try_open(&attr);
    perf->leak = perf->build_id == 0 ? rts_flag_leak_try() : RTS_FLAG_LEAK_UNKNOWN;

    attr = plain_attr();
    attr.sample_type = SAMPLE_CGROUP;
    set_flag(&attr, ATTR_CGROUP_BIT);
    perf->cgroup = try_open(&attr);

    attr = plain_attr();
    attr.type = PERF_TYPE_HARDWARE;
    attr.config = PERF_COUNT_HW_CPU_CYCLES;
    perf->hardware = try_open(&attr);
}

/* An own child, sampled until there is something to show. */
static void sample_child(struct rts_sampling *sampling, const struct rts_probe_options *options)
{
    struct rts_capture *capture = rts_probe_capture_open(sampling, options, RTS_PROBE_PERF, true);
    int32_t child = capture ? rts_probe_child_start() : 0;
    if (child > 0)
        rts_probe_capture_sample(sampling, capture, child);
    rts_capture_destroy(capture);
    rts_probe_child_stop(child);
}

static void add_target(struct rts_sampling *sampling, const struct rts_probe_options *options)
{
    struct rts_error error = {0};
    struct rts_capture *capture = rts_probe_capture_open(sampling, options, RTS_PROBE_PERF, false);
    if (capture) {
        if (options->pid > 0 ? rts_capture_add_process(capture, options->pid, &error) < 0
                             : rts_capture_add_cpus(capture, &error) < 0)
            rts_probe_sampling_failed(sampling, &error);
        rts_probe_sampling_settle(sampling, capture);
    }
    rts_capture_destroy(capture);
}

void rts_probe_perf(struct rts_perf_findings *perf, const struct rts_probe_options *options)
{
    struct rts_probe_options whole = *options;
    whole.pid = 0;
    try_attrs(perf);
    sample_child(&perf->child, options);
    add_target(&perf->cpus, &whole);
    if (options->pid > 0)
        add_target(&perf->of_target, options);
}
