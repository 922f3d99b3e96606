/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process that reads memory near samples: a thread for each CPU, which runs on no other, and
 * which the kernel wakes with each sample there. Waiting for its turn, it goes before the thread
 * that was sampled: that does not run on before its memory was read. Nobody is stopped.
 *
 * It holds the rings to read, never to write, and takes plans from memory that it shares with
 * rtsample (near_memory.h), where it puts what it has read.
 */
#ifndef RTS_CAPTURE_NEAR_READER_H
#define RTS_CAPTURE_NEAR_READER_H

#include "broker/channel.h"
#include "capture/near_memory.h"
#include "capture/record.h"

/* Rings whose descriptors one message has; the shared memory goes along with the first one. */
#define RTS_NEAR_RINGS_MAX (RTS_MESSAGE_FDS_MAX - 1)

/* What it is told to begin with: one message for each so many rings. */
struct rts_near_setup {
    struct rts_record_layout layout;
    uint64_t ring_bytes;     /* of each */
    int64_t clock_offset_ns; /* what our clock reads more than that of the records */
    uint32_t cpu_count;      /* as rts_near_memory_create() has it */
    uint32_t ring_count;     /* in this message */
    uint32_t more;           /* another message follows */
    uint32_t refused;        /* the reader's own: it may not map rings */
    uint32_t cpus[RTS_NEAR_RINGS_MAX];
};

/* Where the kernel holds a ring that is mapped a second time against its user for good, becomes
 * somebody whom nobody else is, and who is forgotten with this process. False: that is not permitted,
 * and no ring may be mapped here. */
bool rts_near_disown(void);

/* Has the calling thread go before others as far as that is permitted; says how. */
enum rts_near_schedule rts_near_go_first(void);

/* The process's life: ends when the other side of `socket` is gone. */
_Noreturn void rts_near_reader_run(int socket);

#endif
