/* SPDX-License-Identifier: Apache-2.0 */
#include "guard/cpu_guard.h"

#include "util/clock.h"

#define MARK_NS (RTS_NS_PER_S / 16)

/* How often the frequency is looked at while there is shedding; the time after which it may rise;
 * and the time that must pass between two messages. */
#define LOOK_NS (RTS_NS_PER_S / 2)
#define CALM_NS (2 * RTS_NS_PER_S)
#define TELL_NS (10 * RTS_NS_PER_S)

/* More CPUs than there are; keeps products in 64 bits. */
#define PERCENT_MAX 100000

/* Use that shedding cannot save is put up with for so long. */
#define PATIENCE_NS (2 * RTS_NS_PER_S)

static uint64_t difference(uint64_t now, uint64_t then)
{
    return now > then ? now - then : 0;
}

static uint64_t min(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

void rts_cpu_guard_init(struct rts_cpu_guard *guard, uint32_t percent, uint32_t frequency)
{
    *guard = (struct rts_cpu_guard){
        .frequency = frequency,
        .full_frequency = frequency,
        .limit_ns = min(percent, PERCENT_MAX) * (RTS_NS_PER_S / 100),
    };
    guard->budget_ns = (int64_t)(guard->limit_ns / 4);
}

/* ---- measuring ---- */

static void add_mark(struct rts_cpu_guard *guard)
{
    guard->marks[guard->mark_next] = guard->last;
    guard->mark_next = (guard->mark_next + 1) % RTS_CPU_GUARD_MARKS;
    if (guard->mark_count < RTS_CPU_GUARD_MARKS)
        guard->mark_count++;
}

/* The newest mark that is at least a second old, or the oldest. */
static const struct rts_cpu_mark *window_begin(const struct rts_cpu_guard *guard)
{
    const struct rts_cpu_mark *mark = NULL;
    for (size_t age = 1; age <= guard->mark_count; age++) {
        mark = &guard->marks[(guard->mark_next + RTS_CPU_GUARD_MARKS - age) % RTS_CPU_GUARD_MARKS];
        if (difference(guard->last.now_ns, mark->now_ns) >= RTS_NS_PER_S)
            break;
    }
    return mark;
}

/* What was used between then and now, for one second of that time; of less than a second, all. */
static uint64_t per_second(uint64_t used_ns, uint64_t elapsed_ns)
{
    if (elapsed_ns <= RTS_NS_PER_S)
        return used_ns;
    return (uint64_t)((double)used_ns * ((double)RTS_NS_PER_S / (double)elapsed_ns));
}

/* Takes the reading in. Returns the time since the one before. */
static uint64_t measure(struct rts_cpu_guard *guard, const struct rts_cpu_reading *reading)
{
    struct rts_cpu_mark *last = &guard->last;
    if (!guard->begun) {
        guard->begun = true;
        *last = (struct rts_cpu_mark){.now_ns = reading->now_ns, .cpu_ns = reading->cpu_ns};
        guard->looked_ns = guard->strained_at_ns = reading->now_ns;
        add_mark(guard);
        return 0;
    }
    uint64_t elapsed = difference(reading->now_ns, last->now_ns);
    uint64_t used = difference(reading->cpu_ns, last->cpu_ns);
    last->now_ns += elapsed;
    last->cpu_ns += used;
    last->sampling_ns += reading->sampling ? used : 0;
    guard->budget_ns -= (int64_t)min(used, INT32_MAX);
    return elapsed;
}

/* Could shedding save anything that matters: an eighth of the limit? Else the use has to pass by
 * itself, within a time. */
static bool shedding_helps(const struct rts_cpu_guard *guard, uint64_t sampling_ns)
{
    return sampling_ns >= guard->limit_ns / 8 ||
           (guard->over_since_ns &&
            difference(guard->last.now_ns, guard->over_since_ns) >= PATIENCE_NS);
}

/* Decides on shedding. */
static void weigh(struct rts_cpu_guard *guard, uint64_t elapsed)
{
    const struct rts_cpu_mark *begin = window_begin(guard);
    uint64_t window = difference(guard->last.now_ns, begin->now_ns);
    int64_t budget_max = (int64_t)(guard->limit_ns / 4);
    guard->used_ns = per_second(guard->last.cpu_ns - begin->cpu_ns, window);
    bool over = guard->used_ns >= guard->limit_ns;

    /* While the window is over the limit nothing is saved up, or the burst that did it would come
     * again every second. */
    if (!over)
        guard->budget_ns += (int64_t)(min(elapsed, RTS_NS_PER_S) * (guard->limit_ns / 1000) * 9 /
                                      10 / (RTS_NS_PER_S / 1000));
    if (guard->budget_ns > budget_max)
        guard->budget_ns = budget_max;
    /* No deep debts: that a burst of work is made up for is up to the window. */
    if (guard->budget_ns < -budget_max / 4)
        guard->budget_ns = -budget_max / 4;

    bool spent = over || guard->budget_ns < 0;
    if (!spent)
        guard->over_since_ns = 0;
    else if (guard->over_since_ns == 0)
        guard->over_since_ns = guard->last.now_ns;
    uint64_t sampling = per_second(guard->last.sampling_ns - begin->sampling_ns, window);
    bool enough_again = !over && guard->budget_ns > budget_max / 16;
    if (spent && shedding_helps(guard, sampling))
        guard->shedding = true;
    else if (spent || enough_again)
        guard->shedding = false;
}

/* ---- the frequency ---- */

static void change_frequency(struct rts_cpu_guard *guard, uint64_t wanted)
{
    uint64_t lowest = min(guard->full_frequency, RTS_CPU_GUARD_FREQUENCY_MIN);
    if (wanted < lowest)
        wanted = lowest;
    if (wanted > guard->full_frequency)
        wanted = guard->full_frequency;
    if (wanted == guard->frequency)
        return;
    guard->frequency = (uint32_t)wanted;
    guard->strained_at_ns = guard->last.now_ns;
}

/* By the part of the time since the last look in which samples were shed. */
static void lower_frequency(struct rts_cpu_guard *guard, uint64_t frequency, uint64_t elapsed)
{
    uint64_t percent = 100 - min(guard->shed_ns * 100 / elapsed, 100);
    percent = percent > 75 ? 75 : percent < 25 ? 25 : percent;
    change_frequency(guard, frequency * percent / 100);
}

static void raise_frequency(struct rts_cpu_guard *guard, uint64_t frequency)
{
    uint64_t room = guard->limit_ns / 4 * 3;
    uint64_t wanted =
        guard->used_ns <= room / 2 ? frequency * 2 : frequency * room / guard->used_ns;
    change_frequency(guard, wanted > frequency ? wanted : frequency + 1);
}

/* `out_of_calm`: shedding has just begun, after at least a second without. */
static void tune(struct rts_cpu_guard *guard, uint32_t frequency, bool out_of_calm)
{
    uint64_t now = guard->last.now_ns, elapsed = difference(now, guard->looked_ns);
    guard->frequency = frequency;
    if (out_of_calm) {
        change_frequency(guard, frequency / 2);
    } else if (elapsed < LOOK_NS) {
        return;
    } else if (guard->shed_ns > elapsed / 50) {
        lower_frequency(guard, frequency, elapsed);
    } else if (guard->used_ns < guard->limit_ns / 10 * 6 &&
               difference(now, guard->strained_at_ns) >= CALM_NS) {
        raise_frequency(guard, frequency);
    }
    guard->looked_ns = now;
    guard->shed_ns = 0;
}

/* ---- all of it ---- */

static bool shed_lately(const struct rts_cpu_guard *guard)
{
    return guard->has_shed && difference(guard->last.now_ns, guard->shed_at_ns) < RTS_NS_PER_S;
}

static enum rts_cpu_state state_of(const struct rts_cpu_guard *guard)
{
    if (shed_lately(guard))
        return RTS_CPU_SHEDDING;
    return guard->frequency < guard->full_frequency ? RTS_CPU_LOWERED : RTS_CPU_CALM;
}

void rts_cpu_guard_update(struct rts_cpu_guard *guard, const struct rts_cpu_reading *reading)
{
    if (guard->limit_ns == 0)
        return;
    bool was_shedding = guard->shedding;
    uint64_t elapsed = measure(guard, reading);
    bool was_calm = !shed_lately(guard);
    weigh(guard, elapsed);
    if (was_shedding)
        guard->shed_ns += elapsed;
    if (was_shedding || guard->shedding) {
        guard->has_shed = true;
        guard->shed_at_ns = guard->strained_at_ns = guard->last.now_ns;
    }
    tune(guard, reading->frequency, guard->shedding && was_calm);
    guard->state = state_of(guard);
    const struct rts_cpu_mark *newest =
        &guard->marks[(guard->mark_next + RTS_CPU_GUARD_MARKS - 1) % RTS_CPU_GUARD_MARKS];
    if (difference(guard->last.now_ns, newest->now_ns) >= MARK_NS)
        add_mark(guard);
}

bool rts_cpu_guard_has_news(struct rts_cpu_guard *guard, uint64_t now_ns)
{
    if (guard->state == guard->told ||
        (guard->told_ns != 0 && difference(now_ns, guard->told_ns) < TELL_NS))
        return false;
    guard->told = guard->state;
    guard->told_ns = now_ns;
    return true;
}
