/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From what the probes have found to the report: what works, what does not, why, what would mend it
 * and what is lost without. Pure. The causes of refusals are those of capture/refusal.h, which
 * sampling gives as well; the other words are in the manual.
 */
#ifndef RTS_DOCTOR_JUDGE_H
#define RTS_DOCTOR_JUDGE_H

#include "doctor/check.h"
#include "doctor/findings.h"

/* Fills the report: all checks, the verdict and the exit status. */
void rts_judge(const struct rts_findings *findings, struct rts_report *report);

/* Its parts: each appends its checks. */
void rts_judge_perf(const struct rts_findings *findings, struct rts_report *report);
void rts_judge_ptrace(const struct rts_findings *findings, struct rts_report *report);
void rts_judge_near(const struct rts_findings *findings, struct rts_report *report);
void rts_judge_target(const struct rts_findings *findings, struct rts_report *report);
void rts_judge_entry(const struct rts_findings *findings, struct rts_report *report);
void rts_judge_self(const struct rts_findings *findings, struct rts_report *report);
void rts_judge_kernel(const struct rts_findings *findings, struct rts_report *report);
void rts_judge_endpoint(const struct rts_findings *findings, struct rts_report *report);

#endif
