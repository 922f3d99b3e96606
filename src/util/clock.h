/* SPDX-License-Identifier: Apache-2.0 */
/* Clocks, and times as text. */
#ifndef RTS_UTIL_CLOCK_H
#define RTS_UTIL_CLOCK_H

#include <stdint.h>

#define RTS_UTC_TEXT_SIZE 32

uint64_t rts_clock_monotonic_ns(void);

/* The CPU time that the calling thread has used. */
uint64_t rts_clock_thread_cpu_ns(void);

/* CLOCK_REALTIME - CLOCK_MONOTONIC now, from the tightest of a few readings. */
int64_t rts_clock_wall_offset_ns(void);

/* Milliseconds of a wall time in nanoseconds, rounded down (also before 1970). */
int64_t rts_wall_ms(int64_t wall_ns);

/* Writes nanoseconds since 1970 as "2025-11-26T12:00:00.123Z", cut to milliseconds; depends neither
 * on the locale nor on the time zone (whose files may carry leap seconds). */
void rts_format_utc_ms(char text[RTS_UTC_TEXT_SIZE], int64_t wall_ns);

#endif
