/* SPDX-License-Identifier: Apache-2.0 */
#include "recorder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "binary/object.h"
#include "recorder_known.h"
#include "trace/note.h"
#include "trace/perf_file.h"
#include "trace/record_encode.h"
#include "util/cleanup.h"
#include "util/log.h"
#include "util/memory.h"
#include "util/sha256.h"

#ifdef HAVE_CONFIG_H
#include <config.h>
#else
#define PACKAGE_VERSION "unknown"
#endif

/* Of the format of notes and records together. */
#define TRACE_FORMAT "1"

/* The smallest page. */
#define PAGE_MASK 4095ULL

/* PERF_CONTEXT_KERNEL with its address, PERF_CONTEXT_USER. */
#define CHAIN_MARKS 3

struct rts_recorder {
    struct rts_trace_writer *writer;
    struct rts_trace_format format;
    struct rts_record_layout layout;
    char *path, *proc_root;

    struct rts_known known;             /* what the trace says already */
    const struct rts_account *account;  /* of the run */
    struct rts_account accounted;       /* in ACCOUNT notes so far */
    struct rts_buffer records;          /* what is being put together */
    struct rts_note_frame *frames;      /* of the sample at hand */
    uint64_t *chain;                    /* its callchain */
    uint64_t newest_ns;                 /* time of a record, so far */
    uint64_t sorted_ns, next_sorted_ns; /* perf has passed this; and will at the next round */

    uint64_t samples, unrecorded;
    uint64_t waiting; /* samples among those that are not in the file yet */
    bool ended;       /* nothing is written any more but the END */
};

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
    put_growth(&draft, "lost_records", now->lost_records, before->lost_records);
    rts_note_end(&draft);
    recorder->accounted = *now;
}

/* ---- handing over ---- */

/* What was counted up to here belongs to the samples up to here. */
static void end_full(struct rts_recorder *recorder)
{
    put_account(recorder);
    rts_trace_writer_add_last(recorder->writer, recorder->records.data, recorder->records.size,
                              NULL);
    rts_buffer_clear(&recorder->records);
    rts_log("the trace %s has reached its limit of %llu bytes (Record:LimitBytes): what follows is "
            "not recorded, and the run goes on",
            recorder->path, (unsigned long long)recorder->format.limit);
}

static void end_failed(struct rts_recorder *recorder, const struct rts_error *error)
{
    rts_log("%s; what follows is not recorded, and the run goes on", error->text);
    recorder->samples -= recorder->waiting;
    recorder->unrecorded += recorder->waiting;
    recorder->waiting = 0;
    recorder->ended = true;
}

/* Gives what was put together to the writer. False: it was not taken, nor will anything be. */
static bool hand_over(struct rts_recorder *recorder)
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

static void put_record(struct rts_recorder *recorder, const struct rts_record *record)
{
    rts_record_encode(record, &recorder->layout, &recorder->records);
    if (record->time > recorder->newest_ns)
        recorder->newest_ns = record->time;
}

/* ---- what is new about a sample ---- */

static const char *mapping_name(const struct rts_mapping *mapping)
{
    switch (mapping->kind) {
    case RTS_MAPPING_FILE: return mapping->file->path;
    case RTS_MAPPING_VDSO: return "[vdso]";
    case RTS_MAPPING_VSYSCALL: return "[vsyscall]";
    case RTS_MAPPING_ANONYMOUS: break;
    }
    return "//anon"; /* as the kernel calls it */
}

/* The part `what` of what `mapping` is of. */
static void put_mapping_record(struct rts_recorder *recorder, const struct rts_process *process,
                               const struct rts_mapping *mapping,
                               const struct rts_mmap_record *what)
{
    const struct rts_mapped_file *file = mapping->file;
    struct rts_record record = {
        .kind = RTS_RECORD_MMAP,
        .pid = process->pid,
        .tid = process->pid,
        .time = mapping->from_ns > recorder->sorted_ns ? mapping->from_ns : 0,
        .id = RTS_TRACE_EVENT_ID,
        .mmap = *what,
    };
    record.mmap.path = mapping_name(mapping);
    if (file && file->has_identity) {
        record.mmap.major = file->major;
        record.mmap.minor = file->minor;
        record.mmap.inode = file->inode;
    }
    put_record(recorder, &record);
}

