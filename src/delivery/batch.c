/* SPDX-License-Identifier: Apache-2.0 */
#include "delivery/batch.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "delivery/gzip.h"
#include "util/hex.h"
#include "util/memory.h"

#define STRUCTURED_TAIL "\n]}\n"

/* Some lines of a text; empty ones do not count. */
struct lines {
    const char *at;
    size_t size;
};

/* Takes the next line off, without its newline; false at the end. */
static bool next_line(struct lines *rest, struct lines *line)
{
    while (rest->size > 0) {
        const char *newline = memchr(rest->at, '\n', rest->size);
        size_t length = newline ? (size_t)(newline - rest->at) : rest->size;
        size_t taken = length + (newline != NULL);
        *line = (struct lines){rest->at, length};
        rest->at += taken;
        rest->size -= taken;
        if (length > 0)
            return true;
    }
    return false;
}

void rts_batch_key(const struct rts_batch_id *id, char key[RTS_BATCH_KEY_SIZE])
{
    char text[128], hex[RTS_SHA256_HEX_SIZE], uuid[RTS_HEX_SIZE(16)];
    uint8_t bytes[RTS_SHA256_SIZE];
    rts_sha256_hex(id->digest, hex);
    int length = snprintf(text, sizeof text, "%016" PRIx64 "%s-%s", id->sequence, id->part, hex);
    rts_sha256_bytes(text, (size_t)length, bytes);
    bytes[6] = (uint8_t)((bytes[6] & 0x0F) | 0x80); /* version 8 */
    bytes[8] = (uint8_t)((bytes[8] & 0x3F) | 0x80); /* the variant of RFC 9562 */
    rts_hex_write(uuid, bytes, 16);
    snprintf(key, RTS_BATCH_KEY_SIZE, "%.8s-%.4s-%.4s-%.4s-%.12s", uuid, uuid + 8, uuid + 12,
             uuid + 16, uuid + 20);
}

int rts_batch_compare(const struct rts_batch_id *a, const struct rts_batch_id *b)
{
    if (a->sequence != b->sequence)
        return a->sequence < b->sequence ? -1 : 1;
    int parts = strcmp(a->part, b->part);
    return parts ? parts : memcmp(a->digest, b->digest, sizeof a->digest);
}

static void append_events(struct rts_buffer *content, struct lines lines, bool structured)
{
    struct lines line;
    const char *separator = "";
    while (next_line(&lines, &line)) {
        rts_buffer_text(content, separator);
        rts_buffer_append(content, line.at, line.size);
        separator = structured ? ",\n" : "\n";
    }
}

/* Makes the body out of lines, and all that follows from it. */
static struct rts_batch *make(const struct rts_batch_form *form, struct lines lines,
                              uint32_t events, uint64_t sequence, const char *part)
{
    struct rts_batch *batch = rts_calloc(1, sizeof *batch);
    struct rts_buffer content = RTS_BUFFER_INIT;
    batch->structured = form->structured_head != NULL;
    if (batch->structured)
        rts_buffer_format(&content, "%s\n", form->structured_head);
    append_events(&content, lines, batch->structured);
    rts_buffer_text(&content, batch->structured ? STRUCTURED_TAIL : "\n");

    batch->events = events;
    batch->envelope = rts_strdup(form->envelope);
    batch->gzip = content.size > RTS_BATCH_PLAIN_MAX;
    if (batch->gzip) {
        rts_gzip(&batch->body, content.data, content.size);
        rts_buffer_finish(&content);
    } else {
        batch->body = content;
    }
    batch->id.sequence = sequence;
    snprintf(batch->id.part, sizeof batch->id.part, "%s", part);
    rts_sha256_bytes(batch->body.data, batch->body.size, batch->id.digest);
    rts_batch_key(&batch->id, batch->key);
    return batch;
}

struct rts_batch *rts_batch_cut(const struct rts_batch_form *form, const char *lines, size_t size,
                                size_t *position, uint32_t events_max, uint64_t sequence)
{
    struct lines rest = {lines + *position, size - *position};
    struct lines line, taken = {rest.at, 0};
    uint32_t events = 0;
    while (events < events_max) {
        struct lines before = rest;
        if (!next_line(&rest, &line))
            break;
        if (events > 0 && (size_t)(rest.at - taken.at) > RTS_BATCH_LINES_MAX) {
            rest = before;
            break;
        }
        events++;
    }
    taken.size = (size_t)(rest.at - taken.at);
    *position += taken.size;
    return events ? make(form, taken, events, sequence, "") : NULL;
}

