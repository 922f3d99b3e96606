/* SPDX-License-Identifier: Apache-2.0 */
/* All layers together, and what is settled when the last one lies. */
#include "settings/settings_keys.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "http/url.h"
#include "util/cleanup.h"
#include "util/memory.h"

int rts_settings_load(struct rts_settings *settings, const char *path, struct rts_error *error)
{
    if (path && rts_settings_load_file(settings, path, error) < 0)
        return -1;
    return rts_settings_load_environment(settings, environ, error);
}

bool rts_settings_wants_delivery(const struct rts_settings *settings)
{
    return settings->ingest.endpoint && (settings->egress.enabled || settings->spool.directory);
}

static bool has_header(const struct rts_settings *settings, const char *name)
{
    for (size_t i = 0; i < settings->ingest.headers.count; i++)
        if (strcasecmp(settings->ingest.headers.items[i].name, name) == 0)
            return true;
    return false;
}

/* What the address says by its query is as good as an option of its own, and comes behind those. */
static int take_query(struct rts_settings *settings, const char *query, struct rts_error *error)
{
    static const char *const parameters[][2] = {
        {"callgraphId", "Ingest:CallgraphId"},  {"scanId", "Ingest:ScanId"},
        {"imageDigest", "Ingest:ImageDigest"},  {"component", "Ingest:Component"},
        {"version", "Ingest:ComponentVersion"}, {"source", "Ingest:Source"},
    };
    for (size_t i = 0; i < sizeof parameters / sizeof *parameters; i++) {
        const struct rts_setting *setting = rts_setting_find(parameters[i][1]);
        char *const *field = rts_setting_field_const(settings, setting);
        RTS_FREE char *value = *field ? NULL : rts_url_query_value(query, parameters[i][0]);
        char where[64];
        snprintf(where, sizeof where, "endpoint: %s", parameters[i][0]);
        if (value && rts_setting_set_text(settings, setting, value, where, error) < 0)
            return -1;
    }
    return 0;
}

static int take_endpoint(struct rts_settings *settings, struct rts_error *error)
{
    struct rts_url url;
    if (rts_url_parse(&url, settings->ingest.endpoint, error) < 0)
        return -1;
    int result = take_query(settings, url.query, error);
    rts_url_finish(&url);
    return result;
}

int rts_settings_complete(struct rts_settings *settings, struct rts_error *error)
{
    const struct rts_ingest_settings *ingest = &settings->ingest;
    if (!settings->output && !rts_settings_wants_delivery(settings))
        settings->output = rts_strdup("-");
    if (ingest->endpoint && take_endpoint(settings, error) < 0)
        return -1;
    if (ingest->token_file && has_header(settings, "Authorization"))
        return rts_fail(
            error, RTS_USAGE,
            "there are both a header Authorization and a token file: leave one of them out");
    if (settings->spool.directory && !ingest->endpoint)
        return rts_fail(error, RTS_USAGE,
                        "there is a --spool without an --endpoint: what waits has to say where it "
                        "is meant to go (Egress:Enabled=false keeps it there)");
    if (ingest->key && !ingest->cert)
        return rts_fail(error, RTS_USAGE, "there is a --key without a --cert");
    if (!ingest->component != !ingest->component_version)
        return rts_fail(error, RTS_USAGE,
                        "Subject must include scanId/imageDigest/component+version: --component "
                        "and --component-version belong together");
    return 0;
}

int rts_settings_check_metadata(const struct rts_settings *settings, struct rts_error *error)
{
    const struct rts_ingest_settings *ingest = &settings->ingest;
    if (!ingest->callgraph_id)
        return rts_fail(error, RTS_USAGE,
                        "callgraphId is required: give --callgraph-id or Ingest:CallgraphId");
    if (!ingest->scan_id && !ingest->image_digest && !ingest->component)
        return rts_fail(error, RTS_USAGE,
                        "Subject must include scanId/imageDigest/component+version: give "
                        "--scan-id, --image-digest, or --component and --component-version");
    return 0;
}
