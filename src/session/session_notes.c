/* SPDX-License-Identifier: Apache-2.0 */
/* A trace of our own, repeated in the order of its notes (trace/note.h). */
#include "session/session.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "process/module_name.h"
#include "session/replay.h"
#include "util/cleanup.h"
#include "util/log.h"
#include "util/memory.h"

#define FORMAT 1

/* Files, and mappings, that a trace may number: more than any run of ours hits. */
#define NUMBERED_MAX 1000000

/* Names of files; more than any run of ours has. */
#define MODULES_MAX 65536

/* A word of what was given up takes two letters at least. */
#define WORDS_MAX 8

static bool same_file(const void *item, const void *key)
{
    return ((const struct rts_replay_file *)item)->number == *(const uint64_t *)key;
}

static bool same_mapping(const void *item, const void *key)
{
    return ((const struct rts_replay_mapping *)item)->number == *(const uint64_t *)key;
}

static struct rts_replay_file *file_of(struct rts_replay *replay, uint64_t number)
{
    return rts_table_find(&replay->replay_files, rts_hash_u64(number), same_file, &number);
}

static struct rts_replay_mapping *mapping_of(struct rts_replay *replay, uint64_t number)
{
    return rts_table_find(&replay->mappings, rts_hash_u64(number), same_mapping, &number);
}

static void replace_text(char **text, const char *value)
{
    free(*text);
    *text = rts_strdup(value);
}

static uint64_t number_or_zero(const char *value)
{
    uint64_t number;
    return rts_note_value_number(value, &number) ? number : 0;
}

static int64_t signed_or_zero(const char *value)
{
    bool negative = value[0] == '-';
    uint64_t number = number_or_zero(value + negative);
    return (int64_t)(negative ? 0 - number : number);
}

/* ---- RUN and END ---- */

static void take_words(struct rts_replay *replay, const char *value)
{
    size_t count = 0;
    replace_text(&replay->gave_up_text, value);
    char *rest = replay->gave_up_text;
    for (char *word; count < WORDS_MAX && (word = strsep(&rest, ","));)
        if (*word)
            replay->gave_up[count++] = word;
    replay->gave_up[count] = NULL;
}

static int take_run(struct rts_session *session, struct rts_note *note, struct rts_error *error)
{
    struct rts_replay *replay = session->replay;
    const char *key, *value;
    while (rts_note_attribute(note, &key, &value)) {
        if (strcmp(key, "format") == 0 && number_or_zero(value) > FORMAT)
            return rts_fail(error, RTS_FAILED,
                            "the trace is of a later version of rtsample (format %s)", value);
        if (strcmp(key, "method") == 0)
            replace_text(&replay->method, value);
        else if (strcmp(key, "config_sha256") == 0)
            replace_text(&replay->config_sha256, value);
        else if (strcmp(key, "gave_up") == 0)
            take_words(replay, value);
        else if (strcmp(key, "rung") == 0)
            replace_text(&replay->rung, value);
        else if (strcmp(key, "refused") == 0)
            replace_text(&replay->refused, value);
        else if (strcmp(key, "frequency") == 0)
            replay->frequency = number_or_zero(value);
        else if (strcmp(key, "wall_offset_ns") == 0)
            replay->wall_offset_ns = signed_or_zero(value);
        else
            rts_recorded_settings_take(&replay->recorded, key, number_or_zero(value));
    }
    return rts_recorded_settings_check(&replay->recorded, replay->config_sha256, session->settings,
                                       error);
}

static void take_command_status(struct rts_replay *replay, const char *value)
{
    uint64_t status = number_or_zero(value);
    replay->has_command = status <= INT_MAX;
    replay->command_status = replay->has_command ? (int)status : -1;
}

static void take_end(struct rts_replay *replay, struct rts_note *note)
{
    const char *key, *value;
    replay->has_end = true;
    while (rts_note_attribute(note, &key, &value)) {
        if (strcmp(key, "duration_ms") == 0)
            replay->duration_ms = number_or_zero(value);
        else if (strcmp(key, "frequency") == 0)
            replay->frequency = number_or_zero(value);
        else if (strcmp(key, "command_status") == 0)
            take_command_status(replay, value);
        else if (strcmp(key, "rung") == 0)
            replace_text(&replay->rung, value);
        else if (strcmp(key, "refused") == 0)
            replace_text(&replay->refused, value);
        else if (strcmp(key, "unrecorded") == 0)
            replay->unrecorded = number_or_zero(value);
    }
}

