/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How much is sampled: the guards that leave samples out, fed with our own CPU time, the frequency
 * that they ask for, and what people are told of it.
 */
#ifndef RTS_SAMPLER_PACE_H
#define RTS_SAMPLER_PACE_H

#include "capture/capture.h"
#include "facts/account.h"
#include "guard/guard.h"
#include "settings/settings.h"

struct rts_pace {
    struct rts_guard *guard;       /* NULL: not open yet */
    struct rts_guard_facts limits; /* in force */
    struct rts_capture *capture;   /* borrowed; NULL: nobody is burdened, and our CPU time is not
                                      looked at */
    unsigned samples_unread;       /* since our CPU time was read */
    bool limit_said;               /* that the limit on events leaves samples out */
};

/* The limits that the settings ask for. */
struct rts_guard_facts rts_pace_limits(const struct rts_settings *settings);

/* The frequency to begin with, in Hz: less than the settings say where that is too much for the
 * limit on events from the start, which is said. */
uint32_t rts_pace_start_frequency(const struct rts_settings *settings);

/* Makes the guards. `frequency` is what sampling begins with, in Hz; `capture` is borrowed, and as
 * in struct rts_pace. */
void rts_pace_open(struct rts_pace *pace, const struct rts_guard_facts *limits, uint32_t frequency,
                   struct rts_capture *capture);

/* Accepts one that was never opened. */
void rts_pace_close(struct rts_pace *pace);

/* Reads our CPU time and does what the guard wants with the frequency. `sampling`: the time since
 * the last reading was spent on records. */
void rts_pace_read_cpu(struct rts_pace *pace, bool sampling);

/* Is a sample of this process instance to be used? Else *reason is what it is counted for. */
bool rts_pace_admit(struct rts_pace *pace, uint64_t instance, uint64_t time, enum rts_drop *reason);

/* Tells people, once, that the limit on events leaves samples out, and how to raise it. */
void rts_pace_tell_limit(struct rts_pace *pace, const struct rts_account *account,
                         const struct rts_settings *settings);

/* Tells people, at most every ten seconds, that the CPU guard's state has changed. */
void rts_pace_tell_news(struct rts_pace *pace, uint64_t now);

#endif
