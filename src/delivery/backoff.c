/* SPDX-License-Identifier: Apache-2.0 */
#include "delivery/backoff.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define SECONDS_PER_DAY 86400

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

static int month_number(const char *name)
{
    static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    for (int month = 0; month < 12; month++)
        if (strncmp(names + 3 * month, name, 3) == 0)
            return month + 1;
    return 0;
}

struct date {
    int year, month, day, hour, minute, second;
};

static bool is_leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* Days since 1970-01-01 of the first of a year's month. */
static int64_t days_before(int year, int month)
{
    static const int before_month[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
    int64_t earlier = year - 1;
    int64_t days = earlier * 365 + earlier / 4 - earlier / 100 + earlier / 400 - 719162;
    return days + before_month[month - 1] + (month > 2 && is_leap(year));
}

static bool is_date(const struct date *date)
{
    return date->year >= 1970 && date->year <= 9999 && date->month >= 1 && date->day >= 1 &&
           date->day <= 31 && date->hour >= 0 && date->hour <= 23 && date->minute >= 0 &&
           date->minute <= 59 && date->second >= 0 && date->second <= 60;
}

static bool scan_date(const char *text, struct date *date)
{
    char month[4] = "";
    int end = 0;
    /* "Sun, 06 Nov 1994 08:49:37 GMT" */
    if (sscanf(text, "%*3[A-Za-z], %2d %3s %4d %2d:%2d:%2d GMT%n", &date->day, month, &date->year,
               &date->hour, &date->minute, &date->second, &end) == 6 &&
        end > 0 && text[end] == '\0') {
        date->month = month_number(month);
        return true;
    }
    /* "Sunday, 06-Nov-94 08:49:37 GMT": years of two digits lie within 1970 to 2069 */
    end = 0;
    if (sscanf(text, "%*9[A-Za-z], %2d-%3[A-Za-z]-%2d %2d:%2d:%2d GMT%n", &date->day, month,
               &date->year, &date->hour, &date->minute, &date->second, &end) == 6 &&
        end > 0 && text[end] == '\0') {
        date->year += date->year < 70 ? 2000 : 1900;
        date->month = month_number(month);
        return true;
    }
    /* "Sun Nov  6 08:49:37 1994" */
    end = 0;
    if (sscanf(text, "%*3[A-Za-z] %3[A-Za-z] %2d %2d:%2d:%2d %4d%n", month, &date->day, &date->hour,
               &date->minute, &date->second, &date->year, &end) == 6 &&
        end > 0 && text[end] == '\0') {
        date->month = month_number(month);
        return true;
    }
    return false;
}

int rts_http_date_read(const char *text, int64_t *wall_s)
{
    struct date date = {0};
    if (!scan_date(text, &date) || !is_date(&date))
        return -1;
    int64_t day = days_before(date.year, date.month) + date.day - 1;
    *wall_s = day * SECONDS_PER_DAY + date.hour * 3600 + date.minute * 60 + date.second;
    return 0;
}

static uint64_t limited_ms(uint64_t seconds)
{
    return seconds > RTS_RETRY_AFTER_LONGEST_MS / 1000 ? RTS_RETRY_AFTER_LONGEST_MS
                                                       : seconds * 1000;
}

uint64_t rts_retry_after_ms(const char *text, const char *date, int64_t wall_s)
{
    if (!text || !*text)
        return 0;
    if (text[strspn(text, "0123456789")] == '\0') {
        uint64_t seconds = 0;
        for (const char *at = text; *at && seconds <= RTS_RETRY_AFTER_LONGEST_MS; at++)
            seconds = seconds * 10 + (uint64_t)(*at - '0');
        return limited_ms(seconds);
    }
    int64_t when, now = wall_s;
    if (rts_http_date_read(text, &when) < 0)
        return 0;
    if (date)
        rts_http_date_read(date, &now);
    return when > now ? limited_ms((uint64_t)(when - now)) : 0;
}
