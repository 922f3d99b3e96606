/* SPDX-License-Identifier: Apache-2.0 */
#include "sampler/pace.h"

#include <inttypes.h>
#include <time.h>
#include <unistd.h>

#include "util/clock.h"
#include "util/log.h"

/* Samples between two readings while a drain is under way: each costs some tens of microseconds. */
#define SAMPLES_PER_READING 64

struct rts_guard_facts rts_pace_limits(const struct rts_settings *settings)
{
    const struct rts_sampler_settings *sampler = &settings->sampler;
    return (struct rts_guard_facts){
        .ratio = sampler->ratio,
        .max_events_per_second = sampler->max_events_per_second,
        .max_cpu_percent = sampler->max_cpu_percent,
    };
}

static struct rts_guard_options guard_options(const struct rts_guard_facts *limits,
                                              uint32_t frequency)
{
    return (struct rts_guard_options){
        .ratio = limits->ratio,
        .max_events_per_second = limits->max_events_per_second,
        .max_cpu_percent = limits->max_cpu_percent,
        .frequency = frequency,
    };
}

/* What to do about the limit on events; takes what it would have to be. */
#define HOW_TO_RAISE                                                                               \
    "set it to %" PRIu64 ", or to 0 for no limit (in the settings of -c, or as "                   \
    "Sampler__MaxEventsPerSecond in the environment)"

static unsigned online_cpus(void)
{
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    return cpus > 0 ? (unsigned)cpus : 1;
}

/* Samples in a second when all CPUs are busy. */
static uint64_t all_events(uint32_t frequency, unsigned cpus)
{
    return (uint64_t)frequency * cpus;
}

uint32_t rts_pace_start_frequency(const struct rts_settings *settings)
{
    uint32_t wanted = settings->frequency;
    if (settings->target != RTS_TARGET_ALL)
        return wanted;
    unsigned cpus = online_cpus();
    const struct rts_guard_facts limits = rts_pace_limits(settings);
    struct rts_guard_options options = guard_options(&limits, wanted);
    uint32_t fitting = rts_guard_fitting_frequency(&options, cpus);
    if (fitting < wanted)
        rts_log("%u Hz instead of %u: %u CPUs would give more samples than "
                "Sampler:MaxEventsPerSecond, which is %u; for all of them " HOW_TO_RAISE,
                fitting, wanted, cpus, options.max_events_per_second, all_events(wanted, cpus));
    return fitting;
}

void rts_pace_tell_limit(struct rts_pace *pace, const struct rts_account *account,
                         const struct rts_settings *settings)
{
    if (!pace->capture || pace->limit_said || account->dropped[RTS_DROP_RATE_LIMIT] == 0)
        return;
    pace->limit_said = true;
    rts_log(
        "more than %u samples came in a second, which is Sampler:MaxEventsPerSecond: the others "
        "are left out and counted; to use all, " HOW_TO_RAISE " or sample less often (-F)",
        pace->limits.max_events_per_second, all_events(settings->frequency, online_cpus()));
}

void rts_pace_open(struct rts_pace *pace, const struct rts_guard_facts *limits, uint32_t frequency,
                   struct rts_capture *capture)
{
    struct rts_guard_options options = guard_options(limits, frequency);
    *pace = (struct rts_pace){
        .guard = rts_guard_create(&options), .limits = *limits, .capture = capture};
}

void rts_pace_close(struct rts_pace *pace)
{
    rts_guard_destroy(pace->guard);
    pace->guard = NULL;
}

/* With what is read for the thread that traces, and near samples: so much for each of them. */
static uint64_t own_cpu_ns(const struct rts_pace *pace)
{
    const struct rts_capture_facts *facts = rts_capture_facts(pace->capture);
    return rts_clock_process_cpu_ns() + facts->asked.cpu_ms * 1000000 + facts->near.cpu_ns;
}

void rts_pace_read_cpu(struct rts_pace *pace, bool sampling)
{
    uint32_t frequency = rts_capture_facts(pace->capture)->frequency;
    const struct rts_cpu_reading reading = {
        .now_ns = rts_clock_monotonic_ns(),
        .cpu_ns = own_cpu_ns(pace),
        .sampling = sampling,
        .frequency = frequency,
    };
    pace->samples_unread = 0;
    const struct rts_cpu_guard *wants = rts_guard_update(pace->guard, &reading);
    if (wants->frequency != frequency)
        rts_capture_set_frequency(pace->capture, wants->frequency, NULL);
}

bool rts_pace_admit(struct rts_pace *pace, uint64_t instance, uint64_t time, enum rts_drop *reason)
{
    if (pace->capture && ++pace->samples_unread >= SAMPLES_PER_READING)
        rts_pace_read_cpu(pace, true);
    int drop = rts_guard_admit(pace->guard, instance, time);
    if (drop >= 0)
        *reason = (enum rts_drop)drop;
    return drop < 0;
}

void rts_pace_tell_news(struct rts_pace *pace, uint64_t now)
{
    if (!rts_guard_has_news(pace->guard, now))
        return;
    const struct rts_cpu_guard *cpu = rts_guard_cpu(pace->guard);
    uint32_t frequency = rts_capture_facts(pace->capture)->frequency;
    uint32_t limit = pace->limits.max_cpu_percent;
    switch (cpu->state) {
    case RTS_CPU_CALM:
        rts_log("back to %u Hz: the CPU time used is well below Sampler:MaxCpuPercent", frequency);
        break;
    case RTS_CPU_LOWERED:
        rts_log("sampling at %u Hz to stay below %u %% of a CPU (Sampler:MaxCpuPercent)", frequency,
                limit);
        break;
    case RTS_CPU_SHEDDING:
        rts_log("sampling at %u Hz and leaving samples out to stay below %u %% of a CPU "
                "(Sampler:MaxCpuPercent)",
                frequency, limit);
        break;
    }
}
