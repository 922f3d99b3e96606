/* SPDX-License-Identifier: Apache-2.0 */
#include "recording/recorded_settings.h"

#include <inttypes.h>
#include <string.h>

void rts_recorded_settings_take(struct rts_recorded_settings *recorded, const char *key,
                                uint64_t value)
{
    const struct {
        const char *key;
        uint32_t *field;
    } fields[] = {
        {"ratio", &recorded->guard.ratio},
        {"max_events_per_second", &recorded->guard.max_events_per_second},
        {"max_cpu_percent", &recorded->guard.max_cpu_percent},
        {"flush_interval_ms", &recorded->flush_interval_ms},
    };
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        if (strcmp(key, fields[i].key) == 0)
            *fields[i].field = value <= UINT32_MAX ? (uint32_t)value : 0;
    /* A ratio is never 0, and those that note it note them all. */
    recorded->known = recorded->guard.ratio > 0;
}

static int refuse(const struct rts_recorded_settings *recorded, const char *path, uint32_t wanted,
                  uint32_t value, struct rts_error *error)
{
    if (!recorded->known)
        return rts_fail(error, RTS_USAGE,
                        "%s: the trace is one of rtsample's own, which does not say what it was "
                        "recorded with, and cannot be replayed otherwise: leave the setting out",
                        path);
    return rts_fail(error, RTS_USAGE,
                    "%s: the trace was recorded with %" PRIu32 ", and cannot be replayed with "
                    "%" PRIu32 ": leave the setting out",
                    path, value, wanted);
}

/* Is a limit kept, where at most so many came in a second? 0 is none. */
static bool within(uint32_t limit, uint32_t recorded)
{
    return limit == 0 || (recorded > 0 && recorded <= limit);
}

int rts_recorded_settings_check(const struct rts_recorded_settings *recorded,
                                const char *config_sha256, const struct rts_settings *settings,
                                struct rts_error *error)
{
    const struct rts_sampler_settings *sampler = &settings->sampler;
    const struct rts_guard_facts *guard = &recorded->guard;
    char digest[RTS_SHA256_HEX_SIZE];
    rts_settings_sha256(settings, digest);
    if (config_sha256 && strcmp(digest, config_sha256) == 0)
        return 0;
    const struct {
        const char *path;
        uint32_t wanted, value;
        bool fulfilled;
    } checks[] = {
        {"Ingest:FlushIntervalMs", settings->flush_interval_ms, recorded->flush_interval_ms,
         settings->flush_interval_ms == recorded->flush_interval_ms},
        {"Sampler:Ratio", sampler->ratio, guard->ratio, sampler->ratio == guard->ratio},
        {"Sampler:MaxEventsPerSecond", sampler->max_events_per_second, guard->max_events_per_second,
         within(sampler->max_events_per_second, guard->max_events_per_second)},
    };
    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++)
        if (rts_settings_is_told(settings, checks[i].path) && !checks[i].fulfilled)
            return refuse(recorded, checks[i].path, checks[i].wanted, checks[i].value, error);
    return 0;
}
