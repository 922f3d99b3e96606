/* SPDX-License-Identifier: Apache-2.0 */
#include "target/unseen.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "process/stat.h"
#include "report/number.h"
#include "util/log.h"

/* "10.1" */
static void format_tenths(char text[RTS_NUMBER_TEXT_SIZE], uint64_t tenths)
{
    snprintf(text, RTS_NUMBER_TEXT_SIZE, "%" PRIu64 ".%" PRIu64, tenths / 10, tenths % 10);
}

/* CPU time that the target has used while it was sampled, in ms. False: somebody of it has ended,
 * and took that with it. */
static bool target_cpu_ms(const struct rts_target *target, uint64_t *used_ms)
{
    size_t position = 0;
    struct rts_process_stat stat;
    *used_ms = target->command.cpu_ns / 1000000;
    if (target->settings->target == RTS_TARGET_COMMAND)
        return target->command.ended;
    for (const struct rts_process *process;
         (process = rts_process_table_next(target->sampler->processes, &position));) {
        if (!process->target)
            continue;
        if (process->start_ticks == 0 ||
            rts_process_stat_read(rts_target_proc(target), process->pid, &stat) < 0 ||
            stat.start_ticks != process->start_ticks)
            return false;
        *used_ms += stat.cpu_ms - process->cpu_ms;
    }
    return target->account->unseen_processes == 0;
}

static int say_nothing(const struct rts_target *target, struct rts_error *error)
{
    char period[RTS_NUMBER_TEXT_SIZE];
    uint32_t frequency = rts_capture_facts(target->capture)->frequency;
    uint64_t used_ms;
    bool is_known = target_cpu_ms(target, &used_ms);
    format_tenths(period, 10000 / frequency);
    if (target->account->unwatched > 0)
        return rts_fail(error, RTS_NOT_PERMITTED,
                        "nothing was sampled, since the kernel did not permit it: grant "
                        "CAP_PERFMON and CAP_SYS_PTRACE%s",
                        getuid() == 0 ? "" : ", or run as root");
    if (is_known && used_ms == 0 && target->command.cpu_ns == 0)
        rts_log("nothing was sampled: the target used no CPU time of its own (it slept, or was "
                "stopped)");
    else if (target->receipt.taken != RTS_RUNG_PTRACE && !rts_target_by_process(target))
        rts_log("nothing was sampled: the target was never on a CPU when a sample was due there, "
                "which is each %s ms; sample more often (-F)",
                period);
    else if (is_known)
        rts_log("nothing was sampled: the target used %s%" PRIu64
                " ms of CPU time, and a sample comes after each %s ms of a thread's; sample more "
                "often (-F)",
                used_ms ? "" : "less than ", used_ms ? used_ms : 1, period);
    else
        rts_log("nothing was sampled: no thread of the target used %s ms of CPU time, after which "
                "its first sample comes; sample more often (-F)",
                period);
    return 0;
}

/* Where ptrace took fewer samples than the target's CPU time was worth. */
static void say_rate(const struct rts_target *target)
{
    const struct rts_capture_stops *stops = &rts_capture_facts(target->capture)->stops;
    if (stops->due < stops->samples + 5 || stops->samples * 10 >= stops->due * 9)
        return;
    char used[RTS_NUMBER_TEXT_SIZE], rate[RTS_NUMBER_TEXT_SIZE];
    rts_duration_format(used, stops->used_ns / 1000000);
    format_tenths(rate, (uint64_t)((double)stops->samples * 1e10 / (double)stops->used_ns + 0.5));
    const char *why = stops->given_up > 0 ? "processes were given up, since they made us wait"
                      : stops->too_long * 4 > stops->count
                          ? "stops were longer than --max-stop, and a thread is left alone then"
                      : stops->refused > 0 ? "a debugger held threads, or the permission was gone"
                                           : "its threads were not met on a CPU often enough";
    rts_log(
        "ptrace took %" PRIu64 " of %" PRIu64 " samples of %s of CPU time: %s Hz instead of %u; %s",
        stops->samples, stops->due, used, rate, rts_capture_facts(target->capture)->frequency, why);
}

int rts_target_say_unseen(const struct rts_target *target, struct rts_error *error)
{
    if (target->receipt.taken == RTS_RUNG_PTRACE)
        say_rate(target);
    return rts_account_taken(target->account) == 0 ? say_nothing(target, error) : 0;
}
