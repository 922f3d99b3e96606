/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Live capture: samples of the target's threads, with the side-band records that tell about
 * processes and mappings. There is more than one source of these (backend.h):
 *
 * - perf_event_open(2): cpu-clock samples of threads or of whole CPUs, into one ring per CPU. All
 *   events of a CPU are redirected into the ring that a dummy event on ourselves owns.
 * - ptrace(2), where that is all that is permitted: a thread of ours stops those threads of the
 *   target that run, one after the other and each as briefly as it can, and writes records as the
 *   kernel would. What it cannot see: how often a program was forked or executed between two looks.
 */
#ifndef RTS_CAPTURE_CAPTURE_H
#define RTS_CAPTURE_CAPTURE_H

#include <poll.h>

#include "broker/broker.h"
#include "broker/proc.h"
#include "capture/attr.h"
#include "capture/near_plan.h"
#include "capture/record.h"
#include "util/error.h"

struct rts_capture;

/* Reads /proc/PID/maps: process/maps.h. */
typedef int rts_capture_maps_reader(const struct rts_proc *proc, int32_t pid,
                                    void (*each)(void *context, const struct rts_maps_line *line),
                                    void *context, struct rts_error *error);

struct rts_capture_options {
    uint32_t frequency; /* Hz, at least 1 */
    enum rts_call_graph call_graph;
    uint32_t stack_bytes;    /* dwarf: bytes of stack per sample; 0: what the rings can carry */
    uint64_t user_registers; /* PERF_REG_* mask */
    bool enable_on_exec;
    bool build_ids;                     /* of what is mapped, in place of device and inode */
    uint32_t max_stop_us;               /* ptrace only: see rts_capture_create_ptrace() */
    rts_capture_maps_reader *read_maps; /* ptrace only */
    uint32_t max_cpu_percent;           /* ptrace only: of one CPU, for looking; 0: no limit */
    struct rts_proc proc; /* ptrace: its broker is for the thread that traces alone, while there are
                             processes. Else it starts what reads near samples */
};

/* How long threads stood still, at most, and how much of their CPU time was sampled. */
struct rts_capture_stops {
    uint64_t count;
    uint64_t total_ns, longest_ns;
    uint64_t too_long; /* longer than max_stop_us */
    uint64_t refused;  /* attempts: another tracer was there, or the permission was gone */
    uint64_t given_up; /* processes that made us wait */
    uint64_t put_off; /* threads that were not looked at when it was their turn, for want of time */
    uint64_t samples;
    uint64_t due; /* samples that the CPU time of the threads was worth, at the frequency then */
    uint64_t used_ns; /* that CPU time, of the threads that were found, while they were known */
};

/* What became of the options. */
struct rts_capture_facts {
    const char *method; /* the word in --stats; static */
    uint32_t frequency; /* possibly lowered to the kernel's maximum */
    uint32_t stack_bytes;
    unsigned gave_up;      /* set of enum rts_feature */
    int kernel_side_error; /* errno with which samples that hit in the kernel were refused; or 0 */
    bool clock_is_off; /* times of records are not on our CLOCK_MONOTONIC: the offset of our time
                          namespace could not be learnt */
    size_t ring_bytes; /* of each CPU's ring */
    unsigned cpus;
    struct rts_capture_stops stops; /* ptrace only; as of the last drain */
    struct rts_broker_counts asked; /* likewise, of the broker in the options */
    struct rts_near_counts near;    /* perf events only; as of the last drain */
    uint64_t passed_on_ns; /* as of the last drain: all samples of up to then have been passed on;
                              UINT64_MAX: all that there were */
};

/* Receives records in time order within a drain. Records and what they point to are valid during
 * the call only. */
struct rts_capture_sink {
    void *context;
    void (*side_band)(void *context, const struct rts_record *record);
    void (*sample)(void *context, const struct rts_record *record);
    /* A record that could not be decoded, of this kind; RTS_RECORD_SAMPLE also when what a ring
     * holds cannot be made out any further. */
    void (*malformed)(void *context, enum rts_record_kind kind);
};

/* By perf events: maps the rings. NULL on failure: RTS_NOT_PERMITTED says what to grant. */
struct rts_capture *rts_capture_create_perf(const struct rts_capture_options *options,
                                            struct rts_error *error);

