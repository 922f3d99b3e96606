/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a delivery for the scenarios in tests/e2e/: submits the lines of a file as flushes of a
 * given size, waits as told, finishes, and prints the counts as one JSON object on stdout.
 *
 *     delivery_driver [NAME=VALUE...]
 *
 * SIGTERM ends it as the sampler would end: by rts_delivery_finish() with 2 seconds of patience.
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "delivery/delivery.h"
#include "util/buffer.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/memory.h"

#define HEADERS_MAX 16
#define HOSTS_MAX   8

struct driver {
    struct rts_delivery_options options;
    struct rts_header headers[HEADERS_MAX];
    const char *hosts[HOSTS_MAX];
    const char *lines;     /* a file; NULL: nothing is submitted */
    size_t flush_lines;    /* lines of one flush; 0: all at once */
    uint64_t flush_ms;     /* pause after each flush */
    uint64_t wait_ms;      /* for everything to be delivered; 0: finish at once */
    unsigned failures_max; /* give up waiting after so many failures in a row; 0: never */
    uint64_t patience_ms;
};

static volatile sig_atomic_t terminated;

static void terminate(int number)
{
    (void)number;
    terminated = 1;
}

static int take_header(struct driver *driver, char *value)
{
    struct rts_endpoint_options *endpoint = &driver->options.endpoint;
    char *colon = strstr(value, ": ");
    if (!colon || endpoint->header_count == HEADERS_MAX)
        return -1;
    *colon = '\0';
    driver->headers[endpoint->header_count++] = (struct rts_header){value, colon + 2};
    endpoint->headers = driver->headers;
    return 0;
}

static int take_host(struct driver *driver, const char *value)
{
    struct rts_endpoint_options *endpoint = &driver->options.endpoint;
    if (endpoint->allowed_host_count == HOSTS_MAX)
        return -1;
    driver->hosts[endpoint->allowed_host_count++] = value;
    endpoint->allowed_hosts = driver->hosts;
    return 0;
}

static int take_text(struct driver *driver, const char *name, const char *value)
{
    struct rts_delivery_options *options = &driver->options;
    const char **parameters = options->endpoint.parameters;
    const struct {
        const char *name;
        const char **text;
    } texts[] = {
        {"endpoint", &options->endpoint.url},
        {"callgraph-id", &parameters[RTS_PARAMETER_CALLGRAPH_ID]},
        {"scan-id", &parameters[RTS_PARAMETER_SCAN_ID]},
        {"image-digest", &parameters[RTS_PARAMETER_IMAGE_DIGEST]},
        {"component", &parameters[RTS_PARAMETER_COMPONENT]},
        {"version", &parameters[RTS_PARAMETER_VERSION]},
        {"source", &parameters[RTS_PARAMETER_SOURCE]},
        {"analysis-id", &parameters[RTS_PARAMETER_ANALYSIS_ID]},
        {"cacert", &options->upload.cacert},
        {"cert", &options->upload.cert},
        {"key", &options->upload.key},
        {"token-file", &options->upload.token_file},
        {"spool", &options->spool.directory},
        {"lines", &driver->lines},
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (strcmp(texts[i].name, name) != 0)
            continue;
        *texts[i].text = value;
        return 0;
    }
    return -1;
}

static int take_number(struct driver *driver, const char *name, uint64_t number)
{
    struct rts_delivery_options *options = &driver->options;
    if (strcmp(name, "batch") == 0)
        options->batch_events_max = (uint32_t)number;
    else if (strcmp(name, "flush") == 0)
        driver->flush_lines = number;
    else if (strcmp(name, "flush-ms") == 0)
        driver->flush_ms = number;
    else if (strcmp(name, "wait-ms") == 0)
        driver->wait_ms = number;
    else if (strcmp(name, "failures") == 0)
        driver->failures_max = (unsigned)number;
    else if (strcmp(name, "patience-ms") == 0)
        driver->patience_ms = number;
    else if (strcmp(name, "connect-ms") == 0)
        options->upload.connect_timeout_ms = (uint32_t)number;
    else if (strcmp(name, "timeout-ms") == 0)
        options->upload.timeout_ms = (uint32_t)number;
    else if (strcmp(name, "retry-ms") == 0)
        options->retry_first_ms = (uint32_t)number;
    else if (strcmp(name, "help-ms") == 0)
        options->help_pause_ms = (uint32_t)number;
    else if (strcmp(name, "sequence") == 0)
        options->first_sequence = number;
    else if (strcmp(name, "spool-bytes") == 0)
        options->spool.max_bytes = number;
    else if (strcmp(name, "spool-age") == 0)
        options->spool.max_age_s = number;
    else if (strcmp(name, "egress") == 0)
        options->egress = number != 0;
    else if (strcmp(name, "eager") == 0)
        options->eager = number != 0;
    else if (strcmp(name, "drain") == 0)
        options->endpoint.drain_only = number != 0;
    else if (strcmp(name, "format") == 0)
        options->endpoint.format = (enum rts_body_format)number;
    else
        return -1;
    return 0;
}

