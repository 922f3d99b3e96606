/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `doctor --self`: what each of our own processes and threads keeps of what it could do, found out
 * on children that are sealed as those are, from what the kernel says of them.
 */
#ifndef RTS_DOCTOR_SELF_SEAL_H
#define RTS_DOCTOR_SELF_SEAL_H

#include "doctor/check.h"
#include "doctor/findings.h"
#include "sealing/seal.h"

/* Of a child that was sealed as one of this kind. */
struct rts_seal_findings {
    int number; /* errno of starting it, or of reading about it; 0: what follows holds */
    struct rts_sealed sealed; /* what it could not have, by its own account */
    uint64_t allowed;         /* capabilities that its kind keeps of those that we have */
    uint64_t permitted, effective, inheritable, bounding, ambient; /* what it has */
    int no_new_privileges;
    int seccomp; /* mode: 2 a filter; -1: not told */
    int filters; /* how many, where the kernel tells (Linux 5.9); -1 */
    int dumpable;
    uint64_t core_limit; /* the hard one */
};

struct rts_self_findings {
    struct rts_host host;
    uint32_t user;
    bool may_bound;  /* CAP_SETPCAP, without which the bounding set stays */
    bool own_filter; /* a filter was there before ours */
    struct rts_seal_findings kinds[RTS_SEAL_KINDS];
};

/* Starts, looks at and ends a child of each kind, one after the other. `needs` is what a run has
 * (enum rts_seal_need). `proc_root` and so on as for rts_probe_all(). */
void rts_probe_self_seal(struct rts_self_findings *findings, unsigned needs, const char *proc_root,
                         const char *sys_root, const char *file_root);

/* One check for each kind, "sealed.main" and so on, a verdict and the exit status. Pure. */
void rts_judge_self_seal(const struct rts_self_findings *findings, struct rts_report *report);

#endif
