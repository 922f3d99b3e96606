/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RTS_CAPTURE_ADVICE_H
#define RTS_CAPTURE_ADVICE_H

#include "broker/proc.h"
#include "capture/refusal.h"
#include "util/error.h"

/* Turns the errno of something that was refused into a message that says why and what to grant, by
 * what this process and the target are now: refusal.h. `pid` is the target of RTS_PERF_PROCESS, -1
 * otherwise. error->cause is the word for the cause. Always returns -1. */
int rts_capture_refused(const struct rts_proc *proc, enum rts_perf_scope scope, int32_t pid,
                        int number, struct rts_error *error);

/* May `pid` be traced, without touching it? 0, or -1 with the reason: RTS_NOT_FOUND when there is
 * no such process. */
int rts_capture_check_ptrace(int32_t pid, struct rts_error *error);

/* What would let us look into `pid`, whose files in /proc were refused with `number`: a clause such
 * as "grant CAP_SYS_PTRACE, or run as root", to be freed. */
char *rts_capture_access_remedy(const struct rts_proc *proc, int32_t pid, int number);

#endif
