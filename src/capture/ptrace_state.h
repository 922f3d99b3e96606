/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is read from a thread while it is stopped: its registers, in perf's order, and a copy of its
 * stack. As little as possible happens here, since the thread waits.
 */
#ifndef RTS_CAPTURE_PTRACE_STATE_H
#define RTS_CAPTURE_PTRACE_STATE_H

#include <sys/types.h>

#include "broker/proc.h"
#include "capture/record.h"

struct rts_ptrace_state {
    uint64_t registers[64]; /* one per bit of the mask that was asked for, lowest first */
    uint64_t ip, sp, fp;
    bool is_32_bit;
    bool in_kernel; /* it stopped on its way out of a system call */
    uint8_t *stack; /* owned by the caller */
    size_t stack_size;
};

/* Who reads the memory of a process, and how. */
struct rts_ptrace_reader {
    struct rts_proc proc;
    int32_t pid;
    bool direct; /* kept for the next time: the broker may not, and it is our own user's */
};

/* Fills the registers of *state. `mask` is of PERF_REG_* bits. False when they could not be read.
 */
bool rts_ptrace_state_read(int32_t tid, uint64_t mask, struct rts_ptrace_state *state);

/* Fills the stack of *state, whose registers are there; state->stack has room for `room` bytes, all
 * of which are asked for. Returns 0; or -1 with ETIME when the broker gave no answer in time. What
 * cannot be read otherwise is an empty stack. */
int rts_ptrace_state_read_stack(struct rts_ptrace_reader *reader, int32_t tid, size_t room,
                                struct rts_ptrace_state *state);

/* Reads memory of the thread in the way that its stack was read before. Returns how many bytes there
 * were; -1 with ETIME when the broker gave no answer in time. */
ssize_t rts_ptrace_state_read_more(struct rts_ptrace_reader *reader, int32_t tid, uint64_t address,
                                   uint8_t *to, size_t size);

/* The return addresses that frame pointers lead to, as the kernel lists them: PERF_CONTEXT_USER,
 * the pc, and then those of the callers, `capacity` (at least 2) at most. Returns their number. */
size_t rts_ptrace_state_chain(const struct rts_ptrace_state *state, uint64_t *chain,
                              size_t capacity);

#endif
