/* SPDX-License-Identifier: Apache-2.0 */
#include "report/number.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void rts_number_format(char text[RTS_NUMBER_TEXT_SIZE], uint64_t number)
{
    char digits[24];
    int count = snprintf(digits, sizeof digits, "%" PRIu64, number);
    char *at = text;
    for (int i = 0; i < count; i++) {
        if (i > 0 && (count - i) % 3 == 0)
            *at++ = ',';
        *at++ = digits[i];
    }
    *at = '\0';
}

void rts_percent_format(char text[RTS_NUMBER_TEXT_SIZE], uint64_t part, uint64_t whole)
{
    unsigned tenths = 0;
    if (whole > 0)
        tenths = (unsigned)((unsigned __int128)(part < whole ? part : whole) * 1000 / whole);
    snprintf(text, RTS_NUMBER_TEXT_SIZE, "%u.%u %%", tenths / 10, tenths % 10);
}

void rts_duration_format(char text[RTS_NUMBER_TEXT_SIZE], uint64_t ms)
{
    uint64_t seconds = ms / 1000;
    unsigned second = (unsigned)(seconds % 60);
    unsigned minute = (unsigned)(seconds / 60 % 60);
    if (seconds < 60)
        snprintf(text, RTS_NUMBER_TEXT_SIZE, "%u.%u s", second, (unsigned)(ms / 100 % 10));
    else if (seconds < 3600)
        snprintf(text, RTS_NUMBER_TEXT_SIZE, "%u:%02u", minute, second);
    else
        snprintf(text, RTS_NUMBER_TEXT_SIZE, "%" PRIu64 ":%02u:%02u", seconds / 3600, minute,
                 second);
}
