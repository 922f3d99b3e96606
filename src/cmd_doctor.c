/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "commands.h"
#include "doctor/judge.h"
#include "doctor/probe.h"
#include "unwind/architecture.h"
#include "util/log.h"
#include "util/memory.h"
#include "util/option_reader.h"

enum long_option {
    OPTION_JSON = 256
};

static const struct option long_options[] = {
    {"pid", required_argument, NULL, 'p'},
    {"json", no_argument, NULL, OPTION_JSON},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},
    {NULL, 0, NULL, 0},
};

struct request {
    int32_t pid;
    bool json, help, version;
};

static int parse(int argc, char **argv, struct request *request, struct rts_error *error)
{
    for (int option;
         (option = rts_option_next(argc, argv, "p:hV", long_options, error)) != RTS_OPTIONS_END;) {
        char *end;
        long pid;
        switch (option) {
        case 'p':
            errno = 0;
            pid = strtol(optarg, &end, 10);
            if (errno || end == optarg || *end || pid < 1 || pid > INT_MAX)
                return rts_fail(error, RTS_USAGE, "-p %s: doctor takes one process id", optarg);
            request->pid = (int32_t)pid;
            break;
        case OPTION_JSON: request->json = true; break;
        case 'h': request->help = true; break;
        case 'V': request->version = true; break;
        default: return -1;
        }
    }
    if (optind < argc)
        return rts_fail(error, RTS_USAGE, "doctor takes no argument \"%s\"", argv[optind]);
    return 0;
}

static int run(const struct request *request, struct rts_error *error)
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
    struct rts_buffer buffer = RTS_BUFFER_INIT;
    rts_probe_all(findings, &options);
    rts_judge(findings, report);
    if (request->json)
        rts_report_write_json(report, &buffer);
    else
        rts_report_write_text(report, &buffer);
    fwrite(buffer.data, 1, buffer.size, stdout);
    int result = rts_flush_stdout(error);
    int status = result < 0 ? (int)error->failure : report->status;
    rts_buffer_finish(&buffer);
    free(report);
    free(findings);
    if (result < 0)
        rts_log("%s", error->text);
    return status;
}

int rts_cmd_doctor(int argc, char **argv)
{
    struct request request = {0};
    struct rts_error error;
    signal(SIGPIPE, SIG_IGN);
    if (parse(argc, argv, &request, &error) < 0) {
        rts_log("%s", error.text);
        return (int)error.failure;
    }
    if (request.help || request.version) {
        if (rts_print_about(request.help, &error) == 0)
            return 0;
        rts_log("%s", error.text);
        return (int)error.failure;
    }
    return run(&request, &error);
}
