/* SPDX-License-Identifier: Apache-2.0 */
/* What happens at the beginning and at the end of each layer. */
#include "settings/settings_keys.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

void rts_settings_begin_layer(struct rts_settings *settings)
{
    struct rts_header_settings *headers = &settings->ingest.headers;
    settings->given = 0;
    for (size_t i = 0; i < headers->count; i++)
        headers->items[i].given = false;
}

/* Takes the header of this name out. Returns its value, which the caller frees, or NULL. */
static char *take_header(struct rts_header_settings *headers, const char *name)
{
    for (size_t i = 0; i < headers->count; i++) {
        struct rts_header_setting header = headers->items[i];
        if (strcasecmp(header.name, name) != 0)
            continue;
        headers->count--;
        memmove(&headers->items[i], &headers->items[i + 1],
                (headers->count - i) * sizeof *headers->items);
        free(header.name);
        return header.value;
    }
    return NULL;
}

/* The request carries these two by themselves: as headers, and as query where there is one. */
static void header_becomes_id(struct rts_settings *settings, const char *name, const char *path,
                              char **id)
{
    char *value = take_header(&settings->ingest.headers, name);
    if (value && !rts_setting_is_given(settings, rts_setting_find(path))) {
        free(*id);
        *id = value;
    } else {
        free(value);
    }
}

void rts_settings_end_layer(struct rts_settings *settings)
{
    struct rts_ingest_settings *ingest = &settings->ingest;
    header_becomes_id(settings, "X-Callgraph-Id", "Ingest:CallgraphId", &ingest->callgraph_id);
    header_becomes_id(settings, "X-Analysis-Id", "Ingest:AnalysisId", &ingest->analysis_id);
    settings->given = 0;
}
