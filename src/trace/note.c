/* SPDX-License-Identifier: Apache-2.0 */
#include "trace/note.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Bytes of a LEB128 number of 64 bits. */
#define NUMBER_BYTES_MAX 10

/* What precedes the payload. */
struct carrier {
    struct perf_event_header header;
    char magic[4];
    uint8_t version, kind;
    uint8_t size[2];
};

/* ---- writing ---- */

void rts_note_begin(struct rts_note_draft *draft, enum rts_note_kind kind, struct rts_buffer *out)
{
    struct carrier carrier = {
        .header = {.type = RTS_NOTE_RECORD_TYPE},
        .version = RTS_NOTE_VERSION,
        .kind = (uint8_t)kind,
    };
    memcpy(carrier.magic, RTS_NOTE_MAGIC, sizeof carrier.magic);
    *draft = (struct rts_note_draft){.out = out, .start = out->size};
    rts_buffer_append(out, &carrier, sizeof carrier);
}

void rts_note_put_number(struct rts_note_draft *draft, uint64_t value)
{
    uint8_t bytes[NUMBER_BYTES_MAX];
    size_t size = 0;
    for (; value >= 0x80; value >>= 7)
        bytes[size++] = (uint8_t)(value | 0x80);
    bytes[size++] = (uint8_t)value;
    rts_buffer_append(draft->out, bytes, size);
}

void rts_note_put_signed(struct rts_note_draft *draft, int64_t value)
{
    uint64_t doubled = (uint64_t)value << 1;
    rts_note_put_number(draft, value < 0 ? ~doubled : doubled);
}

void rts_note_put_bytes(struct rts_note_draft *draft, const void *bytes, size_t size)
{
    rts_note_put_number(draft, size);
    rts_buffer_append(draft->out, bytes, size);
}

void rts_note_put_text(struct rts_note_draft *draft, const char *text)
{
    rts_note_put_bytes(draft, text, strlen(text) + 1);
}

void rts_note_put_attribute(struct rts_note_draft *draft, const char *key, const char *value)
{
    if (!value)
        return;
    rts_note_put_text(draft, key);
    rts_note_put_text(draft, value);
}

void rts_note_put_count(struct rts_note_draft *draft, const char *key, uint64_t value)
{
    char text[24];
    snprintf(text, sizeof text, "%" PRIu64, value);
    rts_note_put_attribute(draft, key, text);
}

bool rts_note_end(struct rts_note_draft *draft)
{
    struct rts_buffer *out = draft->out;
    size_t payload = out->size - draft->start - sizeof(struct carrier);
    if (payload > RTS_NOTE_PAYLOAD_MAX) {
        out->size = draft->start;
        out->data[out->size] = '\0';
        return false;
    }
    const char zeroes[8] = {0};
    rts_buffer_append(out, zeroes, (8 - payload % 8) % 8);
    struct carrier carrier;
    memcpy(&carrier, out->data + draft->start, sizeof carrier);
    carrier.header.size = (uint16_t)(out->size - draft->start);
    carrier.size[0] = (uint8_t)payload;
    carrier.size[1] = (uint8_t)(payload >> 8);
    memcpy(out->data + draft->start, &carrier, sizeof carrier);
    return true;
}

/* ---- reading ---- */

bool rts_note_open(const struct perf_event_header *record, struct rts_note *note, bool *damaged)
{
    struct carrier carrier;
    *damaged = false;
    if (record->type != RTS_NOTE_RECORD_TYPE || record->size < sizeof carrier)
        return false;
    memcpy(&carrier, record, sizeof carrier);
    if (memcmp(carrier.magic, RTS_NOTE_MAGIC, sizeof carrier.magic) != 0)
        return false;
    size_t size = carrier.size[0] | (size_t)carrier.size[1] << 8;
    if (size > record->size - sizeof carrier) {
        *damaged = true;
        return false;
    }
    const uint8_t *payload = (const uint8_t *)record + sizeof carrier;
    *note = (struct rts_note){
        .kind = (enum rts_note_kind)carrier.kind,
        .version = carrier.version,
        .rest = {.at = payload, .end = payload + size},
    };
    return true;
}

uint64_t rts_note_number(struct rts_note *note)
{
    return rts_cursor_uleb(&note->rest);
}

int64_t rts_note_signed(struct rts_note *note)
{
    uint64_t value = rts_note_number(note);
    return (int64_t)(value & 1 ? ~(value >> 1) : value >> 1);
}

const uint8_t *rts_note_bytes(struct rts_note *note, size_t *size)
{
    static const uint8_t nothing[1];
    uint64_t count = rts_note_number(note);
    const uint8_t *bytes = rts_cursor_take(&note->rest, count);
    *size = bytes ? (size_t)count : 0;
    return bytes ? bytes : nothing;
}

const char *rts_note_text(struct rts_note *note)
{
    size_t size;
    const char *text = (const char *)rts_note_bytes(note, &size);
    if (size > 0 && memchr(text, '\0', size) == text + size - 1)
        return text;
    rts_cursor_fail(&note->rest);
    return "";
}

bool rts_note_attribute(struct rts_note *note, const char **key, const char **value)
{
    if (note->rest.at == note->rest.end)
        return false;
    *key = rts_note_text(note);
    *value = rts_note_text(note);
    return !note->rest.failed;
}

bool rts_note_value_number(const char *value, uint64_t *number)
{
    uint64_t sum = 0;
    const char *at = value;
    for (; *at >= '0' && *at <= '9'; at++) {
        uint64_t digit = (uint64_t)(*at - '0');
        if (sum > (UINT64_MAX - digit) / 10)
            return false;
        sum = sum * 10 + digit;
    }
    if (at == value || *at)
        return false;
    *number = sum;
    return true;
}

/* ---- STACK ---- */

bool rts_note_put_stack(struct rts_buffer *out, const struct rts_note_stack *stack,
                        const struct rts_note_frame *frames)
{
    struct rts_note_draft draft;
    rts_note_begin(&draft, RTS_NOTE_STACK, out);
    rts_note_put_number(&draft, stack->instance);
    rts_note_put_number(&draft, stack->flags);
    rts_note_put_number(&draft, stack->stop);
    rts_note_put_number(&draft, stack->count);
    for (uint32_t i = 0; i < stack->count; i++) {
        const struct rts_note_frame *frame = &frames[i];
        rts_note_put_number(&draft, frame->code << 3 | (frame->unwinder & 7U));
        if (stack->flags & RTS_NOTE_STACK_ADDRESSES)
            rts_note_put_number(&draft, frame->address);
    }
    return rts_note_end(&draft);
}

bool rts_note_read_stack(struct rts_note *note, struct rts_note_stack *stack)
{
    stack->instance = rts_note_number(note);
    stack->flags = rts_note_number(note);
    uint64_t stop = rts_note_number(note), count = rts_note_number(note);
    if (note->rest.failed || stop >= RTS_STOP_COUNT || count > RTS_STACK_DEPTH_MAX)
        return false;
    stack->stop = (enum rts_stop)stop;
    stack->count = (uint32_t)count;
    return true;
}

bool rts_note_read_frame(struct rts_note *note, const struct rts_note_stack *stack,
                         struct rts_note_frame *frame)
{
    uint64_t packed = rts_note_number(note);
    *frame = (struct rts_note_frame){
        .code = packed >> 3,
        .unwinder = packed & 7,
    };
    if (stack->flags & RTS_NOTE_STACK_ADDRESSES)
        frame->address = rts_note_number(note);
    return !note->rest.failed && frame->unwinder < RTS_UNWINDER_COUNT;
}
