/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stacks of one flush window, each distinct one kept once with the number of samples that had
 * it. Naming happens at flush over these, never per sample. A stack is distinct by (process
 * instance, frames); pure values, no I/O.
 */
#ifndef RTS_FACTS_STACK_TABLE_H
#define RTS_FACTS_STACK_TABLE_H

#include "types.h"
#include "util/share.h"

struct rts_stack_entry {
    uint64_t instance; /* process instance (process/process.h), opaque here */
    uint64_t samples;  /* how many samples had it in this window */
    uint64_t first_ns; /* time of the first of them */
    uint32_t frame_count;
    struct rts_frame *frames; /* innermost first; owned by the table */
};

struct rts_stack_table;

struct rts_stack_table *rts_stack_table_create(void);
void rts_stack_table_destroy(struct rts_stack_table *table);

/* Counts there what the stacks take. It must outlive the table. */
void rts_stack_table_use_share(struct rts_stack_table *table, struct rts_share *share);

/* Counts one sample. Copies the frames when the stack is new. Frames are compared by object, vaddr
 * and load base; the unwinder is not part of the identity. */
void rts_stack_table_add(struct rts_stack_table *table, uint64_t instance, uint64_t time_ns,
                         const struct rts_frame *frames, uint32_t frame_count);

/* Entries in order of first insertion. */
size_t rts_stack_table_size(const struct rts_stack_table *table);
const struct rts_stack_entry *rts_stack_table_entry(const struct rts_stack_table *table, size_t i);

/* The memory that the entries take. */
size_t rts_stack_table_bytes(const struct rts_stack_table *table);

/* Forgets all stacks: the window is over. */
void rts_stack_table_clear(struct rts_stack_table *table);

#endif
