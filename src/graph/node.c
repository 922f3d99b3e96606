/* SPDX-License-Identifier: Apache-2.0 */
#include "graph/node.h"

#include <stdlib.h>
#include <string.h>

#include "util/hex.h"
#include "util/memory.h"

/* A SHA-256 in hexadecimal. */
#define HASH_SIZE 64

/* Build-ids in hexadecimal, with the longest prefix. */
#define CODE_MAX 256

enum field {
    FIELD_SYMBOL_ID,
    FIELD_CODE_ID,
    FIELD_BUILD_ID,
    FIELD_FILE_HASH,
    FIELD_ADDRESS,
    FIELD_NAME,
    FIELD_INNER, /* an object whose members are looked at, too */
    FIELD_COUNT
};

/* Of several members for one field the one with the lower rank counts. */
static const struct member {
    const char *key;
    size_t size;
    enum field field;
    unsigned char rank;
} members[] = {
#define MEMBER(key, field, rank)                                                                   \
    {                                                                                              \
        key, sizeof key - 1, field, rank                                                           \
    }
    MEMBER("symbol_id", FIELD_SYMBOL_ID, 0),  MEMBER("symbolId", FIELD_SYMBOL_ID, 0),
    MEMBER("id", FIELD_SYMBOL_ID, 1),         MEMBER("code_id", FIELD_CODE_ID, 0),
    MEMBER("codeId", FIELD_CODE_ID, 0),       MEMBER("build_id", FIELD_BUILD_ID, 0),
    MEMBER("buildId", FIELD_BUILD_ID, 0),     MEMBER("file_sha256", FIELD_FILE_HASH, 0),
    MEMBER("fileSha256", FIELD_FILE_HASH, 0), MEMBER("file_hash", FIELD_FILE_HASH, 0),
    MEMBER("fileHash", FIELD_FILE_HASH, 0),   MEMBER("address", FIELD_ADDRESS, 0),
    MEMBER("addr", FIELD_ADDRESS, 0),         MEMBER("mangled", FIELD_NAME, 0),
    MEMBER("linkage_name", FIELD_NAME, 0),    MEMBER("name", FIELD_NAME, 1),
    MEMBER("symbol_name", FIELD_NAME, 1),     MEMBER("display", FIELD_NAME, 2),
    MEMBER("symbol", FIELD_INNER, 0),         MEMBER("attributes", FIELD_INNER, 0),
    MEMBER("metadata", FIELD_INNER, 0),
#undef MEMBER
};

static const size_t limits[FIELD_COUNT] = {
    [FIELD_SYMBOL_ID] = RTS_GRAPH_ID_MAX,
    [FIELD_CODE_ID] = RTS_GRAPH_ID_MAX,
    [FIELD_BUILD_ID] = CODE_MAX,
    [FIELD_FILE_HASH] = CODE_MAX,
    [FIELD_ADDRESS] = 32,
    [FIELD_NAME] = RTS_GRAPH_NAME_MAX,
};

struct value {
    size_t start, size; /* in the reader's text */
    unsigned char rank;
    bool given;
};

struct rts_graph_reader {
    struct rts_json_scan *scan;
    bool (*take)(void *context, const struct rts_graph_node *node);
    void *context;
    struct value values[FIELD_COUNT]; /* of the current node */
    bool is_graph;                    /* the current object holds nodes and is none itself */
    size_t text_size;
    /* One value of every field and rank, and the decoded code. */
    char text[8 * RTS_GRAPH_NAME_MAX];
    char build_id[CODE_MAX], file_hash[HASH_SIZE];
};

struct rts_graph_reader *rts_graph_reader_create(struct rts_json_scan *scan)
{
    struct rts_graph_reader *reader = rts_calloc(1, sizeof *reader);
    reader->scan = scan;
    return reader;
}

void rts_graph_reader_destroy(struct rts_graph_reader *reader)
{
    free(reader);
}

static const struct member *find_member(const struct rts_json_text *key)
{
    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        if (members[i].size == key->size && memcmp(members[i].key, key->bytes, key->size) == 0)
            return &members[i];
    return NULL;
}

