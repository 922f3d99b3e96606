/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "commands.h"
#include "sealing/origin.h"
#include "sealing/seal.h"
#include "send/fact_reader.h"
#include "send/send_account.h"
#include "send/send_input.h"
#include "send/send_union.h"
#include "send/sending.h"
#include "send/settings_delivery.h"
#include "settings/settings_options.h"
#include "util/cleanup.h"
#include "util/log.h"
#include "util/memory.h"
#include "util/option_reader.h"

/* Batches that may be under way at once: enough that the server is never waited for. */
#define BATCHES_AHEAD 16

enum long_option {
    OPTION_STRICT = 256,
    OPTION_STATS,
    OPTION_UNION,
};

static const char short_options[] = "c:hV";

static const struct option own_options[] = {
    {"config", required_argument, NULL, 'c'},
    {"strict", no_argument, NULL, OPTION_STRICT},
    {"stats", required_argument, NULL, OPTION_STATS},
    {"union", required_argument, NULL, OPTION_UNION},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},
    {NULL, 0, NULL, 0},
};

struct send {
    struct rts_settings settings;
    bool strict;
    const char *union_path;        /* NULL: facts are sent */
    struct rts_send_input *inputs; /* owned */
    size_t input_count;
    int signals;
    struct rts_fact_reader *reader;
    uint64_t wrong; /* lines */
    struct rts_send_account account;
    struct rts_error failed; /* the first thing that went wrong; failure 0: nothing */
};

/* The first failure counts; facts that remain undelivered count more than it. Others are said. */
static void note_failure(struct send *send, const struct rts_error *error)
{
    rts_log("%s", error->text);
    if (send->failed.failure == 0 || error->failure == RTS_UNDELIVERED)
        send->failed = *error;
}

/* ---- inputs ---- */

/* Reads an input to its end and hands each batch on; with no sending it is only checked. */
static int read_input(struct send *send, const struct rts_send_input *input,
                      struct rts_sending *sending, struct rts_error *error)
{
    struct rts_fact_batch batch;
    RTS_CLOSE int fd = rts_send_input_open(input, error);
    if (fd < 0)
        return -1;
    const char *name = rts_send_input_name(input);
    rts_fact_reader_begin(send->reader, name, fd);
    int result;
    while ((result = rts_fact_reader_next(send->reader, &batch, error)) > 0) {
        if (!sending)
            continue;
        if (send->strict && rts_fact_reader_wrong(send->reader) > 0) {
            result = rts_fail(error, RTS_FAILED, "%s has changed since it was checked", name);
            break;
        }
        if (!rts_sending_submit(sending, &batch)) {
            result = rts_fail(error, RTS_UNDELIVERED,
                              "%s: stopped before the %zu facts up to line %" PRIu64
                              "; they and what follows remain there",
                              name, batch.count, rts_fact_reader_line(send->reader));
            break;
        }
        send->account.account.hits += batch.hits;
    }
    /* A pipe that is followed ends with a signal; a file has more. */
    if (result == 0 && !rts_fact_reader_is_done(send->reader) && !input->is_stdin)
        result = rts_fail(error, RTS_UNDELIVERED,
                          "%s: interrupted after line %" PRIu64 "; what follows remains there",
                          name, rts_fact_reader_line(send->reader));
    rts_fact_reader_end(send->reader);
    send->wrong += rts_fact_reader_wrong(send->reader);
    return result;
}

/* ---- deliveries ---- */

/* Without a spool nothing is lost either: it was read from files, which are still there. */
static int undelivered(const struct rts_delivery_counts *counts, const char *what, bool has_spool,
                       struct rts_error *error)
{
    if (!has_spool && counts->own.dropped > 0 && counts->own.rejected == 0)
        return rts_fail(error, RTS_UNDELIVERED,
                        "%" PRIu64 " facts were not accepted; they are in the %s still, which can "
                        "be sent again",
                        counts->own.dropped, what);
    if (counts->left > 0)
        return rts_fail(error, RTS_UNDELIVERED, "%s: %" PRIu64 " batches remain in the spool", what,
                        counts->left);
    return 0;
}

