/* SPDX-License-Identifier: Apache-2.0 */
#include "settings/settings_options.h"

#include <stdio.h>
#include <string.h>

#include "settings/settings_keys.h"
#include "util/cleanup.h"
#include "util/memory.h"

static const struct {
    const char *name; /* without "--" */
    const char *path;
} shared[] = {
    {"endpoint", "Ingest:Endpoint"},
    {"callgraph-id", "Ingest:CallgraphId"},
    {"scan-id", "Ingest:ScanId"},
    {"image-digest", "Ingest:ImageDigest"},
    {"component", "Ingest:Component"},
    {"component-version", "Ingest:ComponentVersion"},
    {"source", "Ingest:Source"},
    {"analysis-id", "Ingest:AnalysisId"},
    {"cacert", "Ingest:CaCert"},
    {"cert", "Ingest:Cert"},
    {"key", "Ingest:Key"},
    {"token-file", "Ingest:TokenFile"},
    {"header", "Ingest:Headers"},
    {"spool", "Spool:Directory"},
};

#define SHARED_COUNT (sizeof shared / sizeof *shared)

struct option *rts_settings_long_options(const struct option *own)
{
    size_t count = 0;
    while (own[count].name)
        count++;
    struct option *all = rts_calloc(count + SHARED_COUNT + 1, sizeof *all);
    memcpy(all, own, count * sizeof *all);
    for (size_t i = 0; i < SHARED_COUNT; i++)
        all[count + i] = (struct option){
            .name = shared[i].name,
            .has_arg = required_argument,
            .val = RTS_OPTION_FIRST + (int)i,
        };
    return all;
}

int rts_settings_apply(struct rts_settings *settings, const char *path, const char *name,
                       const char *value, struct rts_error *error)
{
    const struct rts_setting *setting = rts_setting_find(path);
    return rts_setting_set_text(settings, setting, value, name, error);
}

int rts_settings_apply_option(struct rts_settings *settings, int code, const char *value,
                              struct rts_error *error)
{
    size_t i = (size_t)(code - RTS_OPTION_FIRST);
    char name[32];
    if (code < RTS_OPTION_FIRST || i >= SHARED_COUNT)
        return rts_fail(error, RTS_USAGE, "see rtsample --help"); /* getopt said why */
    snprintf(name, sizeof name, "--%s", shared[i].name);
    return rts_settings_apply(settings, shared[i].path, name, value, error);
}

int rts_settings_apply_emit(struct rts_settings *settings, const char *list,
                            struct rts_error *error)
{
    RTS_FREE char *copy = rts_strdup(list);
    char *rest = copy;
    for (char *word; (word = strsep(&rest, ","));) {
        if (strcmp(word, "process") == 0)
            settings->emit_process = true;
        else if (strcmp(word, "socket") == 0)
            settings->emit_socket = true;
        else
            return rts_fail(error, RTS_USAGE,
                            "--emit %s: it has to be \"process\", \"socket\" or both", list);
    }
    return 0;
}

void rts_settings_look_ahead(int argc, char **argv, const char *short_options,
                             const struct option *long_options, struct rts_first_look *look)
{
    *look = (struct rts_first_look){0};
    opterr = 0;
    for (int option; (option = getopt_long(argc, argv, short_options, long_options, NULL)) != -1;) {
        if (option == 'c')
            look->config = optarg;
        look->help |= option == 'h';
        look->version |= option == 'V';
    }
    opterr = 1;
    optind = 0; /* GNU: initialise again */
}
