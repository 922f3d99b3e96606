/* SPDX-License-Identifier: Apache-2.0 */
/* How far two words are apart, for "did you mean". Pure. */
#ifndef RTS_UTIL_NEAREST_H
#define RTS_UTIL_NEAREST_H

#include <stdbool.h>

/* A longer word is compared by its beginning only: no name of ours is half as long. */
#define RTS_NEAREST_COMPARED_MAX 96

/* Letters to insert, remove, replace or swap with their neighbour to get from one word to the
 * other, regardless of case (the optimal string alignment distance). */
unsigned rts_word_distance(const char *from, const char *to);

/* Whether somebody who wrote `word` may well have meant `known`: no more than a third of its
 * letters are wrong, or it is the beginning of `known`, of at least three letters. */
bool rts_word_resembles(const char *word, const char *known);

#endif
