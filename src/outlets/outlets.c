/* SPDX-License-Identifier: Apache-2.0 */
#include "outlets/outlets.h"

#include <inttypes.h>
#include <string.h>

#include "bundle/union_bundle.h"
#include "outlets/metrics_file.h"
#include "outlets/union_file.h"
#include "util/log.h"
#include "util/stop_signals.h"

static int write_metrics(const struct rts_outlets *outlets, const struct rts_metrics_facts *metrics,
                         struct rts_error *error)
{
    const char *path = outlets->setup.settings->metrics_path;
    return path ? rts_metrics_file_write(path, outlets->setup.account, metrics, error) : 0;
}

static int open_union(struct rts_outlets *outlets, struct rts_error *error)
{
    const char *path = outlets->setup.settings->union_path;
    if (!path)
        return 0;
    if (rts_union_bundle_check(path, error) < 0)
        return -1;
    outlets->observed = rts_observed_graph_create();
    rts_observed_graph_use_share(outlets->observed, outlets->setup.share);
    return 0;
}

static int open_traces(struct rts_outlets *outlets, struct rts_error *error)
{
    const struct rts_outlets_setup *setup = &outlets->setup;
    const struct rts_segments_setup segments = {
        .settings = setup->settings,
        .recorders = setup->recorders,
        .out = &outlets->lines,
        .share = setup->share,
    };
    if (!setup->recorders)
        return 0;
    if (rts_recorders_open_run(setup->recorders, error) < 0)
        return -1;
    if (!setup->settings->cas_directory)
        return 0;
    outlets->segments = rts_segments_open(&segments, error);
    return outlets->segments ? 0 : -1;
}

int rts_outlets_open(struct rts_outlets *outlets, const struct rts_outlets_setup *setup,
                     const struct rts_metrics_facts *metrics, struct rts_error *error)
{
    *outlets = (struct rts_outlets){.setup = *setup};
    if (rts_lines_out_open(&outlets->lines, setup->settings, setup->purpose, error) < 0 ||
        write_metrics(outlets, metrics, error) < 0 || open_union(outlets, error) < 0 ||
        open_traces(outlets, error) < 0)
        return -1;
    return rts_account_file_open(&outlets->stats, setup->settings->stats_path, error);
}

const char *rts_outlets_evidence(const struct rts_outlets *outlets)
{
    return outlets->segments ? rts_segments_evidence(outlets->segments) : outlets->setup.evidence;
}

struct rts_observed_graph *rts_outlets_segment_graph(const struct rts_outlets *outlets)
{
    return outlets->segments ? rts_segments_graph(outlets->segments) : NULL;
}

void rts_outlets_take(struct rts_outlets *outlets, const struct rts_buffer *lines, uint64_t count)
{
    if (outlets->segments)
        rts_segments_take(outlets->segments, lines, count);
    else
        rts_lines_out_write(&outlets->lines, lines, count);
}

void rts_outlets_update_metrics(struct rts_outlets *outlets,
                                const struct rts_metrics_facts *metrics)
{
    struct rts_error error;
    rts_lines_out_count(&outlets->lines, outlets->setup.account);
    bool failed = write_metrics(outlets, metrics, &error) < 0;
    if (failed && !outlets->metrics_failed)
        rts_log("%s", error.text);
    outlets->metrics_failed = failed;
}

static void say_waiting(const struct rts_lines_out *lines)
{
    if (lines->waits)
        rts_log("%" PRIu64 " facts still wait for %s; SIGINT or SIGTERM gives them up",
                rts_sink_unwritten(lines->sink),
                strcmp(lines->output, "-") == 0 ? "stdout" : lines->output);
}

int rts_outlets_end_lines(struct rts_outlets *outlets, const struct rts_outlets_end *end,
                          struct rts_error *error)
{
    struct rts_account *account = outlets->setup.account;
    say_waiting(&outlets->lines);
    int result = rts_segments_end(outlets->segments, end->stopped, end->ended_ns, account, error);
    outlets->segments = NULL;
    /* The sampling is over: now these signals are to end a wait. */
    rts_stop_signals_interrupt();
    if (rts_lines_out_close_sink(&outlets->lines, account, result < 0 ? NULL : error) < 0)
        result = -1;
    if (rts_lines_out_end_delivery(&outlets->lines, account, result < 0 ? NULL : error) < 0)
        result = -1;
    return result;
}

int rts_outlets_end_union(struct rts_outlets *outlets, const struct rts_outlets_end *end,
                          struct rts_error *error)
{
    return outlets->observed ? rts_union_file_write(outlets->observed, outlets->setup.settings,
                                                    end->config_sha256, error)
                             : 0;
}

void rts_outlets_close(struct rts_outlets *outlets)
{
    rts_lines_out_discard(&outlets->lines);
    rts_segments_close(outlets->segments);
    rts_account_file_close(&outlets->stats);
    rts_observed_graph_destroy(outlets->observed);
    *outlets = (struct rts_outlets){.setup = outlets->setup};
}
