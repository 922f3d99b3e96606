/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The self-test: a process of ours whose stacks are known is sampled as the targets are, and its
 * stacks are unwound by the rules and by libunwind. A round goes through all forms, and stays with
 * each until it has been sampled a few times, or has had its part of the time. It takes 0.2 s of
 * CPU time at most.
 */
#ifndef RTS_SELFTEST_SELFTEST_H
#define RTS_SELFTEST_SELFTEST_H

#include "facts/selftest_facts.h"
#include "selftest/subject.h"
#include "unwind/method.h"

struct rts_selftest {
    struct rts_subject subject;
    void *states[RTS_SELFTEST_BY_COUNT]; /* of the methods; NULL: that one cannot be used */
    struct rts_stack *stack;
    uint64_t bias;        /* of our own program */
    enum rts_form form;   /* that is being run */
    unsigned samples;     /* of it, in this round */
    uint64_t form_cpu_ns; /* the subject's CPU time when it began */
    struct rts_selftest_facts facts;
};

/* Makes what a self-test takes. `rules` are borrowed. Fails when libunwind cannot be used. */
int rts_selftest_open(struct rts_selftest *test, const struct rts_architecture *arch,
                      struct rts_rule_cache *rules, struct rts_error *error);

/* Begins a round; its process is test->subject.pid from then on, which the caller has sampled. */
int rts_selftest_begin(struct rts_selftest *test, const struct rts_origin *origin,
                       struct rts_error *error);

/* A sample of that process. */
void rts_selftest_take(struct rts_selftest *test, const struct rts_unwind_task *task,
                       uint64_t time);

/* To be called after each drain: goes on to the next form. False: the round has ended. */
bool rts_selftest_turn(struct rts_selftest *test);

/* Ends the round that is under way, and frees all. What it has found stays. */
void rts_selftest_close(struct rts_selftest *test);

#endif
