/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What can leave: the one table of all fields of a fact, and the only code that writes them. A
 * field is named by its place in the table, so that what is not in it has no way out. The manual,
 * "What can leave", has the same table. Pure: values in, JSON bytes out.
 */
#ifndef RTS_FACTS_OUTGOING_H
#define RTS_FACTS_OUTGOING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/buffer.h"

/* In the order of a line. */
enum rts_fact_field {
    RTS_FIELD_SYMBOL_ID,
    RTS_FIELD_CODE_ID,
    RTS_FIELD_PURL,
    RTS_FIELD_BUILD_ID,
    RTS_FIELD_LOADER_BASE,
    RTS_FIELD_PROCESS_ID,
    RTS_FIELD_PROCESS_NAME,
    RTS_FIELD_CONTAINER_ID,
    RTS_FIELD_SOCKET_ADDRESS,
    RTS_FIELD_EVIDENCE_URI,
    RTS_FIELD_HIT_COUNT,
    RTS_FIELD_OBSERVED_AT,
    /* From here on within metadata, sorted by name. */
    RTS_FIELD_ALIASES,
    RTS_FIELD_BUILD_ID_FALLBACK,
    RTS_FIELD_CAS_URI,
    RTS_FIELD_CONTAINER_RUNTIME,
    RTS_FIELD_DEMANGLED,
    RTS_FIELD_EVIDENCE,
    RTS_FIELD_FILE_IDENTITY,
    RTS_FIELD_ID_SCHEME,
    RTS_FIELD_JOIN,
    RTS_FIELD_LEAF_HITS,
    RTS_FIELD_MODULE,
    RTS_FIELD_PACKAGE_MODIFIED,
    RTS_FIELD_PID,
    RTS_FIELD_STALE_MAPPING,
    RTS_FIELD_SYMBOL,
    RTS_FIELD_SYMBOL_SOURCE,
    RTS_FIELD_COUNT,
};

enum rts_release {
    RTS_RELEASE_NEVER, /* the server knows it, and we do not tell */
    RTS_RELEASE_ALWAYS,
    RTS_RELEASE_IF_SET, /* by a setting */
};

/* What may leave beyond ids and counts. All false by default. */
struct rts_fact_options {
    bool emit_process;      /* processId and processName */
    bool emit_socket;       /* socketAddress */
    bool emit_loader_base;  /* SymbolCapture:EmitLoaderBase */
    bool emit_build_id;     /* SymbolCapture:CollectBuildIds; codeId is written in any case */
    bool emit_evidence;     /* Record:CasDirectory: evidenceUri and metadata.casUri */
    const char *evidence;   /* the URI; NULL: these lines have none */
    int64_t wall_offset_ns; /* CLOCK_REALTIME - CLOCK_MONOTONIC */
};

struct rts_outgoing_field {
    const char *name;
    bool in_metadata;
    enum rts_release release;
    size_t option;       /* of a bool in struct rts_fact_options, with RTS_RELEASE_IF_SET */
    const char *setting; /* the key that sets it; NULL otherwise */
};

/* The row of a field; NULL when it is none. */
const struct rts_outgoing_field *rts_outgoing_field(enum rts_fact_field field);

/* May this field leave under these options? What is not a field may not. */
bool rts_outgoing_may_leave(enum rts_fact_field field, const struct rts_fact_options *options);

/* A line that is being written. Fields have to come in the order of the table, each once: one that
 * comes out of order is left out, like one that may not leave. */
struct rts_outgoing {
    struct rts_buffer *out;
    const struct rts_fact_options *options;
    int last; /* the field written before; -1: none */
};

/* Opens a line; `out` and `options` are borrowed until its end. */
void rts_outgoing_begin(struct rts_outgoing *line, struct rts_buffer *out,
                        const struct rts_fact_options *options);

/* A value as a JSON string, made valid as rts_json_string() says; NULL leaves the field out. */
void rts_outgoing_text(struct rts_outgoing *line, enum rts_fact_field field, const char *value);

/* A number; within metadata it is a string, for all values there are. */
void rts_outgoing_number(struct rts_outgoing *line, enum rts_fact_field field, uint64_t value);

/* Closes the object and the line. */
void rts_outgoing_end(struct rts_outgoing *line);

#endif
