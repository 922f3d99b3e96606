/* SPDX-License-Identifier: Apache-2.0 */
#include "outlets/segments.h"

#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "bundle/bundle.h"
#include "bundle/packer.h"
#include "facts/evidence.h"
#include "outlets/held_lines.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/memory.h"
#include "util/stop_signals.h"

/* Segments that are being packed: when there are so many, the current one grows. */
#define PACKING_MAX 4

/* When the run was told to end, it waits so long for bundles: with what delivery takes these are
 * not two seconds. */
#define SEALING_MS 1000

/* How often it is looked whether the run was told to end. */
#define LOOK_MS 50

/* Stands for the URI until there is one; of its length. */
static const char *placeholder(void)
{
    return "cas://runtime_traces/00/"
           "0000000000000000000000000000000000000000000000000000000000000000.tar.zst";
}

/* One whose facts wait. */
struct rts_segment {
    struct rts_segment *next;
    struct rts_held_lines *lines;
    bool packing; /* its trace is with the packer; else there will be no bundle */
};

struct rts_segments {
    struct rts_segments_setup setup;
    struct rts_packer *packer;
    char config_sha256[RTS_SHA256_HEX_SIZE];
    struct rts_segment *first, **last; /* the oldest first */

    /* The current one: */
    bool recording; /* there is a trace, and lines carry the URI that stands for its bundle's */
    struct rts_held_lines *lines;
    struct rts_observed_graph *observed;
    uint64_t began_ns;

    bool failing;             /* bundles cannot be made, which was said */
    struct rts_error failure; /* the first one */
    uint64_t bundles;         /* made */
    uint64_t bare_facts;      /* delivered without one */
    uint64_t lost_facts;      /* that could not be read again from where they were held */
};

const char *rts_segments_evidence(const struct rts_segments *segments)
{
    return segments->recording ? placeholder() : NULL;
}

