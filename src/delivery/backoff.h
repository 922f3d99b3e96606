/* SPDX-License-Identifier: Apache-2.0 */
/* When to try again. Pure: time and chance are arguments. */
#ifndef RTS_DELIVERY_BACKOFF_H
#define RTS_DELIVERY_BACKOFF_H

#include <stdint.h>
#include <time.h>

#define RTS_BACKOFF_FIRST_MS   500
#define RTS_BACKOFF_LONGEST_MS 60000

/* A server that asks for more patience is asked again after this all the same. */
#define RTS_RETRY_AFTER_LONGEST_MS 3600000

/*
 * The pause after `failures` failed attempts in a row (at least 1), in milliseconds: it doubles
 * from `first_ms` up to `longest_ms` (or first_ms, if that is more), and of that it is between the
 * half and the whole, by chance, so that many senders do not return together. `*seed` is any
 * number; it is changed.
 */
uint64_t rts_backoff_ms(uint32_t first_ms, uint32_t longest_ms, unsigned failures, uint64_t *seed);

/* curl_getdate(): an HTTP date as seconds since 1970; -1: it cannot be read. The second argument is
 * not used. libcurl is loaded by those who send (curl_library.h), so they hand it over. */
typedef time_t rts_http_date_read(const char *text, const time_t *unused);

/*
 * Reads the value of a Retry-After header: seconds, or a date (RFC 9110, section 5.6.7), taken
 * relative to `date`, the answer's own Date header (the clocks may differ), or to `wall_s`, seconds
 * since 1970, when that is NULL or unreadable. Returns milliseconds, at most
 * RTS_RETRY_AFTER_LONGEST_MS; 0 when `text` is NULL, unreadable or in the past.
 */
uint64_t rts_retry_after_ms(const char *text, const char *date, int64_t wall_s,
                            rts_http_date_read *read_date);

#endif
