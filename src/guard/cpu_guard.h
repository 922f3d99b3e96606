/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keeps the CPU time that we use ourselves below a limit: asks for a lower sampling frequency
 * first, sheds samples when that is not enough, and takes both back when there is room. A pure
 * state machine: it is told times and never asks for them.
 *
 * Two measures of the same time:
 *
 *     window   user and system time of the last second; at the limit, samples are shed
 *     budget   fills at 9/10 of the limit, holds a quarter of a second of it; when it is used up,
 *              samples are shed until there is some again. So shedding is spread in small doses.
 *
 * Frequency: lowered at once when shedding begins, then every half second by the part of the time
 * in which was shed (to a quarter at most); raised when nothing was shed for two seconds and less
 * than 6/10 of the limit was used, to where 3/4 would be (at most twofold). Between 6/10 and 9/10
 * nothing is changed, so it does not swing.
 *
 * Time that shedding cannot save, such as that of naming, is no reason to shed as long as it passes
 * within two seconds.
 */
#ifndef RTS_GUARD_CPU_GUARD_H
#define RTS_GUARD_CPU_GUARD_H

#include "types.h"

/* Never asks for less than this many Hz (or what it began with, if that is less): below, evidence
 * is too thin, and shedding does the rest. */
#define RTS_CPU_GUARD_FREQUENCY_MIN 10

/* Enough for marks a sixteenth of a second apart to reach back more than a second. */
#define RTS_CPU_GUARD_MARKS 18

struct rts_cpu_reading {
    uint64_t now_ns;    /* any monotonic clock */
    uint64_t cpu_ns;    /* user and system time of all our threads, since any time */
    bool sampling;      /* what was used since the last reading was used on samples */
    uint32_t frequency; /* Hz, in effect */
};

/* From the best to the worst. */
enum rts_cpu_state {
    RTS_CPU_CALM,     /* the full frequency, nothing shed */
    RTS_CPU_LOWERED,  /* a lower frequency is enough */
    RTS_CPU_SHEDDING, /* samples were shed within the last second */
};

struct rts_cpu_mark {
    uint64_t now_ns, cpu_ns, sampling_ns;
};

struct rts_cpu_guard {
    /* What it wants: to be read after each update. */
    uint32_t frequency; /* Hz; differs from the reading's when it is to be changed */
    bool shedding;
    enum rts_cpu_state state;
    uint64_t used_ns; /* CPU time in the last second */

    /* The rest is its own. */
    uint64_t limit_ns; /* CPU time per second; 0: no limit */
    uint32_t full_frequency;
    bool begun;
    struct rts_cpu_mark last; /* sampling_ns: a sum of our own */
    struct rts_cpu_mark marks[RTS_CPU_GUARD_MARKS];
    size_t mark_next, mark_count;
    int64_t budget_ns;
    uint64_t over_since_ns;  /* the limit has been passed since then; 0: it has not */
    uint64_t shed_ns;        /* time spent shedding since the frequency was last looked at */
    uint64_t looked_ns;      /* when that was */
    uint64_t strained_at_ns; /* when was last shed, or the frequency changed */
    bool has_shed;
    uint64_t shed_at_ns; /* when was last shed */
    enum rts_cpu_state told;
    uint64_t told_ns;
};

/* `percent` of one CPU; 0: no limit. `frequency`: Hz, what it goes back to. */
void rts_cpu_guard_init(struct rts_cpu_guard *guard, uint32_t percent, uint32_t frequency);

/* A reading, to be given some ten times a second at least, and while samples are taken often enough
 * that none covers more than a few milliseconds of work. Times that go back count as no time. */
void rts_cpu_guard_update(struct rts_cpu_guard *guard, const struct rts_cpu_reading *reading);

/* True when people should be told of the state: it is another one than they were last told, which
 * was at least ten seconds ago. Remembers that they were told. */
bool rts_cpu_guard_has_news(struct rts_cpu_guard *guard, uint64_t now_ns);

#endif
