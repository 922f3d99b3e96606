/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/near_proof.h"

#include <stdlib.h>
#include <string.h>

#include "util/memory.h"
#include "util/table.h"

void rts_near_switches_init(struct rts_near_switches *switches, unsigned cpu_count)
{
    *switches = (struct rts_near_switches){
        .cpus = rts_calloc(cpu_count, sizeof *switches->cpus),
        .cpu_count = cpu_count,
    };
}

void rts_near_switches_finish(struct rts_near_switches *switches)
{
    for (unsigned cpu = 0; cpu < switches->cpu_count; cpu++)
        free(switches->cpus[cpu].items);
    free(switches->cpus);
    *switches = (struct rts_near_switches){0};
}

void rts_near_switches_lost(struct rts_near_switches *switches, uint64_t time)
{
    if (time > switches->unsure_until)
        switches->unsure_until = time;
}

static void cut(struct rts_near_switches_of_cpu *of, size_t first)
{
    if (first == 0)
        return;
    of->count -= first;
    memmove(of->items, of->items + first, of->count * sizeof *of->items);
}

uint64_t rts_near_digest(const uint64_t *registers, size_t count)
{
    uint64_t digest = count;
    for (size_t i = 0; i < count; i++)
        digest = rts_hash_u64(digest) + registers[i];
    return rts_hash_u64(digest) | 1;
}

void rts_near_switches_add(struct rts_near_switches *switches, unsigned cpu,
                           const struct rts_near_switch *one)
{
    if (cpu >= switches->cpu_count)
        return;
    struct rts_near_switches_of_cpu *of = &switches->cpus[cpu];
    if (of->count == RTS_NEAR_SWITCHES_MAX) {
        rts_near_switches_lost(switches, of->items[of->count / 2].time);
        cut(of, of->count / 2);
    }
    of->items = rts_grow(of->items, of->count, &of->capacity, sizeof *of->items);
    of->items[of->count++] = *one;
}

/* The first one that is not older than `time`; they are in the order of time. */
static size_t first_from(const struct rts_near_switches_of_cpu *of, uint64_t time)
{
    size_t low = 0, high = of->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (of->items[middle].time < time)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

void rts_near_switches_forget(struct rts_near_switches *switches, uint64_t before)
{
    for (unsigned cpu = 0; cpu < switches->cpu_count; cpu++)
        cut(&switches->cpus[cpu], first_from(&switches->cpus[cpu], before));
}

/* The first switch of a thread from `time` to `end`, of those to it alone where `in` is wanted; NULL:
 * there is none. */
static const struct rts_near_switch *first_of(const struct rts_near_switches_of_cpu *of, bool in,
                                              int32_t tid, uint64_t time, uint64_t end)
{
    for (size_t i = first_from(of, time); i < of->count && of->items[i].time <= end; i++)
        if (of->items[i].tid == tid && (of->items[i].in || !in))
            return &of->items[i];
    return NULL;
}

static bool left_at_once(const struct rts_near_switch *out, const struct rts_near_moment *moment)
{
    uint64_t after = out->time - moment->sample_ns;
    if (out->registers == 0 || moment->registers == 0)
        return after <= RTS_NEAR_OUT_NS;
    return out->registers == moment->registers && after <= RTS_NEAR_OUT_KNOWN_NS;
}

bool rts_near_is_frozen(const struct rts_near_switches *switches,
                        const struct rts_near_moment *moment)
{
    if (moment->cpu >= switches->cpu_count || moment->sample_ns <= switches->unsure_until ||
        moment->begin_ns < moment->sample_ns || moment->end_ns < moment->begin_ns)
        return false;
    const struct rts_near_switch *out = first_of(&switches->cpus[moment->cpu], false, moment->tid,
                                                 moment->sample_ns, moment->begin_ns);
    if (!out || out->in || !left_at_once(out, moment))
        return false;
    for (unsigned cpu = 0; cpu < switches->cpu_count; cpu++)
        if (first_of(&switches->cpus[cpu], true, moment->tid, out->time, moment->end_ns))
            return false;
    return true;
}
