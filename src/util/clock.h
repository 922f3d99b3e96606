/* SPDX-License-Identifier: Apache-2.0 */
/* Clocks, units of time, and times as text. Times are in nanoseconds. */
#ifndef RTS_UTIL_CLOCK_H
#define RTS_UTIL_CLOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#define RTS_NS_PER_S  1000000000LL
#define RTS_NS_PER_MS 1000000LL

#define RTS_UTC_TEXT_SIZE 32

static inline int64_t rts_timespec_ns(struct timespec time)
{
    return (int64_t)time.tv_sec * RTS_NS_PER_S + time.tv_nsec;
}

static inline struct timespec rts_timespec_of(uint64_t ns)
{
    return (struct timespec){(time_t)(ns / RTS_NS_PER_S), (long)(ns % RTS_NS_PER_S)};
}

uint64_t rts_clock_monotonic_ns(void);

/* Since 1970, by CLOCK_REALTIME. */
int64_t rts_clock_wall_ns(void);

/* The CPU time that the calling thread, and all threads of this process, have used. */
uint64_t rts_clock_thread_cpu_ns(void);
uint64_t rts_clock_process_cpu_ns(void);

/* CLOCK_REALTIME - CLOCK_MONOTONIC now, from the tightest of a few readings. */
int64_t rts_clock_wall_offset_ns(void);

/* Milliseconds of a wall time in nanoseconds, rounded down (also before 1970). */
int64_t rts_wall_ms(int64_t wall_ns);

/* Writes nanoseconds since 1970 as "2025-11-26T12:00:00.123Z", cut to milliseconds; depends neither
 * on the locale nor on the time zone (whose files may carry leap seconds). */
void rts_format_utc_ms(char text[RTS_UTC_TEXT_SIZE], int64_t wall_ns);

/* Is there such a day in the Gregorian calendar, of the year 1 or later? */
bool rts_is_date(unsigned year, unsigned month, unsigned day);

#endif
