/* SPDX-License-Identifier: Apache-2.0 */
/* Which ids a function gets: the one place where the scheme is chosen. */
#ifndef RTS_SYMBOLS_IDENTIFY_H
#define RTS_SYMBOLS_IDENTIFY_H

#include "binary/object.h"
#include "graph/graph.h"
#include "types.h"
#include "util/hex.h"

/* How ids are computed; the word goes into metadata.idScheme. The order is that of the words of
 * SymbolCapture:IdScheme. */
enum rts_id_scheme {
    RTS_ID_UNION_V01,
    RTS_ID_ADDRESSED,
    RTS_ID_SCHEME_COUNT
};

/* The word for metadata.idScheme. */
const char *rts_id_scheme_name(enum rts_id_scheme scheme);

/* What all symbols of one object share: the part of an id that tells which code. */
struct rts_code_identity {
    char hex[RTS_HEX_SIZE(RTS_BUILD_ID_MAX)]; /* the build-id, else the file's SHA-256 */
    bool is_file_hash;
};

/* Fills *code; false when the file has no build-id and cannot be hashed. */
bool rts_code_identity_init(struct rts_code_identity *code, struct rts_object *object);

/* Ids are those of the function's node in the graph, if it has one, else computed. */
struct rts_id_rules {
    enum rts_id_scheme scheme;
    const struct rts_graph *graph; /* borrowed; NULL: none */
};

/* The ids of one function. */
struct rts_function_ids {
    char *symbol_id, *code_id; /* owned */
    const char *scheme;        /* the word for metadata.idScheme, "graph" for copied ids; static */
    const char *join_rule;     /* the word for metadata.join; NULL: not joined; static */
    enum rts_join join;        /* meaningful with a graph */
};

/* Identifies `function`, which is at `vaddr` of `object`; false when the scheme needs what cannot
 * be had. Where the file has to be hashed that is done at the first function of it. */
bool rts_identify(struct rts_function_ids *ids, const struct rts_id_rules *rules,
                  struct rts_object *object, const struct rts_code_identity *code, uint64_t vaddr,
                  const struct rts_function *function);
void rts_function_ids_finish(struct rts_function_ids *ids);

#endif
