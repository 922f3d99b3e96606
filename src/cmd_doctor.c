/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "commands.h"
#include "doctor/judge.h"
#include "doctor/judge_selftest.h"
#include "doctor/probe.h"
#include "doctor/self_seal.h"
#include "sealing/origin.h"
#include "selftest/alone.h"
#include "send/settings_delivery.h"
#include "settings/settings_options.h"
#include "unwind/architecture.h"
#include "util/cleanup.h"
#include "util/log.h"
#include "util/memory.h"
#include "util/option_reader.h"

enum long_option {
    OPTION_JSON = 256,
    OPTION_SELF,
    OPTION_SELF_TEST,
};

static const char short_options[] = "p:c:hV";

static const struct option own_options[] = {
    {"pid", required_argument, NULL, 'p'},    {"json", no_argument, NULL, OPTION_JSON},
    {"self", no_argument, NULL, OPTION_SELF}, {"self-test", no_argument, NULL, OPTION_SELF_TEST},
    {"config", required_argument, NULL, 'c'}, {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},      {NULL, 0, NULL, 0},
};

struct request {
    int32_t pid;
    bool json, self, self_test;
    struct rts_settings settings; /* of the server for facts */
};

static int parse_pid(struct request *request, struct rts_error *error)
{
    char *end;
    errno = 0;
    long pid = strtol(optarg, &end, 10);
    if (errno || end == optarg || *end || pid < 1 || pid > INT_MAX)
        return rts_fail(error, RTS_USAGE, "-p %s: doctor takes one process id", optarg);
    request->pid = (int32_t)pid;
    return 0;
}

static int parse_option(int option, struct request *request, struct rts_error *error)
{
    switch (option) {
    case 'p': return parse_pid(request, error);
    case OPTION_JSON: request->json = true; return 0;
    case OPTION_SELF: request->self = true; return 0;
    case OPTION_SELF_TEST: request->self_test = true; return 0;
    case 'c':
    case 'h':
    case 'V': return 0; /* rts_settings_look_ahead() saw them */
    case RTS_OPTION_WRONG: return -1;
    default: return rts_settings_apply_option(&request->settings, option, optarg, error);
    }
}

static int parse(int argc, char **argv, const struct option *options, struct request *request,
                 struct rts_error *error)
{
    rts_settings_begin_layer(&request->settings);
    for (int option;
         (option = rts_option_next(argc, argv, short_options, options, error)) != RTS_OPTIONS_END;)
        if (parse_option(option, request, error) < 0)
            return -1;
    rts_settings_end_layer(&request->settings);
    if (optind < argc)
        return rts_fail(error, RTS_USAGE, "doctor takes no argument \"%s\"", argv[optind]);
    if ((request->self || request->self_test) && request->pid > 0)
        return rts_fail(error, RTS_USAGE, "doctor --self%s is about rtsample itself: leave out -p",
                        request->self ? "" : "-test");
    if (request->self && request->self_test)
        return rts_fail(error, RTS_USAGE, "give one of --self and --self-test");
    return rts_settings_complete(&request->settings, error);
}

/* Connects to the server, if one was named, and may be connected to. */
static int greet(const struct rts_settings *settings, struct rts_endpoint_findings *found,
                 struct rts_error *error)
{
    struct rts_greeting greeting;
    if (!settings->ingest.endpoint || !settings->egress.enabled)
        return 0;
    if (rts_settings_greet(settings, &greeting, error) < 0)
        return -1;
    *found = (struct rts_endpoint_findings){
        .asked = true,
        .reached = greeting.reached,
        .cause = greeting.reached ? NULL : rts_unreached_word(greeting.unreached),
    };
    snprintf(found->origin, sizeof found->origin, "%s", greeting.origin);
    snprintf(found->text, sizeof found->text, "%s", greeting.text);
    return 0;
}

/* Prints the report; returns the exit status. */
static int print(const struct rts_report *report, bool json, struct rts_error *error)
{
    struct rts_buffer buffer = RTS_BUFFER_INIT;
    if (json)
        rts_report_write_json(report, &buffer);
    else
        rts_report_write_text(report, &buffer);
    fwrite(buffer.data, 1, buffer.size, stdout);
    rts_buffer_finish(&buffer);
    return rts_flush_stdout(error) < 0 ? -1 : report->status;
}

static int look(const struct request *request, struct rts_error *error)
{
    const struct rts_probe_options options = {
        .proc_root = "/proc",
        .sys_root = "/sys",
        .file_root = "/",
        .pid = request->pid,
        .user_registers = rts_architecture_native()->perf_registers,
    };
    struct rts_findings *findings = rts_calloc(1, sizeof *findings);
    struct rts_report *report = rts_calloc(1, sizeof *report);
    struct rts_endpoint_findings endpoint = {0};
    int result = greet(&request->settings, &endpoint, error);
    if (result == 0) {
        rts_probe_all(findings, &options);
        findings->endpoint = endpoint;
        rts_judge(findings, report);
        result = print(report, request->json, error);
    }
    free(report);
    free(findings);
    return result;
}

static int look_at_ourselves(const struct request *request, struct rts_error *error)
{
    struct rts_self_findings findings;
    struct rts_report *report = rts_calloc(1, sizeof *report);
    unsigned needs = getenv("NOTIFY_SOCKET") ? RTS_SEAL_NEED_NOTIFY : 0;
    rts_probe_self_seal(&findings, needs, "/proc", "/sys", "/");
    rts_judge_self_seal(&findings, report);
    int result = print(report, request->json, error);
    free(report);
    return result;
}

static int test_ourselves(const struct request *request, struct rts_error *error)
{
    struct rts_selftest_findings perf = {0}, ptrace = {0};
    struct rts_report *report = rts_calloc(1, sizeof *report);
    perf.was_run = rts_selftest_alone(false, &perf.facts, &perf.error) == 0;
    ptrace.was_run = rts_selftest_alone(true, &ptrace.facts, &ptrace.error) == 0;
    rts_judge_selftest(&perf, &ptrace, report);
    int result = print(report, request->json, error);
    free(report);
    return result;
}

/* The exit status, or -1 with *error. */
static int run(int argc, char **argv, struct request *request, struct rts_error *error)
{
    struct rts_first_look first;
    RTS_FREE struct option *options = rts_settings_long_options(own_options);
    rts_settings_look_ahead(argc, argv, short_options, options, &first);
    if (first.help || first.version)
        return rts_print_about(first.help, error);
    /* No variable of the environment makes this one connect: the file and the options do. */
    if (first.config && rts_settings_load_file(&request->settings, first.config, error) < 0)
        return -1;
    if (parse(argc, argv, options, request, error) < 0)
        return -1;
    if (request->self_test)
        return test_ourselves(request, error);
    return request->self ? look_at_ourselves(request, error) : look(request, error);
}

int rts_cmd_doctor(int argc, char **argv)
{
    struct request request = {0};
    struct rts_error error;
    signal(SIGPIPE, SIG_IGN);
    rts_core_forbid(); /* we stay dumpable: children that are sampled are as we are */
    rts_settings_init(&request.settings);
    int status = run(argc, argv, &request, &error);
    if (status < 0)
        rts_log("%s", error.text);
    rts_settings_finish(&request.settings);
    return status < 0 ? (int)error.failure : status;
}
