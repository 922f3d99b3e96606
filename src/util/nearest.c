/* SPDX-License-Identifier: Apache-2.0 */
#include "util/nearest.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

#define COMPARED_MAX RTS_NEAREST_COMPARED_MAX

/* Of a word that is shorter than that nothing can be said. */
#define BEGINNING_MIN 3

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

unsigned rts_word_distance(const char *from, const char *to)
{
    unsigned row[3][COMPARED_MAX + 1];
    size_t from_length = strnlen(from, COMPARED_MAX), to_length = strnlen(to, COMPARED_MAX);
    unsigned *before = row[0], *above = row[1], *here = row[2];
    for (size_t j = 0; j <= to_length; j++)
        above[j] = (unsigned)j;
    for (size_t i = 1; i <= from_length; i++) {
        here[0] = (unsigned)i;
        for (size_t j = 1; j <= to_length; j++) {
            int a = tolower((unsigned char)from[i - 1]), b = tolower((unsigned char)to[j - 1]);
            here[j] = least(least(above[j], here[j - 1]) + 1, above[j - 1] + (a != b));
            if (i > 1 && j > 1 && a == tolower((unsigned char)to[j - 2]) &&
                b == tolower((unsigned char)from[i - 2]))
                here[j] = least(here[j], before[j - 2] + 1);
        }
        unsigned *oldest = before;
        before = above;
        above = here;
        here = oldest;
    }
    return above[to_length];
}

bool rts_word_resembles(const char *word, const char *known)
{
    size_t length = strlen(word), longer = strlen(known);
    if (length >= BEGINNING_MIN && strncasecmp(word, known, length) == 0)
        return true;
    return rts_word_distance(word, known) * 3 <= (length > longer ? length : longer);
}
