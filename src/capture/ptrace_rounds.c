/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/ptrace_rounds.h"

#include "util/clock.h"

/* Of the limit, what goes into looking for those that have begun to use the CPU. */
#define IDLE_PART 4

/* One look is not longer: whoever runs whenever they want keeps the targets from running. */
#define LOOK_NS_MAX 5000000ULL

/* Once somebody was asked to stop, the look is over after that. */
#define ASKED_NS 200000ULL

/* What is saved up, or owed, at most: this part of a second's. */
#define SAVED_PART 8

/* More CPUs than there are; keeps products in 64 bits. */
#define PERCENT_MAX 100000

/* Who has used no CPU time for so long is idle. */
#define BUSY_NS RTS_NS_PER_S

void rts_ptrace_rounds_init(struct rts_ptrace_rounds *rounds, uint32_t percent)
{
    *rounds = (struct rts_ptrace_rounds){
        .limit_ns = (percent < PERCENT_MAX ? percent : PERCENT_MAX) * (RTS_NS_PER_S / 100),
    };
    rounds->left_ns = (int64_t)(rounds->limit_ns / SAVED_PART);
}

bool rts_ptrace_rounds_begin(struct rts_ptrace_rounds *rounds, uint64_t now_ns, uint64_t cpu_ns)
{
    bool begun = rounds->now_ns != 0;
    uint64_t elapsed = begun && now_ns > rounds->now_ns ? now_ns - rounds->now_ns : 0;
    uint64_t used = begun && cpu_ns > rounds->cpu_ns ? cpu_ns - rounds->cpu_ns : 0;
    rounds->now_ns = now_ns;
    rounds->cpu_ns = cpu_ns;
    rounds->elapsed_ns = elapsed < RTS_NS_PER_S ? elapsed : RTS_NS_PER_S;
    if (rounds->limit_ns == 0)
        return true;
    int64_t saved_max = (int64_t)(rounds->limit_ns / SAVED_PART);
    rounds->left_ns += (int64_t)(rounds->elapsed_ns * (rounds->limit_ns / 1000) / 1000000);
    rounds->left_ns -= (int64_t)(used < RTS_NS_PER_S ? used : RTS_NS_PER_S);
    if (rounds->left_ns > saved_max)
        rounds->left_ns = saved_max;
    if (rounds->left_ns < -saved_max)
        rounds->left_ns = -saved_max;
    return rounds->left_ns >= 0;
}

static uint64_t min(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static void make_idle(struct rts_ptrace_targets *targets, size_t index)
{
    struct rts_ptrace_thread *thread = targets->threads[index];
    thread->busy = false;
    targets->threads[index] = targets->threads[--targets->busy_count];
    targets->threads[targets->busy_count] = thread;
}

struct look {
    struct rts_ptrace_targets *targets;
    bool (*look_at)(void *context, struct rts_ptrace_thread *thread);
    void *context;
    uint64_t now, until; /* until then for all of it */
    size_t seen;
};

/* Returns the thread. */
static struct rts_ptrace_thread *look_at(struct look *look, size_t index)
{
    struct rts_ptrace_thread *thread = look->targets->threads[index];
    uint64_t cpu_ns = thread->cpu_ns;
    bool asked = look->look_at(look->context, thread);
    look->now = rts_clock_monotonic_ns();
    look->seen++;
    look->targets->has_gone = look->targets->has_gone || thread->gone;
    if (thread->cpu_ns != cpu_ns)
        thread->grew_ns = look->now;
    if (asked)
        look->until = min(look->until, look->now + ASKED_NS);
    return thread;
}

static void look_at_busy(struct rts_ptrace_rounds *rounds, struct look *look)
{
    struct rts_ptrace_targets *targets = look->targets;
    size_t *next = &rounds->busy_next;
    for (size_t left = targets->busy_count; left > 0; left--) {
        if (*next >= targets->busy_count)
            *next = 0;
        const struct rts_ptrace_thread *thread = look_at(look, *next);
        if (look->now - thread->grew_ns < BUSY_NS)
            ++*next;
        else
            make_idle(targets, *next); /* another one is there now */
        if (look->now >= look->until)
            return;
    }
}

static void look_at_idle(struct rts_ptrace_rounds *rounds, struct look *look, uint64_t until)
{
    struct rts_ptrace_targets *targets = look->targets;
    size_t *next = &rounds->idle_next;
    for (size_t left = targets->count - targets->busy_count; left > 0; left--) {
        if (*next < targets->busy_count || *next >= targets->count)
            *next = targets->busy_count;
        const struct rts_ptrace_thread *thread = look_at(look, *next);
        if (thread->grew_ns == look->now)
            rts_ptrace_targets_make_busy(targets, *next);
        ++*next;
        if (look->now >= min(until, look->until))
            return;
    }
}

void rts_ptrace_rounds_look(struct rts_ptrace_rounds *rounds, struct rts_ptrace_targets *targets,
                            bool (*each)(void *context, struct rts_ptrace_thread *thread),
                            void *context)
{
    uint64_t now = rts_clock_monotonic_ns(), all = UINT64_MAX, idle = UINT64_MAX;
    if (rounds->limit_ns > 0) {
        all = now + min(rounds->left_ns > 0 ? (uint64_t)rounds->left_ns : 0, LOOK_NS_MAX);
        idle = rounds->elapsed_ns * (rounds->limit_ns / IDLE_PART / 1000) / 1000000;
    }
    struct look look = {
        .targets = targets, .look_at = each, .context = context, .now = now, .until = all};
    look_at_busy(rounds, &look);
    if (rounds->limit_ns > 0)
        idle = look.now + min(idle, LOOK_NS_MAX);
    look_at_idle(rounds, &look, idle);
    /* Those that became busy, or idle, meanwhile may have been looked at twice. */
    rounds->put_off += targets->count > look.seen ? targets->count - look.seen : 0;
}