/* A tool that unwinds by itself reads the CFI, which lies in mappings that are not executable. */
static void put_constants(struct rts_recorder *recorder, const struct rts_process *process,
                          const struct rts_mapping *mapping, const struct rts_object *object)
{
    uint64_t vaddr, size, offset;
    for (size_t i = 0; rts_object_constants(object, i, &vaddr, &size, &offset); i++) {
        const struct rts_mmap_record what = {
            .start = mapping->bias + (vaddr & ~PAGE_MASK),
            .size = (size + (vaddr & PAGE_MASK) + PAGE_MASK) & ~PAGE_MASK,
            .offset = offset & ~PAGE_MASK,
        };
        put_mapping_record(recorder, process, mapping, &what);
    }
}

/* The vDSO is in no file: it is part of the trace. */
static void put_image(struct rts_recorder *recorder, struct rts_object *object)
{
    size_t size;
    const void *bytes = rts_object_image(object, &size);
    struct rts_note_draft draft;
    rts_note_begin(&draft, RTS_NOTE_IMAGE, &recorder->records);
    rts_note_put_number(&draft, rts_object_serial(object));
    rts_note_put_bytes(&draft, bytes, size);
    rts_note_end(&draft);
}

static void hex_of(const struct rts_build_id *build_id, char hex[2 * RTS_BUILD_ID_MAX + 1])
{
    for (size_t i = 0; i < build_id->size; i++)
        sprintf(hex + 2 * i, "%02x", build_id->bytes[i]);
}

static void put_file(struct rts_recorder *recorder, struct rts_object *object,
                     const struct rts_mapping *mapping)
{
    bool vdso = mapping->kind == RTS_MAPPING_VDSO;
    const struct rts_build_id *build_id = rts_object_build_id(object);
    char hex[2 * RTS_BUILD_ID_MAX + 1] = "";
    struct rts_note_draft draft;
    hex_of(build_id, hex);
    rts_note_begin(&draft, RTS_NOTE_FILE, &recorder->records);
    rts_note_put_number(&draft, rts_object_serial(object));
    rts_note_put_attribute(&draft, "path", mapping_name(mapping));
    rts_note_put_attribute(&draft, "build_id", build_id->size ? hex : NULL);
    if (build_id->size == 0)
        rts_note_put_attribute(&draft, "sha256", rts_object_file_sha256(object));
    rts_note_put_attribute(&draft, "vdso", vdso ? "1" : NULL);
    rts_note_end(&draft);
    if (vdso)
        put_image(recorder, object);
    if (build_id->size > 0 && rts_known_listed(&recorder->known, mapping_name(mapping)))
        rts_trace_writer_add_build_id(recorder->writer, mapping_name(mapping), build_id);
}

/* Where an object is mapped, under a new number; returns its code. */
static uint64_t put_place(struct rts_recorder *recorder, struct rts_object *object,
                          const struct rts_mapping *mapping)
{
    uint32_t serial = rts_object_serial(object);
    if (rts_known_file(&recorder->known, serial))
        put_file(recorder, object, mapping);
    bool is_new;
    uint64_t number =
        rts_known_place(&recorder->known, serial, mapping->bias, mapping->load_base, &is_new);
    if (is_new) {
        struct rts_note_draft draft;
        rts_note_begin(&draft, RTS_NOTE_MAPPING, &recorder->records);
        rts_note_put_number(&draft, number);
        rts_note_put_number(&draft, serial);
        rts_note_put_number(&draft, mapping->bias);
        rts_note_put_number(&draft, mapping->load_base);
        rts_note_end(&draft);
    }
    return RTS_NOTE_CODE_MAPPING + number;
}

static uint64_t code_of(enum rts_code_kind kind)
{
    switch (kind) {
    case RTS_CODE_ANONYMOUS: return RTS_NOTE_CODE_ANONYMOUS;
    case RTS_CODE_NO_FILE: return RTS_NOTE_CODE_NO_FILE;
    case RTS_CODE_NONE:
    case RTS_CODE_OBJECT: break;
    }
    return RTS_NOTE_CODE_NONE;
}