/* ---- FILE, IMAGE, MAPPING, PROCESS ---- */

static bool parse_build_id(const char *hex, struct rts_build_id *build_id)
{
    size_t length = strlen(hex);
    build_id->size = 0;
    if (length % 2 || length / 2 > RTS_BUILD_ID_MAX || strspn(hex, "0123456789abcdef") != length)
        return false;
    for (size_t i = 0; i < length / 2; i++) {
        const char pair[] = {hex[2 * i], hex[2 * i + 1], '\0'};
        build_id->bytes[i] = (uint8_t)strtoul(pair, NULL, 16);
    }
    build_id->size = (uint8_t)(length / 2);
    return true;
}

/* The entry of this number, made if need be; NULL when there are too many. */
static struct rts_replay_file *put_file(struct rts_session *session, uint64_t number)
{
    struct rts_replay *replay = session->replay;
    struct rts_replay_file *file = file_of(replay, number);
    if (!file && replay->replay_files.count < NUMBERED_MAX) {
        file = rts_calloc(1, sizeof *file);
        file->number = number;
        rts_table_add(&replay->replay_files, rts_hash_u64(number), file);
    }
    return file;
}

static void take_file(struct rts_session *session, struct rts_note *note)
{
    struct rts_replay *replay = session->replay;
    struct rts_wanted_file wanted = {.path = ""};
    const char *key, *value;
    bool is_vdso = false, no_elf;
    struct rts_replay_file *file = put_file(session, rts_note_number(note));
    while (rts_note_attribute(note, &key, &value)) {
        if (strcmp(key, "path") == 0)
            wanted.path = value;
        else if (strcmp(key, "build_id") == 0)
            parse_build_id(value, &wanted.build_id);
        else if (strcmp(key, "sha256") == 0)
            wanted.sha256 = value;
        else if (strcmp(key, "vdso") == 0)
            is_vdso = true;
    }
    /* One that was said before is kept: mappings and frames point to its object. */
    if (!file || file->object)
        return;
    if (is_vdso)
        wanted.path = "[vdso]";
    file->object = rts_file_search_find(replay->files, &wanted, NULL, &no_elf);
}

/* The content itself is there, and needs no search. */
static void take_image(struct rts_session *session, struct rts_note *note)
{
    size_t size;
    struct rts_replay_file *file = put_file(session, rts_note_number(note));
    const uint8_t *bytes = rts_note_bytes(note, &size);
    if (!file || file->object || note->damaged)
        return;
    file->object = rts_object_from_memory(bytes, size, "[vdso]", NULL);
    file->owned = file->object != NULL;
}

static bool same_text(const void *item, const void *key)
{
    return strcmp(item, key) == 0;
}

/* The replay's own copy of a name; NULL: none, or too many. */
static const char *intern_module(struct rts_replay *replay, const char *text)
{
    size_t size = strlen(text);
    if (size == 0 || size > RTS_MODULE_NAME_MAX)
        return NULL;
    uint64_t hash = rts_hash_bytes(text, size, 0);
    char *known = rts_table_find(&replay->modules, hash, same_text, text);
    if (!known && replay->modules.count < MODULES_MAX) {
        known = rts_strdup(text);
        rts_table_add(&replay->modules, hash, known);
    }
    return known;
}

static void take_mapping(struct rts_session *session, struct rts_note *note)
{
    struct rts_replay *replay = session->replay;
    uint64_t number = rts_note_number(note);
    const struct rts_replay_file *file = file_of(replay, rts_note_number(note));
    struct rts_replay_mapping *mapping = mapping_of(replay, number);
    if (!mapping && replay->mappings.count < NUMBERED_MAX) {
        mapping = rts_calloc(1, sizeof *mapping);
        mapping->number = number;
        rts_table_add(&replay->mappings, rts_hash_u64(number), mapping);
    }
    if (!mapping)
        return;
    mapping->object = file ? file->object : NULL;
    mapping->bias = rts_note_number(note);
    mapping->load_base = rts_note_number(note);
    mapping->module = NULL;
    if (!note->damaged && note->at < note->end) /* traces of before it was kept have none */
        mapping->module = intern_module(replay, rts_note_text(note));
}