static void end_delivery(struct send *send, struct rts_sending *sending, const char *what)
{
    struct rts_delivery_counts counts;
    struct rts_error error;
    RTS_FREE char *subject = rts_delivery_subject_key(sending->delivery);
    int result = rts_delivery_finish(sending->delivery, RTS_SENDING_PATIENCE_MS, &counts, &error);
    rts_send_account_add(&send->account, &counts);
    uint64_t accepted = counts.own.accepted + counts.earlier.accepted;
    if (accepted > 0)
        rts_log("%s: %" PRIu64 " facts accepted%s%s", what, accepted,
                subject ? ", subject key " : "", subject ? subject : "");
    if (result == 0 || counts.own.dropped > 0)
        result |= undelivered(&counts, what, sending->has_spool, &error);
    if (result < 0)
        note_failure(send, &error);
}

static bool begin_delivery(struct send *send, struct rts_sending *sending,
                           enum rts_delivery_purpose purpose, const char *spool)
{
    struct rts_error error;
    const struct rts_settings *settings = &send->settings;
    *sending = (struct rts_sending){
        .delivery = rts_settings_open_delivery(settings, purpose, spool, &error),
        .signals = send->signals,
        .room = (uint64_t)settings->ingest.batch_size * BATCHES_AHEAD,
        .has_spool = spool || settings->spool.directory,
        .is_held_back = !settings->egress.enabled,
    };
    if (!sending->delivery)
        note_failure(send, &error);
    return sending->delivery != NULL;
}

static void drain_spool(struct send *send, const char *directory)
{
    struct rts_sending sending;
    if (!begin_delivery(send, &sending, RTS_DELIVER_SPOOL, directory))
        return;
    rts_sending_settle(&sending);
    end_delivery(send, &sending, directory);
}

/* In the words of Signals, which refuses it. */
static void fail_empty(const struct send *send, struct rts_error *error)
{
    const struct rts_send_input *only = NULL;
    size_t files = 0;
    for (size_t i = 0; i < send->input_count; i++)
        if (!send->inputs[i].is_spool && files++ == 0)
            only = &send->inputs[i];
    if (files == 1)
        rts_fail(error, RTS_FAILED, "runtime fact stream was empty: there is no fact in %s",
                 rts_send_input_name(only));
    else
        rts_fail(
            error, RTS_FAILED,
            "runtime fact stream was empty: there is no fact in any of the %zu files, the first "
            "of which is %s",
            files, rts_send_input_name(only));
}

/* All files in one delivery, so that their batches have one row of numbers. */
static void send_files(struct send *send)
{
    struct rts_sending sending;
    struct rts_error error;
    bool going_on = true;
    if (!begin_delivery(send, &sending, RTS_DELIVER_FILES, NULL))
        return;
    for (size_t i = 0; i < send->input_count && going_on; i++) {
        if (send->inputs[i].is_spool || read_input(send, &send->inputs[i], &sending, &error) == 0)
            continue;
        note_failure(send, &error);
        going_on = error.failure != RTS_UNDELIVERED;
    }
    if (going_on)
        rts_sending_settle(&sending);
    struct rts_delivery_counts counts;
    rts_delivery_counts(sending.delivery, &counts);
    bool is_empty = going_on && counts.own.submitted == 0;
    end_delivery(send, &sending, "files");
    if (is_empty && send->failed.failure == 0) {
        fail_empty(send, &error);
        note_failure(send, &error);
    }
}

/* --strict: all or nothing. */
static bool check_files(struct send *send)
{
    struct rts_error error;
    for (size_t i = 0; i < send->input_count; i++) {
        struct rts_send_input *input = &send->inputs[i];
        if (!input->is_spool && (rts_send_input_keep(input, send->signals, &error) < 0 ||
                                 read_input(send, input, NULL, &error) < 0))
            note_failure(send, &error);
    }
    if (send->wrong > 0) {
        rts_fail(&error, RTS_FAILED, "wrong lines: %" PRIu64 "; nothing was sent (--strict)",
                 send->wrong);
        note_failure(send, &error);
    }
    return send->failed.failure == 0;
}

static void send_all(struct send *send)
{
    bool has_files = false;
    for (size_t i = 0; i < send->input_count; i++)
        has_files = has_files || !send->inputs[i].is_spool;
    if (has_files && send->strict && !check_files(send))
        return;
    for (size_t i = 0; i < send->input_count; i++)
        if (send->inputs[i].is_spool)
            drain_spool(send, send->inputs[i].name);
    if (has_files)
        send_files(send);
    if (send->wrong > 0 && send->failed.failure == 0) {
        struct rts_error error;
        rts_fail(&error, RTS_FAILED, "wrong lines, which were not sent: %" PRIu64, send->wrong);
        note_failure(send, &error);
    }
}

/* ---- the command ---- */

