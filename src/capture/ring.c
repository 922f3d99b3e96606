/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/ring.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int rts_ring_map(struct rts_ring *ring, int fd, size_t data_size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    void *memory = mmap(NULL, page + data_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (memory == MAP_FAILED)
        return -errno;
    *ring = (struct rts_ring){
        .page = memory,
        .data = (uint8_t *)memory + page,
        .data_size = data_size,
    };
    return 0;
}

void rts_ring_unmap(struct rts_ring *ring)
{
    if (ring->page)
        munmap(ring->page, (size_t)(ring->data - (uint8_t *)ring->page) + ring->data_size);
    *ring = (struct rts_ring){0};
}

uint64_t rts_ring_head(const struct rts_ring *ring)
{
    return __atomic_load_n(&ring->page->data_head, __ATOMIC_ACQUIRE);
}

struct perf_event_header rts_ring_header(const struct rts_ring *ring, uint64_t position,
                                         uint64_t head)
{
    struct perf_event_header header = {0};
    if (position % 8 || head - position < sizeof header)
        return header;
    /* Records are multiples of eight bytes, so a header never wraps. */
    memcpy(&header, ring->data + (position & (ring->data_size - 1)), sizeof header);
    if (header.size < sizeof header || header.size % 8 || header.size > head - position)
        header.size = 0;
    return header;
}

const struct perf_event_header *rts_ring_record(const struct rts_ring *ring, uint64_t position,
                                                uint64_t head, uint8_t *scratch)
{
    struct perf_event_header header = rts_ring_header(ring, position, head);
    if (header.size == 0)
        return NULL;
    size_t offset = position & (ring->data_size - 1);
    size_t until_end = ring->data_size - offset;
    if (header.size <= until_end)
        return (const void *)(ring->data + offset);
    memcpy(scratch, ring->data + offset, until_end);
    memcpy(scratch + until_end, ring->data, header.size - until_end);
    return (const void *)scratch;
}

void rts_ring_release(struct rts_ring *ring, uint64_t position)
{
    ring->tail = position;
    __atomic_store_n(&ring->page->data_tail, position, __ATOMIC_RELEASE);
}