/* Takes the frame of a structured body off: its head into *head (to be freed), what is between into
 * *lines, still with the commas. */
static int unframe(struct lines *lines, char **head)
{
    const char *newline = memchr(lines->at, '\n', lines->size);
    size_t tail = strlen(STRUCTURED_TAIL);
    if (!newline || lines->size < tail ||
        memcmp(lines->at + lines->size - tail, STRUCTURED_TAIL, tail) != 0)
        return -1;
    size_t head_size = (size_t)(newline - lines->at);
    if (head_size + 1 > lines->size - tail || memchr(lines->at, '\0', head_size))
        return -1;
    *head = rts_calloc(head_size + 1, 1);
    memcpy(*head, lines->at, head_size);
    lines->at += head_size + 1;
    lines->size -= head_size + 1 + tail;
    return 0;
}

/* The plain lines of a body: appended to *plain, and the head of a structured one in *head. */
static int recover_lines(const struct rts_batch *batch, struct rts_buffer *plain, char **head,
                         struct rts_error *error)
{
    struct rts_buffer content = RTS_BUFFER_INIT;
    struct lines lines = {batch->body.data, batch->body.size}, line;
    if (batch->gzip) {
        if (rts_gunzip(&content, batch->body.data, batch->body.size, RTS_BATCH_CONTENT_MAX, error) <
            0) {
            rts_buffer_finish(&content);
            return -1;
        }
        lines = (struct lines){content.data, content.size};
    }
    int result = batch->structured ? unframe(&lines, head) : 0;
    while (result == 0 && next_line(&lines, &line)) {
        bool comma = batch->structured && lines.size > 0;
        if (comma && line.at[line.size - 1] != ',')
            result = -1;
        rts_buffer_append(plain, line.at, line.size - comma);
        rts_buffer_text(plain, "\n");
    }
    rts_buffer_finish(&content);
    return result == 0 ? 0 : rts_fail(error, RTS_FAILED, "its body is not as rtsample makes them");
}

static struct rts_batch *make_half(const struct rts_batch *batch, const struct rts_batch_form *form,
                                   struct lines lines, uint32_t events, char letter)
{
    char part[RTS_BATCH_PART_SIZE + 1];
    snprintf(part, sizeof part, "%s%c", batch->id.part, letter);
    struct rts_batch *half = make(form, lines, events, batch->id.sequence, part);
    half->earlier = batch->earlier;
    memcpy(half->parent, batch->id.digest, sizeof half->parent);
    return half;
}

int rts_batch_split(const struct rts_batch *batch, struct rts_batch *halves[2],
                    struct rts_error *error)
{
    if (batch->events < 2 || strlen(batch->id.part) >= RTS_BATCH_PART_MAX)
        return rts_fail(error, RTS_FAILED, "it cannot be halved");
    struct rts_buffer plain = RTS_BUFFER_INIT;
    char *head = NULL;
    int result = recover_lines(batch, &plain, &head, error);
    if (result == 0) {
        struct lines rest = {plain.data, plain.size}, line;
        uint32_t first = batch->events / 2, seen = 0;
        while (seen < first && next_line(&rest, &line))
            seen++;
        struct lines front = {plain.data, plain.size - rest.size}, back = rest;
        uint32_t behind = 0;
        while (next_line(&rest, &line))
            behind++;
        if (seen == first && behind == batch->events - first) {
            struct rts_batch_form form = {batch->envelope, head};
            halves[0] = make_half(batch, &form, front, first, 'a');
            halves[1] = make_half(batch, &form, back, behind, 'b');
        } else {
            result = rts_fail(error, RTS_FAILED, "it does not have the events that it should");
        }
    }
    rts_buffer_finish(&plain);
    free(head);
    return result;
}

void rts_batch_destroy(struct rts_batch *batch)
{
    if (!batch)
        return;
    free(batch->envelope);
    rts_buffer_finish(&batch->body);
    free(batch);
}
