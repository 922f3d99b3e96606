/* SPDX-License-Identifier: Apache-2.0 */
/* Traces that go into bundles, and the facts that wait for these (segments.h). */
#include "session/session.h"

#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "facts/evidence.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/memory.h"

/* Segments that are being packed: when there are so many, the one at hand grows. */
#define PACKING_MAX 4

/* When the run was told to end, it waits so long for bundles: with what delivery takes these are
 * not two seconds. */
#define SEALING_MS 1000

/* How often it is looked whether the run was told to end. */
#define LOOK_MS 50

#define NS_PER_MS 1000000ULL

/* Stands for the URI until there is one; of its length. */
static const char *placeholder(void)
{
    return "cas://runtime_traces/00/"
           "0000000000000000000000000000000000000000000000000000000000000000.tar.zst";
}

const char *rts_session_evidence(const struct rts_session *session)
{
    const struct rts_segments *segments = session->segments;
    if (segments)
        return segments->recording ? placeholder() : NULL;
    return session->replay ? session->replay->bundle : NULL;
}

/* ---- what goes wrong ---- */

static void fail(struct rts_segments *segments, const struct rts_error *error)
{
    if (!segments->failure.text[0])
        segments->failure = *error;
    if (!segments->failing)
        rts_log("no bundle: %s; facts are delivered without one", error->text);
    segments->failing = true;
}

static void succeed(struct rts_segments *segments)
{
    if (segments->failing)
        rts_log("bundles can be made again");
    segments->failing = false;
    segments->bundles++;
}

/* ---- facts ---- */

static void push(struct rts_segments *segments, struct rts_held_lines *lines, bool packing)
{
    struct rts_segment *segment = rts_calloc(1, sizeof *segment);
    segment->lines = lines;
    segment->packing = packing;
    *segments->last = segment;
    segments->last = &segment->next;
}

/* Delivers the facts of the oldest segment, whose bundle is called `uri`; NULL: there is none. */
static void release(struct rts_session *session, const char *uri)
{
    struct rts_segments *segments = session->segments;
    struct rts_segment *segment = segments->first;
    struct rts_buffer lines = RTS_BUFFER_INIT;
    struct rts_error error;
    uint64_t count;
    int result;
    if (!uri)
        segments->bare_facts += rts_held_lines_count(segment->lines);
    while ((result = rts_held_lines_take(segment->lines, &lines, &count, &error)) > 0) {
        rts_evidence_set(&lines, uri);
        rts_session_deliver(session, &lines, count);
    }
    if (result < 0) {
        rts_log("%s: %" PRIu64 " facts are lost", error.text, rts_held_lines_count(segment->lines));
        segments->lost_facts += rts_held_lines_count(segment->lines);
    }
    rts_buffer_finish(&lines);
    segments->first = segment->next;
    segments->last = segments->first ? segments->last : &segments->first;
    rts_held_lines_destroy(segment->lines);
    free(segment);
}

/* Delivers what is settled. */
static void release_settled(struct rts_session *session, unsigned wait_ms)
{
    struct rts_segments *segments = session->segments;
    while (segments->first) {
        struct rts_packed packed = {0};
        bool packing = segments->first->packing;
        if (packing && !rts_packer_take(segments->packer, wait_ms, &packed))
            return;
        if (packed.packed)
            succeed(segments);
        else if (packing)
            fail(segments, &packed.error);
        release(session, packed.packed ? packed.uri : NULL);
    }
}

/* ---- segments ---- */

static void begin(struct rts_session *session)
{
    struct rts_segments *segments = session->segments;
    struct rts_error error;
    segments->lines = rts_held_lines_create();
    segments->began_ns = rts_clock_monotonic_ns();
    segments->recording = rts_session_open_segment(session, &error) == 0;
    if (!segments->recording)
        fail(segments, &error);
    else
        segments->observed = rts_observed_graph_create();
    if (segments->observed)
        rts_observed_graph_use_share(segments->observed, &session->memory.shares[RTS_MEMORY_UNION]);
}

/* Ends the one at hand, as one with a bundle to come or without. */
static void end(struct rts_session *session, bool packing)
{
    struct rts_segments *segments = session->segments;
    push(segments, segments->lines, packing);
    rts_observed_graph_destroy(segments->observed);
    segments->lines = NULL;
    segments->observed = NULL;
    segments->recording = false;
}

/* The same without, and its trace is of no use any more. */
static void drop(struct rts_session *session)
{
    int fd = rts_session_end_segment(session, NULL);
    if (fd >= 0)
        close(fd);
    end(session, false);
}

static void cut(struct rts_session *session)
{
    struct rts_segments *segments = session->segments;
    struct rts_error error;
    int fd = rts_session_end_segment(session, &error);
    if (fd < 0) {
        fail(segments, &error);
        end(session, false);
        return;
    }
    const struct rts_bundle_facts facts = {
        .analysis_id = session->settings->ingest.analysis_id,
        .config_sha256 = segments->config_sha256,
        .node_count = rts_observed_graph_symbols(segments->observed),
        .edge_count = rts_observed_graph_calls(segments->observed),
    };
    rts_packer_submit(segments->packer, fd, &facts);
    end(session, true);
}