static void take_process(struct rts_session *session, struct rts_note *note)
{
    const char *key, *value;
    struct rts_process *process = rts_process_recorded(session->processes, rts_note_number(note));
    while (rts_note_attribute(note, &key, &value)) {
        if (strcmp(key, "ours") == 0)
            process->ours = true;
        else if (strcmp(key, "pid") == 0)
            process->pid = (int32_t)number_or_zero(value);
        else if (strcmp(key, "name") == 0)
            snprintf(process->name, sizeof process->name, "%s", value);
        else if (strcmp(key, "container_id") == 0)
            snprintf(process->container.id, sizeof process->container.id, "%s", value);
        else if (strcmp(key, "container_runtime") == 0)
            process->container.runtime = rts_container_runtime(value);
        else if (strcmp(key, "socket") == 0)
            snprintf(process->socket, sizeof process->socket, "%s", value);
    }
}

static void take_package(struct rts_replay *replay, struct rts_note *note)
{
    const struct rts_replay_file *file = file_of(replay, rts_note_number(note));
    rts_replay_take_package(replay, file ? file->object : NULL, note);
}

/* ---- stacks ---- */

static void take_stack(struct rts_replay *replay, const struct rts_note *note)
{
    rts_buffer_clear(&replay->stack);
    rts_buffer_append(&replay->stack, note->at, (size_t)(note->end - note->at));
    replay->stack_version = note->version;
    replay->has_stack = true;
}

/* The addresses of the user side of a callchain, one by one. */
struct chain {
    const uint64_t *at, *end;
    bool user;
};

static bool next_address(struct chain *chain, uint64_t *address)
{
    while (chain->at < chain->end) {
        uint64_t entry = *chain->at++;
        if (entry >= (uint64_t)PERF_CONTEXT_MAX) {
            chain->user = entry == (uint64_t)PERF_CONTEXT_USER;
        } else if (chain->user) {
            *address = entry;
            return true;
        }
    }
    return false;
}

static void set_frame(struct rts_session *session, const struct rts_note_frame *noted)
{
    struct rts_stack *stack = session->stack;
    struct rts_frame frame = {.vaddr = noted->address, .unwinder = noted->unwinder};
    uint8_t kind = (uint8_t)(noted->code == RTS_NOTE_CODE_NONE        ? RTS_CODE_NONE
                             : noted->code == RTS_NOTE_CODE_ANONYMOUS ? RTS_CODE_ANONYMOUS
                                                                      : RTS_CODE_NO_FILE);
    if (noted->code >= RTS_NOTE_CODE_MAPPING) {
        uint64_t number = noted->code - RTS_NOTE_CODE_MAPPING;
        const struct rts_replay_mapping *mapping = mapping_of(session->replay, number);
        if (mapping && mapping->object) {
            kind = rts_object_is_bare(mapping->object) ? RTS_CODE_NO_FILE : RTS_CODE_OBJECT;
            frame.object = mapping->object;
            frame.vaddr = noted->address - mapping->bias;
            frame.load_base = mapping->load_base;
            frame.module = mapping->module;
        }
    }
    stack->kinds[stack->count] = kind;
    stack->frames[stack->count++] = frame;
}

