/* SPDX-License-Identifier: Apache-2.0 */
#include "delivery/backoff.h"

#include <string.h>

/* splitmix64: small, and good enough to spread retries. */
static uint64_t next_random(uint64_t *seed)
{
    uint64_t value = *seed += 0x9e3779b97f4a7c15ULL;
    value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9ULL;
    value = (value ^ value >> 27) * 0x94d049bb133111ebULL;
    return value ^ value >> 31;
}

uint64_t rts_backoff_ms(uint32_t first_ms, uint32_t longest_ms, unsigned failures, uint64_t *seed)
{
    uint64_t pause = first_ms;
    for (unsigned i = 1; i < failures && pause < longest_ms; i++)
        pause *= 2;
    if (pause > longest_ms && first_ms <= longest_ms)
        pause = longest_ms;
    return pause / 2 + next_random(seed) % (pause - pause / 2 + 1);
}

static uint64_t limited_ms(uint64_t seconds)
{
    return seconds > RTS_RETRY_AFTER_LONGEST_MS / 1000 ? RTS_RETRY_AFTER_LONGEST_MS
                                                       : seconds * 1000;
}

uint64_t rts_retry_after_ms(const char *text, const char *date, int64_t wall_s,
                            rts_http_date_read *read_date)
{
    if (!text || !*text)
        return 0;
    if (text[strspn(text, "0123456789")] == '\0') {
        uint64_t seconds = 0;
        for (const char *at = text; *at && seconds <= RTS_RETRY_AFTER_LONGEST_MS; at++)
            seconds = seconds * 10 + (uint64_t)(*at - '0');
        return limited_ms(seconds);
    }
    int64_t when = read_date(text, NULL), now = date ? read_date(date, NULL) : -1;
    if (now < 0)
        now = wall_s;
    return when > now ? limited_ms((uint64_t)(when - now)) : 0;
}
