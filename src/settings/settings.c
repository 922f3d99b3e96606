/* SPDX-License-Identifier: Apache-2.0 */
#include "settings/settings.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "util/memory.h"

void rts_settings_init(struct rts_settings *settings)
{
    *settings = (struct rts_settings){
        .frequency = 99,
        .flush_interval_ms = 2000,
        .check_every = 100,
        .self_test = true,
        .segment_seconds = 60,
        .segment_bytes = 1u << 20,
        .emit_loader_base = true,
        .resolve_packages = true,
        .collect_build_ids = true,
        .sampler = {.ratio = 1,
                    .max_events_per_second = 500,
                    .max_cpu_percent = 35,
                    .max_stop_us = 1000,
                    .max_memory_bytes = 64u << 20},
        .ingest = {.batch_size = 1000,
                   .connect_timeout_ms = 10000,
                   .timeout_ms = 60000,
                   .retry_ms = 500,
                   .retry_max_ms = 60000},
        .egress = {.enabled = true},
        .spool = {.max_bytes = 256u << 20, .max_age_seconds = 7 * 24 * 3600},
    };
}

static void finish_header(struct rts_header_setting *header)
{
    free(header->name);
    free(header->value);
}

static void finish_ingest(struct rts_ingest_settings *ingest)
{
    char *const texts[] = {
        ingest->endpoint,
        ingest->callgraph_id,
        ingest->analysis_id,
        ingest->scan_id,
        ingest->image_digest,
        ingest->component,
        ingest->component_version,
        ingest->source,
        ingest->cacert,
        ingest->cert,
        ingest->key,
        ingest->token_file,
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        free(texts[i]);
    for (size_t i = 0; i < ingest->headers.count; i++)
        finish_header(&ingest->headers.items[i]);
    free(ingest->headers.items);
}

void rts_settings_finish(struct rts_settings *settings)
{
    finish_ingest(&settings->ingest);
    for (size_t i = 0; i < settings->egress.allowed_hosts.count; i++)
        free(settings->egress.allowed_hosts.items[i]);
    free(settings->egress.allowed_hosts.items);
    free(settings->spool.directory);
    free(settings->graph_path);
    free(settings->cache_path);
    free(settings->output);
    free(settings->stats_path);
    free(settings->symfs);
    free(settings->metrics_path);
    free(settings->record_path);
    free(settings->cas_directory);
    free(settings->union_path);
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
