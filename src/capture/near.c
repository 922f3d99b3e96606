/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/near.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "capture/near_readers.h"
#include "capture/perf_rings.h"
#include "util/cleanup.h"
#include "util/clock.h"
#include "util/memory.h"

/* How often readers and processes are looked after. */
#define LOOK_NS RTS_NS_PER_S

/* Whoever lets readers wait for that long so often is given up too: a reader has others to read, and
 * what comes so late is of no use. */
#define SLOW_NS  100000000u
#define SLOW_MAX 3

/* Switches of one process between two looks. Each of them costs it some 2 us, and takes 400 bytes
 * of the rings that all share. */
#define SWITCHES_MAX 10000

/* Blobs that are let go of at a time: all that a lane can have, and no more while it is filled. */
#define BLOBS_MAX 65536

/* A record of a switch was lost only where there was no room for it: less than this. */
#define SWITCH_BYTES_MAX 4096

/* How often readers are replaced in a run: whoever let them hang is given up each time. */
#define REPLACED_MAX 16

const char *rts_near_end_reason(const struct rts_near_counts *counts)
{
    return counts->rings_refused ? "this kernel would hold a ring that is mapped twice against "
                                   "what the user may lock "
                                   "(it takes CAP_SETUID, or a kernel before Linux 6.17)"
           : counts->cpu_came    ? "a CPU has come online, of which nothing is told"
                                 : "the process that did has ended too often";
}

static int start(struct rts_near *near, struct rts_error *error)
{
    if (near->counts.ended)
        return rts_fail(error, RTS_FAILED, "%s", rts_near_end_reason(&near->counts));
    if (near->memory)
        return 0;
    if (near->rings->near_bytes == 0 &&
        rts_perf_rings_map_near(near->rings, near->ring_bytes_least, error) < 0)
        return -1;
    if (!near->switches.cpus)
        rts_near_switches_init(&near->switches, near->rings->cpu_count);
    if (!near->tails)
        near->tails = rts_calloc(near->rings->cpu_count, sizeof *near->tails);
    return rts_near_readers_start(near, error);
}

/* Samples and switches go where they went before. */
static void turn_back(struct rts_near *near)
{
    rts_events_move_back(near->events, near->rings->owners);
    rts_near_events_close(&near->switch_events, 0);
}

void rts_near_finish(struct rts_near *near)
{
    rts_near_readers_stop(near);
    rts_near_events_finish(&near->switch_events);
    rts_near_switches_finish(&near->switches);
    free(near->tails);
}

static void leave_all(struct rts_near *near)
{
    near->count = 0;
    memset(near->processes, 0, sizeof near->processes);
    if (near->memory)
        rts_near_memory_publish(near->memory, near->processes);
    turn_back(near);
}

/* Readers that hang or have ended are replaced, for those processes that are left. */
static void replace_readers(struct rts_near *near)
{
    rts_near_readers_stop(near);
    if (near->replaced++ < REPLACED_MAX &&
        (near->count == 0 || rts_near_readers_start(near, NULL) == 0)) {
        if (near->memory)
            rts_near_memory_publish(near->memory, near->processes);
        return;
    }
    near->counts.ended = true;
    leave_all(near);
}

/* ---- processes ---- */

static struct rts_near_process *find(struct rts_near *near, int32_t pid)
{
    for (unsigned i = 0; i < near->count; i++)
        if (near->processes[i].pid == pid)
            return &near->processes[i];
    return NULL;
}

static bool was_given_up(const struct rts_near *near, int32_t pid)
{
    for (unsigned i = 0; i < near->given_up_count; i++)
        if (near->given_up[i] == pid)
            return true;
    return false;
}

static void drop(struct rts_near *near, struct rts_near_process *process)
{
    const int32_t pid = process->pid;
    const size_t place = (size_t)(process - near->processes);
    *process = near->processes[--near->count];
    near->watches[place] = near->watches[near->count];
    near->processes[near->count] = (struct rts_near_process){0};
    rts_near_events_close(&near->switch_events, pid);
    if (near->memory)
        rts_near_memory_publish(near->memory, near->processes);
    if (near->count == 0)
        turn_back(near);
}

static void drop_ended(struct rts_near *near)
{
    for (unsigned i = near->count; i-- > 0;)
        if (kill((pid_t)near->processes[i].pid, 0) < 0 && errno == ESRCH)
            drop(near, &near->processes[i]);
}

void rts_near_leave(struct rts_near *near, int32_t pid)
{
    struct rts_near_process *process = find(near, pid);
    if (process)
        drop(near, process);
}

