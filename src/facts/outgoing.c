/* SPDX-License-Identifier: Apache-2.0 */
#include "facts/outgoing.h"

#include <inttypes.h>

#include "util/json.h"

#define ALWAYS(field, key)         [field] = {.name = key, .release = RTS_RELEASE_ALWAYS}
#define METADATA(field, key, rule) [field] = {.name = key, .in_metadata = true, .release = rule}
#define IF_SET(field, key, member, path)                                                           \
    [field] = {.name = key,                                                                        \
               .release = RTS_RELEASE_IF_SET,                                                      \
               .option = offsetof(struct rts_fact_options, member),                                \
               .setting = path}
#define METADATA_IF_SET(field, key, member, path)                                                  \
    [field] = {.name = key,                                                                        \
               .in_metadata = true,                                                                \
               .release = RTS_RELEASE_IF_SET,                                                      \
               .option = offsetof(struct rts_fact_options, member),                                \
               .setting = path}

static const struct rts_outgoing_field table[RTS_FIELD_COUNT] = {
    ALWAYS(RTS_FIELD_SYMBOL_ID, "symbolId"),
    ALWAYS(RTS_FIELD_CODE_ID, "codeId"),
    ALWAYS(RTS_FIELD_PURL, "purl"),
    IF_SET(RTS_FIELD_BUILD_ID, "buildId", emit_build_id, "SymbolCapture:CollectBuildIds"),
    IF_SET(RTS_FIELD_LOADER_BASE, "loaderBase", emit_loader_base, "SymbolCapture:EmitLoaderBase"),
    IF_SET(RTS_FIELD_PROCESS_ID, "processId", emit_process, "Privacy:EmitProcess"),
    IF_SET(RTS_FIELD_PROCESS_NAME, "processName", emit_process, "Privacy:EmitProcess"),
    ALWAYS(RTS_FIELD_CONTAINER_ID, "containerId"),
    IF_SET(RTS_FIELD_SOCKET_ADDRESS, "socketAddress", emit_socket, "Privacy:EmitSocket"),
    IF_SET(RTS_FIELD_EVIDENCE_URI, "evidenceUri", emit_evidence, "Record:CasDirectory"),
    ALWAYS(RTS_FIELD_HIT_COUNT, "hitCount"),
    ALWAYS(RTS_FIELD_OBSERVED_AT, "observedAt"),
    METADATA(RTS_FIELD_ALIASES, "aliases", RTS_RELEASE_ALWAYS),
    METADATA(RTS_FIELD_BUILD_ID_FALLBACK, "buildIdFallback", RTS_RELEASE_ALWAYS),
    METADATA_IF_SET(RTS_FIELD_CAS_URI, "casUri", emit_evidence, "Record:CasDirectory"),
    METADATA(RTS_FIELD_CONTAINER_RUNTIME, "containerRuntime", RTS_RELEASE_ALWAYS),
    METADATA(RTS_FIELD_DEMANGLED, "demangled", RTS_RELEASE_ALWAYS),
    METADATA(RTS_FIELD_EVIDENCE, "evidence", RTS_RELEASE_ALWAYS),
    METADATA(RTS_FIELD_FILE_IDENTITY, "fileIdentity", RTS_RELEASE_ALWAYS),
    METADATA(RTS_FIELD_ID_SCHEME, "idScheme", RTS_RELEASE_ALWAYS),
    METADATA(RTS_FIELD_JOIN, "join", RTS_RELEASE_ALWAYS),
    METADATA(RTS_FIELD_LEAF_HITS, "leafHits", RTS_RELEASE_ALWAYS),
    METADATA(RTS_FIELD_MODULE, "module", RTS_RELEASE_ALWAYS),
    METADATA(RTS_FIELD_PACKAGE_MODIFIED, "packageModified", RTS_RELEASE_ALWAYS),
    METADATA(RTS_FIELD_PID, "pid", RTS_RELEASE_NEVER),
    METADATA(RTS_FIELD_STALE_MAPPING, "staleMapping", RTS_RELEASE_ALWAYS),
    METADATA(RTS_FIELD_SYMBOL, "symbol", RTS_RELEASE_ALWAYS),
    METADATA(RTS_FIELD_SYMBOL_SOURCE, "symbolSource", RTS_RELEASE_ALWAYS),
};

const struct rts_outgoing_field *rts_outgoing_field(enum rts_fact_field field)
{
    return (unsigned)field < RTS_FIELD_COUNT && table[field].name ? &table[field] : NULL;
}

bool rts_outgoing_may_leave(enum rts_fact_field field, const struct rts_fact_options *options)
{
    const struct rts_outgoing_field *row = rts_outgoing_field(field);
    if (!row || row->release == RTS_RELEASE_NEVER)
        return false;
    return row->release == RTS_RELEASE_ALWAYS ||
           *(const bool *)((const char *)options + row->option);
}

void rts_outgoing_begin(struct rts_outgoing *line, struct rts_buffer *out,
                        const struct rts_fact_options *options)
{
    *line = (struct rts_outgoing){.out = out, .options = options, .last = -1};
    rts_buffer_append(out, "{", 1);
}

static bool within_metadata(const struct rts_outgoing *line)
{
    return line->last >= 0 && table[line->last].in_metadata;
}

/* The gate: the row of a field, with its key written; NULL when it stays here. */
static const struct rts_outgoing_field *pass(struct rts_outgoing *line, enum rts_fact_field field)
{
    if (!rts_outgoing_may_leave(field, line->options) || (int)field <= line->last)
        return NULL;
    const struct rts_outgoing_field *row = &table[field];
    if (line->last >= 0)
        rts_buffer_append(line->out, ",", 1);
    if (row->in_metadata && !within_metadata(line))
        rts_buffer_text(line->out, "\"metadata\":{");
    rts_buffer_append(line->out, "\"", 1);
    rts_buffer_text(line->out, row->name);
    rts_buffer_append(line->out, "\":", 2);
    line->last = (int)field;
    return row;
}

void rts_outgoing_text(struct rts_outgoing *line, enum rts_fact_field field, const char *value)
{
    if (value && pass(line, field))
        rts_json_string(line->out, value);
}

void rts_outgoing_number(struct rts_outgoing *line, enum rts_fact_field field, uint64_t value)
{
    const struct rts_outgoing_field *row = pass(line, field);
    if (row)
        rts_buffer_format(line->out, row->in_metadata ? "\"%" PRIu64 "\"" : "%" PRIu64, value);
}

void rts_outgoing_end(struct rts_outgoing *line)
{
    rts_buffer_text(line->out, within_metadata(line) ? "}}\n" : "}\n");
}