/* One frame: where it lies, and what is new about that. */
static void take_frame(struct rts_recorder *recorder, const struct rts_process *process,
                       uint64_t time, const struct rts_frame *frame, enum rts_code_kind kind,
                       struct rts_note_frame *out)
{
    uint64_t pc = frame->vaddr;
    if (frame->object)
        pc += frame->load_base - rts_object_first_vaddr(frame->object);
    *out = (struct rts_note_frame){
        .code = code_of(kind),
        .address = pc,
        .unwinder = frame->unwinder,
    };
    const struct rts_mapping *mapping = rts_mapping_set_find(&process->mappings, pc, time);
    if (!mapping)
        return;
    struct rts_known_mapping *known = rts_known_mapping(
        &recorder->known, process->instance, mapping->start, mapping->end, mapping->from_ns);
    if (!known->written)
        put_mapping_record(recorder, process, mapping,
                           &(struct rts_mmap_record){
                               .start = mapping->start,
                               .size = mapping->end - mapping->start,
                               .offset = mapping->offset,
                               .executable = true,
                           });
    known->written = true;
    if (!frame->object)
        return;
    if (known->serial != rts_object_serial(frame->object)) {
        known->code = put_place(recorder, frame->object, mapping);
        known->serial = rts_object_serial(frame->object);
        if (recorder->format.full)
            put_constants(recorder, process, mapping, frame->object);
    }
    out->code = known->code;
}

/* The name of a thread that was there before we were: perf's tools want one for each. */
static void put_thread(struct rts_recorder *recorder, const struct rts_record *sample,
                       const struct rts_process *process)
{
    char path[320], name[17] = "";
    snprintf(path, sizeof path, "%s/%d/task/%d/comm", recorder->proc_root, (int)process->pid,
             (int)sample->tid);
    RTS_FCLOSE FILE *file = fopen(path, "re");
    if (file && fgets(name, sizeof name, file))
        name[strcspn(name, "\n")] = '\0';
    struct rts_record record = {
        .kind = RTS_RECORD_COMM,
        .pid = sample->pid,
        .tid = sample->tid,
        .id = RTS_TRACE_EVENT_ID,
        .comm = {.name = name[0] ? name : process->name},
    };
    put_record(recorder, &record);
}

