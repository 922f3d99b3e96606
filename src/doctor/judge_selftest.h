/* SPDX-License-Identifier: Apache-2.0 */
/* What the self-test of the unwinders found, as a report. */
#ifndef RTS_DOCTOR_JUDGE_SELFTEST_H
#define RTS_DOCTOR_JUDGE_SELFTEST_H

#include "doctor/check.h"
#include "facts/selftest_facts.h"

/* One way to sample. */
struct rts_selftest_findings {
    bool was_run;
    struct rts_error error; /* why it was not */
    struct rts_selftest_facts facts;
};

/* Makes the report. */
void rts_judge_selftest(const struct rts_selftest_findings *perf,
                        const struct rts_selftest_findings *ptrace, struct rts_report *report);

#endif