/* By ptrace, without perf events. Each period, every thread of the target that is running and has
 * used a period of CPU time since its last sample is stopped once. A thread whose stop took longer
 * than max_stop_us is left alone for a period, for two when it does again, and so on up to 64; 0:
 * no limit. Only processes can be added, no CPUs;
 * whether they may be traced is found out then. */
struct rts_capture *rts_capture_create_ptrace(const struct rts_capture_options *options);

/* Closes all events and unmaps the rings. Accepts NULL. */
void rts_capture_destroy(struct rts_capture *capture);

/* Opens events on every thread of `pid`, and keeps looking until no thread is new; what they create
 * later is inherited. A sample that reaches us twice (a thread born in between, which both inherits
 * and is opened) is passed on once. Fails with RTS_NOT_FOUND when there is no such process, with
 * error->number EMFILE when there are more threads than files may be open, and with E2BIG when it
 * takes thousands of events and whole CPUs may be sampled instead. */
int rts_capture_add_process(struct rts_capture *capture, int32_t pid, struct rts_error *error);

/* The same for a process whose events have ended although it lives on: the kernel does that to one
 * that executes a file that its user may not read, or that is set-uid. */
int rts_capture_add_again(struct rts_capture *capture, int32_t pid, struct rts_error *error);

/* Opens one event per CPU, for all processes. */
int rts_capture_add_cpus(struct rts_capture *capture, struct rts_error *error);

/* Opens one event per CPU for whoever is in the control group, or one below it, at any time.
 * `folder` is that of the group in the hierarchy that perf counts by: of version 2, unless one of
 * version 1 is mounted for it. Else it fails, and facts()->gave_up says so. */
int rts_capture_add_group(struct rts_capture *capture, int folder, struct rts_error *error);

/* Samples whole CPUs, but not while they are idle, in the place of what is sampled now: from one
 * moment on, so that nothing is sampled twice or not at all; what the rings hold is passed on as
 * before. Nothing changes when it fails. */
int rts_capture_turn_to_cpus(struct rts_capture *capture, struct rts_error *error);

/* Has memory of a process read near its samples by this plan from now on, in place of an earlier
 * one; what is proven to be as it was at the sample comes along with it (struct rts_sample). Costs
 * nothing before the first call. Fails when that cannot be had. Not during a drain. */
int rts_capture_near(struct rts_capture *capture, int32_t pid, const struct rts_near_plan *plan,
                     struct rts_error *error);

/* No longer. */
void rts_capture_leave_near(struct rts_capture *capture, int32_t pid);

/* Closes all events again; the rings stay. */
void rts_capture_close_events(struct rts_capture *capture);

/* What became of the options; owned by the capture. */
const struct rts_capture_facts *rts_capture_facts(const struct rts_capture *capture);

/* Changes the frequency of the events that are open and of those that will be, within 1 and what
 * the capture began with; facts() has the new one. What threads and processes inherited before the
 * change keeps the frequency that it had then: the kernel offers no way to reach it. (And since it
 * may swap the events of a parent and its child when it switches between them, it is not certain
 * which of the two that is.) Whole CPUs have no heirs. Takes a system call for each event. -1 when
 * the kernel refused it for some event; the others are changed. */
int rts_capture_set_frequency(struct rts_capture *capture, uint32_t frequency,
                              struct rts_error *error);

/* How often drain() must be called so that no ring fills up: milliseconds, at most 100. */
int rts_capture_interval_ms(const struct rts_capture *capture);

/* Fills `fds` (room for `capacity`) with what becomes readable when a ring is a quarter full;
 * returns the number. */
size_t rts_capture_poll_fds(const struct rts_capture *capture, struct pollfd *fds, size_t capacity);

/* Stops the events; what is in the rings can still be drained. */
void rts_capture_stop(struct rts_capture *capture);

/* The kernel tells of lost records only with the next record that finds room. This writes one into
 * every ring: call it after stop() and drain(), and drain once more. CPUs that we may not run on
 * are left out. */
void rts_capture_mark_end(struct rts_capture *capture);

/* Passes on what the rings hold: first all side-band records, in time order, then the samples that
 * were written before those, in time order. So every sample is seen after what was mapped before
 * it.
 */
void rts_capture_drain(struct rts_capture *capture, const struct rts_capture_sink *sink);

#endif
