/* SPDX-License-Identifier: Apache-2.0 */
#include "sampler/nearness.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#include "capture/near.h"
#include "util/log.h"

/* Stacks of one process that end so before more is read of it, and how many samples there may be for
 * each of them: reading costs something with every sample, and a few stacks end by chance. Each time
 * that it was of no use, twice as many. */
#define ENDS_BEFORE 3u
#define ENDS_ONE_IN 100u
#define TRIES_MAX   12

/* Beyond that, the samples and ends of earlier count half as much. */
#define SEEN_MAX 1000u

/* After so many samples it is left, if not one in so many stacks is better for it: what it wants is
 * somewhere else, or cannot be read in time. */
#define TRIED_FOR     256u
#define HELPED_ONE_IN 128u

/* Processes of one owner: others have need of it too. */
#define OWNER_MAX (RTS_NEAR_PROCESSES_MAX / 2)

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
    READ
};

/* ---- who is read ---- */

static struct rts_nearness_place *place_of(struct rts_nearness *nearness, int32_t pid)
{
    for (unsigned i = 0; i < nearness->place_count; i++)
        if (nearness->places[i].pid == pid)
            return &nearness->places[i];
    return NULL;
}

static void drop_place(struct rts_nearness *nearness, int32_t pid)
{
    struct rts_nearness_place *place = place_of(nearness, pid);
    if (place)
        *place = nearness->places[--nearness->place_count];
}

static bool is_gone(int32_t pid)
{
    return kill((pid_t)pid, 0) < 0 && errno == ESRCH;
}

static bool has_place(struct rts_nearness *nearness, unsigned owner)
{
    unsigned others = 0;
    for (unsigned i = nearness->place_count; i-- > 0;)
        if (is_gone(nearness->places[i].pid))
            drop_place(nearness, nearness->places[i].pid);
    for (unsigned i = 0; i < nearness->place_count; i++)
        others += nearness->places[i].owner == owner;
    return others < OWNER_MAX && nearness->place_count < RTS_NEAR_PROCESSES_MAX;
}

static void change(struct rts_nearness *nearness, struct rts_process *process, uint8_t to)
{
    for (unsigned i = 0; i < nearness->change_count; i++)
        if (nearness->changes[i] == process)
            return;
    if (nearness->change_count == RTS_NEARNESS_CHANGES_MAX)
        return;
    process->near = to;
    nearness->changes[nearness->change_count++] = process;
}

static void begin_anew(struct rts_process *process)
{
    process->near_seen = process->near_ends = process->near_helped = 0;
}

static void was_no_use(struct rts_process *process)
{
    begin_anew(process);
    if (process->near_tries < TRIES_MAX)
        process->near_tries++;
}

/* ---- what is needed ---- */

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

static void see_need(struct rts_nearness *nearness, struct rts_process *process, bool is_short,
                     bool ends)
{
    process->near_seen++;
    process->near_ends += ends;
    if (is_short && process->near_beyond == 0)
        process->near_beyond = next_beyond(0);
    if (ends && process->near_ends >= ENDS_BEFORE << process->near_tries &&
        (uint64_t)process->near_ends * ENDS_ONE_IN >= process->near_seen)
        change(nearness, process, ASKED_FOR);
    if (process->near_seen >= SEEN_MAX << process->near_tries) {
        process->near_seen /= 2;
        process->near_ends /= 2;
    }
}

static void see_use(struct rts_nearness *nearness, struct rts_process *process,
                    const struct rts_near_blob *near, bool is_short, bool ends)
{
    process->near_seen++;
    process->near_helped += near && nearness->used && !ends;
    if (is_short && near && was_cut(process, near) && process->near_beyond < BEYOND_MAX) {
        process->near_beyond = next_beyond(process->near_beyond);
        begin_anew(process);
        change(nearness, process, ASKED_FOR);
    } else if (process->near_seen >= TRIED_FOR) {
        if (process->near_helped * HELPED_ONE_IN < process->near_seen) {
            was_no_use(process);
            change(nearness, process, NOT_NEEDED);
        } else {
            begin_anew(process);
        }
    }
}

void rts_nearness_see(struct rts_nearness *nearness, struct rts_process *process,
                      const struct rts_record *record, const struct rts_stack *stack)
{
    bool is_short = stack->stop == RTS_STOP_STACK_SHORT;
    bool ends = is_short || stack->stop == RTS_STOP_BAD_MEMORY;
    if (!nearness->wanted || !record->sample.registers)
        return;
    if (process->near == READ) {
        see_use(nearness, process, record->sample.near, is_short, ends);
    } else if (process->near == NOT_NEEDED) {
        if (place_of(nearness, process->pid))
            change(nearness, process, NOT_NEEDED); /* another program in the place of that one */
        else
            see_need(nearness, process, is_short, ends);
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
    bool has = place_of(nearness, process->pid) != NULL;
    if (process->near == NOT_NEEDED) {
        rts_capture_leave_near(capture, process->pid);
        drop_place(nearness, process->pid);
    }
    if (process->near != ASKED_FOR)
        return;
    bool may = has || has_place(nearness, process->owner);
    bool is_read = may && rts_capture_near(capture, process->pid, &plan, &failure) == 0;
    begin_anew(process);
    process->near = is_read ? READ : NOT_NEEDED;
    if (is_read && !has)
        nearness->places[nearness->place_count++] =
            (struct rts_nearness_place){process->pid, process->owner};
    if (is_read)
        return;
    if (has) {
        rts_capture_leave_near(capture, process->pid);
        drop_place(nearness, process->pid);
    }
    was_no_use(process);
    if (nearness->refusal_said || is_gone(process->pid))
        return;
    nearness->refusal_said = true;
    rts_log("stacks of process %d need memory that samples do not have, and it cannot be read near "
            "them: %s; they end as they are",
            (int)process->pid,
            may ? failure.text : "it is read of other processes of its user already");
}

/* Each is said once. */
static void say(struct rts_nearness *nearness, const struct rts_near_counts *counts)
{
    if (counts->cpus_refused > 0 && !counts->rings_refused && !nearness->cpus_said) {
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
    if (counts->switching_pid != nearness->switching_said) {
        nearness->switching_said = counts->switching_pid;
        rts_log("process %d switches too often: its memory is not read near its samples any more",
                (int)counts->switching_pid);
    }
    if (counts->ended && !nearness->end_said) {
        nearness->end_said = true;
        rts_log("memory is not read near samples any more: %s", rts_near_end_reason(counts));
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
    struct rts_nearness *nearness = context;
    bool is_there = rts_near_word(nearness->blob, address, word);
    nearness->used |= is_there;
    return is_there;
}

void rts_nearness_extend(struct rts_nearness *nearness, struct rts_memory *memory,
                         const struct rts_sample *sample)
{
    nearness->blob = sample->near;
    nearness->used = false;
    if (!sample->near)
        return;
    memory->more = near_word;
    memory->context = nearness;
}
