/* SPDX-License-Identifier: Apache-2.0 */
#include "sampler/nearness.h"

#include <string.h>

#include "util/log.h"

/* Stacks of one process that end so before more is read of it: one may do so by chance. */
#define ENDS_BEFORE 3

/* Code that moves the stack pointer while it keeps what belongs to its frame below it, as libcrypto
 * does for AVX2, has it within some hundred bytes. */
#define BELOW_BYTES 1024u

/* Beyond the copy: at first, and so many times more each time that it was not enough. */
#define BEYOND_FIRST ((uint32_t)512 << 10)
#define BEYOND_TIMES 4
#define BEYOND_MAX   (RTS_NEAR_BYTES_MAX - BELOW_BYTES)

/* What struct rts_process has in `near`. */
enum {
    NOT_NEEDED,
    ASKED_FOR,
    READ,
    REFUSED
};

static void change(struct rts_nearness *nearness, struct rts_process *process, uint8_t to)
{
    if (nearness->change_count == RTS_NEARNESS_CHANGES_MAX)
        return;
    process->near = to;
    nearness->changes[nearness->change_count++] = process;
}

/* Was as much read beyond the copy as the plan says? Else there is no more. */
static bool was_cut(const struct rts_process *process, const struct rts_near_blob *near)
{
    return near->count > 0 && (process->near_beyond == 0 ||
                               near->pieces[near->count - 1].size == process->near_beyond);
}

static uint32_t next_beyond(uint32_t beyond)
{
    if (beyond == 0)
        return BEYOND_FIRST;
    return beyond > BEYOND_MAX / BEYOND_TIMES ? BEYOND_MAX : beyond * BEYOND_TIMES;
}

void rts_nearness_see(struct rts_nearness *nearness, struct rts_process *process,
                      const struct rts_record *record, const struct rts_stack *stack)
{
    const struct rts_near_blob *near = record->sample.near;
    bool is_short = stack->stop == RTS_STOP_STACK_SHORT;
    if (near && process->near == NOT_NEEDED)
        change(nearness, process, NOT_NEEDED); /* another program in the place of that one */
    if (!nearness->wanted || !record->sample.registers ||
        (!is_short && stack->stop != RTS_STOP_BAD_MEMORY))
        return;
    if (process->near == NOT_NEEDED) {
        if (is_short && process->near_beyond == 0)
            process->near_beyond = next_beyond(0);
        if (++process->near_ends >= ENDS_BEFORE)
            change(nearness, process, ASKED_FOR);
    } else if (process->near == READ && is_short && near && was_cut(process, near) &&
               process->near_beyond < BEYOND_MAX) {
        process->near_beyond = next_beyond(process->near_beyond);
        change(nearness, process, ASKED_FOR);
    }
}

static void settle_one(struct rts_nearness *nearness, struct rts_capture *capture,
                       struct rts_process *process)
{
    const struct rts_near_plan plan = {{
        {RTS_NEAR_STACK_POINTER, BELOW_BYTES, -(int64_t)BELOW_BYTES},
        {process->near_beyond > 0 ? RTS_NEAR_COPY_END : RTS_NEAR_NOTHING, process->near_beyond, 0},
    }};
    struct rts_error failure;
    if (process->near == NOT_NEEDED)
        rts_capture_leave_near(capture, process->pid);
    if (process->near != ASKED_FOR)
        return;
    bool is_read = rts_capture_near(capture, process->pid, &plan, &failure) == 0;
    process->near = is_read ? READ : REFUSED;
    if (is_read || nearness->refusal_said)
        return;
    nearness->refusal_said = true;
    rts_log("stacks of process %d need memory that samples do not have, and it cannot be read near "
            "them: %s; they end as they are",
            (int)process->pid, failure.text);
}

/* Each is said once. */
static void say(struct rts_nearness *nearness, const struct rts_near_counts *counts)
{
    if (counts->cpus_refused > 0 && !nearness->cpus_said) {
        nearness->cpus_said = true;
        rts_log(
            "memory is not read near samples on %u CPUs, on which rtsample may not run (cpuset)",
            counts->cpus_refused);
    }
    if (counts->refused_pid != 0 && !nearness->read_said) {
        nearness->read_said = true;
        rts_log("memory of process %d may not be read near its samples (%s); stacks that need it "
                "end as they are",
                (int)counts->refused_pid, strerror(counts->refused_error));
    }
    if (counts->hung_pid != nearness->hung_said) {
        nearness->hung_said = counts->hung_pid;
        rts_log(
            "memory of process %d could not be read in time: it is not read near its samples any "
            "more",
            (int)counts->hung_pid);
    }
    if (counts->ended && !nearness->end_said) {
        nearness->end_said = true;
        rts_log(
            "memory is not read near samples any more: the process that did has ended too often");
    }
}

void rts_nearness_settle(struct rts_nearness *nearness, struct rts_capture *capture)
{
    if (!nearness->wanted)
        return;
    for (unsigned i = 0; i < nearness->change_count; i++)
        settle_one(nearness, capture, nearness->changes[i]);
    nearness->change_count = 0;
    say(nearness, &rts_capture_facts(capture)->near);
}

static bool near_word(void *context, uint64_t address, uint64_t *word)
{
    return rts_near_word(context, address, word);
}

void rts_nearness_extend(struct rts_memory *memory, const struct rts_sample *sample)
{
    if (!sample->near)
        return;
    memory->more = near_word;
    memory->context = (void *)(uintptr_t)sample->near; /* read only */
}