static int take_inputs(struct send *send, int count, char **names, struct rts_error *error)
{
    if (send->union_path)
        return count == 0
                   ? 0
                   : rts_fail(error, RTS_USAGE, "--union is sent alone, without \"%s\"", names[0]);
    if (count == 0)
        return rts_fail(error, RTS_USAGE,
                        "nothing to send: give files, directories, or - (see rtsample --help)");
    send->inputs = rts_calloc((size_t)count, sizeof *send->inputs);
    for (int i = 0; i < count; i++) {
        if (rts_send_input_init(&send->inputs[i], names[i], error) < 0)
            return -1;
        send->input_count++;
    }
    return 0;
}

static int check_settings(const struct send *send, struct rts_error *error)
{
    const struct rts_settings *settings = &send->settings;
    bool has_files = false, has_spools = false;
    if (send->union_path)
        return rts_send_union_check(settings, error);
    for (size_t i = 0; i < send->input_count; i++) {
        has_spools = has_spools || send->inputs[i].is_spool;
        has_files = has_files || !send->inputs[i].is_spool;
    }
    if (!settings->ingest.endpoint)
        return rts_fail(error, RTS_USAGE, "nowhere to send to: give --endpoint or Ingest:Endpoint");
    if (!settings->egress.enabled && (has_spools || !settings->spool.directory))
        return rts_fail(error, RTS_USAGE, "Egress:Enabled is false: nothing is sent");
    return has_files ? rts_settings_check_metadata(settings, error) : 0;
}

static int parse(struct send *send, int argc, char **argv, const struct option *options,
                 struct rts_error *error)
{
    rts_settings_begin_layer(&send->settings);
    for (int option; (option = rts_option_next(argc, argv, short_options, options, error)) !=
                     RTS_OPTIONS_END;) {
        if (option == RTS_OPTION_WRONG)
            return -1;
        if (option == OPTION_STRICT)
            send->strict = true;
        else if (option == OPTION_UNION)
            send->union_path = optarg;
        else if (option == OPTION_STATS && rts_settings_apply(&send->settings, "Output:StatsFile",
                                                              "--stats", optarg, error) < 0)
            return -1;
        else if (option != 'c' && option != OPTION_STATS &&
                 rts_settings_apply_option(&send->settings, option, optarg, error) < 0)
            return -1;
    }
    rts_settings_end_layer(&send->settings);
    return take_inputs(send, argc - optind, argv + optind, error);
}

static int open_signals(void)
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    return signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC);
}

static int run(struct send *send, int argc, char **argv, const struct option *options,
               struct rts_error *error)
{
    struct rts_first_look look;
    rts_settings_look_ahead(argc, argv, short_options, options, &look);
    if (look.help || look.version)
        return rts_print_about(look.help, error);
    if (rts_settings_load(&send->settings, look.config, error) < 0 ||
        parse(send, argc, argv, options, error) < 0 ||
        rts_settings_complete(&send->settings, error) < 0 || check_settings(send, error) < 0)
        return -1;
    if (rts_send_account_open(&send->account, &send->settings, error) < 0)
        return -1;
    send->signals = open_signals();
    if (send->signals < 0)
        return rts_fail_errno(error, errno, "cannot receive signals");
    rts_seal(RTS_SEAL_SEND, 0, NULL);
    if (send->union_path) {
        struct rts_error failure;
        if (rts_send_union(&send->settings, send->union_path, send->signals, &failure) < 0)
            note_failure(send, &failure);
        return rts_send_account_close(&send->account, &send->settings, error);
    }
    send->reader = rts_fact_reader_create(send->settings.ingest.batch_size,
                                          send->settings.flush_interval_ms, send->signals);
    send_all(send);
    return rts_send_account_close(&send->account, &send->settings, error);
}

static void finish(struct send *send)
{
    for (size_t i = 0; i < send->input_count; i++)
        rts_send_input_finish(&send->inputs[i]);
    if (send->account.fd >= 0)
        close(send->account.fd);
    if (send->signals >= 0)
        close(send->signals);
    free(send->inputs);
    rts_fact_reader_destroy(send->reader);
    rts_settings_finish(&send->settings);
}

int rts_cmd_send(int argc, char **argv)
{
    struct send send = {.signals = -1, .account.fd = -1};
    struct rts_error error;
    struct rts_origin origin;
    RTS_FREE struct option *options = rts_settings_long_options(own_options);
    rts_origin_leave(&origin);
    rts_settings_init(&send.settings);
    if (run(&send, argc, argv, options, &error) < 0)
        note_failure(&send, &error);
    finish(&send);
    return (int)send.failed.failure;
}
