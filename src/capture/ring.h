/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One mmap'ed ring of perf records (perf_event_open(2), "MMAP layout"). The kernel writes at the
 * head, we read at positions that only grow and give space back by moving the tail.
 *
 *   position:  tail ......... side ......... head        (byte counts since the start, never
 * wrapped) |  samples not  |  records not | |  used yet     |  looked at   |
 */
#ifndef RTS_CAPTURE_RING_H
#define RTS_CAPTURE_RING_H

#include <linux/perf_event.h>

#include "util/error.h"

#include <stddef.h>
#include <stdint.h>

struct rts_ring {
    struct perf_event_mmap_page *page; /* NULL: not open */
    uint8_t *data;
    size_t data_size; /* a power of two */
    uint64_t side;    /* side-band records before this position were applied */
    uint64_t tail;    /* everything before this position was used */
};

/* Maps the ring of `fd` with `data_size` bytes (a power of two, a multiple of the page size).
 * Returns 0, or -errno of mmap() (-EPERM: the locked-memory limit). */
int rts_ring_map(struct rts_ring *ring, int fd, size_t data_size);

/* Unmaps. Accepts a ring that is not open. */
void rts_ring_unmap(struct rts_ring *ring);

/* The position up to which the kernel has written. */
uint64_t rts_ring_head(const struct rts_ring *ring);

/* The record at `position`, which must lie before `head`. When it wraps around the end of the ring
 * it is put together in `scratch` (64 KiB). NULL when its header is impossible. */
const struct perf_event_header *rts_ring_record(const struct rts_ring *ring, uint64_t position,
                                                uint64_t head, uint8_t *scratch);

/* Just the header at `position`: enough to skip the record. Size 0 when it is impossible. */
struct perf_event_header rts_ring_header(const struct rts_ring *ring, uint64_t position,
                                         uint64_t head);

/* Gives the space before `position` back to the kernel. */
void rts_ring_release(struct rts_ring *ring, uint64_t position);

#endif