void rts_session_hold(struct rts_session *session, const struct rts_buffer *lines, uint64_t count)
{
    struct rts_segments *segments = session->segments;
    struct rts_error error;
    if (count == 0)
        return;
    if (rts_held_lines_add(segments->lines, lines, count, &error) == 0)
        return;
    /* What waits and what is at hand go out as they are: they would not fit anywhere. */
    fail(segments, &error);
    drop(session);
    release_settled(session, 0);
    begin(session);
    struct rts_buffer bare = RTS_BUFFER_INIT;
    rts_buffer_append(&bare, lines->data, lines->size);
    rts_evidence_set(&bare, NULL);
    segments->bare_facts += count;
    rts_session_deliver(session, &bare, count);
    rts_buffer_finish(&bare);
}

static bool is_due(const struct rts_session *session)
{
    const struct rts_segments *segments = session->segments;
    const struct rts_settings *settings = session->settings;
    uint64_t age_ms = (rts_clock_monotonic_ns() - segments->began_ns) / NS_PER_MS;
    uint64_t size = rts_recorder_size(session->recorders[RTS_SEGMENT_TRACE]);
    bool old = settings->segment_seconds && age_ms >= settings->segment_seconds * 1000ULL;
    bool large = settings->segment_bytes && size >= settings->segment_bytes;
    return (old || large) && rts_packer_waiting(segments->packer) < PACKING_MAX;
}

void rts_session_turn_segment(struct rts_session *session)
{
    struct rts_segments *segments = session->segments;
    bool idle = rts_held_lines_count(segments->lines) == 0;
    struct rts_error error;
    if (segments->recording && rts_session_segment_failed(session, &error)) {
        fail(segments, &error);
        drop(session);
        begin(session);
    } else if (!segments->recording) {
        end(session, false);
        begin(session);
    } else if (!idle && is_due(session)) {
        cut(session);
        begin(session);
    }
    release_settled(session, 0);
}

/* ---- beginning and end ---- */

int rts_session_open_segments(struct rts_session *session, struct rts_error *error)
{
    const struct rts_settings *settings = session->settings;
    if (!settings->cas_directory || session->replay)
        return 0;
    /* Half of what we may use at all is left for the sampling. */
    unsigned percent = (settings->sampler.max_cpu_percent + 1) / 2;
    struct rts_packer *packer = rts_packer_create(settings->cas_directory, percent, error);
    if (!packer)
        return -1;
    session->segments = rts_calloc(1, sizeof *session->segments);
    session->segments->packer = packer;
    session->segments->last = &session->segments->first;
    rts_settings_sha256(settings, session->segments->config_sha256);
    begin(session);
    return 0;
}

/* Waits for the packer; when the run was told to end, or is now, not for long. */
static void wait_for_bundles(struct rts_session *session)
{
    uint64_t deadline = UINT64_MAX;
    if (session->stopped)
        deadline = session->ended_ns + SEALING_MS * NS_PER_MS;
    rts_packer_hurry(session->segments->packer);
    while (session->segments->first) {
        uint64_t now = rts_clock_monotonic_ns();
        if (deadline == UINT64_MAX && rts_session_is_stopped())
            deadline = now + SEALING_MS * NS_PER_MS;
        if (now >= deadline)
            return;
        release_settled(session, LOOK_MS);
    }
}

int rts_session_end_segments(struct rts_session *session, struct rts_error *error)
{
    struct rts_segments *segments = session->segments;
    struct rts_error late;
    if (!segments)
        return 0;
    if (segments->recording && rts_held_lines_count(segments->lines) > 0)
        cut(session);
    else
        drop(session);
    wait_for_bundles(session);
    rts_fail(&late, RTS_FAILED, "the run was told to end before it was packed");
    while (segments->first) {
        fail(segments, &late);
        release(session, NULL);
    }
    uint64_t bare = segments->bare_facts;
    session->account.undelivered_events += segments->lost_facts;
    if (segments->bundles > 0)
        rts_log("%" PRIu64 " bundle%s in %s", segments->bundles, segments->bundles == 1 ? "" : "s",
                session->settings->cas_directory);
    int result = 0;
    if (bare > 0)
        result = rts_fail(error, RTS_FAILED, "%" PRIu64 " facts are not in a bundle: %s", bare,
                          segments->failure.text);
    rts_session_close_segments(session);
    return result;
}

void rts_session_close_segments(struct rts_session *session)
{
    struct rts_segments *segments = session->segments;
    if (!segments)
        return;
    rts_packer_finish(segments->packer);
    for (struct rts_segment *segment; (segment = segments->first);) {
        segments->first = segment->next;
        rts_held_lines_destroy(segment->lines);
        free(segment);
    }
    rts_held_lines_destroy(segments->lines);
    rts_observed_graph_destroy(segments->observed);
    free(segments);
    session->segments = NULL;
}
