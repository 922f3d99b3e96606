/* SPDX-License-Identifier: Apache-2.0 */
/* What a trace has of samples, and of the processes that they are of. */
#include "recording/recorder_state.h"

#include <stdio.h>
#include <string.h>

#include "binary/object.h"
#include "util/cleanup.h"

/* The name of a thread that was there before we were: perf's tools want one for each. */
static void put_thread(struct rts_recorder *recorder, const struct rts_record *sample,
                       const struct rts_process *process)
{
    struct rts_buffer text = RTS_BUFFER_INIT;
    char path[32], name[17] = "";
    snprintf(path, sizeof path, "task/%d/comm", (int)sample->tid);
    if (rts_proc_read(recorder->proc, process->pid, path, sizeof name, &text) == 0 && text.size > 0)
        snprintf(name, sizeof name, "%.*s", (int)strcspn(text.data, "\n"), text.data);
    rts_buffer_finish(&text);
    struct rts_record record = {
        .kind = RTS_RECORD_COMM,
        .pid = sample->pid,
        .tid = sample->tid,
        .id = RTS_TRACE_EVENT_ID,
        .comm = {.name = name[0] ? name : process->name},
    };
    rts_recorder_put(recorder, &record);
}

static void put_process(struct rts_recorder *recorder, const struct rts_fact_process *facts)
{
    struct rts_note_draft draft;
    rts_note_begin(&draft, RTS_NOTE_PROCESS, &recorder->records);
    rts_note_put_number(&draft, facts->instance);
    if (rts_redaction_keeps_process(&recorder->redaction)) {
        rts_note_put_count(&draft, "pid", (uint64_t)facts->pid);
        rts_note_put_attribute(&draft, "name", facts->name);
    }
    rts_note_put_attribute(&draft, "container_id", facts->container_id);
    rts_note_put_attribute(&draft, "container_runtime", facts->container_runtime);
    rts_note_put_attribute(&draft, "socket", facts->socket);
    rts_note_put_attribute(&draft, "ours", facts->ours ? "1" : NULL);
    rts_note_end(&draft);
}

/* Takes back the PROCESS note that begins at `start` when the trace says the same already. */
static void put_process_news(struct rts_recorder *recorder, const struct rts_fact_process *facts)
{
    size_t start = recorder->records.size;
    put_process(recorder, facts);
    const char *note = recorder->records.data + start;
    if (!rts_known_process(&recorder->known, facts->instance, note, recorder->records.size - start))
        recorder->records.size = start;
}

/* ---- samples ---- */

/* Do the addresses go into the callchain? Not where perf is to unwind by itself; and one that looks
 * like a mark of a callchain cannot. */
static bool fits_chain(const struct rts_recorder *recorder, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (recorder->frames[i].address >= (uint64_t)PERF_CONTEXT_MAX)
            return false;
    return !recorder->format.full;
}

/* Where it was in the kernel, on which CPU and in which thread are the host's affairs. */
static void redact_sample(const struct rts_recorder *recorder, const struct rts_process *process,
                          uint32_t count, struct rts_record *record)
{
    record->pid = rts_redaction_pid(&recorder->redaction, process);
    if (!recorder->redaction.keep_process)
        record->tid = record->pid;
    record->cpu = 0;
    record->sample.ip = count > 0 && !record->sample.kernel_mode ? recorder->frames[0].address : 0;
}

/* The sample, with `count` frames as its user callchain. */
static void put_sample(struct rts_recorder *recorder, const struct rts_record *sample,
                       const struct rts_process *process, uint32_t count)
{
    struct rts_record record = *sample;
    size_t length = 0;
    if (recorder->redaction.on)
        redact_sample(recorder, process, count, &record);
    else if (sample->sample.kernel_mode) {
        recorder->chain[length++] = (uint64_t)PERF_CONTEXT_KERNEL;
        recorder->chain[length++] = sample->sample.ip;
    }
    if (count > 0)
        recorder->chain[length++] = (uint64_t)PERF_CONTEXT_USER;
    for (uint32_t i = 0; i < count; i++)
        recorder->chain[length++] = recorder->frames[i].address;
    record.id = RTS_TRACE_EVENT_ID;
    record.sample.callchain = recorder->chain;
    record.sample.callchain_size = length;
    rts_recorder_put(recorder, &record);
}

