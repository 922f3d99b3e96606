/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is to be read of a process's memory near each of its samples, and what came of it. Plain
 * values; nothing here knows who reads.
 */
#ifndef RTS_CAPTURE_NEAR_PLAN_H
#define RTS_CAPTURE_NEAR_PLAN_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* Processes that are read near their samples at a time. */
#define RTS_NEAR_PROCESSES_MAX 16

/* Places that one plan can name: two are the stack's. */
#define RTS_NEAR_RANGES_MAX 4

/* Bytes that one plan can ask for: some 200 us of copying, in which the sampled thread waits. */
#define RTS_NEAR_BYTES_MAX ((uint32_t)2 << 20)

/* What the address of a range counts from. */
enum rts_near_base {
    RTS_NEAR_NOTHING,       /* the range is not used */
    RTS_NEAR_ADDRESS,       /* zero */
    RTS_NEAR_STACK_POINTER, /* the thread's, as the sample has it */
    RTS_NEAR_COPY_END,      /* where the sample's copy of the stack ends */
};

struct rts_near_range {
    uint32_t base; /* enum rts_near_base */
    uint32_t size; /* bytes; fewer are read where there are no more */
    int64_t offset;
};

struct rts_near_plan {
    struct rts_near_range ranges[RTS_NEAR_RANGES_MAX];
};

/* Memory as it was read: from `address` on, at `offset` of the bytes. */
struct rts_near_piece {
    uint64_t address;
    uint32_t size;
    uint32_t offset;
};

/* What was read for one sample. */
struct rts_near_blob {
    int32_t pid, tid;
    uint64_t sample_ns;        /* the time of the sample */
    uint64_t begin_ns, end_ns; /* of the reading; all on CLOCK_MONOTONIC */
    int32_t error; /* an errno, when it was refused altogether; then there is no piece */
    uint32_t count;
    struct rts_near_piece pieces[RTS_NEAR_RANGES_MAX];
    const uint8_t *bytes; /* borrowed */
};

/* What became of the samples of processes whose memory is read near them: samples = frozen + late +
 * refused. */
struct rts_near_counts {
    uint64_t samples;
    uint64_t frozen;  /* have what was read */
    uint64_t late;    /* nothing was read, or it is not proven that it was in time */
    uint64_t refused; /* the kernel did not permit it */
    uint64_t cpu_ns;  /* of the readers */
    /* For people: */
    int32_t refused_pid;   /* the first process of which that is so; 0: none */
    int refused_error;     /* and its errno */
    unsigned cpus_refused; /* where no reader may run */
    int32_t hung_pid;      /* the last one whose memory let a reader hang; 0: none */
    int32_t switching_pid; /* the last one that was left since it switches too often; 0: none */
    bool rings_refused;    /* they cannot be mapped twice without harm to our user */
    bool cpu_came;         /* one that was not there has come online, where nothing is proven */
    bool ended;            /* the readers are gone, and are not replaced any more */
};

/* Bytes that a plan asks for. */
static inline uint64_t rts_near_plan_bytes(const struct rts_near_plan *plan)
{
    uint64_t bytes = 0;
    for (unsigned i = 0; i < RTS_NEAR_RANGES_MAX; i++)
        if (plan->ranges[i].base != RTS_NEAR_NOTHING)
            bytes += plan->ranges[i].size;
    return bytes;
}

/* Where a range begins in a thread with this stack pointer, of whose stack a copy ends there. */
static inline uint64_t rts_near_range_start(const struct rts_near_range *range, uint64_t sp,
                                            uint64_t copy_end)
{
    uint64_t base = range->base == RTS_NEAR_STACK_POINTER ? sp
                    : range->base == RTS_NEAR_COPY_END    ? copy_end
                                                          : 0;
    return base + (uint64_t)range->offset;
}

/* Reads a native 64-bit word that lies in one piece. */
static inline bool rts_near_word(const struct rts_near_blob *blob, uint64_t address, uint64_t *word)
{
    for (uint32_t i = 0; i < blob->count; i++) {
        const struct rts_near_piece *piece = &blob->pieces[i];
        uint64_t offset = address - piece->address;
        if (address < piece->address || piece->size < sizeof *word ||
            offset > piece->size - sizeof *word)
            continue;
        memcpy(word, blob->bytes + piece->offset + offset, sizeof *word);
        return true;
    }
    return false;
}

#endif