static bool keep(struct rts_graph_reader *reader, enum field field, unsigned char rank,
                 const struct rts_json_text *text)
{
    struct value *value = &reader->values[field];
    if (value->given && value->rank <= rank)
        return true;
    size_t room = sizeof reader->text - reader->text_size;
    size_t limit = limits[field] < room ? limits[field] : room;
    size_t size = rts_json_text_decode(text, reader->text + reader->text_size, limit);
    if (size == SIZE_MAX) {
        /* A wrong id would join nothing, silently. */
        if (field == FIELD_SYMBOL_ID || field == FIELD_CODE_ID)
            return rts_json_scan_fail(reader->scan, "an id is too long or wrongly escaped");
        return true;
    }
    *value = (struct value){.start = reader->text_size, .size = size, .rank = rank, .given = true};
    reader->text_size += size;
    return true;
}

static bool read_members(struct rts_graph_reader *reader, bool inner, bool top);

/* The value of a member that is wanted. */
static bool read_value(struct rts_graph_reader *reader, const struct member *member, bool inner)
{
    struct rts_json_text text;
    int first = rts_json_scan_peek(reader->scan);
    if (first == '{' && member->field == FIELD_INNER && !inner)
        return read_members(reader, true, false);
    if (first == '{' || first == '[')
        return rts_json_scan_skip(reader->scan);
    bool is_text = first == '"';
    if (!(is_text ? rts_json_scan_string(reader->scan, &text)
                  : rts_json_scan_word(reader->scan, &text)))
        return false;
    bool is_number = !is_text && text.size > 0 && text.bytes[0] >= '0' && text.bytes[0] <= '9';
    if (member->field == FIELD_INNER) /* "symbol": "name" */
        return is_text && member == find_member(&(struct rts_json_text){"symbol", 6, false})
                   ? keep(reader, FIELD_NAME, 1, &text)
                   : true;
    if (is_text || (is_number && member->field == FIELD_ADDRESS))
        return keep(reader, member->field, member->rank, &text);
    return true;
}

/* ---- what the texts mean ---- */

static struct rts_graph_text text_of(const struct rts_graph_reader *reader, enum field field)
{
    const struct value *value = &reader->values[field];
    return (struct rts_graph_text){reader->text + value->start, value->given ? value->size : 0};
}

static inline __attribute__((always_inline)) bool take_prefix(struct rts_graph_text *text,
                                                              const char *prefix)
{
    size_t size = strlen(prefix);
    if (text->size < size || memcmp(text->bytes, prefix, size) != 0)
        return false;
    text->bytes += size;
    text->size -= size;
    return true;
}

/* Copies hexadecimal digits in lower case; 0 when there are others, none, or too many. */
static size_t copy_hex(char *out, size_t capacity, struct rts_graph_text text)
{
    if (text.size > capacity)
        return 0;
    for (size_t i = 0; i < text.size; i++) {
        int value = rts_hex_digit(text.bytes[i]);
        if (value < 0)
            return 0;
        out[i] = RTS_HEX_DIGITS[value];
    }
    return text.size;
}

static bool parse_address(struct rts_graph_text text, uint64_t *address)
{
    int base = take_prefix(&text, "0x") || take_prefix(&text, "0X") ? 16 : 10;
    *address = 0;
    for (size_t i = 0; i < text.size; i++) {
        int digit = rts_hex_digit(text.bytes[i]);
        if (digit < 0 || digit >= base ||
            *address > (UINT64_MAX - (unsigned)digit) / (unsigned)base)
            return false;
        *address = *address * (unsigned)base + (unsigned)digit;
    }
    return text.size > 0;
}