void rts_recorder_sample(struct rts_recorder *recorder, const struct rts_record *record,
                         const struct rts_process *process, uint64_t time,
                         const struct rts_stack *stack, const struct rts_fact_process *facts)
{
    if (recorder->ended) {
        recorder->unrecorded++;
        return;
    }
    rts_known_bound(&recorder->known);
    if (rts_redaction_keeps_process(&recorder->redaction) &&
        rts_known_thread(&recorder->known, record->tid))
        put_thread(recorder, record, process);
    for (uint32_t i = 0; i < stack->count; i++)
        rts_recorder_put_frame(recorder, process, time, &stack->frames[i],
                               (enum rts_code_kind)stack->kinds[i], &recorder->frames[i]);
    if (!rts_known_has_process(&recorder->known, facts->instance))
        put_process_news(recorder, facts);
    bool in_chain = fits_chain(recorder, stack->count);
    const struct rts_note_stack note = {
        .instance = process->instance,
        .flags = in_chain ? 0 : RTS_NOTE_STACK_ADDRESSES,
        .stop = stack->stop,
        .count = stack->count,
    };
    rts_note_put_stack(&recorder->records, &note, recorder->frames);
    put_sample(recorder, record, process, in_chain ? stack->count : 0);
    recorder->samples++;
    recorder->waiting++;
    if (rts_recorder_hand_over(recorder) || recorder->waiting == 0)
        return;
    recorder->samples--;
    recorder->unrecorded++;
}

void rts_recorder_side_band(struct rts_recorder *recorder, const struct rts_record *record)
{
    if (recorder->ended || !rts_redaction_keeps_process(&recorder->redaction))
        return;
    struct rts_record ours = *record;
    ours.id = RTS_TRACE_EVENT_ID;
    if (record->kind == RTS_RECORD_COMM || record->kind == RTS_RECORD_FORK)
        rts_known_thread(&recorder->known, record->tid);
    rts_recorder_put(recorder, &ours);
    rts_recorder_hand_over(recorder);
}

void rts_recorder_process(struct rts_recorder *recorder, const struct rts_fact_process *facts)
{
    if (recorder->ended)
        return;
    put_process_news(recorder, facts);
    if (recorder->records.size > 0)
        rts_recorder_hand_over(recorder);
}

static void put_package(struct rts_recorder *recorder, uint32_t serial, const char *function,
                        const struct rts_recorder_package *package)
{
    struct rts_note_draft draft;
    rts_note_begin(&draft, RTS_NOTE_PACKAGE, &recorder->records);
    rts_note_put_number(&draft, serial);
    rts_note_put_text(&draft, function);
    rts_note_put_attribute(&draft, "purl", package->purl);
    rts_note_put_attribute(&draft, "stale", package->stale);
    rts_note_put_attribute(&draft, "modified", package->modified ? "1" : NULL);
    rts_note_end(&draft);
    rts_recorder_hand_over(recorder);
}

static uint64_t digest_text(const char *text, uint64_t seed)
{
    return text ? rts_hash_bytes(text, strlen(text) + 1, seed) : rts_hash_u64(seed);
}

/* Of what is said, not of where it lies: texts come and go. */
static uint64_t digest_of(const struct rts_recorder_package *package)
{
    return digest_text(package->stale, digest_text(package->purl, package->modified));
}

/* Nearly always all functions of a file are of one package: that of the first one is said of all,
 * and of another one only what is different. */
void rts_recorder_package(struct rts_recorder *recorder, const struct rts_object *object,
                          const char *function, const struct rts_recorder_package *package)
{
    if (recorder->ended)
        return;
    uint32_t serial = rts_object_serial(object);
    switch (rts_known_package(&recorder->known, serial, function, digest_of(package))) {
    case RTS_KNOWN_PACKAGE: break;
    case RTS_NEW_PACKAGE_OF_FILE: put_package(recorder, serial, "", package); break;
    case RTS_NEW_PACKAGE_OF_FUNCTION: put_package(recorder, serial, function, package); break;
    }
}