int rts_near_want(struct rts_near *near, int32_t pid, const struct rts_near_plan *plan,
                  struct rts_error *error)
{
    struct rts_near_process *process = find(near, pid);
    if (rts_near_plan_bytes(plan) > RTS_NEAR_BYTES_MAX)
        return rts_fail(error, RTS_FAILED, "it is more than is read near samples");
    if (was_given_up(near, pid))
        return rts_fail(error, RTS_FAILED, "it was given up before");
    if (!process) {
        if (near->count == RTS_NEAR_PROCESSES_MAX)
            drop_ended(near);
        if (near->count == RTS_NEAR_PROCESSES_MAX)
            return rts_fail(error, RTS_FAILED, "it is read of %d other processes already",
                            RTS_NEAR_PROCESSES_MAX);
        if (start(near, error) < 0 || rts_near_events_open(&near->switch_events, near->rings, pid,
                                                           near->layout.user_registers, error) < 0)
            return -1;
        near->watches[near->count] = (struct rts_near_watch){0};
        process = &near->processes[near->count++];
    }
    *process = (struct rts_near_process){.pid = pid, .plan = *plan};
    rts_near_memory_publish(near->memory, near->processes);
    /* Those of its other threads, and of its ancestors, follow with the first sample of each. */
    rts_events_move_thread(near->events, pid, near->rings->owners + near->rings->cpu_count);
    return 0;
}

/* ---- in a drain ---- */

static uint64_t digest_of(const struct rts_sample *sample)
{
    if (!sample->registers || sample->register_abi != PERF_SAMPLE_REGS_ABI_64)
        return 0;
    return rts_near_digest(sample->registers, (size_t)__builtin_popcountll(sample->register_set));
}

void rts_near_see_room(struct rts_near *near, unsigned cpu, uint64_t tail, uint64_t head)
{
    /* What the last drain has released was not free before its end. */
    if (head - near->tails[cpu] + SWITCH_BYTES_MAX > near->rings->items[cpu].data_size)
        rts_near_switches_lost(&near->switches, near->latest_ns);
    near->tails[cpu] = tail;
}

static void count_switch(struct rts_near *near, int32_t pid)
{
    const struct rts_near_process *process = find(near, pid);
    if (process)
        near->watches[process - near->processes].switches++;
}

bool rts_near_take(struct rts_near *near, unsigned cpu, const struct perf_event_header *bytes,
                   bool used)
{
    const struct rts_record_layout layout = rts_near_events_layout(near->layout.user_registers);
    struct rts_record record;
    bool left = bytes->type == PERF_RECORD_SAMPLE;
    bool throttled = bytes->type == PERF_RECORD_THROTTLE || bytes->type == PERF_RECORD_UNTHROTTLE;
    if (left || throttled ? !rts_near_events_have(&near->switch_events, bytes)
                          : bytes->type != PERF_RECORD_SWITCH)
        return false;
    if (used || throttled || !rts_near_is_on(near) ||
        rts_record_decode(bytes, &layout, &record) < 0)
        return true;
    const struct rts_near_switch one = {
        .time = record.time + (uint64_t)near->clock_offset_ns,
        .tid = record.tid,
        .in = !left && !(bytes->misc & PERF_RECORD_MISC_SWITCH_OUT),
        .registers = left ? digest_of(&record.sample) : 0,
    };
    if (one.in)
        count_switch(near, record.pid);
    rts_near_switches_add(&near->switches, cpu, &one);
    return true;
}

/* Of the blob that was looked at. */
static void let_go(struct rts_near *near, unsigned cpu)
{
    const struct rts_near_blob *blob = &near->blob;
    const struct rts_near_process *process = find(near, blob->pid);
    if (process && blob->end_ns > blob->begin_ns && blob->end_ns - blob->begin_ns > SLOW_NS)
        near->watches[process - near->processes].slow++;
    rts_near_lane_let_go(near->memory, cpu);
}

/* The blob of a sample, proven or not. */
static bool find_blob(struct rts_near *near, unsigned cpu, const struct rts_record *sample)
{
    struct rts_near_blob *blob = &near->blob;
    for (unsigned i = 0; i < BLOBS_MAX && rts_near_lane_oldest(near->memory, cpu, blob) &&
                         blob->sample_ns <= sample->time;
         i++) {
        if (blob->sample_ns == sample->time && blob->tid == sample->tid && blob->pid == sample->pid)
            return true;
        let_go(near, cpu);
    }
    return false;
}

