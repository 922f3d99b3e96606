/* SPDX-License-Identifier: Apache-2.0 */
#include "delivery/spool_file.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/header.h"
#include "util/hex.h"
#include "util/memory.h"

#define FIRST_LINE "rtsample-spool 1"
#define SUFFIX     ".batch"

#define SEQUENCE_DIGITS 16
#define DIGEST_DIGITS   (RTS_SHA256_HEX_SIZE - 1)

void rts_spool_file_name(const struct rts_batch_id *id, char name[RTS_SPOOL_NAME_SIZE])
{
    char hex[RTS_SHA256_HEX_SIZE];
    rts_sha256_hex(id->digest, hex);
    snprintf(name, RTS_SPOOL_NAME_SIZE, "%016" PRIx64 "%s-%s" SUFFIX, id->sequence, id->part, hex);
}

/* The digits of a digest, as we write them, with something else behind them. */
static bool read_digest(const char *text, uint8_t digest[RTS_SHA256_SIZE])
{
    return strspn(text, RTS_HEX_DIGITS) == DIGEST_DIGITS &&
           rts_hex_read(digest, text, RTS_SHA256_SIZE);
}

int rts_spool_file_read_name(const char *name, struct rts_batch_id *id)
{
    *id = (struct rts_batch_id){0};
    if (strspn(name, RTS_HEX_DIGITS) < SEQUENCE_DIGITS)
        return -1;
    for (size_t i = 0; i < SEQUENCE_DIGITS; i++)
        id->sequence = id->sequence << 4 | (unsigned)rts_hex_digit(*name++);
    size_t length = strspn(name, "ab");
    if (length > RTS_BATCH_PART_MAX || name[length] != '-')
        return -1;
    memcpy(id->part, name, length);
    name += length + 1;
    return read_digest(name, id->digest) && strcmp(name + DIGEST_DIGITS, SUFFIX) == 0 ? 0 : -1;
}

static const char *content_type(bool structured)
{
    return structured ? "application/json" : "application/x-ndjson";
}

void rts_spool_file_head(const struct rts_batch *batch, struct rts_buffer *out)
{
    char hex[RTS_SHA256_HEX_SIZE];
    uint8_t digest[RTS_SHA256_SIZE];
    size_t start = out->size;
    rts_buffer_format(out, FIRST_LINE "\n%scontent-type: %s\n", batch->envelope,
                      content_type(batch->structured));
    rts_buffer_text(out, batch->gzip ? "content-encoding: gzip\n" : "");
    rts_buffer_format(out, "idempotency-key: %s\n", batch->key);
    if (batch->id.part[0]) {
        rts_sha256_hex(batch->parent, hex);
        rts_buffer_format(out, "part-of: %s\n", hex);
    }
    rts_buffer_format(out, "events: %" PRIu32 "\nbody-bytes: %zu\n", batch->events,
                      batch->body.size);
    rts_sha256_bytes(out->data + start, out->size - start, digest);
    rts_sha256_hex(digest, hex);
    rts_buffer_format(out, "head-sha256: %s\n\n", hex);
}

/* The lines that are still to be read. Each is NUL-terminated when it is taken. */
struct cursor {
    char *at;
};

/* The value of the next line when it begins with `key`; NULL, and the line stays, when not. */
static const char *take(struct cursor *cursor, const char *key)
{
    size_t length = strlen(key);
    if (strncmp(cursor->at, key, length) != 0)
        return NULL;
    char *value = cursor->at + length;
    char *newline = strchr(value, '\n');
    if (!newline)
        return NULL;
    *newline = '\0';
    cursor->at = newline + 1;
    return value;
}

static bool is_clean(const char *text, const char *forbidden)
{
    for (; *text; text++)
        if (*text <= ' ' || *text > '~' || strchr(forbidden, *text))
            return false;
    return true;
}

/* One header line: only such as we would write ourselves, so that a file that was made up cannot
 * bring others into a request. */
static int check_header(const char *line)
{
    char name[128];
    const char *colon = strstr(line, ": ");
    if (!colon || (size_t)(colon - line) >= sizeof name)
        return -1;
    memcpy(name, line, (size_t)(colon - line));
    name[colon - line] = '\0';
    struct rts_header header = {name, colon + 2};
    return rts_header_is_open(name) ? rts_header_check(&header, NULL) : -1;
}

static int read_envelope(struct cursor *cursor, struct rts_buffer *envelope)
{
    const char *value;
    if (!(value = take(cursor, "path: ")) || value[0] != '/' || !is_clean(value, "?#\"<>"))
        return -1;
    rts_buffer_format(envelope, "path: %s\n", value);
    if (!(value = take(cursor, "query: ")) || !is_clean(value, "#\"<>"))
        return -1;
    rts_buffer_format(envelope, "query: %s\n", value);
    while ((value = take(cursor, "header: "))) {
        if (check_header(value) < 0)
            return -1;
        rts_buffer_format(envelope, "header: %s\n", value);
    }
    while ((value = take(cursor, "withheld: "))) {
        if (!is_clean(value, ":"))
            return -1;
        rts_buffer_format(envelope, "withheld: %s\n", value);
    }
    return 0;
}

