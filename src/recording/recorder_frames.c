/* SPDX-License-Identifier: Apache-2.0 */
/* Where the frames of samples lie: files, and where they are mapped. */
#include "recording/recorder_state.h"

#include <stdio.h>

#include "binary/object.h"
#include "util/hex.h"

/* The smallest page. */
#define PAGE_MASK 4095ULL

/* "buildid-", or "sha256-", and the digits. */
struct name {
    char text[16 + 2 * RTS_BUILD_ID_MAX];
};

/* What a file is called without its path. */
static const char *redacted_name(struct rts_object *object, struct name *name)
{
    const struct rts_build_id *build_id = rts_object_build_id(object);
    const char *sha256 = build_id->size ? NULL : rts_object_file_sha256(object);
    char hex[RTS_HEX_SIZE(RTS_BUILD_ID_MAX)] = "unknown";
    if (build_id->size)
        rts_hex_write(hex, build_id->bytes, build_id->size);
    snprintf(name->text, sizeof name->text, "%s-%s", sha256 ? "sha256" : "buildid",
             sha256 ? sha256 : hex);
    return name->text;
}

/* `object` is what was found in a mapping, or in a mapping of a file; NULL: nothing. */
static const char *mapping_name(const struct rts_recorder *recorder,
                                const struct rts_mapping *mapping, struct rts_object *object,
                                struct name *name)
{
    switch (mapping->kind) {
    case RTS_MAPPING_FILE:
        if (!recorder->redaction.on)
            return mapping->file->path;
        return object ? redacted_name(object, name) : "unknown";
    case RTS_MAPPING_VDSO: return "[vdso]";
    case RTS_MAPPING_VSYSCALL: return "[vsyscall]";
    case RTS_MAPPING_ANONYMOUS: break;
    }
    return "//anon"; /* as the kernel calls it */
}

static uint64_t pc_of(const struct rts_recorder *recorder, const struct rts_frame *frame,
                      uint64_t pc)
{
    if (rts_redaction_hides_addresses(&recorder->redaction))
        return frame->object ? frame->vaddr : 0;
    return pc;
}

/* The part `what` of what `mapping` is of; `object` NULL: it could not be read. */
static void put_mapping_record(struct rts_recorder *recorder, const struct rts_process *process,
                               const struct rts_mapping *mapping, struct rts_object *object,
                               const struct rts_mmap_record *what)
{
    const struct rts_mapped_file *file = mapping->file;
    int32_t pid = rts_redaction_pid(&recorder->redaction, process);
    struct name name;
    struct rts_record record = {
        .kind = RTS_RECORD_MMAP,
        .pid = pid,
        .tid = pid,
        .time = mapping->from_ns > recorder->sorted_ns ? mapping->from_ns : 0,
        .id = RTS_TRACE_EVENT_ID,
        .mmap = *what,
    };
    record.mmap.path = mapping_name(recorder, mapping, object, &name);
    if (file && file->has_identity && !recorder->redaction.on) {
        record.mmap.major = file->major;
        record.mmap.minor = file->minor;
        record.mmap.inode = file->inode;
    }
    rts_recorder_put(recorder, &record);
}

