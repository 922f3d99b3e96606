/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/receipt.h"

const char *rts_rung_name(enum rts_rung rung)
{
    static const char *const names[RTS_RUNG_COUNT] = {
        [RTS_RUNG_PERF_CPUS] = "perf_cpus", [RTS_RUNG_PERF_PROCESS] = "perf_process",
        [RTS_RUNG_PERF_USER] = "perf_user", [RTS_RUNG_OWN_PROCESSES] = "own_processes",
        [RTS_RUNG_PTRACE] = "ptrace",
    };
    return (unsigned)rung < RTS_RUNG_COUNT ? names[rung] : "unknown";
}

void rts_receipt_words(const struct rts_receipt *receipt, struct rts_buffer *out)
{
    const char *separator = "";
    for (unsigned rung = 0; rung < RTS_RUNG_COUNT; rung++) {
        if (!receipt->refused[rung])
            continue;
        rts_buffer_format(out, "%s%s:%s", separator, rts_rung_name((enum rts_rung)rung),
                          receipt->refused[rung]);
        separator = ",";
    }
}
