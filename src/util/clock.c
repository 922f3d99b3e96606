/* SPDX-License-Identifier: Apache-2.0 */
#include "util/clock.h"

/* Readings of the two clocks side by side; the tightest pair tells the offset best. */
#define OFFSET_READINGS 9

static int64_t read_clock(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return rts_timespec_ns(now);
}

uint64_t rts_clock_monotonic_ns(void)
{
    return (uint64_t)read_clock(CLOCK_MONOTONIC);
}

int64_t rts_clock_wall_ns(void)
{
    return read_clock(CLOCK_REALTIME);
}

uint64_t rts_clock_thread_cpu_ns(void)
{
    return (uint64_t)read_clock(CLOCK_THREAD_CPUTIME_ID);
}

uint64_t rts_clock_process_cpu_ns(void)
{
    return (uint64_t)read_clock(CLOCK_PROCESS_CPUTIME_ID);
}

int64_t rts_clock_wall_offset_ns(void)
{
    int64_t narrowest = INT64_MAX;
    int64_t offset = 0;
    for (int i = 0; i < OFFSET_READINGS; i++) {
        int64_t before = read_clock(CLOCK_MONOTONIC);
        int64_t wall = read_clock(CLOCK_REALTIME);
        int64_t width = read_clock(CLOCK_MONOTONIC) - before;
        if (width >= narrowest)
            continue;
        narrowest = width;
        offset = wall - (before + width / 2);
    }
    return offset;
}

static int64_t divide_down(int64_t value, int64_t by)
{
    return value / by - (value % by < 0);
}

int64_t rts_wall_ms(int64_t wall_ns)
{
    return divide_down(wall_ns, RTS_NS_PER_MS);
}

/* The Gregorian date of a day number, 0 being 1970-01-01. Years are counted from March, so that the
 * leap day is the last of its year; 64-bit nanoseconds stay within the years 1677 to 2262. */
static void civil_date(int64_t day, unsigned *year, unsigned *month, unsigned *day_of_month)
{
    int64_t since_march_0000 = day + 719468;
    int64_t era = divide_down(since_march_0000, 146097); /* days in 400 years */
    int64_t day_of_era = since_march_0000 - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t march_month = (5 * day_of_year + 2) / 153;
    *day_of_month = (unsigned)(day_of_year - (153 * march_month + 2) / 5 + 1);
    *month = (unsigned)(march_month < 10 ? march_month + 3 : march_month - 9);
    *year = (unsigned)(year_of_era + era * 400 + (*month <= 2));
}

bool rts_is_date(unsigned year, unsigned month, unsigned day)
{
    static const unsigned days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    if (year < 1 || month < 1 || month > 12 || day < 1)
        return false;
    return day <= days[month - 1] + (month == 2 && leap);
}

/* Writes `width` decimal digits and `after`; returns what follows them. */
static char *put_digits(char *at, unsigned value, int width, char after)
{
    for (int i = width; i-- > 0; value /= 10)
        at[i] = (char)('0' + value % 10);
    at[width] = after;
    return at + width + 1;
}

void rts_format_utc_ms(char text[RTS_UTC_TEXT_SIZE], int64_t wall_ns)
{
    int64_t ms = rts_wall_ms(wall_ns);
    int64_t day = divide_down(ms, 86400000);
    unsigned within = (unsigned)(ms - day * 86400000);
    unsigned year, month, day_of_month;
    civil_date(day, &year, &month, &day_of_month);
    char *at = put_digits(text, year, 4, '-');
    at = put_digits(at, month, 2, '-');
    at = put_digits(at, day_of_month, 2, 'T');
    at = put_digits(at, within / 3600000, 2, ':');
    at = put_digits(at, within / 60000 % 60, 2, ':');
    at = put_digits(at, within / 1000 % 60, 2, '.');
    at = put_digits(at, within % 1000, 3, 'Z');
    *at = '\0';
}
