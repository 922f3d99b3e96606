/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Code whose stacks are known: one call tree for each form. It runs in a process of its own, and
 * whoever samples that knows what has to come out.
 */
#ifndef RTS_SELFTEST_FORMS_H
#define RTS_SELFTEST_FORMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "facts/selftest_facts.h"

/* Shared with whoever tells which form is wanted. */
struct rts_form_control {
    volatile int wanted; /* enum rts_form; another number: none */
    /* When a form was where it stays, on CLOCK_MONOTONIC; 0: not yet. */
    volatile uint64_t settled_ns[RTS_FORM_COUNT];
};

/* Runs the form until another one is wanted. */
void rts_form_run(enum rts_form form, struct rts_form_control *control);

/* A function that has to be on the stack, and how often, without anything in between. */
struct rts_form_step {
    const void *function;
    unsigned times;
    bool gap; /* others may lie between the one before, further in, and this one */
};

#define RTS_FORM_STEPS_MAX 6

/* The stack of a form from its own innermost function on outwards: what is further in belongs to
 * what that calls. Returns the number of steps. */
size_t rts_form_stack(enum rts_form form, struct rts_form_step steps[RTS_FORM_STEPS_MAX]);

/* Does the stack of the form end where it leaves the memory that was copied? */
bool rts_form_leaves_stack(enum rts_form form);

#endif
