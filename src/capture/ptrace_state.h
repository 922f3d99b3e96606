/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is read from a thread while it is stopped: its registers, in perf's order, and a copy of its
 * stack. As little as possible happens here, since the thread waits.
 */
#ifndef RTS_CAPTURE_PTRACE_STATE_H
#define RTS_CAPTURE_PTRACE_STATE_H

#include "capture/record.h"

struct rts_ptrace_state {
    uint64_t registers[64]; /* one per bit of the mask that was asked for, lowest first */
    uint64_t ip, sp, fp;
    bool is_32_bit;
    bool in_kernel; /* it stopped on its way out of a system call */
    uint8_t *stack; /* owned by the caller */
    size_t stack_size;
};

/* Fills *state; state->stack has room for `stack_room` bytes, all of which are asked for. `mask` is
 * of PERF_REG_* bits. False when the registers could not be read. */
bool rts_ptrace_state_read(int32_t tid, uint64_t mask, size_t stack_room,
                           struct rts_ptrace_state *state);

/* The return addresses that frame pointers lead to, as the kernel lists them: PERF_CONTEXT_USER,
 * the pc, and then those of the callers, `capacity` (at least 2) at most. Returns their number. */
size_t rts_ptrace_state_chain(const struct rts_ptrace_state *state, uint64_t *chain,
                              size_t capacity);

#endif
