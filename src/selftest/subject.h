/* SPDX-License-Identifier: Apache-2.0 */
/* The process that runs the forms (forms.h): a child of ours, for as long as a round takes. */
#ifndef RTS_SELFTEST_SUBJECT_H
#define RTS_SELFTEST_SUBJECT_H

#include <sys/types.h>

#include "sealing/origin.h"
#include "selftest/forms.h"
#include "util/error.h"

struct rts_subject {
    pid_t pid;                     /* 0: there is none */
    struct rts_form_control *page; /* shared with it */
};

/* Starts it, to wait for the first form. It may be looked into by whom we might have been when we
 * were started: it has a copy of all our memory. */
int rts_subject_start(struct rts_subject *subject, const struct rts_origin *origin,
                      struct rts_error *error);

/* Has it run this form from now on. */
void rts_subject_run(struct rts_subject *subject, enum rts_form form);

/* When it was where it stays in this form, on CLOCK_MONOTONIC in ns; 0: not yet. */
uint64_t rts_subject_settled_ns(const struct rts_subject *subject, enum rts_form form);

/* CPU time that it has used, in ns. */
uint64_t rts_subject_cpu_ns(const struct rts_subject *subject);

/* Ends it, if there is one. */
void rts_subject_end(struct rts_subject *subject);

#endif
