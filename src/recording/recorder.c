/* SPDX-License-Identifier: Apache-2.0 */
#include "recording/recorder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture/record_encode.h"
#include "recording/recorder_state.h"
#include "trace/perf_file.h"
#include "util/log.h"
#include "util/memory.h"

#ifdef HAVE_CONFIG_H
#include <config.h>
#else
#define PACKAGE_VERSION "unknown"
#endif

/* Of the format of notes and records together. */
#define TRACE_FORMAT "1"

/* PERF_CONTEXT_KERNEL with its address, PERF_CONTEXT_USER. */
#define CHAIN_MARKS 3

/* ---- the account ---- */

static void put_growth(struct rts_note_draft *draft, const char *key, uint64_t now, uint64_t before)
{
    if (now > before)
        rts_note_put_count(draft, key, now - before);
}

/* What has been counted since the last time, and does not follow from the samples in the trace. */
static void put_account(struct rts_recorder *recorder)
{
    const struct rts_account *now = recorder->account, *before = &recorder->accounted;
    struct rts_note_draft draft;
    rts_note_begin(&draft, RTS_NOTE_ACCOUNT, &recorder->records);
    for (int i = 0; i < RTS_DROP_COUNT; i++) {
        char key[64];
        snprintf(key, sizeof key, "dropped.%s", rts_drop_name((enum rts_drop)i));
        put_growth(&draft, key, now->dropped[i], before->dropped[i]);
    }
    put_growth(&draft, "no_user_side", now->no_user_side, before->no_user_side);
    put_growth(&draft, "own", now->own, before->own);
    put_growth(&draft, "other", now->other, before->other);
    put_growth(&draft, "unwatched", now->unwatched, before->unwatched);
    put_growth(&draft, "copied.same", now->copied_same, before->copied_same);
    put_growth(&draft, "copied.different", now->copied_different, before->copied_different);
    put_growth(&draft, "unseen_processes", now->unseen_processes, before->unseen_processes);
    put_growth(&draft, "unseen_threads", now->unseen_threads, before->unseen_threads);
    put_growth(&draft, "lost_records", now->lost_records, before->lost_records);
    put_growth(&draft, "malformed_side_band", now->malformed_side_band,
               before->malformed_side_band);
    rts_note_end(&draft);
    recorder->accounted = *now;
}

/* ---- handing over ---- */

/* What was counted up to here belongs to the samples up to here. */
static void end_full(struct rts_recorder *recorder)
{
    rts_fail(&recorder->failure, RTS_FAILED, "the trace %s has reached its limit", recorder->path);
    put_account(recorder);
    rts_trace_writer_add_last(recorder->writer, recorder->records.data, recorder->records.size,
                              NULL);
    rts_buffer_clear(&recorder->records);
    if (!recorder->quiet)
        rts_log(
            "the trace %s has reached its limit of %llu bytes (Record:LimitBytes): what follows is "
            "not recorded, and the run goes on",
            recorder->path, (unsigned long long)recorder->format.limit);
}

static void end_failed(struct rts_recorder *recorder, const struct rts_error *error)
{
    recorder->failure = *error;
    if (!recorder->quiet)
        rts_log("%s; what follows is not recorded, and the run goes on", error->text);
    recorder->samples -= recorder->waiting;
    recorder->unrecorded += recorder->waiting;
    recorder->waiting = 0;
    recorder->ended = true;
}

bool rts_recorder_hand_over(struct rts_recorder *recorder)
{
    struct rts_error error;
    enum rts_trace_write result = rts_trace_writer_add(recorder->writer, recorder->records.data,
                                                       recorder->records.size, &error);
    rts_buffer_clear(&recorder->records);
    if (result == RTS_TRACE_WRITTEN) {
        recorder->waiting = rts_trace_writer_waits(recorder->writer) ? recorder->waiting : 0;
        return true;
    }
    if (result == RTS_TRACE_FULL)
        end_full(recorder);
    else
        end_failed(recorder, &error);
    recorder->ended = true;
    return false;
}

