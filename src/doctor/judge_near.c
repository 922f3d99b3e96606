/* SPDX-License-Identifier: Apache-2.0 */
#include "doctor/judge.h"

#include <string.h>

/* How the reader runs; NULL: as everybody does. */
static const char *schedule_word(enum rts_near_schedule schedule)
{
    return schedule == RTS_NEAR_FIFO    ? "SCHED_FIFO"
           : schedule == RTS_NEAR_NICE  ? "a nice value of -10"
           : schedule == RTS_NEAR_SLICE ? "short slices"
                                        : "no precedence";
}

void rts_judge_near(const struct rts_findings *findings, struct rts_report *report)
{
    const struct rts_near_findings *near = &findings->near;
    const bool some = near->cpus < near->online, none = near->cpus == 0;
    const char *cause = near->switches != 0               ? "switches"
                        : !near->disowned                 ? "locked_memory"
                        : none || some                    ? "cpuset"
                        : near->schedule != RTS_NEAR_FIFO ? "not_granted"
                                                          : NULL;
    if (!near->tried) {
        rts_check_found(rts_report_add(report, "near.reader", RTS_CHECK_UNKNOWN, "untried"),
                        "could not be tried");
        return;
    }
    struct rts_check *check =
        rts_report_add(report, "near.reader",
                       near->switches != 0 || !near->disowned || none ? RTS_CHECK_REFUSED
                       : cause                                        ? RTS_CHECK_LIMITED
                                                                      : RTS_CHECK_WORKS,
                       cause);
    rts_check_found(check, "may run on %u of %u CPUs, with %s", near->cpus, near->online,
                    schedule_word(near->schedule));
    if (!cause)
        return;
    if (near->switches != 0) {
        rts_check_because(check, "events that tell of switches are refused: %s",
                          strerror(near->switches));
        rts_check_lost(check, "stacks that take memory which samples do not have");
    } else if (!near->disowned) {
        rts_check_because(check,
                          "Linux 6.17 and later would hold rings that are mapped twice against "
                          "what the user may lock");
        rts_check_lost(check, "stacks that take memory which samples do not have");
        rts_check_fix(check, "give it CAP_SETUID as well");
    } else if (none || some) {
        rts_check_because(check, "%s",
                          near->cpus_error ? strerror(near->cpus_error)
                                           : "a cpuset, or a CPU that is set apart");
        rts_check_lost(check, "such stacks of threads on the other CPUs");
    } else {
        rts_check_because(check, "there is no CAP_SYS_NICE, or no share of real time");
        rts_check_lost(check, "on a busy machine, part of the stacks that take more memory");
        rts_check_fix(check, "give it CAP_SYS_NICE as well");
    }
}
