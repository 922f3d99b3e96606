/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "session/session.h"
#include "settings/settings_options.h"
#include "util/cleanup.h"
#include "util/memory.h"
#include "util/option_reader.h"

#define BLANKS " \t\n"

/* The leading "+": options end at the first other word. */
static const char short_options[] = "+p:aF:d:o:c:hV";

enum long_option {
    OPTION_CALL_GRAPH = 256,
    OPTION_CGROUP,
    OPTION_CONTAINER,
    OPTION_UNWINDER,
    OPTION_METHOD,
    OPTION_MAX_STOP,
    OPTION_EMIT,
    OPTION_GRAPH,
    OPTION_STATS,
    OPTION_METRICS,
    OPTION_PRINT_CONFIG,
    OPTION_RECORD,
    OPTION_RECORD_FULL,
    OPTION_RECORD_LIMIT,
    OPTION_UNION,
    OPTION_CAS,
    OPTION_SEGMENT,
};

static const struct option own_options[] = {
    {"pid", required_argument, NULL, 'p'},
    {"all", no_argument, NULL, 'a'},
    {"cgroup", required_argument, NULL, OPTION_CGROUP},
    {"container", required_argument, NULL, OPTION_CONTAINER},
    {"freq", required_argument, NULL, 'F'},
    {"call-graph", required_argument, NULL, OPTION_CALL_GRAPH},
    {"unwinder", required_argument, NULL, OPTION_UNWINDER},
    {"method", required_argument, NULL, OPTION_METHOD},
    {"max-stop", required_argument, NULL, OPTION_MAX_STOP},
    {"duration", required_argument, NULL, 'd'},
    {"output", required_argument, NULL, 'o'},
    {"emit", required_argument, NULL, OPTION_EMIT},
    {"graph", required_argument, NULL, OPTION_GRAPH},
    {"stats", required_argument, NULL, OPTION_STATS},
    {"metrics", required_argument, NULL, OPTION_METRICS},
    {"record", required_argument, NULL, OPTION_RECORD},
    {"record-full", no_argument, NULL, OPTION_RECORD_FULL},
    {"record-limit", required_argument, NULL, OPTION_RECORD_LIMIT},
    {"union", required_argument, NULL, OPTION_UNION},
    {"cas", required_argument, NULL, OPTION_CAS},
    {"segment", required_argument, NULL, OPTION_SEGMENT},
    {"config", required_argument, NULL, 'c'},
    {"print-config", no_argument, NULL, OPTION_PRINT_CONFIG},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},
    {NULL, 0, NULL, 0},
};

static int parse_number(const char *text, long minimum, long maximum, long *number)
{
    char *end;
    errno = 0;
    *number = strtol(text, &end, 10);
    return errno || end == text || *end || *number < minimum || *number > maximum ? -1 : 0;
}

/* Between ids stand commas, or blanks as pidof(1) and pgrep(1) print them. */
static int parse_pids(struct rts_settings *settings, const char *list, struct rts_error *error)
{
    RTS_FREE char *copy = rts_strdup(list);
    char *rest = copy;
    if (list[strspn(list, BLANKS)] == '\0')
        return rts_fail(error, RTS_USAGE,
                        "-p \"%s\": there is no process id in it; is the program running?", list);
    for (char *item; (item = strsep(&rest, ","));) {
        if (item[strspn(item, BLANKS)] == '\0')
            return rts_fail(error, RTS_USAGE, "-p %s: a process id is missing at a comma", list);
        for (char *word; (word = strsep(&item, BLANKS));) {
            long pid = 0;
            if (*word && parse_number(word, 1, INT_MAX, &pid) < 0)
                return rts_fail(error, RTS_USAGE, "-p %s: \"%s\" is not a process id", list, word);
            if (*word)
                rts_settings_add_pid(settings, (pid_t)pid);
        }
    }
    return 0;
}

static int set_target(struct rts_settings *settings, enum rts_target_kind target,
                      struct rts_error *error)
{
    if (settings->target != RTS_TARGET_NONE && settings->target != target)
        return rts_fail(error, RTS_USAGE,
                        "give one of -p, -a, --cgroup, --container and -- COMMAND, not several");
    settings->target = target;
    return 0;
}

