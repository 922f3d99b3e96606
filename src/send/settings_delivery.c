/* SPDX-License-Identifier: Apache-2.0 */
#include "send/settings_delivery.h"

#include "send/sending.h"
#include "util/cleanup.h"
#include "util/memory.h"

static const enum rts_body_format formats[] = {
    [RTS_INGEST_AUTO] = RTS_BODY_AUTO,
    [RTS_INGEST_NDJSON] = RTS_BODY_NDJSON,
    [RTS_INGEST_STRUCTURED] = RTS_BODY_STRUCTURED,
};

static struct rts_endpoint_options endpoint_options(const struct rts_settings *settings,
                                                    const struct rts_header *headers)
{
    const struct rts_ingest_settings *ingest = &settings->ingest;
    return (struct rts_endpoint_options){
        .url = ingest->endpoint,
        .format = formats[ingest->format],
        .parameters =
            {
                [RTS_PARAMETER_CALLGRAPH_ID] = ingest->callgraph_id,
                [RTS_PARAMETER_SCAN_ID] = ingest->scan_id,
                [RTS_PARAMETER_IMAGE_DIGEST] = ingest->image_digest,
                [RTS_PARAMETER_COMPONENT] = ingest->component,
                [RTS_PARAMETER_VERSION] = ingest->component_version,
                [RTS_PARAMETER_SOURCE] = ingest->source,
                [RTS_PARAMETER_ANALYSIS_ID] = ingest->analysis_id,
            },
        .headers = headers,
        .header_count = ingest->headers.count,
        .allowed_hosts = (const char *const *)settings->egress.allowed_hosts.items,
        .allowed_host_count = settings->egress.allowed_hosts.count,
    };
}

/* To be freed; the texts are the settings'. */
static struct rts_header *make_headers(const struct rts_ingest_settings *ingest)
{
    struct rts_header *headers = rts_calloc(ingest->headers.count + 1, sizeof *headers);
    for (size_t i = 0; i < ingest->headers.count; i++)
        headers[i] = (struct rts_header){
            .name = ingest->headers.items[i].name,
            .value = ingest->headers.items[i].value,
        };
    return headers;
}

static struct rts_upload_options upload_options(const struct rts_ingest_settings *ingest)
{
    return (struct rts_upload_options){
        .cacert = ingest->cacert,
        .cert = ingest->cert,
        .key = ingest->key,
        .token_file = ingest->token_file,
        .connect_timeout_ms = ingest->connect_timeout_ms,
        .timeout_ms = ingest->timeout_ms,
    };
}

struct rts_delivery *rts_settings_open_delivery(const struct rts_settings *settings,
                                                enum rts_delivery_purpose purpose,
                                                const char *spool, struct rts_error *error)
{
    const struct rts_ingest_settings *ingest = &settings->ingest;
    RTS_FREE struct rts_header *headers = make_headers(ingest);
    struct rts_delivery_options options = {
        .endpoint = endpoint_options(settings, headers),
        .upload = upload_options(ingest),
        .spool =
            {
                .directory = spool ? spool : settings->spool.directory,
                .max_bytes = settings->spool.max_bytes,
                .max_age_s = settings->spool.max_age_seconds,
            },
        .egress = settings->egress.enabled,
        .batch_events_max = ingest->batch_size,
        .first_sequence = purpose == RTS_DELIVER_FILES,
        .retry_first_ms = ingest->retry_ms,
        .retry_max_ms = ingest->retry_max_ms,
        .eager = purpose != RTS_DELIVER_SAMPLES,
        .greet = purpose == RTS_DELIVER_SAMPLES,
    };
    options.endpoint.drain_only = purpose == RTS_DELIVER_SPOOL;
    return rts_delivery_create(&options, error);
}

int rts_settings_post(const struct rts_settings *settings, const char *content_type,
                      const struct rts_buffer *body, int signals, struct rts_error *error)
{
    const struct rts_ingest_settings *ingest = &settings->ingest;
    RTS_FREE struct rts_header *headers = make_headers(ingest);
    struct rts_post_options options = {
        .endpoint = endpoint_options(settings, headers),
        .upload = upload_options(ingest),
        .content_type = content_type,
        .retry_first_ms = ingest->retry_ms,
        .retry_max_ms = ingest->retry_max_ms,
        .failures_max = RTS_SENDING_FAILURES_MAX,
        .interrupt_fd = signals,
    };
    for (size_t i = 0; i < RTS_PARAMETERS; i++)
        if (i != RTS_PARAMETER_ANALYSIS_ID)
            options.endpoint.parameters[i] = NULL;
    options.endpoint.format = RTS_BODY_NDJSON; /* the path as it is */
    options.endpoint.no_facts = true;
    return rts_post(&options, body, error);
}

int rts_settings_greet(const struct rts_settings *settings, struct rts_greeting *greeting,
                       struct rts_error *error)
{
    RTS_FREE struct rts_header *headers = make_headers(&settings->ingest);
    struct rts_endpoint_options endpoint = endpoint_options(settings, headers);
    const struct rts_upload_options upload = upload_options(&settings->ingest);
    endpoint.no_facts = true;
    return rts_greet(&endpoint, &upload, greeting, error);
}