static int read_number(const char *text, uint64_t limit, uint64_t *number)
{
    *number = 0;
    if (!text || !*text || *text == '0')
        return -1;
    for (; *text; text++) {
        if (*text < '0' || *text > '9')
            return -1;
        *number = *number * 10 + (uint64_t)(*text - '0');
        if (*number > limit)
            return -1;
    }
    return 0;
}

static int read_content(struct cursor *cursor, struct rts_batch *batch)
{
    const char *type = take(cursor, "content-type: ");
    batch->structured = type && strcmp(type, content_type(true)) == 0;
    if (!type || strcmp(type, content_type(batch->structured)) != 0)
        return -1;
    const char *encoding = take(cursor, "content-encoding: ");
    batch->gzip = encoding != NULL;
    return !encoding || strcmp(encoding, "gzip") == 0 ? 0 : -1;
}

static int read_identity(struct cursor *cursor, struct rts_batch *batch)
{
    const char *key = take(cursor, "idempotency-key: ");
    rts_batch_key(&batch->id, batch->key);
    if (!key || strcmp(key, batch->key) != 0)
        return -1;
    if (!batch->id.part[0])
        return 0;
    const char *parent = take(cursor, "part-of: ");
    return parent && strlen(parent) == DIGEST_DIGITS && read_digest(parent, batch->parent) ? 0 : -1;
}

/* `head` is a copy of the lines, which are taken apart; `body_size` is what follows them. */
static int read_head(char *head, size_t body_size, struct rts_batch *batch,
                     struct rts_buffer *envelope)
{
    struct cursor cursor = {head};
    uint64_t events, size;
    const char *first = take(&cursor, FIRST_LINE);
    if (!first || *first || read_envelope(&cursor, envelope) < 0 ||
        read_content(&cursor, batch) < 0 || read_identity(&cursor, batch) < 0 ||
        read_number(take(&cursor, "events: "), UINT32_MAX, &events) < 0 ||
        read_number(take(&cursor, "body-bytes: "), SIZE_MAX / 16, &size) < 0 || size != body_size ||
        *cursor.at)
        return -1;
    batch->events = (uint32_t)events;
    return 0;
}

/* Where the line with the digest of the head begins, when the digest is right; NULL otherwise. */
static const char *check_head(const char *bytes, const char *end)
{
    static const char key[] = "head-sha256: ";
    size_t line_size = sizeof key - 1 + DIGEST_DIGITS + 1;
    if ((size_t)(end - bytes) < line_size)
        return NULL;
    const char *line = end - line_size;
    uint8_t wanted[RTS_SHA256_SIZE], found[RTS_SHA256_SIZE];
    if (memcmp(line, key, sizeof key - 1) != 0 || !read_digest(line + sizeof key - 1, wanted))
        return NULL;
    rts_sha256_bytes(bytes, (size_t)(line - bytes), found);
    return memcmp(found, wanted, sizeof found) == 0 ? line : NULL;
}

struct rts_batch *rts_spool_file_read(const struct rts_batch_id *id, const char *bytes, size_t size,
                                      struct rts_error *error)
{
    size_t head_size = size < RTS_SPOOL_HEAD_MAX ? size : RTS_SPOOL_HEAD_MAX;
    const char *blank = size ? memmem(bytes, head_size, "\n\n", 2) : NULL;
    const char *digest_line = blank ? check_head(bytes, blank + 1) : NULL;
    if (!digest_line || memchr(bytes, '\0', (size_t)(digest_line - bytes))) {
        rts_fail(error, RTS_FAILED, "it is cut off, damaged or not a batch");
        return NULL;
    }
    const char *body = blank + 2;
    size_t body_size = size - (size_t)(body - bytes);
    uint8_t digest[RTS_SHA256_SIZE];
    rts_sha256_bytes(body, body_size, digest);
    if (memcmp(digest, id->digest, sizeof digest) != 0) {
        rts_fail(error, RTS_FAILED, "its body is not the one that its name stands for");
        return NULL;
    }

    struct rts_batch *batch = rts_calloc(1, sizeof *batch);
    struct rts_buffer envelope = RTS_BUFFER_INIT, head = RTS_BUFFER_INIT;
    batch->id = *id;
    rts_buffer_append(&head, bytes, (size_t)(digest_line - bytes));
    int result = read_head(head.data, body_size, batch, &envelope);
    rts_buffer_finish(&head);
    batch->envelope = envelope.data;
    if (result < 0) {
        rts_fail(error, RTS_FAILED, "its first lines are not as they should be");
        rts_batch_destroy(batch);
        return NULL;
    }
    rts_buffer_append(&batch->body, body, body_size);
    return batch;
}