static int take_argument(struct driver *driver, char *argument)
{
    char *equals = strchr(argument, '=');
    if (!equals)
        return -1;
    *equals = '\0';
    if (strcmp(argument, "header") == 0)
        return take_header(driver, equals + 1);
    if (strcmp(argument, "allow") == 0)
        return take_host(driver, equals + 1);
    if (take_text(driver, argument, equals + 1) == 0)
        return 0;
    return take_number(driver, argument, strtoull(equals + 1, NULL, 10));
}

static void pause_for(uint64_t milliseconds)
{
    uint64_t end = rts_clock_monotonic_ns() + milliseconds * 1000000;
    while (!terminated && rts_clock_monotonic_ns() < end)
        usleep(5000);
}

static void submit_file(const struct driver *driver, struct rts_delivery *delivery)
{
    FILE *file = fopen(driver->lines, "re");
    struct rts_buffer flush = RTS_BUFFER_INIT;
    char *line = NULL;
    size_t capacity = 0, lines = 0;
    if (!file) {
        rts_log("cannot open %s", driver->lines);
        exit(2);
    }
    for (ssize_t length; !terminated && (length = getline(&line, &capacity, file)) > 0;) {
        rts_buffer_append(&flush, line, (size_t)length);
        if (++lines != driver->flush_lines)
            continue;
        rts_delivery_submit(delivery, flush.data, flush.size);
        rts_buffer_clear(&flush);
        lines = 0;
        pause_for(driver->flush_ms);
    }
    rts_delivery_submit(delivery, flush.data, flush.size);
    rts_buffer_finish(&flush);
    free(line);
    fclose(file);
}

static void wait_until_delivered(const struct driver *driver, struct rts_delivery *delivery)
{
    uint64_t end = rts_clock_monotonic_ns() + driver->wait_ms * 1000000;
    while (!terminated && rts_clock_monotonic_ns() < end) {
        struct rts_delivery_state state;
        rts_delivery_state(delivery, &state);
        if (state.idle || (driver->failures_max && state.failures >= driver->failures_max))
            return;
        rts_delivery_wait(delivery, 20);
    }
}

static void print_events(const char *name, const struct rts_delivery_events *events)
{
    printf("\"%s\":{\"submitted\":%" PRIu64 ",\"accepted\":%" PRIu64 ",\"spooled\":%" PRIu64
           ",\"rejected\":%" PRIu64 ",\"dropped\":%" PRIu64 "},",
           name, events->submitted, events->accepted, events->spooled, events->rejected,
           events->dropped);
}

static int run(const struct driver *driver)
{
    struct rts_error error = {0};
    struct rts_delivery_counts counts;
    struct rts_delivery *delivery = rts_delivery_create(&driver->options, &error);
    if (!delivery) {
        rts_log("%s", error.text);
        return (int)error.failure;
    }
    if (driver->lines)
        submit_file(driver, delivery);
    wait_until_delivered(driver, delivery);
    char *subject_key = rts_delivery_subject_key(delivery);
    uint64_t begun = rts_clock_monotonic_ns();
    int result = rts_delivery_finish(delivery, driver->patience_ms, &counts, &error);
    uint64_t took_ms = (rts_clock_monotonic_ns() - begun) / 1000000;
    printf("{");
    print_events("own", &counts.own);
    print_events("earlier", &counts.earlier);
    printf("\"batches\":%" PRIu64 ",\"retries\":%" PRIu64 ",\"left\":%" PRIu64
           ",\"finish_ms\":%" PRIu64 ",\"subjectKey\":\"%s\"}\n",
           counts.batches, counts.retries, counts.left, took_ms, subject_key ? subject_key : "");
    fflush(stdout);
    free(subject_key);
    if (result < 0)
        rts_log("%s", error.text);
    return result < 0 ? (int)error.failure : 0;
}

int main(int argc, char **argv)
{
    struct driver driver = {.options = {.egress = true}, .patience_ms = 2000};
    struct sigaction action = {.sa_handler = terminate};
    sigaction(SIGTERM, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    for (int i = 1; i < argc; i++) {
        if (take_argument(&driver, argv[i]) < 0) {
            rts_log("delivery_driver: \"%s\" is unknown", argv[i]);
            return 2;
        }
    }
    if (!driver.options.endpoint.url) {
        /* As the program does it: without an endpoint nothing of the delivery is touched. */
        printf("{}\n");
        return 0;
    }
    return run(&driver);
}
