/* SPDX-License-Identifier: Apache-2.0 */
/* The guards at work: our own CPU time in, the sampling frequency and what people are told out. */
#include "session/session.h"

#include <inttypes.h>
#include <time.h>
#include <unistd.h>

#include "util/clock.h"
#include "util/log.h"

/* Samples between two readings while a drain is under way: each costs some tens of microseconds. */
#define SAMPLES_PER_READING 64

struct rts_guard_facts rts_session_guard_facts(const struct rts_session *session)
{
    const struct rts_sampler_settings *sampler = &session->settings->sampler;
    bool limited =
        !session->replay || rts_settings_is_told(session->settings, "Sampler:MaxEventsPerSecond");
    return (struct rts_guard_facts){
        .ratio = sampler->ratio,
        .max_events_per_second = limited ? sampler->max_events_per_second : 0,
        .max_cpu_percent = session->replay ? 0 : sampler->max_cpu_percent,
    };
}

static struct rts_guard_options guard_options(const struct rts_session *session, uint32_t frequency)
{
    const struct rts_guard_facts facts = rts_session_guard_facts(session);
    return (struct rts_guard_options){
        .ratio = facts.ratio,
        .max_events_per_second = facts.max_events_per_second,
        .max_cpu_percent = facts.max_cpu_percent,
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

uint32_t rts_session_start_frequency(const struct rts_session *session)
{
    uint32_t wanted = session->settings->frequency;
    if (session->settings->target != RTS_TARGET_ALL)
        return wanted;
    unsigned cpus = online_cpus();
    struct rts_guard_options options = guard_options(session, wanted);
    uint32_t fitting = rts_guard_fitting_frequency(&options, cpus);
    if (fitting < wanted)
        rts_log("%u Hz instead of %u: %u CPUs would give more samples than "
                "Sampler:MaxEventsPerSecond, which is %u; for all of them " HOW_TO_RAISE,
                fitting, wanted, cpus, options.max_events_per_second, all_events(wanted, cpus));
    return fitting;
}

void rts_session_tell_rate_limit(struct rts_session *session)
{
    uint32_t limit = session->settings->sampler.max_events_per_second;
    if (session->replay || session->limit_said ||
        session->account.dropped[RTS_DROP_RATE_LIMIT] == 0)
        return;
    session->limit_said = true;
    rts_log(
        "more than %u samples came in a second, which is Sampler:MaxEventsPerSecond: the others "
        "are left out and counted; to use all, " HOW_TO_RAISE " or sample less often (-F)",
        limit, all_events(session->settings->frequency, online_cpus()));
}

void rts_session_open_guard(struct rts_session *session)
{
    struct rts_guard_options options =
        guard_options(session, rts_capture_facts(session->capture)->frequency);
    session->guard = rts_guard_create(&options);
}

/* With what is read for the thread that traces: so much for each sample. */
static uint64_t own_cpu_ns(const struct rts_session *session)
{
    struct timespec used;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return (uint64_t)used.tv_sec * 1000000000 + (uint64_t)used.tv_nsec +
           rts_capture_facts(session->capture)->asked.cpu_ms * 1000000;
}

void rts_session_read_cpu(struct rts_session *session, bool sampling)
{
    uint32_t frequency = rts_capture_facts(session->capture)->frequency;
    const struct rts_cpu_reading reading = {
        .now_ns = rts_clock_monotonic_ns(),
        .cpu_ns = own_cpu_ns(session),
        .sampling = sampling,
        .frequency = frequency,
    };
    session->samples_unread = 0;
    const struct rts_cpu_guard *wants = rts_guard_update(session->guard, &reading);
    if (wants->frequency != frequency)
        rts_capture_set_frequency(session->capture, wants->frequency, NULL);
}

int rts_session_guard_sample(struct rts_session *session, uint64_t instance, uint64_t time)
{
    if (!session->replay && ++session->samples_unread >= SAMPLES_PER_READING)
        rts_session_read_cpu(session, true);
    return rts_guard_admit(session->guard, instance, time);
}

void rts_session_tell_guard(struct rts_session *session, uint64_t now)
{
    if (!rts_guard_has_news(session->guard, now))
        return;
    const struct rts_cpu_guard *cpu = rts_guard_cpu(session->guard);
    uint32_t frequency = rts_capture_facts(session->capture)->frequency;
    switch (cpu->state) {
    case RTS_CPU_CALM:
        rts_log("back to %u Hz: the CPU time used is well below Sampler:MaxCpuPercent", frequency);
        break;
    case RTS_CPU_LOWERED:
        rts_log("sampling at %u Hz to stay below %u %% of a CPU (Sampler:MaxCpuPercent)", frequency,
                session->settings->sampler.max_cpu_percent);
        break;
    case RTS_CPU_SHEDDING:
        rts_log("sampling at %u Hz and leaving samples out to stay below %u %% of a CPU "
                "(Sampler:MaxCpuPercent)",
                frequency, session->settings->sampler.max_cpu_percent);
        break;
    }
}