static int set_group(struct rts_settings *settings, enum rts_target_kind target, const char *group,
                     struct rts_error *error)
{
    settings->group = group;
    return set_target(settings, target, error);
}

static int parse_call_graph(struct rts_settings *settings, const char *text,
                            struct rts_error *error)
{
    static const char with_bytes[] = "dwarf,";
    if (strncmp(text, with_bytes, sizeof with_bytes - 1) != 0)
        return rts_settings_apply(settings, "Sampler:CallGraph", "--call-graph", text, error);
    if (rts_settings_apply(settings, "Sampler:CallGraph", "--call-graph", "dwarf", error) < 0)
        return -1;
    return rts_settings_apply(settings, "Sampler:StackBytes", "--call-graph dwarf",
                              text + sizeof with_bytes - 1, error);
}

static int parse_duration(struct rts_settings *settings, const char *text, struct rts_error *error)
{
    char *end;
    double seconds = strtod(text, &end);
    /* A hundred years: beyond that it is a typing error. */
    if (end == text || *end || !(seconds >= 0.001 && seconds <= 3.2e9))
        return rts_fail(error, RTS_USAGE, "-d %s: it has to be a number of seconds above 0", text);
    settings->duration_ms = (uint64_t)(seconds * 1000);
    return 0;
}

/* One limit, "90" or "90s" or "4M", or both; what is not named is none. */
static int parse_segment(struct rts_settings *settings, const char *text, struct rts_error *error)
{
    RTS_FREE char *copy = rts_strdup(text);
    char *rest = copy;
    settings->segment_seconds = 0;
    settings->segment_bytes = 0;
    for (char *word; (word = strsep(&rest, ","));) {
        static const char units[] = "KMG";
        size_t digits = strspn(word, "0123456789");
        const char *unit = word + digits, *known = *unit ? strchr(units, *unit) : NULL;
        char number[32];
        if (digits == 0 || digits > 12 || (*unit && !known && *unit != 's') ||
            (*unit && unit[1] != '\0'))
            return rts_fail(error, RTS_USAGE,
                            "--segment %s: it has to be a number of seconds, a number of bytes "
                            "such as 512K or 4M, or both with a comma between",
                            text);
        unsigned long long value = strtoull(word, NULL, 10);
        if (known)
            value <<= 10 * (known - units + 1);
        snprintf(number, sizeof number, "%llu", value);
        const char *path = known ? "Record:SegmentBytes" : "Record:SegmentSeconds";
        if (rts_settings_apply(settings, path, "--segment", number, error) < 0)
            return -1;
    }
    return 0;
}

static int parse_option(int option, struct rts_settings *settings, bool *print_config,
                        struct rts_error *error)
{
    switch (option) {
    case 'p':
        if (set_target(settings, RTS_TARGET_PIDS, error) < 0)
            return -1;
        return parse_pids(settings, optarg, error);
    case 'a': return set_target(settings, RTS_TARGET_ALL, error);
    case OPTION_CGROUP: return set_group(settings, RTS_TARGET_CGROUP, optarg, error);
    case OPTION_CONTAINER: return set_group(settings, RTS_TARGET_CONTAINER, optarg, error);
    case 'F': return rts_settings_apply(settings, "Sampler:Frequency", "-F", optarg, error);
    case 'd': return parse_duration(settings, optarg, error);
    case 'o': return rts_settings_apply(settings, "Output:File", "-o", optarg, error);
    case OPTION_CALL_GRAPH: return parse_call_graph(settings, optarg, error);
    case OPTION_UNWINDER:
        return rts_settings_apply(settings, "Sampler:Unwinder", "--unwinder", optarg, error);
    case OPTION_METHOD:
        return rts_settings_apply(settings, "Sampler:Method", "--method", optarg, error);
    case OPTION_MAX_STOP:
        return rts_settings_apply(settings, "Sampler:MaxStopMicroseconds", "--max-stop", optarg,
                                  error);
    case OPTION_EMIT: return rts_settings_apply_emit(settings, optarg, error);
    case OPTION_GRAPH: return rts_settings_apply(settings, "Graph:File", "--graph", optarg, error);
    case OPTION_STATS:
        return rts_settings_apply(settings, "Output:StatsFile", "--stats", optarg, error);
    case OPTION_METRICS:
        return rts_settings_apply(settings, "Output:MetricsFile", "--metrics", optarg, error);
    case OPTION_RECORD:
        return rts_settings_apply(settings, "Record:File", "--record", optarg, error);
    case OPTION_RECORD_FULL:
        return rts_settings_apply(settings, "Record:Full", "--record-full", "true", error);
    case OPTION_RECORD_LIMIT:
        return rts_settings_apply(settings, "Record:LimitBytes", "--record-limit", optarg, error);
    case OPTION_UNION: return rts_settings_apply(settings, "Union:File", "--union", optarg, error);
    case OPTION_CAS:
        return rts_settings_apply(settings, "Record:CasDirectory", "--cas", optarg, error);
    case OPTION_SEGMENT: return parse_segment(settings, optarg, error);
    case OPTION_PRINT_CONFIG: *print_config = true; return 0;
    case 'c':
    case 'h':
    case 'V': return 0; /* rts_settings_look_ahead() saw them */
    default: return rts_settings_apply_option(settings, option, optarg, error);
    }
}

