/* SPDX-License-Identifier: Apache-2.0 */
#include "recording/repeater.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "process/module_name.h"
#include "util/cleanup.h"
#include "util/hex.h"
#include "util/log.h"
#include "util/memory.h"

#define FORMAT 1

/* Files, and mappings, that a trace may number: more than any run of ours hits. */
#define NUMBERED_MAX 1000000

/* Names of files; more than any run of ours has. */
#define MODULES_MAX 65536

/* A word of what was given up takes two letters at least. */
#define WORDS_MAX 8

/* A file of the trace, and where it is mapped; both go by their numbers in it. */
struct repeated_file {
    uint64_t number;
    struct rts_object *object; /* NULL: it was not found */
    bool owned;                /* the object was made from an IMAGE, and is not the cache's */
};

struct repeated_mapping {
    uint64_t number;
    struct rts_object *object;
    uint64_t bias, load_base;
    const char *module; /* one of the repeater's; NULL: none */
};

static bool same_file(const void *item, const void *key)
{
    return ((const struct repeated_file *)item)->number == *(const uint64_t *)key;
}

static bool same_mapping(const void *item, const void *key)
{
    return ((const struct repeated_mapping *)item)->number == *(const uint64_t *)key;
}

static struct repeated_file *file_of(struct rts_repeater *repeater, uint64_t number)
{
    return rts_table_find(&repeater->files_said, rts_hash_u64(number), same_file, &number);
}

