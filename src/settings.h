/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The effective settings of one run, whatever they came from, and their canonical form, whose
 * digest names a configuration.
 */
#ifndef RTS_SETTINGS_H
#define RTS_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "types.h"
#include "util/buffer.h"
#include "util/sha256.h"

enum rts_target_kind {
    RTS_TARGET_NONE, /* a usage error when sampling starts */
    RTS_TARGET_PIDS,
    RTS_TARGET_ALL,
    RTS_TARGET_COMMAND,
};

enum rts_method {
    RTS_METHOD_AUTO,
    RTS_METHOD_PERF,
    RTS_METHOD_PTRACE,
};

struct rts_settings {
    enum rts_target_kind target;
    pid_t *pids; /* owned */
    size_t pid_count;
    char *const *command; /* NULL-terminated, borrowed: the rest of argv */

    uint32_t frequency; /* samples per second of each processor */
    enum rts_call_graph call_graph;
    uint32_t stack_bytes; /* copied per sample; 0: as much as the method gives */
    enum rts_method method;
    uint64_t duration_ms; /* 0: until the target ends or a signal comes */

    const char *output;     /* borrowed; "-": stdout */
    const char *stats_path; /* borrowed; NULL: none */
    bool emit_process;
    bool emit_loader_base;
    bool collect_build_ids;
    const char *id_scheme; /* borrowed */
    uint32_t flush_interval_ms;
};

/* The defaults. */
void rts_settings_init(struct rts_settings *settings);
void rts_settings_finish(struct rts_settings *settings);

/* Appends a pid to the targets; one that is there already is not added again. */
void rts_settings_add_pid(struct rts_settings *settings, pid_t pid);

/*
 * Appends the settings as canonical JSON: compact, keys sorted, nested as in the settings file,
 * without what belongs to one machine or one run (process ids, paths, the command). Equal settings
 * give equal bytes. No newline.
 */
void rts_settings_canonical(const struct rts_settings *settings, struct rts_buffer *out);

/* The SHA-256 of the canonical form. */
void rts_settings_sha256(const struct rts_settings *settings, char hex[RTS_SHA256_HEX_SIZE]);

/* The words of the command line and the settings file. */
const char *rts_call_graph_name(enum rts_call_graph call_graph);
const char *rts_method_name(enum rts_method method);

#endif