static int fail_word(const char *word, struct rts_error *error)
{
    const char *meant = rts_command_like(word);
    if (meant && strcmp(word, meant) == 0)
        return rts_fail(error, RTS_USAGE, "the command \"%s\" comes first: rtsample %s [OPTIONS]",
                        word, word);
    if (meant)
        return rts_fail(error, RTS_USAGE,
                        "\"%s\" is not a command of rtsample; the nearest one is \"%s\", which "
                        "comes first (a program to be sampled goes after \"--\")",
                        word, meant);
    return rts_fail(error, RTS_USAGE,
                    "\"%s\" is neither an option nor a command of rtsample; a program to be "
                    "sampled goes after \"--\"",
                    word);
}

static int parse_target(int argc, char **argv, struct rts_settings *settings,
                        struct rts_error *error)
{
    if (optind == argc)
        return 0;
    if (strcmp(argv[optind - 1], "--") != 0)
        return fail_word(argv[optind], error);
    settings->command = &argv[optind];
    return set_target(settings, RTS_TARGET_COMMAND, error);
}

/* The layer of the command line. */
static int parse(int argc, char **argv, const struct option *options, struct rts_settings *settings,
                 bool *print_config, struct rts_error *error)
{
    rts_settings_begin_layer(settings);
    for (int option;
         (option = rts_option_next(argc, argv, short_options, options, error)) != RTS_OPTIONS_END;)
        if (option == RTS_OPTION_WRONG || parse_option(option, settings, print_config, error) < 0)
            return -1;
    rts_settings_end_layer(settings);
    return parse_target(argc, argv, settings, error);
}

static void print_config(const struct rts_settings *settings)
{
    struct rts_buffer text = RTS_BUFFER_INIT;
    char digest[RTS_SHA256_HEX_SIZE];
    rts_settings_canonical(settings, &text);
    rts_settings_sha256(settings, digest);
    printf("%s\nsha256:%s\n", text.data, digest);
    rts_buffer_finish(&text);
}

static int check_run(const struct rts_settings *settings, struct rts_error *error)
{
    if (settings->target == RTS_TARGET_NONE)
        return rts_fail(
            error, RTS_USAGE,
            "nothing to sample: give -p PID, -a, --cgroup, --container or -- COMMAND (see "
            "rtsample --help)");
    return rts_settings_wants_delivery(settings) ? rts_settings_check_metadata(settings, error) : 0;
}

static int run(int argc, char **argv, const struct option *options, struct rts_settings *settings,
               struct rts_error *error)
{
    struct rts_first_look look;
    bool print_only = false;
    rts_settings_look_ahead(argc, argv, short_options, options, &look);
    if (look.help || look.version)
        return rts_print_about(look.help, error);
    if (rts_settings_load(settings, look.config, error) < 0 ||
        parse(argc, argv, options, settings, &print_only, error) < 0 ||
        rts_settings_complete(settings, error) < 0)
        return -1;
    if (print_only) {
        print_config(settings);
        return rts_flush_stdout(error);
    }
    return check_run(settings, error) < 0 ? -1 : rts_session_run(settings, error);
}

int rts_cmd_sample(int argc, char **argv)
{
    return rts_command_run(argc, argv, own_options, run);
}
