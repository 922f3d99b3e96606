/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers as people read them, independent of the locale. Shared by the texts in this folder. */
#ifndef RTS_REPORT_NUMBER_H
#define RTS_REPORT_NUMBER_H

#include <stdint.h>

#define RTS_NUMBER_TEXT_SIZE 32

/* "1,234,567" */
void rts_number_format(char text[RTS_NUMBER_TEXT_SIZE], uint64_t number);

/* "98.9 %" of `whole`, rounded down, so that only all of it reads as 100 %; "0.0 %" of nothing. */
void rts_percent_format(char text[RTS_NUMBER_TEXT_SIZE], uint64_t part, uint64_t whole);

/* "7.3 s", "12:05" (minutes), "3:00:00" (hours) */
void rts_duration_format(char text[RTS_NUMBER_TEXT_SIZE], uint64_t ms);

#endif
