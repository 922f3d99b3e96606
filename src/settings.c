/* SPDX-License-Identifier: Apache-2.0 */
#include "settings.h"

#include <stdlib.h>

#include <jansson.h>

#include "util/memory.h"

void rts_settings_init(struct rts_settings *settings)
{
    *settings = (struct rts_settings){
        .frequency = 99,
        .output = "-",
        .emit_loader_base = true,
        .collect_build_ids = true,
        .id_scheme = "union-v0.1",
        .flush_interval_ms = 2000,
    };
}

void rts_settings_finish(struct rts_settings *settings)
{
    free(settings->pids);
    *settings = (struct rts_settings){0};
}

void rts_settings_add_pid(struct rts_settings *settings, pid_t pid)
{
    for (size_t i = 0; i < settings->pid_count; i++)
        if (settings->pids[i] == pid)
            return;
    settings->pids =
        rts_realloc_array(settings->pids, settings->pid_count + 1, sizeof *settings->pids);
    settings->pids[settings->pid_count++] = pid;
}

const char *rts_call_graph_name(enum rts_call_graph call_graph)
{
    static const char *const names[] = {
        [RTS_CALL_GRAPH_DWARF] = "dwarf",
        [RTS_CALL_GRAPH_FP] = "fp",
        [RTS_CALL_GRAPH_NONE] = "none",
    };
    return call_graph <= RTS_CALL_GRAPH_NONE ? names[call_graph] : "unknown";
}

const char *rts_method_name(enum rts_method method)
{
    static const char *const names[] = {
        [RTS_METHOD_AUTO] = "auto",
        [RTS_METHOD_PERF] = "perf",
        [RTS_METHOD_PTRACE] = "ptrace",
    };
    return method <= RTS_METHOD_PTRACE ? names[method] : "unknown";
}

static json_t *build_tree(const struct rts_settings *settings)
{
    return json_pack(
        "{s{sIsssIsssI}s{sbsbss}s{sI}s{sb}}", "Sampler", "Frequency",
        (json_int_t)settings->frequency, "CallGraph", rts_call_graph_name(settings->call_graph),
        "StackBytes", (json_int_t)settings->stack_bytes, "Method",
        rts_method_name(settings->method), "DurationMs", (json_int_t)settings->duration_ms,
        "SymbolCapture", "CollectBuildIds", settings->collect_build_ids, "EmitLoaderBase",
        settings->emit_loader_base, "IdScheme", settings->id_scheme, "Ingest", "FlushIntervalMs",
        (json_int_t)settings->flush_interval_ms, "Privacy", "EmitProcess", settings->emit_process);
}

void rts_settings_canonical(const struct rts_settings *settings, struct rts_buffer *out)
{
    json_t *tree = build_tree(settings);
    char *text = tree ? json_dumps(tree, JSON_SORT_KEYS | JSON_COMPACT) : NULL;
    if (text)
        rts_buffer_text(out, text);
    free(text);
    json_decref(tree);
}

void rts_settings_sha256(const struct rts_settings *settings, char hex[RTS_SHA256_HEX_SIZE])
{
    uint8_t digest[RTS_SHA256_SIZE];
    struct rts_buffer text = RTS_BUFFER_INIT;
    rts_settings_canonical(settings, &text);
    rts_sha256_bytes(text.data, text.size, digest);
    rts_sha256_hex(digest, hex);
    rts_buffer_finish(&text);
}
