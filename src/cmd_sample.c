/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "session.h"
#include "util/cleanup.h"
#include "util/log.h"
#include "util/memory.h"

/* perf_event_open(2): sample_stack_user is a multiple of 8, and a record has 64 KiB. */
#define STACK_BYTES_MAX 65528
#define STACK_BYTES_MIN 256

enum long_option {
    OPTION_CALL_GRAPH = 256,
    OPTION_METHOD,
    OPTION_EMIT,
    OPTION_STATS,
    OPTION_PRINT_CONFIG,
};

static const struct option long_options[] = {
    {"pid", required_argument, NULL, 'p'},
    {"all", no_argument, NULL, 'a'},
    {"freq", required_argument, NULL, 'F'},
    {"call-graph", required_argument, NULL, OPTION_CALL_GRAPH},
    {"method", required_argument, NULL, OPTION_METHOD},
    {"duration", required_argument, NULL, 'd'},
    {"output", required_argument, NULL, 'o'},
    {"emit", required_argument, NULL, OPTION_EMIT},
    {"stats", required_argument, NULL, OPTION_STATS},
    {"print-config", no_argument, NULL, OPTION_PRINT_CONFIG},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},
    {NULL, 0, NULL, 0},
};

/* What the command line asks for beside settings. */
struct request {
    bool help, version, print_config;
};

static int parse_number(const char *text, long minimum, long maximum, long *number)
{
    char *end;
    errno = 0;
    *number = strtol(text, &end, 10);
    return errno || end == text || *end || *number < minimum || *number > maximum ? -1 : 0;
}

static int parse_pids(struct rts_settings *settings, const char *list, struct rts_error *error)
{
    RTS_FREE char *copy = rts_strdup(list);
    char *rest = copy;
    for (char *word; (word = strsep(&rest, ","));) {
        long pid;
        if (parse_number(word, 1, INT_MAX, &pid) < 0)
            return rts_fail(error, RTS_USAGE, "-p %s: \"%s\" is no process id", list, word);
        rts_settings_add_pid(settings, (pid_t)pid);
    }
    return 0;
}

static int set_target(struct rts_settings *settings, enum rts_target_kind target,
                      struct rts_error *error)
{
    if (settings->target != RTS_TARGET_NONE && settings->target != target)
        return rts_fail(error, RTS_USAGE, "give one of -p, -a and -- COMMAND, not several");
    settings->target = target;
    return 0;
}

static int parse_call_graph(struct rts_settings *settings, const char *text,
                            struct rts_error *error)
{
    if (strcmp(text, "fp") == 0) {
        settings->call_graph = RTS_CALL_GRAPH_FP;
    } else if (strcmp(text, "none") == 0) {
        settings->call_graph = RTS_CALL_GRAPH_NONE;
    } else if (strcmp(text, "dwarf") == 0) {
        settings->call_graph = RTS_CALL_GRAPH_DWARF;
    } else if (strncmp(text, "dwarf,", 6) == 0) {
        long bytes;
        if (parse_number(text + 6, STACK_BYTES_MIN, STACK_BYTES_MAX, &bytes) < 0)
            return rts_fail(error, RTS_USAGE, "--call-graph %s: the stack copy has %d to %d bytes",
                            text, STACK_BYTES_MIN, STACK_BYTES_MAX);
        settings->call_graph = RTS_CALL_GRAPH_DWARF;
        settings->stack_bytes = (uint32_t)(bytes + 7) / 8 * 8;
    } else {
        return rts_fail(error, RTS_USAGE, "--call-graph %s: it is dwarf[,BYTES], fp or none", text);
    }
    return 0;
}

static int parse_method(struct rts_settings *settings, const char *text, struct rts_error *error)
{
    if (strcmp(text, "auto") == 0)
        settings->method = RTS_METHOD_AUTO;
    else if (strcmp(text, "perf") == 0)
        settings->method = RTS_METHOD_PERF;
    else
        return rts_fail(error, RTS_USAGE, "--method %s: this version has auto and perf", text);
    return 0;
}

