/* SPDX-License-Identifier: Apache-2.0 */
#include "symbols/identify.h"

#include <stdlib.h>
#include <string.h>

#include "symbols/symbol_id.h"
#include "util/memory.h"
#include "util/sha256.h"

/* No function is larger than this; a symbol may say so, and hashing takes its time. */
#define BLOCK_MAX (16u << 20)

const char *rts_id_scheme_name(enum rts_id_scheme scheme)
{
    static const char *const names[RTS_ID_SCHEME_COUNT] = {
        [RTS_ID_UNION_V01] = "union-v0.1",
        [RTS_ID_ADDRESSED] = "addressed",
    };
    return (unsigned)scheme < RTS_ID_SCHEME_COUNT ? names[scheme] : "unknown";
}

bool rts_code_identity_init(struct rts_code_identity *code, struct rts_object *object)
{
    const struct rts_build_id *build_id = rts_object_build_id(object);
    code->is_file_hash = !build_id || build_id->size == 0 || build_id->size > RTS_BUILD_ID_MAX;
    if (code->is_file_hash) {
        const char *hash = rts_object_file_sha256(object);
        if (!hash || strlen(hash) >= sizeof code->hex)
            return false;
        memcpy(code->hex, hash, strlen(hash) + 1);
        return true;
    }
    rts_hex_write(code->hex, build_id->bytes, build_id->size);
    return true;
}

/* The digest of the function's bytes, or the empty text when it has no known or no whole body. */
static void hash_block(struct rts_object *object, const struct rts_function *function,
                       char hex[RTS_SHA256_HEX_SIZE])
{
    uint8_t bytes[16384], value[RTS_SHA256_SIZE];
    uint64_t done = 0;
    hex[0] = '\0';
    if (function->size == 0 || function->size > BLOCK_MAX)
        return;
    struct rts_sha256 hash;
    rts_sha256_init(&hash);
    while (done < function->size) {
        uint64_t left = function->size - done;
        size_t wanted = left < sizeof bytes ? (size_t)left : sizeof bytes;
        size_t size = rts_object_read_text(object, function->start + done, bytes, wanted);
        rts_sha256_update(&hash, bytes, size);
        done += size;
        if (size < wanted)
            break;
    }
    rts_sha256_finish(&hash, value);
    if (done == function->size)
        rts_sha256_hex(value, hex);
}

static bool identify_addressed(struct rts_function_ids *ids, struct rts_object *object,
                               const struct rts_code_identity *code, const char *section,
                               const struct rts_function *function)
{
    char block[RTS_SHA256_HEX_SIZE];
    struct rts_addressed addressed = {
        .file_sha256 = rts_object_file_sha256(object),
        .code = code->hex,
        .section = section,
        .name = function->name,
        .block_sha256 = block,
        .address = function->start,
        .size = function->size,
        .linkage = function->linkage,
    };
    if (!addressed.file_sha256)
        return false;
    hash_block(object, function, block);
    /* A file that was overwritten cannot be read any more: the id would be that of no function. */
    if (function->size > 0 && rts_object_has_changed(object))
        return false;
    ids->symbol_id = rts_symbol_id_addressed(&addressed);
    ids->code_id = rts_code_id_addressed(&addressed);
    return true;
}

static bool compute(struct rts_function_ids *ids, enum rts_id_scheme scheme,
                    struct rts_object *object, const struct rts_code_identity *code, uint64_t vaddr,
                    const struct rts_function *function)
{
    const char *section = rts_object_section(object, vaddr);
    ids->scheme = rts_id_scheme_name(scheme);
    if (scheme == RTS_ID_ADDRESSED && function->source == RTS_SYMBOL_NONE)
        return false; /* it takes the digest of a file that nobody has read */
    if (scheme == RTS_ID_ADDRESSED)
        return identify_addressed(ids, object, code, section, function);
    ids->symbol_id = rts_symbol_id_union_v01(code->hex, section, function->name);
    ids->code_id = rts_code_id_union_v01(code->hex, code->is_file_hash);
    return true;
}

/* Asks the graph. The file is hashed only when it has no build-id that the graph knows and the
 * graph has files that are known by their hash. */
static enum rts_join join(const struct rts_graph *graph, struct rts_object *object,
                          const struct rts_code_identity *code, const struct rts_function *function,
                          struct rts_graph_match *match)
{
    struct rts_graph_query query = {
        .build_id = code->is_file_hash ? NULL : code->hex,
        .has_address = function->source != RTS_SYMBOL_INLINE,
        .address = function->start,
        .name = function->source == RTS_SYMBOL_FDE ? NULL : function->name,
        .aliases = (const char *const *)function->aliases,
    };
    if (code->is_file_hash)
        query.file_sha256 = code->hex;
    else if (rts_graph_has_hashes(graph) && !rts_graph_knows_build_id(graph, code->hex))
        query.file_sha256 = rts_object_file_sha256(object);
    return rts_graph_find(graph, &query, match);
}

bool rts_identify(struct rts_function_ids *ids, const struct rts_id_rules *rules,
                  struct rts_object *object, const struct rts_code_identity *code, uint64_t vaddr,
                  const struct rts_function *function)
{
    struct rts_graph_match match = {0};
    *ids = (struct rts_function_ids){0};
    if (rules->graph && function->source == RTS_SYMBOL_NONE)
        ids->join = RTS_JOIN_ADDRESS_UNKNOWN; /* an offset is not an address */
    else if (rules->graph)
        ids->join = join(rules->graph, object, code, function, &match);
    if (!match.symbol_id)
        return compute(ids, rules->scheme, object, code, vaddr, function);
    if (match.code_id)
        ids->code_id = rts_strdup(match.code_id);
    else if (!compute(ids, rules->scheme, object, code, vaddr, function))
        return false;
    free(ids->symbol_id);
    ids->symbol_id = rts_strdup(match.symbol_id);
    ids->scheme = "graph";
    ids->join_rule = match.rule;
    return true;
}

void rts_function_ids_finish(struct rts_function_ids *ids)
{
    free(ids->symbol_id);
    free(ids->code_id);
    *ids = (struct rts_function_ids){0};
}
