/* SPDX-License-Identifier: Apache-2.0 */
/* --metrics: the account at each flush, for collectors. */
#include "session.h"

#include <stdio.h>
#include <unistd.h>

#include "facts/metrics.h"
#include "util/cleanup.h"
#include "util/clock.h"
#include "util/file_replace.h"
#include "util/log.h"
#include <config.h>

/* Second number of /proc/self/statm: resident pages. */
static uint64_t own_rss_kib(void)
{
    RTS_FCLOSE FILE *file = fopen("/proc/self/statm", "re");
    unsigned long pages;
    if (!file || fscanf(file, "%*u %lu", &pages) != 1)
        return 0;
    return (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE) / 1024;
}

static struct rts_metrics_facts metrics_facts(const struct rts_session *session)
{
    uint64_t peak_rss_kib;
    uint64_t cpu_ms = rts_session_own_cpu_ms(&peak_rss_kib);
    return (struct rts_metrics_facts){
        .version = PACKAGE_VERSION,
        .duration_ms = (rts_clock_monotonic_ns() - session->started_ns) / 1000000,
        .cpu_ms = cpu_ms,
        .rss_kib = own_rss_kib(),
        .peak_rss_kib = peak_rss_kib,
        .frequency = rts_capture_facts(session->capture)->frequency,
    };
}

int rts_session_write_metrics(struct rts_session *session, struct rts_error *error)
{
    if (!session->settings->metrics_path)
        return 0;
    struct rts_metrics_facts facts = metrics_facts(session);
    struct rts_buffer text = RTS_BUFFER_INIT;
    rts_metrics_write(&session->account, &facts, &text);
    /* Metrics of before a crash are of no use after it, and samples must not wait for a disk. */
    int result = rts_file_replace(session->settings->metrics_path, text.data, text.size, 0644,
                                  RTS_ATOMIC, error);
    rts_buffer_finish(&text);
    return result;
}

void rts_session_update_metrics(struct rts_session *session)
{
    struct rts_error error;
    rts_session_count_delivery(session);
    bool failed = rts_session_write_metrics(session, &error) < 0;
    if (failed && !session->metrics_failed)
        rts_log("%s", error.text);
    session->metrics_failed = failed;
}
