/* SPDX-License-Identifier: Apache-2.0 */
/* The smallest fixes, for where we run: a command line, or what goes into which file. */
#ifndef RTS_DOCTOR_FIXES_H
#define RTS_DOCTOR_FIXES_H

#include "capture/refusal.h"
#include "doctor/check.h"
#include "doctor/findings.h"

/* Why a capability cannot simply be given to the program's file. */
enum rts_obstacle {
    RTS_OBSTACLE_NONE,
    RTS_OBSTACLE_USER_NAMESPACE,
    RTS_OBSTACLE_BOUNDING_SET,
    RTS_OBSTACLE_NO_NEW_PRIVILEGES,
    RTS_OBSTACLE_NOSUID,
};

/* What keeps us from having `capabilities` (bits). */
enum rts_obstacle rts_obstacle_find(const struct rts_findings *findings, uint64_t capabilities);

/* Its word, for causes; and what it is. */
const char *rts_obstacle_word(enum rts_obstacle obstacle);
const char *rts_obstacle_reason(enum rts_obstacle obstacle);

/* The capability that perf events of others take: CAP_PERFMON, or CAP_SYS_ADMIN where the kernel
 * does not know that. A bit. */
uint64_t rts_fix_monitoring(const struct rts_findings *findings);

/* Adds how to get these capabilities. */
void rts_fix_capabilities(struct rts_check *check, const struct rts_findings *findings,
                          uint64_t capabilities);

/* Adds how to set a kernel setting, "kernel.perf_event_paranoid=2": it is the host's. */
void rts_fix_sysctl(struct rts_check *check, const struct rts_findings *findings,
                    const char *assignment);

/* Adds how to let a system call through the filter. */
void rts_fix_filter(struct rts_check *check, const struct rts_findings *findings,
                    const char *system_call);

/* Adds where to look when a security module refuses what the capabilities permit. */
void rts_fix_security_module(struct rts_check *check, const struct rts_findings *findings);

/* Adds how to raise a limit: `option` of ulimit, its name for containers and services, a value. */
void rts_fix_limit(struct rts_check *check, const struct rts_findings *findings, char option,
                   const char *name, unsigned long long value);

/* Adds how to see the processes of the host, or of another container. */
void rts_fix_pid_namespace(struct rts_check *check, const struct rts_findings *findings);

#endif
