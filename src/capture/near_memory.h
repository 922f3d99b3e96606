/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory that rtsample shares with the process that reads near samples: one page of what all
 * readers go by, and for each CPU a lane in which blobs come.
 *
 *     page: plans (written by rtsample), CPU time (by the readers)
 *     lane of a CPU:  page | blob | blob | padding up to the end
 *                            tail ──────▶ head
 *
 * Nobody believes what the other side has written: positions and sizes are read once and checked.
 */
#ifndef RTS_CAPTURE_NEAR_MEMORY_H
#define RTS_CAPTURE_NEAR_MEMORY_H

#include <stddef.h>

#include "capture/near_plan.h"

/* How a reader runs. */
enum rts_near_schedule {
    RTS_NEAR_NOT_YET,
    RTS_NEAR_FIFO,  /* SCHED_FIFO: it goes before all that is not of real time */
    RTS_NEAR_NICE,  /* a nice value of less than zero */
    RTS_NEAR_SLICE, /* short slices, so that it is due soon */
    RTS_NEAR_USUAL,
    RTS_NEAR_REFUSED, /* it may not run on this CPU */
};

struct rts_near_process {
    int32_t pid; /* 0: none */
    struct rts_near_plan plan;
};

/* What a reader says of itself. */
struct rts_near_lane_state {
    enum rts_near_schedule schedule;
    int32_t error;       /* why it may not run there; an errno */
    int32_t reading_pid; /* whose memory is being read; 0: nobody's */
    uint64_t reading_since_ns;
};

struct rts_near_memory; /* one side's view of it */

/* Makes memory for so many CPUs, and its descriptor for the other process, which the caller closes.
 * NULL with errno. */
struct rts_near_memory *rts_near_memory_create(unsigned cpu_count, int *fd);

/* The same memory in the other process. NULL with errno: EBADMSG when it is none for so many CPUs.
 */
struct rts_near_memory *rts_near_memory_open(int fd, unsigned cpu_count);

/* Unmaps it. Accepts NULL. */
void rts_near_memory_close(struct rts_near_memory *memory);

/* ---- what readers go by ---- */

/* Replaces all plans. */
void rts_near_memory_publish(struct rts_near_memory *memory,
                             const struct rts_near_process processes[RTS_NEAR_PROCESSES_MAX]);

/* The plan for a process; false: there is none. */
bool rts_near_memory_find(const struct rts_near_memory *memory, int32_t pid,
                          struct rts_near_plan *plan);

/* CPU time that the readers have used, in ns. */
void rts_near_memory_set_cpu(struct rts_near_memory *memory, uint64_t cpu_ns);
uint64_t rts_near_memory_cpu(const struct rts_near_memory *memory);

/* ---- a lane: the reader's side ---- */

/* Room for a blob with so many bytes, in one piece; NULL: there is none at present. Nothing is there
 * before rts_near_lane_put(). */
uint8_t *rts_near_lane_room(struct rts_near_memory *memory, unsigned cpu, size_t bytes);

/* Hands over a blob, whose bytes begin where the room does. */
void rts_near_lane_put(struct rts_near_memory *memory, unsigned cpu,
                       const struct rts_near_blob *blob);

/* Says how the reader runs: schedule and error. */
void rts_near_lane_tell(struct rts_near_memory *memory, unsigned cpu,
                        const struct rts_near_lane_state *state);

/* Says whose memory it begins to read, and when (ns). */
void rts_near_lane_begin(struct rts_near_memory *memory, unsigned cpu, int32_t pid, uint64_t now);

/* Says that it has been read. */
void rts_near_lane_end(struct rts_near_memory *memory, unsigned cpu);

/* ---- a lane: rtsample's side ---- */

/* What the reader says of itself. */
struct rts_near_lane_state rts_near_lane_state(const struct rts_near_memory *memory, unsigned cpu);

/* The oldest blob, which stays where it is until it is let go of; false: there is none, or what is
 * there makes no sense. */
bool rts_near_lane_oldest(struct rts_near_memory *memory, unsigned cpu, struct rts_near_blob *blob);

/* Lets go of what rts_near_lane_oldest() had. */
void rts_near_lane_let_go(struct rts_near_memory *memory, unsigned cpu);

#endif
