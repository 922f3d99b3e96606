/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The account as metrics, in the text format of Prometheus 0.0.4, which a node exporter's textfile
 * collector takes. Names follow its conventions (counters end in _total, base units), so that they
 * stay the same in OpenMetrics. All series are always there, zero when nothing happened: a counter
 * that appears late is a counter whose first rise is not seen. Those of owners are not, who are not
 * known before. Pure.
 */
#ifndef RTS_FACTS_METRICS_H
#define RTS_FACTS_METRICS_H

#include "facts/account.h"
#include "util/buffer.h"

/* What is not in the account. */
struct rts_metrics_facts {
    const char *version; /* borrowed; of the program */
    uint64_t duration_ms;
    uint64_t processes_late; /* that were given up: struct rts_looking */
    struct rts_near_facts near;
    uint64_t cpu_ms; /* user and system time used by ourselves */
    uint64_t rss_kib, peak_rss_kib;
    uint32_t frequency;                            /* Hz, in effect now */
    const struct rts_budget *memory;               /* NULL: all zero */
    const struct rts_memory_owners *memory_owners; /* NULL: none */
    const struct rts_opinions *opinions;           /* NULL: none */
    const struct rts_selftest_facts *selftest;     /* NULL: none */
};

/* Appends all metrics. The caller replaces the file with them as a whole. */
void rts_metrics_write(const struct rts_account *account, const struct rts_metrics_facts *facts,
                       struct rts_buffer *out);

#endif
