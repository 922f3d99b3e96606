/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "session/session.h"
#include "settings/settings_options.h"
#include "util/option_reader.h"

enum long_option {
    OPTION_EMIT = 256,
    OPTION_STATS,
    OPTION_METRICS,
    OPTION_GRAPH,
    OPTION_SYMFS,
    OPTION_SEARCH,
    OPTION_UNION,
    OPTION_CAS,
    OPTION_UNWINDER,
};

static const char short_options[] = "o:c:hV";

static const struct option own_options[] = {
    {"output", required_argument, NULL, 'o'},
    {"emit", required_argument, NULL, OPTION_EMIT},
    {"stats", required_argument, NULL, OPTION_STATS},
    {"metrics", required_argument, NULL, OPTION_METRICS},
    {"graph", required_argument, NULL, OPTION_GRAPH},
    {"symfs", required_argument, NULL, OPTION_SYMFS},
    {"search", required_argument, NULL, OPTION_SEARCH},
    {"union", required_argument, NULL, OPTION_UNION},
    {"cas", required_argument, NULL, OPTION_CAS},
    {"unwinder", required_argument, NULL, OPTION_UNWINDER},
    {"config", required_argument, NULL, 'c'},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},
    {NULL, 0, NULL, 0},
};

static int parse_option(int option, struct rts_settings *settings, struct rts_error *error)
{
    switch (option) {
    case 'o': return rts_settings_apply(settings, "Output:File", "-o", optarg, error);
    case OPTION_EMIT: return rts_settings_apply_emit(settings, optarg, error);
    case OPTION_STATS:
        return rts_settings_apply(settings, "Output:StatsFile", "--stats", optarg, error);
    case OPTION_METRICS:
        return rts_settings_apply(settings, "Output:MetricsFile", "--metrics", optarg, error);
    case OPTION_GRAPH: return rts_settings_apply(settings, "Graph:File", "--graph", optarg, error);
    case OPTION_SYMFS:
        return rts_settings_apply(settings, "Replay:SymbolRoot", "--symfs", optarg, error);
    case OPTION_SEARCH:
        return rts_settings_apply(settings, "Replay:Search", "--search", optarg, error);
    case OPTION_UNION: return rts_settings_apply(settings, "Union:File", "--union", optarg, error);
    case OPTION_CAS:
        return rts_settings_apply(settings, "Record:CasDirectory", "--cas", optarg, error);
    case OPTION_UNWINDER:
        return rts_settings_apply(settings, "Sampler:Unwinder", "--unwinder", optarg, error);
    case 'c':
    case 'h':
    case 'V': return 0; /* rts_settings_look_ahead() saw them */
    default: return rts_settings_apply_option(settings, option, optarg, error);
    }
}

/* The layer of the command line; the trace goes to *path. */
static int parse(int argc, char **argv, const struct option *options, struct rts_settings *settings,
                 const char **path, struct rts_error *error)
{
    rts_settings_begin_layer(settings);
    for (int option;
         (option = rts_option_next(argc, argv, short_options, options, error)) != RTS_OPTIONS_END;)
        if (option == RTS_OPTION_WRONG || parse_option(option, settings, error) < 0)
            return -1;
    rts_settings_end_layer(settings);
    if (optind + 1 != argc)
        return rts_fail(error, RTS_USAGE,
                        "replay takes one trace, a file or \"-\" (see rtsample --help)");
    *path = argv[optind];
    return 0;
}

static int run(int argc, char **argv, const struct option *options, struct rts_settings *settings,
               struct rts_error *error)
{
    struct rts_first_look look;
    const char *path = NULL;
    rts_settings_look_ahead(argc, argv, short_options, options, &look);
    if (look.help || look.version)
        return rts_print_about(look.help, error);
    if (rts_settings_load(settings, look.config, error) < 0 ||
        parse(argc, argv, options, settings, &path, error) < 0 ||
        rts_settings_complete(settings, error) < 0)
        return -1;
    if (rts_settings_wants_delivery(settings) && rts_settings_check_metadata(settings, error) < 0)
        return -1;
    return rts_session_replay(settings, path, error);
}

int rts_cmd_replay(int argc, char **argv)
{
    return rts_command_run(argc, argv, own_options, run);
}