/* A tool that unwinds by itself reads the CFI, which lies in mappings that are not executable. */
static void put_constants(struct rts_recorder *recorder, const struct rts_process *process,
                          const struct rts_mapping *mapping, struct rts_object *object)
{
    uint64_t vaddr, size, offset;
    for (size_t i = 0; rts_object_constants(object, i, &vaddr, &size, &offset); i++) {
        const struct rts_mmap_record what = {
            .start = mapping->bias + (vaddr & ~PAGE_MASK),
            .size = (size + (vaddr & PAGE_MASK) + PAGE_MASK) & ~PAGE_MASK,
            .offset = offset & ~PAGE_MASK,
        };
        put_mapping_record(recorder, process, mapping, object, &what);
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

static void put_file(struct rts_recorder *recorder, struct rts_object *object,
                     const struct rts_mapping *mapping)
{
    bool vdso = mapping->kind == RTS_MAPPING_VDSO;
    const struct rts_build_id *build_id = rts_object_build_id(object);
    char hex[RTS_HEX_SIZE(RTS_BUILD_ID_MAX)];
    struct name name;
    const char *called = mapping_name(recorder, mapping, object, &name);
    struct rts_note_draft draft;
    rts_hex_write(hex, build_id->bytes, build_id->size);
    rts_note_begin(&draft, RTS_NOTE_FILE, &recorder->records);
    rts_note_put_number(&draft, rts_object_serial(object));
    rts_note_put_attribute(&draft, "path", recorder->redaction.on ? NULL : called);
    rts_note_put_attribute(&draft, "build_id", build_id->size ? hex : NULL);
    if (build_id->size == 0)
        rts_note_put_attribute(&draft, "sha256", rts_object_file_sha256(object));
    rts_note_put_attribute(&draft, "vdso", vdso ? "1" : NULL);
    rts_note_end(&draft);
    if (vdso)
        put_image(recorder, object);
    if (build_id->size > 0 && rts_known_listed(&recorder->known, called))
        rts_trace_writer_add_build_id(recorder->writer, called, build_id);
}

/* Where an object is mapped, under a new number; returns its code. The name of the file is in facts
 * too, so that it is kept where paths are not. */
static uint64_t put_place(struct rts_recorder *recorder, struct rts_object *object,
                          const struct rts_mapping *mapping, const char *module)
{
    uint32_t serial = rts_object_serial(object);
    bool is_new, hidden = rts_redaction_hides_addresses(&recorder->redaction);
    uint64_t bias = hidden ? 0 : mapping->bias, load_base = hidden ? 0 : mapping->load_base;
    bool is_new_file = rts_known_file(&recorder->known, serial);
    if (is_new_file && rts_object_is_bare(object))
        put_image(recorder, object); /* no file is to be searched for it */
    else if (is_new_file)
        put_file(recorder, object, mapping);
    uint64_t number = rts_known_place(&recorder->known, serial, bias, load_base, module, &is_new);
    if (is_new) {
        struct rts_note_draft draft;
        rts_note_begin(&draft, RTS_NOTE_MAPPING, &recorder->records);
        rts_note_put_number(&draft, number);
        rts_note_put_number(&draft, serial);
        rts_note_put_number(&draft, bias);
        rts_note_put_number(&draft, load_base);
        if (module)
            rts_note_put_text(&draft, module);
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

/* A mapping as a trace has it: where a copy of a file's text was found, that of the file. */
static struct rts_mapping mapping_shown(const struct rts_process *process,
                                        const struct rts_mapping *mapping,
                                        const struct rts_object *object)
{
    struct rts_mapping shown = *mapping;
    const struct rts_text_copy *copy =
        object ? rts_text_copies_find(&process->copies, mapping->text_copy) : NULL;
    if (!copy)
        return shown;
    shown.kind = RTS_MAPPING_FILE;
    shown.file = copy->anchor.file;
    shown.start = copy->start & ~PAGE_MASK;
    shown.offset = copy->offset & ~PAGE_MASK;
    return shown;
}

void rts_recorder_put_frame(struct rts_recorder *recorder, const struct rts_process *process,
                            uint64_t time, const struct rts_frame *frame, enum rts_code_kind kind,
                            struct rts_note_frame *out)
{
    uint64_t pc = frame->vaddr;
    if (frame->object)
        pc += frame->load_base - rts_object_first_vaddr(frame->object);
    *out = (struct rts_note_frame){
        .code = code_of(kind),
        .address = pc_of(recorder, frame, pc),
        .unwinder = frame->unwinder,
    };
    const struct rts_mapping *found = rts_mapping_set_find(&process->mappings, pc, time);
    if (!found)
        return;
    const struct rts_mapping shown = mapping_shown(process, found, frame->object);
    const struct rts_mapping *mapping = &shown;
    struct rts_known_mapping *known = rts_known_mapping(&recorder->known, process->instance,
                                                        found->start, found->end, found->from_ns);
    /* What was anonymous may have turned out to be a copy of a file since. */
    bool is_news = !known->written || (mapping->file != found->file && known->serial == 0);
    if (is_news && !rts_redaction_hides_addresses(&recorder->redaction))
        put_mapping_record(recorder, process, mapping, frame->object,
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
        known->code = put_place(recorder, frame->object, mapping, frame->module);
        known->serial = rts_object_serial(frame->object);
        if (recorder->format.full)
            put_constants(recorder, process, mapping, frame->object);
    }
    out->code = known->code;
}