/* The build-id and the hash of the file, from wherever they are said. */
static void settle_code(struct rts_graph_reader *reader, struct rts_graph_node *node)
{
    struct rts_graph_text build_id = text_of(reader, FIELD_BUILD_ID);
    struct rts_graph_text hash = text_of(reader, FIELD_FILE_HASH);
    struct rts_graph_text code = text_of(reader, FIELD_CODE_ID);
    if (take_prefix(&build_id, "sha256:")) {
        if (hash.size == 0)
            hash = build_id;
        build_id.size = 0;
    } else if (!take_prefix(&build_id, "gnu-build-id:")) {
        take_prefix(&build_id, "buildid-");
    }
    take_prefix(&hash, "sha256:");
    if (build_id.size == 0 && take_prefix(&code, "buildid-"))
        build_id = code;
    else if (hash.size == 0 && take_prefix(&code, "sha256-"))
        hash = code;
    node->build_id.bytes = reader->build_id;
    node->build_id.size = copy_hex(reader->build_id, sizeof reader->build_id, build_id);
    node->file_sha256.bytes = reader->file_hash;
    node->file_sha256.size = copy_hex(reader->file_hash, sizeof reader->file_hash, hash);
    if (node->file_sha256.size != HASH_SIZE)
        node->file_sha256.size = 0;
}

/* Passes on the node that was read; without an id it is none. */
static bool finish_node(struct rts_graph_reader *reader)
{
    struct rts_graph_node node = {
        .symbol_id = text_of(reader, FIELD_SYMBOL_ID),
        .code_id = text_of(reader, FIELD_CODE_ID),
        .name = text_of(reader, FIELD_NAME),
    };
    if (node.symbol_id.size == 0)
        return true;
    node.has_address = parse_address(text_of(reader, FIELD_ADDRESS), &node.address);
    settle_code(reader, &node);
    return reader->take(reader->context, &node);
}

/* ---- objects ---- */

static bool read_node(struct rts_graph_reader *reader, bool top)
{
    memset(reader->values, 0, sizeof reader->values);
    reader->text_size = 0;
    if (top)
        reader->is_graph = false;
    if (!read_members(reader, false, top))
        return false;
    return (top && reader->is_graph) || finish_node(reader);
}

/* An array of nodes. What is in it and is not an object is passed over. */
static bool read_nodes(struct rts_graph_reader *reader)
{
    struct rts_json_scan *scan = reader->scan;
    if (!rts_json_scan_take(scan, '['))
        return rts_json_scan_skip(scan);
    if (rts_json_scan_take(scan, ']'))
        return true;
    do {
        bool is_object = rts_json_scan_peek(scan) == '{';
        if (!(is_object ? read_node(reader, false) : rts_json_scan_skip(scan)))
            return false;
    } while (rts_json_scan_take(scan, ','));
    return rts_json_scan_take(scan, ']') || rts_json_scan_fail(scan, "an array does not end");
}

/* The members of a node, or, `inner`, of an object in one. `top`: it may be a whole graph. */
static bool read_members(struct rts_graph_reader *reader, bool inner, bool top)
{
    struct rts_json_scan *scan = reader->scan;
    if (!rts_json_scan_take(scan, '{'))
        return rts_json_scan_fail(scan, "an object is missing");
    if (rts_json_scan_take(scan, '}'))
        return true;
    do {
        struct rts_json_text key;
        if (!rts_json_scan_key(scan, &key))
            return false;
        bool is_graph = top && key.size == 5 && memcmp(key.bytes, "nodes", 5) == 0;
        const struct member *member = is_graph ? NULL : find_member(&key);
        bool read = is_graph ? read_nodes(reader)
                    : member ? read_value(reader, member, inner)
                             : rts_json_scan_skip(scan);
        if (!read)
            return false;
        reader->is_graph |= is_graph;
    } while (rts_json_scan_take(scan, ','));
    return rts_json_scan_take(scan, '}') || rts_json_scan_fail(scan, "an object does not end");
}

bool rts_graph_reader_run(struct rts_graph_reader *reader,
                          bool (*take)(void *context, const struct rts_graph_node *node),
                          void *context)
{
    struct rts_json_scan *scan = reader->scan;
    reader->take = take;
    reader->context = context;
    for (;;) {
        int first = rts_json_scan_peek(scan);
        if (first < 0)
            return !scan->failed;
        bool read = first == '{'   ? read_node(reader, true)
                    : first == '[' ? read_nodes(reader)
                                   : rts_json_scan_fail(scan, "an object is missing");
        if (!read)
            return false;
    }
}