void rts_recorder_put(struct rts_recorder *recorder, const struct rts_record *record)
{
    if (record->kind != RTS_RECORD_LOST) /* losses are in ACCOUNT */
        rts_record_encode(record, &recorder->layout, &recorder->records);
    if (record->time > recorder->newest_ns)
        recorder->newest_ns = record->time;
}
/* ---- windows ---- */

static void put_flush(struct rts_recorder *recorder, bool only_named, int64_t wall_offset_ns)
{
    struct rts_note_draft draft;
    rts_note_begin(&draft, RTS_NOTE_FLUSH, &recorder->records);
    rts_note_put_number(&draft, only_named);
    rts_note_put_signed(&draft, wall_offset_ns);
    rts_note_end(&draft);
}

void rts_recorder_named(struct rts_recorder *recorder)
{
    if (recorder->ended)
        return;
    put_flush(recorder, true, 0);
    rts_recorder_hand_over(recorder);
}

void rts_recorder_flush(struct rts_recorder *recorder, int64_t wall_offset_ns)
{
    if (recorder->ended)
        return;
    put_account(recorder);
    put_flush(recorder, false, wall_offset_ns);
    rts_record_put_mark(RTS_PERF_RECORD_FINISHED_ROUND, &recorder->records);
    recorder->sorted_ns = recorder->next_sorted_ns;
    recorder->next_sorted_ns = recorder->newest_ns;
    struct rts_error error;
    if (!rts_recorder_hand_over(recorder))
        return;
    if (rts_trace_writer_sync(recorder->writer, &error) < 0)
        end_failed(recorder, &error);
    recorder->waiting = 0;
}

/* ---- beginning and end ---- */

static void put_run(struct rts_recorder *recorder, const struct rts_recorder_run *run)
{
    const struct rts_trace_format *format = &recorder->format;
    char offset[24];
    struct rts_note_draft draft;
    snprintf(offset, sizeof offset, "%lld", (long long)format->wall_offset_ns);
    rts_note_begin(&draft, RTS_NOTE_RUN, &recorder->records);
    rts_note_put_attribute(&draft, "format", TRACE_FORMAT);
    rts_note_put_attribute(&draft, "program", "rtsample " PACKAGE_VERSION);
    rts_note_put_attribute(&draft, "config_sha256", run->config_sha256);
    rts_note_put_attribute(&draft, "method", run->method);
    rts_note_put_attribute(&draft, "call_graph", run->call_graph);
    rts_note_put_attribute(&draft, "gave_up", run->gave_up);
    rts_note_put_attribute(&draft, "rung", run->rung);
    rts_note_put_attribute(&draft, "refused", run->refused);
    rts_note_put_count(&draft, "frequency", run->frequency);
    rts_note_put_count(&draft, "ratio", run->guard.ratio);
    rts_note_put_count(&draft, "max_events_per_second", run->guard.max_events_per_second);
    rts_note_put_count(&draft, "max_cpu_percent", run->guard.max_cpu_percent);
    rts_note_put_count(&draft, "flush_interval_ms", run->flush_interval_ms);
    rts_note_put_attribute(&draft, "full", format->full ? "1" : NULL);
    rts_note_put_attribute(&draft, "redacted", recorder->redaction.on ? "1" : NULL);
    rts_note_put_attribute(&draft, "clock", format->monotonic ? "monotonic" : "perf");
    rts_note_put_count(&draft, "started_ns", format->started_ns);
    rts_note_put_attribute(&draft, "wall_offset_ns", offset);
    rts_note_end(&draft);
}

static void destroy(struct rts_recorder *recorder)
{
    rts_known_finish(&recorder->known);
    rts_buffer_finish(&recorder->records);
    free(recorder->frames);
    free(recorder->chain);
    free(recorder->path);
    free(recorder);
}