static struct repeated_mapping *mapping_of(struct rts_repeater *repeater, uint64_t number)
{
    return rts_table_find(&repeater->mappings, rts_hash_u64(number), same_mapping, &number);
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

static void take_words(struct rts_repeater *repeater, const char *value)
{
    size_t count = 0;
    replace_text(&repeater->gave_up_text, value);
    char *rest = repeater->gave_up_text;
    for (char *word; count < WORDS_MAX && (word = strsep(&rest, ","));)
        if (*word)
            repeater->gave_up[count++] = word;
    repeater->gave_up[count] = NULL;
}

static int take_run(struct rts_repeater *repeater, struct rts_note *note, struct rts_error *error)
{
    const char *key, *value;
    while (rts_note_attribute(note, &key, &value)) {
        if (strcmp(key, "format") == 0 && number_or_zero(value) > FORMAT)
            return rts_fail(error, RTS_FAILED,
                            "the trace was written by a later version of rtsample (format %s)",
                            value);
        if (strcmp(key, "method") == 0)
            replace_text(&repeater->method, value);
        else if (strcmp(key, "config_sha256") == 0)
            replace_text(&repeater->config_sha256, value);
        else if (strcmp(key, "gave_up") == 0)
            take_words(repeater, value);
        else if (strcmp(key, "rung") == 0)
            replace_text(&repeater->rung, value);
        else if (strcmp(key, "refused") == 0)
            replace_text(&repeater->refused, value);
        else if (strcmp(key, "frequency") == 0)
            repeater->frequency = number_or_zero(value);
        else if (strcmp(key, "wall_offset_ns") == 0)
            repeater->wall_offset_ns = signed_or_zero(value);
        else
            rts_recorded_settings_take(&repeater->recorded, key, number_or_zero(value));
    }
    return rts_recorded_settings_check(&repeater->recorded, repeater->config_sha256,
                                       repeater->setup.settings, error);
}

static void take_command_status(struct rts_repeater *repeater, const char *value)
{
    uint64_t status = number_or_zero(value);
    repeater->has_command = status <= INT_MAX;
    repeater->command_status = repeater->has_command ? (int)status : -1;
}

static void take_end(struct rts_repeater *repeater, struct rts_note *note)
{
    const char *key, *value;
    repeater->has_end = true;
    while (rts_note_attribute(note, &key, &value)) {
        if (strcmp(key, "duration_ms") == 0)
            repeater->duration_ms = number_or_zero(value);
        else if (strcmp(key, "frequency") == 0)
            repeater->frequency = number_or_zero(value);
        else if (strcmp(key, "command_status") == 0)
            take_command_status(repeater, value);
        else if (strcmp(key, "rung") == 0)
            replace_text(&repeater->rung, value);
        else if (strcmp(key, "refused") == 0)
            replace_text(&repeater->refused, value);
        else if (strcmp(key, "unrecorded") == 0)
            repeater->unrecorded = number_or_zero(value);
    }
}

/* ---- FILE, IMAGE, MAPPING, PROCESS ---- */

static bool parse_build_id(const char *hex, struct rts_build_id *build_id)
{
    size_t length = strlen(hex);
    build_id->size = 0;
    if (length % 2 || length / 2 > RTS_BUILD_ID_MAX || strspn(hex, RTS_HEX_DIGITS) != length)
        return false;
    rts_hex_read(build_id->bytes, hex, length / 2);
    build_id->size = (uint8_t)(length / 2);
    return true;
}

/* The entry of this number, made if need be; NULL when there are too many. */
static struct repeated_file *put_file(struct rts_repeater *repeater, uint64_t number)
{
    struct repeated_file *file = file_of(repeater, number);
    if (!file && repeater->files_said.count < NUMBERED_MAX) {
        file = rts_calloc(1, sizeof *file);
        file->number = number;
        rts_table_add(&repeater->files_said, rts_hash_u64(number), file);
    }
    return file;
}

static void take_file(struct rts_repeater *repeater, struct rts_note *note)
{
    struct rts_wanted_file wanted = {.path = ""};
    const char *key, *value;
    bool is_vdso = false, no_elf;
    struct repeated_file *file = put_file(repeater, rts_note_number(note));
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
    file->object = rts_file_search_find(repeater->setup.files, &wanted, NULL, &no_elf);
}

/* The content itself is there, and needs no search. */
static void take_image(struct rts_repeater *repeater, struct rts_note *note)
{
    size_t size;
    struct repeated_file *file = put_file(repeater, rts_note_number(note));
    const uint8_t *bytes = rts_note_bytes(note, &size);
    if (!file || file->object || note->rest.failed)
        return;
    file->object = rts_object_from_memory(bytes, size, "[vdso]", NULL);
    file->owned = file->object != NULL;
}

static bool same_text(const void *item, const void *key)
{
    return strcmp(item, key) == 0;
}

/* The repeater's own copy of a name; NULL: none, or too many. */
static const char *intern_module(struct rts_repeater *repeater, const char *text)
{
    size_t size = strlen(text);
    if (size == 0 || size > RTS_MODULE_NAME_MAX)
        return NULL;
    uint64_t hash = rts_hash_bytes(text, size, 0);
    char *known = rts_table_find(&repeater->modules, hash, same_text, text);
    if (!known && repeater->modules.count < MODULES_MAX) {
        known = rts_strdup(text);
        rts_table_add(&repeater->modules, hash, known);
    }
    return known;
}

static void take_mapping(struct rts_repeater *repeater, struct rts_note *note)
{
    uint64_t number = rts_note_number(note);
    const struct repeated_file *file = file_of(repeater, rts_note_number(note));
    struct repeated_mapping *mapping = mapping_of(repeater, number);
    if (!mapping && repeater->mappings.count < NUMBERED_MAX) {
        mapping = rts_calloc(1, sizeof *mapping);
        mapping->number = number;
        rts_table_add(&repeater->mappings, rts_hash_u64(number), mapping);
    }
    if (!mapping)
        return;
    mapping->object = file ? file->object : NULL;
    mapping->bias = rts_note_number(note);
    mapping->load_base = rts_note_number(note);
    mapping->module = NULL;
    /* Traces of before it was kept have none. */
    if (!note->rest.failed && note->rest.at < note->rest.end)
        mapping->module = intern_module(repeater, rts_note_text(note));
}

static void take_process(struct rts_repeater *repeater, struct rts_note *note)
{
    const char *key, *value;
    struct rts_process *process =
        rts_process_recorded(repeater->setup.processes, rts_note_number(note));
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

static void take_package(struct rts_repeater *repeater, struct rts_note *note)
{
    const struct repeated_file *file = file_of(repeater, rts_note_number(note));
    rts_repeated_packages_take(&repeater->packages, file ? file->object : NULL, note);
}

/* ---- stacks ---- */

static void take_stack(struct rts_repeater *repeater, const struct rts_note *note)
{
    rts_buffer_clear(&repeater->payload);
    rts_buffer_append(&repeater->payload, note->rest.at, (size_t)(note->rest.end - note->rest.at));
    repeater->payload_version = note->version;
    repeater->has_stack = true;
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

static void set_frame(struct rts_repeater *repeater, const struct rts_note_frame *noted)
{
    struct rts_stack *stack = repeater->stack;
    struct rts_frame frame = {.vaddr = noted->address, .unwinder = noted->unwinder};
    uint8_t kind = (uint8_t)(noted->code == RTS_NOTE_CODE_NONE        ? RTS_CODE_NONE
                             : noted->code == RTS_NOTE_CODE_ANONYMOUS ? RTS_CODE_ANONYMOUS
                                                                      : RTS_CODE_NO_FILE);
    if (noted->code >= RTS_NOTE_CODE_MAPPING) {
        uint64_t number = noted->code - RTS_NOTE_CODE_MAPPING;
        const struct repeated_mapping *mapping = mapping_of(repeater, number);
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
static bool build_stack(struct rts_repeater *repeater, const struct rts_sample *sample,
                        uint64_t *instance)
{
    const uint8_t *bytes = (const uint8_t *)repeater->payload.data;
    struct rts_note note = {
        .kind = RTS_NOTE_STACK,
        .version = repeater->payload_version,
        .rest = {.at = bytes, .end = bytes + repeater->payload.size},
    };
    struct rts_note_stack head;
    struct chain chain = {
        .at = sample->callchain,
        .end = sample->callchain ? sample->callchain + sample->callchain_size : NULL,
    };
    if (!rts_note_read_stack(&note, &head))
        return false;
    repeater->stack->count = 0;
    repeater->stack->stop = head.stop;
    for (uint32_t i = 0; i < head.count; i++) {
        struct rts_note_frame frame;
        if (!rts_note_read_frame(&note, &head, &frame) ||
            (!(head.flags & RTS_NOTE_STACK_ADDRESSES) && !next_address(&chain, &frame.address)))
            return false;
        set_frame(repeater, &frame);
    }
    *instance = head.instance;
    return true;
}

void rts_repeater_take_sample(struct rts_repeater *repeater, const struct rts_trace_record *record)
{
    const struct rts_repeater_sink *sink = &repeater->setup.sink;
    uint64_t instance;
    bool has_stack = repeater->has_stack;
    repeater->has_stack = false;
    if (record->malformed || !has_stack ||
        !build_stack(repeater, &record->record.sample, &instance)) {
        repeater->bad_notes++;
        return;
    }
    const struct rts_kept kept = {
        .record = &record->record,
        .process = rts_process_recorded(repeater->setup.processes, instance),
        .time = record->record.time,
        .stack = repeater->stack,
    };
    sink->kept(sink->context, &kept);
}

/* ---- ACCOUNT and FLUSH ---- */

static void take_account(struct rts_repeater *repeater, struct rts_note *note)
{
    const char *key, *value;
    while (rts_note_attribute(note, &key, &value)) {
        uint64_t *counter = rts_account_counter(repeater->setup.account, key);
        if (counter)
            *counter += number_or_zero(value);
    }
}

static void take_flush(struct rts_repeater *repeater, struct rts_note *note)
{
    const struct rts_repeater_sink *sink = &repeater->setup.sink;
    bool names_only = rts_note_number(note) == 1;
    if (names_only) {
        sink->named(sink->context);
        return;
    }
    repeater->wall_offset_ns = rts_note_signed(note);
    sink->flushed(sink->context);
}

int rts_repeater_take_note(struct rts_repeater *repeater, const struct rts_trace_record *record,
                           struct rts_error *error)
{
    struct rts_note note;
    bool damaged = false;
    if (!rts_note_open(record->header, &note, &damaged)) {
        repeater->bad_notes += damaged;
        return 0;
    }
    if (note.version > RTS_NOTE_VERSION)
        return rts_fail(error, RTS_FAILED, "the trace was written by a later version of rtsample");
    repeater->has_notes = true;
    int result = 0;
    switch (note.kind) {
    case RTS_NOTE_RUN: result = take_run(repeater, &note, error); break;
    case RTS_NOTE_FILE: take_file(repeater, &note); break;
    case RTS_NOTE_IMAGE: take_image(repeater, &note); break;
    case RTS_NOTE_MAPPING: take_mapping(repeater, &note); break;
    case RTS_NOTE_PROCESS: take_process(repeater, &note); break;
    case RTS_NOTE_STACK: take_stack(repeater, &note); break;
    case RTS_NOTE_PACKAGE: take_package(repeater, &note); break;
    case RTS_NOTE_ACCOUNT: take_account(repeater, &note); break;
    case RTS_NOTE_FLUSH: take_flush(repeater, &note); break;
    case RTS_NOTE_END: take_end(repeater, &note); break;
    case RTS_NOTE_DISAGREEMENT: break; /* for people, and their tools */
    }
    repeater->bad_notes += note.rest.failed;
    return result;
}

void rts_repeater_finish(struct rts_repeater *repeater)
{
    size_t position = 0;
    for (struct repeated_file *file; (file = rts_table_next(&repeater->files_said, &position));) {
        if (file->owned)
            rts_object_destroy(file->object);
        free(file);
    }
    position = 0;
    for (void *mapping; (mapping = rts_table_next(&repeater->mappings, &position));)
        free(mapping);
    rts_table_finish(&repeater->files_said);
    rts_table_finish(&repeater->mappings);
    position = 0;
    for (void *module; (module = rts_table_next(&repeater->modules, &position));)
        free(module);
    rts_table_finish(&repeater->modules);
    rts_buffer_finish(&repeater->payload);
    rts_repeated_packages_finish(&repeater->packages);
    free(repeater->stack);
    free(repeater->method);
    free(repeater->config_sha256);
    free(repeater->gave_up_text);
    free(repeater->rung);
    free(repeater->refused);
}

void rts_repeater_init(struct rts_repeater *repeater, const struct rts_repeater_setup *setup)
{
    *repeater = (struct rts_repeater){
        .setup = *setup,
        .stack = rts_calloc(1, sizeof *repeater->stack),
        .command_status = -1,
    };
}
