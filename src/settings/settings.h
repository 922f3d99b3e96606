/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The effective settings of one run, whatever they came from, and their canonical form, whose
 * digest names a configuration.
 *
 * They are put together in layers, each over the one before: rts_settings_init() (the defaults),
 * rts_settings_load_file(), rts_settings_load_environment(), rts_settings_apply_option() for each
 * option of the command line, and rts_settings_complete() at the end. What a key is called, which
 * values it takes and where in the struct it lies is in the one table of settings_keys.c.
 */
#ifndef RTS_SETTINGS_SETTINGS_H
#define RTS_SETTINGS_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "types.h"
#include "util/buffer.h"
#include "util/error.h"
#include "util/sha256.h"

enum rts_target_kind {
    RTS_TARGET_NONE, /* a usage error when sampling starts */
    RTS_TARGET_PIDS,
    RTS_TARGET_ALL,
    RTS_TARGET_COMMAND,
    RTS_TARGET_CGROUP,
    RTS_TARGET_CONTAINER,
};

/* The order of the words of Sampler:Method. */
enum rts_method {
    RTS_METHOD_AUTO,
    RTS_METHOD_PERF,
    RTS_METHOD_PTRACE,
};

/* The order of the words of Sampler:NearReader. */
enum rts_near_reader {
    RTS_NEAR_READER_AUTO, /* memory is read near samples of processes whose stacks need it */
    RTS_NEAR_READER_OFF,
};

/* The order of the words of Ingest:Format. */
enum rts_ingest_format {
    RTS_INGEST_AUTO, /* by the path of the endpoint */
    RTS_INGEST_NDJSON,
    RTS_INGEST_STRUCTURED,
};

/* Name unique regardless of case, a token of RFC 9110; value without line breaks. Both owned. */
struct rts_header_setting {
    char *name, *value;
    bool given; /* by the current layer */
};

struct rts_header_settings {
    struct rts_header_setting *items; /* owned; in the order they were first given */
    size_t count;
};

struct rts_list_setting {
    char **items; /* owned */
    size_t count;
};

/* What keeps sampling from becoming a burden. */
struct rts_sampler_settings {
    uint32_t ratio;                 /* keep every Nth sample of a process; 1: all */
    uint32_t max_events_per_second; /* samples; 0: no limit */
    uint32_t max_cpu_percent;       /* our own use, of one CPU; 0: no limit */
    uint32_t max_stop_us;           /* of a thread, with ptrace; 0: no limit */
    uint64_t max_memory_bytes;      /* of all tables together; 0: no limit */
};

/* Where facts are sent, and as what. Strings are owned, and NULL when not given. */
struct rts_ingest_settings {
    char *endpoint; /* NULL: nothing is sent */
    enum rts_ingest_format format;
    uint32_t batch_size;
    uint32_t connect_timeout_ms, timeout_ms; /* of a request */
    uint32_t retry_ms, retry_max_ms;         /* pauses after failures: the first, the longest */
    struct rts_header_settings headers; /* without X-Callgraph-Id and X-Analysis-Id, see below */
    char *callgraph_id, *analysis_id;
    char *scan_id, *image_digest, *component, *component_version, *source;
    char *cacert, *cert, *key; /* PEM files */
    char *token_file;
};

struct rts_egress_settings {
    bool enabled;
    struct rts_list_setting allowed_hosts; /* count 0: not given, the endpoint's host is allowed */
};

struct rts_spool_settings {
    char *directory; /* owned; NULL: no spool */
    uint64_t max_bytes;
    uint64_t max_age_seconds;
};

struct rts_settings {
    enum rts_target_kind target;
    pid_t *pids; /* owned */
    size_t pid_count;
    char *const *command; /* NULL-terminated, borrowed: the rest of argv */
    const char *group;    /* borrowed: the path of a cgroup, or the beginning of a container's id */

    uint32_t frequency; /* samples per second of each processor */
    enum rts_call_graph call_graph;
    enum rts_unwind_by unwinder;
    bool self_test;       /* of the unwinders, at the start and each hour */
    uint32_t check_every; /* stacks, of which libunwind unwinds one too: RTS_UNWIND_BY_BOTH */
    unsigned near_reader; /* enum rts_near_reader */
    uint32_t stack_bytes; /* copied per sample; 0: as much as the method gives */
    enum rts_method method;
    uint64_t duration_ms; /* 0: until the target ends or a signal comes */
    uint32_t flush_interval_ms;

