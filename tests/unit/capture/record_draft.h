/* SPDX-License-Identifier: Apache-2.0 */
/* Making perf records by hand, word by word. Include after cmocka.h. */
#ifndef RTS_TESTS_RECORD_DRAFT_H
#define RTS_TESTS_RECORD_DRAFT_H

#include <stdlib.h>
#include <string.h>

#include "capture/record.h"

/* Words of the longest record that is made here. */
#define WORDS_MAX 96

/* A record under construction. */
struct draft {
    uint32_t type;
    uint16_t misc;
    size_t count;
    uint64_t words[WORDS_MAX];
};

static inline void add(struct draft *draft, uint64_t word)
{
    assert_in_range(draft->count, 0, WORDS_MAX - 1);
    draft->words[draft->count++] = word;
}

static inline void add_pair(struct draft *draft, int32_t first, int32_t second)
{
    int32_t halves[2] = {first, second};
    uint64_t word;
    memcpy(&word, halves, sizeof word);
    add(draft, word);
}

static inline void add_text(struct draft *draft, const char *text)
{
    size_t size = strlen(text) + 1;
    for (size_t at = 0; at < size; at += 8) {
        uint64_t word = 0;
        memcpy(&word, text + at, size - at < 8 ? size - at : 8);
        add(draft, word);
    }
}

/* The first `count` words as a record in memory of exactly its size, so that a sanitizer sees
 * every byte that is read beyond. */
static inline struct perf_event_header *finish(const struct draft *draft, size_t count)
{
    struct perf_event_header header = {
        .type = draft->type,
        .misc = draft->misc,
        .size = (uint16_t)(sizeof header + count * 8),
    };
    struct perf_event_header *record = malloc(header.size);
    assert_non_null(record);
    memcpy(record, &header, sizeof header);
    memcpy(record + 1, draft->words, count * 8);
    return record;
}

#endif
