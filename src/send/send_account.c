/* SPDX-License-Identifier: Apache-2.0 */
#include "send/send_account.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "util/clock.h"
#include "util/output_file.h"
#include "util/own_memory.h"

int rts_send_account_open(struct rts_send_account *sent, const struct rts_settings *settings,
                          struct rts_error *error)
{
    *sent = (struct rts_send_account){.begun_ns = rts_clock_monotonic_ns(), .fd = -1};
    const char *path = settings->stats_path;
    if (path)
        sent->fd = rts_output_open(path, 0, "the account", error);
    return path && sent->fd < 0 ? -1 : 0;
}

void rts_send_account_add(struct rts_send_account *sent, const struct rts_delivery_counts *counts)
{
    const struct rts_delivery_events *own = &counts->own, *earlier = &counts->earlier;
    struct rts_delivery_account *delivery = &sent->account.delivery;
    sent->account.events_emitted +=
        own->submitted + earlier->accepted + earlier->rejected + earlier->dropped;
    sent->account.batches += counts->batches;
    delivery->accepted += own->accepted + earlier->accepted;
    delivery->spooled += own->spooled;
    delivery->rejected += own->rejected + earlier->rejected;
    delivery->dropped += own->dropped + earlier->dropped;
    delivery->retries += counts->retries;
}

static uint64_t milliseconds(const struct timeval *time)
{
    return (uint64_t)time->tv_sec * 1000 + (uint64_t)time->tv_usec / 1000;
}

static void format(const struct rts_send_account *sent, const struct rts_settings *settings,
                   struct rts_buffer *text)
{
    char digest[RTS_SHA256_HEX_SIZE];
    struct rusage usage;
    struct rts_own_memory memory;
    getrusage(RUSAGE_SELF, &usage);
    rts_own_memory_read(&memory);
    rts_settings_sha256(settings, digest);
    const struct rts_run_facts run = {
        .method = "send",
        .duration_ms = (rts_clock_monotonic_ns() - sent->begun_ns) / 1000000,
        .config_sha256 = digest,
        .cpu_ms = milliseconds(&usage.ru_utime) + milliseconds(&usage.ru_stime),
        .peak_rss_kib = memory.peak_rss_kib,
    };
    rts_account_write(&sent->account, &run, text);
}

int rts_send_account_close(struct rts_send_account *sent, const struct rts_settings *settings,
                           struct rts_error *error)
{
    struct rts_buffer text = RTS_BUFFER_INIT;
    if (sent->fd < 0)
        return 0;
    format(sent, settings, &text);
    (void)!ftruncate(sent->fd, 0); /* fails on a pipe, where there is nothing to cut */
    bool written = dprintf(sent->fd, "%s", text.data) == (int)text.size;
    int number = errno;
    rts_buffer_finish(&text);
    if (close(sent->fd) != 0 && written) {
        written = false;
        number = errno;
    }
    sent->fd = -1;
    return written ? 0
                   : rts_fail_errno(error, number, "cannot write the account to %s",
                                    settings->stats_path);
}
