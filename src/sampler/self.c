/* SPDX-License-Identifier: Apache-2.0 */
#include "sampler/self.h"

#include <sys/resource.h>

#include "util/clock.h"

bool rts_self_is(const struct rts_self *self, int32_t pid)
{
    return pid == self->pid || (pid > 0 && pid == self->probe) ||
           (pid > 0 && pid == rts_rpm_starter_pid(self->starter)) ||
           (self->broker && rts_broker_is_own(self->broker, pid));
}

/* What the broker of the thread that traces has counted. */
static struct rts_broker_counts tracer_asked(const struct rts_self *self)
{
    return self->capture ? rts_capture_facts(self->capture)->asked : (struct rts_broker_counts){0};
}

struct rts_looking rts_self_looking(const struct rts_self *self)
{
    if (!self->broker)
        return (struct rts_looking){0};
    const struct rts_broker_counts counts = rts_broker_counts(self->broker);
    const struct rts_broker_counts tracers = tracer_asked(self);
    return (struct rts_looking){counts.asked + tracers.asked, counts.late + tracers.late,
                                counts.refused + tracers.refused,
                                counts.replaced + tracers.replaced};
}

struct rts_near_facts rts_self_near(const struct rts_self *self)
{
    if (!self->capture)
        return (struct rts_near_facts){0};
    const struct rts_near_counts *counts = &rts_capture_facts(self->capture)->near;
    return (struct rts_near_facts){counts->samples, counts->frozen, counts->late, counts->refused};
}

uint64_t rts_self_cpu_ms(const struct rts_self *self)
{
    struct rusage usage;
    uint64_t broker_ms = tracer_asked(self).cpu_ms;
    broker_ms += self->capture ? rts_capture_facts(self->capture)->near.cpu_ns / 1000000 : 0;
    broker_ms += self->broker ? rts_broker_counts(self->broker).cpu_ms : 0;
    getrusage(RUSAGE_SELF, &usage);
    return broker_ms + (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000 +
           (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1000;
}

void rts_self_measure(struct rts_self *self)
{
    uint64_t now = rts_clock_monotonic_ns(), cpu_ms = rts_self_cpu_ms(self);
    double elapsed_ms = (double)(now - self->checked_ns) / 1e6;
    if (elapsed_ms < 1)
        return;
    double percent = 100.0 * (double)(cpu_ms - self->checked_ms) / elapsed_ms;
    if (self->checked_ms > 0 && percent > self->max_cpu_percent)
        self->max_cpu_percent = percent;
    self->checked_ns = now;
    self->checked_ms = cpu_ms;
}
