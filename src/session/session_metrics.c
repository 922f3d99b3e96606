/* SPDX-License-Identifier: Apache-2.0 */
/* --metrics: the account at each flush, for collectors. */
#include "session/session.h"

#include "facts/metrics.h"
#include "util/clock.h"
#include "util/file_replace.h"
#include "util/log.h"
#include "util/own_memory.h"
#include <config.h>

/* Of the sampling so far. */
static uint64_t duration_ms(const struct rts_session *session)
{
    const struct rts_replay *replay = session->replay;
    if (replay)
        return (replay->last_ns - replay->first_ns) / 1000000;
    return (rts_clock_monotonic_ns() - session->started_ns) / 1000000;
}

static struct rts_metrics_facts metrics_facts(const struct rts_session *session,
                                              struct rts_memory_owners *owners)
{
    rts_session_list_owners(session, owners);
    struct rts_own_memory memory;
    rts_own_memory_read_from(session->own_memory, &memory);
    return (struct rts_metrics_facts){
        .version = PACKAGE_VERSION,
        .duration_ms = duration_ms(session),
        .cpu_ms = rts_session_own_cpu_ms(session),
        .processes_late = rts_session_looking(session).late,
        .rss_kib = memory.rss_kib,
        .peak_rss_kib = memory.peak_rss_kib,
        .frequency = rts_capture_facts(session->capture)->frequency,
        .memory = &session->memory,
        .memory_owners = owners,
    };
}

int rts_session_write_metrics(struct rts_session *session, struct rts_error *error)
{
    if (!session->settings->metrics_path)
        return 0;
    struct rts_memory_owners owners;
    struct rts_metrics_facts facts = metrics_facts(session, &owners);
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
