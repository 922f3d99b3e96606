/* SPDX-License-Identifier: Apache-2.0 */
#include "guard/guard.h"

#include <stdlib.h>

#include "guard/rate_limit.h"
#include "guard/ratio.h"
#include "util/memory.h"

struct rts_guard {
    struct rts_ratio *ratio;
    struct rts_rate_limit *rate_limit;
    struct rts_cpu_guard cpu;
};

struct rts_guard *rts_guard_create(const struct rts_guard_options *options)
{
    struct rts_guard *guard = rts_calloc(1, sizeof *guard);
    guard->ratio = rts_ratio_create(options->ratio);
    guard->rate_limit = rts_rate_limit_create(options->max_events_per_second);
    rts_cpu_guard_init(&guard->cpu, options->max_cpu_percent, options->frequency);
    return guard;
}

void rts_guard_destroy(struct rts_guard *guard)
{
    if (!guard)
        return;
    rts_ratio_destroy(guard->ratio);
    rts_rate_limit_destroy(guard->rate_limit);
    free(guard);
}

int rts_guard_admit(struct rts_guard *guard, uint64_t instance, uint64_t time_ns)
{
    if (!rts_ratio_admit(guard->ratio, instance))
        return RTS_DROP_RATIO;
    if (!rts_rate_limit_admit(guard->rate_limit, instance, time_ns))
        return RTS_DROP_RATE_LIMIT;
    return guard->cpu.shedding ? RTS_DROP_CPU_GUARD : -1;
}

const struct rts_cpu_guard *rts_guard_update(struct rts_guard *guard,
                                             const struct rts_cpu_reading *reading)
{
    rts_cpu_guard_update(&guard->cpu, reading);
    return &guard->cpu;
}

const struct rts_cpu_guard *rts_guard_cpu(const struct rts_guard *guard)
{
    return &guard->cpu;
}

bool rts_guard_has_news(struct rts_guard *guard, uint64_t now_ns)
{
    return rts_cpu_guard_has_news(&guard->cpu, now_ns);
}

uint32_t rts_guard_fitting_frequency(const struct rts_guard_options *options, unsigned cpus)
{
    uint64_t ratio = options->ratio > 1 ? options->ratio : 1;
    uint64_t let_pass = options->max_events_per_second * ratio;
    if (let_pass == 0 || (uint64_t)options->frequency * cpus <= let_pass)
        return options->frequency;
    uint64_t fitting = let_pass / cpus;
    return fitting > 0 ? (uint32_t)fitting : 1;
}
