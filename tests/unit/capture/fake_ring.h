/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A ring whose kernel side is the test: a page and data in ordinary memory, and records appended at
 * the head, wrapped as the kernel does it. Include after cmocka.h.
 */
#ifndef RTS_TESTS_FAKE_RING_H
#define RTS_TESTS_FAKE_RING_H

#include <stdlib.h>
#include <string.h>

#include "capture/ring.h"

/* `start`: the position at which the ring begins its life. The data has exactly `size` bytes on the
 * heap, so that a sanitizer sees what is read outside. */
static inline void fake_ring_init(struct rts_ring *ring, size_t size, uint64_t start)
{
    *ring = (struct rts_ring){
        .page = calloc(1, sizeof(struct perf_event_mmap_page)),
        .data = malloc(size),
        .data_size = size,
        .side = start,
        .tail = start,
    };
    assert_non_null(ring->page);
    assert_non_null(ring->data);
    memset(ring->data, 0xa5, size);
    ring->page->data_head = start;
    ring->page->data_tail = start;
}

static inline void fake_ring_finish(struct rts_ring *ring)
{
    free(ring->page);
    free(ring->data);
    *ring = (struct rts_ring){0};
}

/* Appends bytes at the head. */
static inline void fake_ring_write(struct rts_ring *ring, const void *bytes, size_t size)
{
    const uint8_t *from = bytes;
    for (size_t i = 0; i < size; i++)
        ring->data[(ring->page->data_head + i) & (ring->data_size - 1)] = from[i];
    ring->page->data_head += size;
}

/* Appends a record of `count` words. Returns its position. */
static inline uint64_t fake_ring_record(struct rts_ring *ring, uint32_t type, uint16_t misc,
                                        const uint64_t *words, size_t count)
{
    struct perf_event_header header = {
        .type = type,
        .misc = misc,
        .size = (uint16_t)(sizeof header + count * 8),
    };
    uint64_t position = ring->page->data_head;
    fake_ring_write(ring, &header, sizeof header);
    fake_ring_write(ring, words, count * 8);
    return position;
}

#endif