static void refuse(struct rts_near *near, int32_t pid, int error)
{
    near->counts.refused++;
    if (near->counts.refused_pid != 0)
        return;
    near->counts.refused_pid = pid;
    near->counts.refused_error = error;
}

const struct rts_near_blob *rts_near_pair(struct rts_near *near, unsigned ring,
                                          const struct rts_record *sample)
{
    const unsigned cpus = near->rings->cpu_count;
    if (!find(near, sample->pid))
        return NULL;
    near->counts.samples++;
    if (ring < cpus)
        rts_events_move(near->events, sample->id, near->rings->owners + cpus);
    if (ring < cpus || !find_blob(near, ring - cpus, sample)) {
        near->counts.late++;
        return NULL;
    }
    const struct rts_near_blob *blob = &near->blob;
    if (blob->error == EPERM || blob->error == EACCES || blob->error == ENOSYS) {
        refuse(near, sample->pid, blob->error);
        return NULL;
    }
    const struct rts_near_moment moment = {
        .cpu = ring - cpus,
        .tid = sample->tid,
        .sample_ns = sample->time,
        .begin_ns = blob->begin_ns,
        .end_ns = blob->end_ns,
        .registers = digest_of(&sample->sample),
    };
    bool frozen = blob->count > 0 && blob->end_ns <= near->latest_ns &&
                  rts_near_is_frozen(&near->switches, &moment);
    near->counts.frozen += frozen;
    near->counts.late += !frozen;
    return frozen ? blob : NULL;
}

/* Is there a CPU without a ring? Nobody tells of switches to it. */
static bool has_new_cpu(const struct rts_near *near)
{
    struct perf_event_attr attr = {
        .size = PERF_ATTR_SIZE_VER5,
        .type = PERF_TYPE_SOFTWARE,
        .config = PERF_COUNT_SW_DUMMY,
        .exclude_kernel = 1,
    };
    for (unsigned cpu = 0; cpu < near->rings->cpu_count; cpu++) {
        int fd = near->rings->owners[cpu] < 0 ? rts_perf_event_open(&attr, 0, cpu) : -1;
        if (fd >= 0) {
            close(fd);
            return true;
        }
    }
    return false;
}

static void give_up(struct rts_near *near, int32_t pid)
{
    if (near->given_up_count < RTS_NEAR_GIVEN_UP_MAX)
        near->given_up[near->given_up_count++] = pid;
    rts_near_leave(near, pid);
}

/* Not for the next look: until then they would take what others need. */
static void leave_costly(struct rts_near *near)
{
    for (unsigned i = near->count; i-- > 0;) {
        const int32_t pid = near->processes[i].pid;
        if (near->watches[i].slow >= SLOW_MAX)
            near->counts.hung_pid = pid;
        else if (near->watches[i].switches > SWITCHES_MAX)
            near->counts.switching_pid = pid;
        else
            continue;
        give_up(near, pid);
    }
}

static void look_after(struct rts_near *near, uint64_t now)
{
    int32_t hanging = rts_near_readers_hang(near, now);
    near->looked_ns = now;
    for (unsigned i = 0; i < near->count; i++)
        near->watches[i].switches = 0;
    rts_near_readers_count(near);
    near->counts.cpu_came |= near->count > 0 && has_new_cpu(near);
    if ((near->counts.cpu_came || near->counts.rings_refused) && !near->counts.ended) {
        near->counts.ended = true;
        leave_all(near);
    }
    if (hanging != 0) {
        near->counts.hung_pid = hanging;
        give_up(near, hanging);
    }
    if (hanging != 0 || rts_near_readers_ended(near))
        replace_readers(near);
    drop_ended(near);
}

void rts_near_end_drain(struct rts_near *near, uint64_t passed_on, uint64_t now)
{
    struct rts_near_blob *blob = &near->blob;
    rts_near_events_forget(&near->switch_events, passed_on);
    if (!near->memory)
        return;
    for (unsigned cpu = 0; cpu < near->rings->cpu_count; cpu++)
        for (unsigned i = 0; i < BLOBS_MAX && rts_near_lane_oldest(near->memory, cpu, blob) &&
                             blob->sample_ns <= passed_on;
             i++)
            let_go(near, cpu);
    rts_near_switches_forget(&near->switches, passed_on);
    leave_costly(near);
    if (now - near->looked_ns > LOOK_NS)
        look_after(near, now);
    near->counts.cpu_ns = near->past_cpu_ns + rts_near_readers_cpu_ns(near, now);
}