    char *output;        /* owned; "-": stdout; NULL once complete: no lines but those delivered */
    char *symfs;         /* owned; NULL: none; where replay looks for files */
    unsigned search;     /* enum rts_search_places */
    char *stats_path;    /* owned; NULL: none */
    char *metrics_path;  /* owned; NULL: none */
    char *record_path;   /* owned; NULL: no trace is kept */
    char *cas_directory; /* owned; NULL: no bundles are made; where replay looks for them */
    uint32_t segment_seconds;    /* that a bundle has at most; 0: as many as come */
    uint64_t segment_bytes;      /* of trace, likewise */
    char *union_path;            /* owned; NULL: no union bundle is written */
    bool record_full;            /* with registers and copies of stacks */
    uint64_t record_limit_bytes; /* of the trace; 0: none */
    bool emit_process;
    bool emit_socket;
    bool hash_container_ids;
    bool emit_loader_base;
    bool collect_build_ids;
    bool resolve_packages;
    unsigned id_scheme; /* enum rts_id_scheme */
    char *graph_path;   /* owned; NULL: no static graph */
    char *cache_path;   /* owned; NULL: hashes of files are not kept */

    struct rts_sampler_settings sampler;
    struct rts_ingest_settings ingest;
    struct rts_egress_settings egress;
    struct rts_spool_settings spool;

    uint64_t given; /* one bit for each key that the current layer has given; see below */
    uint64_t told;  /* the same of all layers: what is not the default by default */
};

/* The defaults. */
void rts_settings_init(struct rts_settings *settings);
void rts_settings_finish(struct rts_settings *settings);

/* Appends a pid to the targets; one that is there already is not added again. */
void rts_settings_add_pid(struct rts_settings *settings, pid_t pid);

/* The layer of a settings file: JSON with the keys of settings_keys.c, nested ({"A":{"B":1}}) or
 * joined ({"A:B":1}), in any case. RTS_USAGE with the file and the key, or the line, when it cannot
 * be read or holds what is not a setting. */
int rts_settings_load_file(struct rts_settings *settings, const char *path,
                           struct rts_error *error);

/* The layer of the environment: variables named as the keys with "__" between the parts, in any
 * case; empty ones count as absent. `environment` as environ(7). */
int rts_settings_load_environment(struct rts_settings *settings, char *const *environment,
                                  struct rts_error *error);

/* Both: the file, unless it is NULL, and our own environment over it. */
int rts_settings_load(struct rts_settings *settings, const char *path, struct rts_error *error);

/*
 * Begins and ends a layer; the functions above do so themselves, for the command line it is up to
 * the caller. A layer's headers X-Callgraph-Id and X-Analysis-Id become callgraph_id and
 * analysis_id when it ends, unless the same layer also gives these by their own keys.
 */
void rts_settings_begin_layer(struct rts_settings *settings);
void rts_settings_end_layer(struct rts_settings *settings);

/* Has any layer given the setting of this path, be it with the value that is the default? */
bool rts_settings_is_told(const struct rts_settings *settings, const char *path);

/* Is there a place that lines are delivered to, beside a file or stdout? */
bool rts_settings_wants_delivery(const struct rts_settings *settings);

/* After the last layer: settles the output, and checks what only makes sense together. */
int rts_settings_complete(struct rts_settings *settings, struct rts_error *error);

/* Before facts are delivered: is there what every request must say? RTS_USAGE in the words of the
 * server, which would refuse the facts. */
int rts_settings_check_metadata(const struct rts_settings *settings, struct rts_error *error);

/*
 * Appends the settings as canonical JSON: compact, keys sorted, nested as in the settings file,
 * without what belongs to one machine or one run (process ids, paths, the command) and without keys
 * that have no value. The value of a header that may be a secret is "sha256:" and its digest.
 * Equal settings give equal bytes. No newline.
 */
void rts_settings_canonical(const struct rts_settings *settings, struct rts_buffer *out);

/* The SHA-256 of the canonical form. */
void rts_settings_sha256(const struct rts_settings *settings, char hex[RTS_SHA256_HEX_SIZE]);

#endif