struct rts_recorder *rts_recorder_open(const struct rts_recorder_options *options,
                                       const struct rts_recorder_run *run, struct rts_error *error)
{
    const struct rts_trace_format *format = &options->format;
    struct rts_trace_writer *writer =
        options->fd >= 0 ? rts_trace_writer_open_fd(options->fd, options->path, format, error)
                         : rts_trace_writer_open(options->path, format, error);
    if (!writer)
        return NULL;
    struct rts_recorder *recorder = rts_calloc(1, sizeof *recorder);
    recorder->writer = writer;
    recorder->format = *format;
    recorder->redaction = options->redaction;
    recorder->quiet = options->quiet;
    recorder->known.share = options->share;
    recorder->account = options->account;
    if (options->from_now)
        recorder->accounted = *options->account;
    recorder->layout = rts_trace_writer_layout(writer);
    recorder->path = rts_strdup(options->path);
    recorder->proc = options->proc;
    recorder->frames = rts_calloc(RTS_STACK_DEPTH_MAX, sizeof *recorder->frames);
    recorder->chain = rts_calloc(RTS_STACK_DEPTH_MAX + CHAIN_MARKS, sizeof *recorder->chain);
    put_run(recorder, run);
    rts_recorder_hand_over(recorder);
    return recorder;
}

bool rts_recorder_failed(const struct rts_recorder *recorder, struct rts_error *error)
{
    if (recorder->ended)
        *error = recorder->failure;
    return recorder->ended;
}

uint64_t rts_recorder_size(const struct rts_recorder *recorder)
{
    return rts_trace_writer_size(recorder->writer);
}

static void put_end(struct rts_recorder *recorder, const struct rts_recorder_end *end)
{
    struct rts_note_draft draft;
    rts_buffer_clear(&recorder->records);
    rts_note_begin(&draft, RTS_NOTE_END, &recorder->records);
    rts_note_put_count(&draft, "duration_ms", end->duration_ms);
    rts_note_put_count(&draft, "frequency", end->frequency);
    rts_note_put_attribute(&draft, "rung", end->rung);
    rts_note_put_attribute(&draft, "refused", end->refused);
    if (end->command_status >= 0)
        rts_note_put_count(&draft, "command_status", (uint64_t)end->command_status);
    if (recorder->unrecorded > 0)
        rts_note_put_count(&draft, "unrecorded", recorder->unrecorded);
    rts_note_end(&draft);
}

/* The last note, and what was counted. */
static void end_trace(struct rts_recorder *recorder, const struct rts_recorder_end *end,
                      struct rts_recorder_counts *counts)
{
    put_end(recorder, end);
    rts_trace_writer_add_last(recorder->writer, recorder->records.data, recorder->records.size,
                              NULL); /* the writer remembers a failure */
    *counts = (struct rts_recorder_counts){
        .samples = recorder->samples,
        .unrecorded = recorder->unrecorded,
    };
}

int rts_recorder_finish_open(struct rts_recorder *recorder, const struct rts_recorder_end *end,
                             struct rts_recorder_counts *counts, struct rts_error *error)
{
    end_trace(recorder, end, counts);
    int fd = rts_trace_writer_finish_open(recorder->writer, &counts->bytes, error);
    destroy(recorder);
    return fd;
}

int rts_recorder_finish(struct rts_recorder *recorder, const struct rts_recorder_end *end,
                        struct rts_recorder_counts *counts, struct rts_error *error)
{
    if (!recorder)
        return 0;
    end_trace(recorder, end, counts);
    int result = rts_trace_writer_finish(recorder->writer, &counts->bytes, error);
    destroy(recorder);
    return result;
}

void rts_recorder_discard(struct rts_recorder *recorder)
{
    if (!recorder)
        return;
    rts_trace_writer_discard(recorder->writer);
    destroy(recorder);
}