static void put_process(struct rts_recorder *recorder, const struct rts_fact_process *facts)
{
    struct rts_note_draft draft;
    rts_note_begin(&draft, RTS_NOTE_PROCESS, &recorder->records);
    rts_note_put_number(&draft, facts->instance);
    rts_note_put_count(&draft, "pid", (uint64_t)facts->pid);
    rts_note_put_attribute(&draft, "name", facts->name);
    rts_note_put_attribute(&draft, "container_id", facts->container_id);
    rts_note_put_attribute(&draft, "container_runtime", facts->container_runtime);
    rts_note_put_attribute(&draft, "socket", facts->socket);
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

/* The sample, with `count` frames as its user callchain. */
static void put_sample(struct rts_recorder *recorder, const struct rts_record *sample,
                       uint32_t count)
{
    struct rts_record record = *sample;
    size_t length = 0;
    if (sample->sample.kernel_mode) {
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
    put_record(recorder, &record);
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
    if (rts_known_thread(&recorder->known, record->tid))
        put_thread(recorder, record, process);
    for (uint32_t i = 0; i < stack->count; i++)
        take_frame(recorder, process, time, &stack->frames[i], (enum rts_code_kind)stack->kinds[i],
                   &recorder->frames[i]);
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
    put_sample(recorder, record, in_chain ? stack->count : 0);
    recorder->samples++;
    recorder->waiting++;
    if (hand_over(recorder) || recorder->waiting == 0)
        return;
    recorder->samples--;
    recorder->unrecorded++;
}

void rts_recorder_side_band(struct rts_recorder *recorder, const struct rts_record *record)
{
    if (recorder->ended)
        return;
    struct rts_record ours = *record;
    ours.id = RTS_TRACE_EVENT_ID;
    if (record->kind == RTS_RECORD_COMM || record->kind == RTS_RECORD_FORK)
        rts_known_thread(&recorder->known, record->tid);
    put_record(recorder, &ours);
    hand_over(recorder);
}

void rts_recorder_process(struct rts_recorder *recorder, const struct rts_fact_process *facts)
{
    if (recorder->ended)
        return;
    put_process_news(recorder, facts);
    if (recorder->records.size > 0)
        hand_over(recorder);
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
    hand_over(recorder);
}

/* Nearly always all functions of a file are of one package: that of the first one is said of all,
 * and of another one only what is different. */
void rts_recorder_package(struct rts_recorder *recorder, const struct rts_object *object,
                          const char *function, const struct rts_recorder_package *package)
{
    if (recorder->ended)
        return;
    uint32_t serial = rts_object_serial(object);
    const uintptr_t answer[] = {(uintptr_t)package->purl, (uintptr_t)package->stale,
                                package->modified};
    switch (rts_known_package(&recorder->known, serial, function,
                              rts_hash_bytes(answer, sizeof answer, 0))) {
    case RTS_KNOWN_PACKAGE: break;
    case RTS_NEW_PACKAGE_OF_FILE: put_package(recorder, serial, "", package); break;
    case RTS_NEW_PACKAGE_OF_FUNCTION: put_package(recorder, serial, function, package); break;
    }
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
    hand_over(recorder);
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
    if (!hand_over(recorder))
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
    rts_note_put_attribute(&draft, "full", format->full ? "1" : NULL);
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
    free(recorder->proc_root);
    free(recorder);
}

struct rts_recorder *rts_recorder_open(const char *path, const struct rts_trace_format *format,
                                       const struct rts_recorder_run *run,
                                       const struct rts_account *account, const char *proc_root,
                                       struct rts_error *error)
{
    struct rts_trace_writer *writer = rts_trace_writer_open(path, format, error);
    if (!writer)
        return NULL;
    struct rts_recorder *recorder = rts_calloc(1, sizeof *recorder);
    recorder->writer = writer;
    recorder->format = *format;
    recorder->account = account;
    recorder->layout = rts_trace_writer_layout(writer);
    recorder->path = rts_strdup(path);
    recorder->proc_root = rts_strdup(proc_root);
    recorder->frames = rts_calloc(RTS_STACK_DEPTH_MAX, sizeof *recorder->frames);
    recorder->chain = rts_calloc(RTS_STACK_DEPTH_MAX + CHAIN_MARKS, sizeof *recorder->chain);
    put_run(recorder, run);
    hand_over(recorder);
    return recorder;
}

static void put_end(struct rts_recorder *recorder, const struct rts_recorder_end *end)
{
    struct rts_note_draft draft;
    rts_buffer_clear(&recorder->records);
    rts_note_begin(&draft, RTS_NOTE_END, &recorder->records);
    rts_note_put_count(&draft, "duration_ms", end->duration_ms);
    rts_note_put_count(&draft, "frequency", end->frequency);
    if (end->command_status >= 0)
        rts_note_put_count(&draft, "command_status", (uint64_t)end->command_status);
    if (recorder->unrecorded > 0)
        rts_note_put_count(&draft, "unrecorded", recorder->unrecorded);
    rts_note_end(&draft);
}

int rts_recorder_finish(struct rts_recorder *recorder, const struct rts_recorder_end *end,
                        struct rts_recorder_counts *counts, struct rts_error *error)
{
    if (!recorder)
        return 0;
    if (end) {
        put_end(recorder, end);
        rts_trace_writer_add_last(recorder->writer, recorder->records.data, recorder->records.size,
                                  NULL); /* the writer remembers a failure */
    }
    *counts = (struct rts_recorder_counts){
        .samples = recorder->samples,
        .unrecorded = recorder->unrecorded,
    };
    int result = rts_trace_writer_finish(recorder->writer, &counts->bytes, error);
    destroy(recorder);
    return result;
}