struct rts_observed_graph *rts_segments_graph(const struct rts_segments *segments)
{
    return segments->observed;
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
static void release(struct rts_segments *segments, const char *uri)
{
    struct rts_segment *segment = segments->first;
    struct rts_buffer lines = RTS_BUFFER_INIT;
    struct rts_error error;
    uint64_t count;
    int result;
    if (!uri)
        segments->bare_facts += rts_held_lines_count(segment->lines);
    while ((result = rts_held_lines_take(segment->lines, &lines, &count, &error)) > 0) {
        rts_evidence_set(&lines, uri);
        rts_lines_out_write(segments->setup.out, &lines, count);
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
static void release_settled(struct rts_segments *segments, unsigned wait_ms)
{
    while (segments->first) {
        struct rts_packed packed = {0};
        bool packing = segments->first->packing;
        if (packing && !rts_packer_take(segments->packer, wait_ms, &packed))
            return;
        if (packed.packed)
            succeed(segments);
        else if (packing)
            fail(segments, &packed.error);
        release(segments, packed.packed ? packed.uri : NULL);
    }
}

/* ---- segments ---- */

static void begin(struct rts_segments *segments)
{
    struct rts_error error;
    segments->lines = rts_held_lines_create();
    segments->began_ns = rts_clock_monotonic_ns();
    segments->recording = rts_recorders_open_segment(segments->setup.recorders, &error) == 0;
    if (!segments->recording)
        fail(segments, &error);
    else
        segments->observed = rts_observed_graph_create();
    if (segments->observed)
        rts_observed_graph_use_share(segments->observed, segments->setup.share);
}

/* Ends the trace of the current one; returns its fd, or -1. */
static int end_trace(struct rts_segments *segments, struct rts_error *error)
{
    uint64_t duration_ns = rts_clock_monotonic_ns() - segments->began_ns;
    return rts_recorders_end_segment(segments->setup.recorders, duration_ns, error);
}

/* Ends the current one, as one with a bundle to come or without. */
static void end(struct rts_segments *segments, bool packing)
{
    push(segments, segments->lines, packing);
    rts_observed_graph_destroy(segments->observed);
    segments->lines = NULL;
    segments->observed = NULL;
    segments->recording = false;
}

/* The same without, and its trace is of no use any more. */
static void drop(struct rts_segments *segments)
{
    int fd = end_trace(segments, NULL);
    if (fd >= 0)
        close(fd);
    end(segments, false);
}

static void cut(struct rts_segments *segments)
{
    struct rts_error error;
    int fd = end_trace(segments, &error);
    if (fd < 0) {
        fail(segments, &error);
        end(segments, false);
        return;
    }
    const struct rts_bundle_facts facts = {
        .analysis_id = segments->setup.settings->ingest.analysis_id,
        .config_sha256 = segments->config_sha256,
        .node_count = rts_observed_graph_symbols(segments->observed),
        .edge_count = rts_observed_graph_calls(segments->observed),
    };
    rts_packer_submit(segments->packer, fd, &facts);
    end(segments, true);
}

static void hold(struct rts_segments *segments, const struct rts_buffer *lines, uint64_t count)
{
    struct rts_error error;
    if (count == 0)
        return;
    if (rts_held_lines_add(segments->lines, lines, count, &error) == 0)
        return;
    /* What waits and what is at hand go out as they are: they would not fit anywhere. */
    fail(segments, &error);
    drop(segments);
    release_settled(segments, 0);
    begin(segments);
    struct rts_buffer bare = RTS_BUFFER_INIT;
    rts_buffer_append(&bare, lines->data, lines->size);
    rts_evidence_set(&bare, NULL);
    segments->bare_facts += count;
    rts_lines_out_write(segments->setup.out, &bare, count);
    rts_buffer_finish(&bare);
}

static bool is_due(const struct rts_segments *segments)
{
    const struct rts_settings *settings = segments->setup.settings;
    uint64_t age_ms = (rts_clock_monotonic_ns() - segments->began_ns) / RTS_NS_PER_MS;
    uint64_t size = rts_recorder_size(segments->setup.recorders->of_segment);
    bool old = settings->segment_seconds && age_ms >= settings->segment_seconds * 1000ULL;
    bool large = settings->segment_bytes && size >= settings->segment_bytes;
    return (old || large) && rts_packer_waiting(segments->packer) < PACKING_MAX;
}

static void turn(struct rts_segments *segments)
{
    bool idle = rts_held_lines_count(segments->lines) == 0;
    struct rts_error error;
    if (segments->recording && rts_recorders_segment_failed(segments->setup.recorders, &error)) {
        fail(segments, &error);
        drop(segments);
        begin(segments);
    } else if (!segments->recording) {
        end(segments, false);
        begin(segments);
    } else if (!idle && is_due(segments)) {
        cut(segments);
        begin(segments);
    }
    release_settled(segments, 0);
}

void rts_segments_take(struct rts_segments *segments, const struct rts_buffer *lines,
                       uint64_t count)
{
    hold(segments, lines, count);
    turn(segments);
}

/* ---- beginning and end ---- */

struct rts_segments *rts_segments_open(const struct rts_segments_setup *setup,
                                       struct rts_error *error)
{
    const struct rts_settings *settings = setup->settings;
    /* Half of what we may use at all is left for the sampling. */
    unsigned percent = (settings->sampler.max_cpu_percent + 1) / 2;
    struct rts_packer *packer = rts_packer_create(settings->cas_directory, percent, error);
    if (!packer)
        return NULL;
    struct rts_segments *segments = rts_calloc(1, sizeof *segments);
    segments->setup = *setup;
    segments->packer = packer;
    segments->last = &segments->first;
    rts_settings_sha256(settings, segments->config_sha256);
    begin(segments);
    return segments;
}

/* Waits for the packer; when the run was told to end, or is now, not for long. */
static void wait_for_bundles(struct rts_segments *segments, bool stopped, uint64_t ended_ns)
{
    uint64_t deadline = UINT64_MAX;
    if (stopped)
        deadline = ended_ns + SEALING_MS * RTS_NS_PER_MS;
    rts_packer_hurry(segments->packer);
    while (segments->first) {
        uint64_t now = rts_clock_monotonic_ns();
        if (deadline == UINT64_MAX && rts_stop_signals_pending())
            deadline = now + SEALING_MS * RTS_NS_PER_MS;
        if (now >= deadline)
            return;
        release_settled(segments, LOOK_MS);
    }
}

int rts_segments_end(struct rts_segments *segments, bool stopped, uint64_t ended_ns,
                     struct rts_account *account, struct rts_error *error)
{
    struct rts_error late;
    if (!segments)
        return 0;
    if (segments->recording && rts_held_lines_count(segments->lines) > 0)
        cut(segments);
    else
        drop(segments);
    wait_for_bundles(segments, stopped, ended_ns);
    rts_fail(&late, RTS_FAILED, "the run was told to end before it was packed");
    while (segments->first) {
        fail(segments, &late);
        release(segments, NULL);
    }
    uint64_t bare = segments->bare_facts;
    account->undelivered_events += segments->lost_facts;
    if (segments->bundles > 0)
        rts_log("%" PRIu64 " bundle%s in %s", segments->bundles, segments->bundles == 1 ? "" : "s",
                segments->setup.settings->cas_directory);
    int result = 0;
    if (bare > 0)
        result = rts_fail(error, RTS_FAILED, "%" PRIu64 " facts are not in a bundle: %s", bare,
                          segments->failure.text);
    rts_segments_close(segments);
    return result;
}

void rts_segments_close(struct rts_segments *segments)
{
    if (!segments)
        return;
    if (segments->recording)
        drop(segments);
    rts_packer_finish(segments->packer);
    for (struct rts_segment *segment; (segment = segments->first);) {
        segments->first = segment->next;
        rts_held_lines_destroy(segment->lines);
        free(segment);
    }
    rts_held_lines_destroy(segments->lines);
    rts_observed_graph_destroy(segments->observed);
    free(segments);
}