/* Puts the stack of a STACK and its sample together. */
static bool build_stack(struct rts_session *session, const struct rts_sample *sample,
                        uint64_t *instance)
{
    struct rts_replay *replay = session->replay;
    const uint8_t *bytes = (const uint8_t *)replay->stack.data;
    struct rts_note note = {
        .kind = RTS_NOTE_STACK,
        .version = replay->stack_version,
        .at = bytes,
        .end = bytes + replay->stack.size,
    };
    struct rts_note_stack head;
    struct chain chain = {
        .at = sample->callchain,
        .end = sample->callchain ? sample->callchain + sample->callchain_size : NULL,
    };
    if (!rts_note_read_stack(&note, &head))
        return false;
    session->stack->count = 0;
    session->stack->stop = head.stop;
    for (uint32_t i = 0; i < head.count; i++) {
        struct rts_note_frame frame;
        if (!rts_note_read_frame(&note, &head, &frame) ||
            (!(head.flags & RTS_NOTE_STACK_ADDRESSES) && !next_address(&chain, &frame.address)))
            return false;
        set_frame(session, &frame);
    }
    *instance = head.instance;
    return true;
}

void rts_session_take_noted_sample(struct rts_session *session,
                                   const struct rts_trace_record *record)
{
    struct rts_replay *replay = session->replay;
    uint64_t instance;
    bool has_stack = replay->has_stack;
    replay->has_stack = false;
    if (record->malformed || !has_stack ||
        !build_stack(session, &record->record.sample, &instance)) {
        replay->bad_notes++;
        return;
    }
    rts_session_keep_stack(session, rts_process_recorded(session->processes, instance),
                           &record->record);
}

/* ---- ACCOUNT and FLUSH ---- */

static void take_account(struct rts_session *session, struct rts_note *note)
{
    const char *key, *value;
    while (rts_note_attribute(note, &key, &value)) {
        uint64_t *counter = rts_account_counter(&session->account, key);
        if (counter)
            *counter += number_or_zero(value);
    }
}

static void take_flush(struct rts_session *session, struct rts_note *note)
{
    bool names_only = rts_note_number(note) == 1;
    if (names_only) {
        rts_session_name_stacks(session);
        return;
    }
    session->replay->wall_offset_ns = rts_note_signed(note);
    rts_session_flush(session);
    rts_session_update_metrics(session);
    rts_session_trim(session, 0);
}

int rts_session_take_note(struct rts_session *session, const struct rts_trace_record *record,
                          struct rts_error *error)
{
    struct rts_replay *replay = session->replay;
    struct rts_note note;
    bool damaged = false;
    if (!rts_note_open(record->header, &note, &damaged)) {
        replay->bad_notes += damaged;
        return 0;
    }
    if (note.version > RTS_NOTE_VERSION)
        return rts_fail(error, RTS_FAILED, "the trace is of a later version of rtsample");
    replay->has_notes = true;
    int result = 0;
    switch (note.kind) {
    case RTS_NOTE_RUN: result = take_run(session, &note, error); break;
    case RTS_NOTE_FILE: take_file(session, &note); break;
    case RTS_NOTE_IMAGE: take_image(session, &note); break;
    case RTS_NOTE_MAPPING: take_mapping(session, &note); break;
    case RTS_NOTE_PROCESS: take_process(session, &note); break;
    case RTS_NOTE_STACK: take_stack(replay, &note); break;
    case RTS_NOTE_PACKAGE: take_package(replay, &note); break;
    case RTS_NOTE_ACCOUNT: take_account(session, &note); break;
    case RTS_NOTE_FLUSH: take_flush(session, &note); break;
    case RTS_NOTE_END: take_end(replay, &note); break;
    }
    replay->bad_notes += note.damaged;
    return result;
}

void rts_replay_finish_notes(struct rts_session *session)
{
    struct rts_replay *replay = session->replay;
    size_t position = 0;
    for (struct rts_replay_file *file; (file = rts_table_next(&replay->replay_files, &position));) {
        if (file->owned)
            rts_object_destroy(file->object);
        free(file);
    }
    position = 0;
    for (void *mapping; (mapping = rts_table_next(&replay->mappings, &position));)
        free(mapping);
    rts_table_finish(&replay->replay_files);
    rts_table_finish(&replay->mappings);
    position = 0;
    for (void *module; (module = rts_table_next(&replay->modules, &position));)
        free(module);
    rts_table_finish(&replay->modules);
    rts_buffer_finish(&replay->stack);
    rts_replay_finish_packages(replay);
    free(replay->method);
    free(replay->config_sha256);
    free(replay->gave_up_text);
    free(replay->rung);
    free(replay->refused);
}