static int parse_emit(struct rts_settings *settings, const char *list, struct rts_error *error)
{
    RTS_FREE char *copy = rts_strdup(list);
    char *rest = copy;
    for (char *word; (word = strsep(&rest, ","));) {
        if (strcmp(word, "process") != 0)
            return rts_fail(error, RTS_USAGE, "--emit %s: this version can emit \"process\"", list);
        settings->emit_process = true;
    }
    return 0;
}

static int parse_duration(struct rts_settings *settings, const char *text, struct rts_error *error)
{
    char *end;
    double seconds = strtod(text, &end);
    /* A hundred years: beyond that it is a typing error. */
    if (end == text || *end || !(seconds >= 0.001 && seconds <= 3.2e9))
        return rts_fail(error, RTS_USAGE, "-d %s: it is a number of seconds above 0", text);
    settings->duration_ms = (uint64_t)(seconds * 1000);
    return 0;
}

static int parse_frequency(struct rts_settings *settings, const char *text, struct rts_error *error)
{
    long frequency;
    if (parse_number(text, 1, 1000000, &frequency) < 0)
        return rts_fail(error, RTS_USAGE, "-F %s: it is 1 to 1000000 samples per second", text);
    settings->frequency = (uint32_t)frequency;
    return 0;
}

static int parse_option(int option, struct rts_settings *settings, struct request *request,
                        struct rts_error *error)
{
    switch (option) {
    case 'p':
        if (set_target(settings, RTS_TARGET_PIDS, error) < 0)
            return -1;
        return parse_pids(settings, optarg, error);
    case 'a': return set_target(settings, RTS_TARGET_ALL, error);
    case 'F': return parse_frequency(settings, optarg, error);
    case 'd': return parse_duration(settings, optarg, error);
    case 'o': settings->output = optarg; return 0;
    case OPTION_CALL_GRAPH: return parse_call_graph(settings, optarg, error);
    case OPTION_METHOD: return parse_method(settings, optarg, error);
    case OPTION_EMIT: return parse_emit(settings, optarg, error);
    case OPTION_STATS: settings->stats_path = optarg; return 0;
    case OPTION_PRINT_CONFIG: request->print_config = true; return 0;
    case 'h': request->help = true; return 0;
    case 'V': request->version = true; return 0;
    default: return rts_fail(error, RTS_USAGE, "see rtsample --help"); /* getopt said why */
    }
}

static int parse(int argc, char **argv, struct rts_settings *settings, struct request *request,
                 struct rts_error *error)
{
    /* The leading "+": options end at the first other word. */
    for (int option; (option = getopt_long(argc, argv, "+p:aF:d:o:hV", long_options, NULL)) != -1;)
        if (parse_option(option, settings, request, error) < 0)
            return -1;
    if (optind < argc) {
        if (strcmp(argv[optind - 1], "--") != 0)
            return rts_fail(error, RTS_USAGE, "\"%s\" is no option; a command goes behind \"--\"",
                            argv[optind]);
        if (set_target(settings, RTS_TARGET_COMMAND, error) < 0)
            return -1;
        settings->command = &argv[optind];
    }
    if (settings->target == RTS_TARGET_NONE && !request->help && !request->version &&
        !request->print_config)
        return rts_fail(error, RTS_USAGE,
                        "nothing to sample: give -p PID, -a or -- COMMAND (see rtsample --help)");
    return 0;
}

/* What was printed must have arrived: "--print-config >FILE" may be scripted against. */
static int flush_stdout(struct rts_error *error)
{
    return fflush(stdout) == 0 ? 0 : rts_fail_errno(error, errno, "cannot write to stdout");
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

static int run(const struct rts_settings *settings, const struct request *request,
               struct rts_error *error)
{
    if (request->help)
        rts_print_help();
    else if (request->version)
        rts_print_version();
    else if (request->print_config)
        print_config(settings);
    else
        return rts_session_run(settings, error);
    return flush_stdout(error);
}

int rts_cmd_sample(int argc, char **argv)
{
    struct rts_settings settings;
    struct request request = {0};
    struct rts_error error;
    rts_settings_init(&settings);
    int result = parse(argc, argv, &settings, &request, &error);
    if (result == 0)
        result = run(&settings, &request, &error);
    if (result < 0)
        rts_log("%s", error.text);
    rts_settings_finish(&settings);
    return result < 0 ? (int)error.failure : 0;
}
