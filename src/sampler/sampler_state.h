/* SPDX-License-Identifier: Apache-2.0 */
/* The sampler, as its parts and those who drive it see it: sampler.c takes samples, side_band.c the
 * other records. */
#ifndef RTS_SAMPLER_SAMPLER_STATE_H
#define RTS_SAMPLER_SAMPLER_STATE_H

#include "capture/capture.h"
#include "facts/account.h"
#include "process/cgroup_ids.h"
#include "process/lives.h"
#include "sampler/code_map.h"
#include "sampler/kept.h"
#include "sampler/nearness.h"
#include "sampler/pace.h"
#include "sampler/self.h"
#include "unwind/unwind.h"

/* How far the events reach, and so whose samples come. */
enum rts_reach {
    RTS_REACH_TREE,  /* those of threads, which their children inherit: a tree of the target */
    RTS_REACH_OWN,   /* the same, where all were wanted and only some may be sampled */
    RTS_REACH_GROUP, /* of a control group: the kernel keeps to it */
    RTS_REACH_ALL,   /* of CPUs, and everybody is a target */
    RTS_REACH_CPUS,  /* of CPUs, and who is no target is left out */
};

/* Who takes what comes out. */
struct rts_sampler_sink {
    void *context;
    void (*kept)(void *context, const struct rts_kept *kept);
    /* A COMM, FORK or EXIT record of a target; the process table has it already. */
    void (*task)(void *context, const struct rts_record *record);
    /* More was mapped. */
    void (*mapped)(void *context);
};

/* What a sampler is made of; pointers are borrowed. */
struct rts_sampler_setup {
    const struct rts_architecture *arch;
    const char *proc_root, *cgroup_root; /* NULL: records are of a trace, there is nothing to look
                                            at */
    struct rts_self *self;
    struct rts_object_cache *objects;
    struct rts_package_table *packages;   /* NULL: not wanted */
    const struct rts_file_finder *finder; /* NULL: files are opened through processes */
    struct rts_account *account;
    struct rts_opinions *opinions;
    struct rts_sampler_sink sink;
    enum rts_call_graph call_graph;
    unsigned cpu_count; /* above every number of a CPU in the records */
    bool hash_container_ids;
    bool near;         /* memory may be read near samples */
    bool pc_is_enough; /* a sample without registers is one all the same, as traces of perf may
                          have */
};

/* A process of ours that is sampled as targets are, and whose samples are somebody else's. */
struct rts_sampler_probe {
    int32_t pid; /* 0: there is none */
    void *context;
    void (*take)(void *context, const struct rts_unwind_task *task, uint64_t time);
};

struct rts_sampler {
    struct rts_sampler_setup setup;
    struct rts_sampler_probe probe;
    struct rts_process_table *processes;
    struct rts_cgroup_ids *cgroups;
    struct rts_rule_cache *rules;
    struct rts_unwinding unwinding;
    struct rts_nearness nearness;
    struct rts_code_map code_map;
    struct rts_stack *stack; /* of the sample that is being unwound */
    struct rts_lives *lives; /* of the target's threads; NULL: they are not sampled one by one */
    struct rts_pace pace;
    struct rts_capture *capture; /* borrowed; NULL: not open yet */
    enum rts_reach reach;
    enum rts_call_graph call_graph; /* how the stacks of samples are taken */
    uint64_t *throttled_since;      /* ns, per CPU; 0: not throttled */
    uint64_t last_ns;               /* time of the last sample that was used */
    bool exit_seen;                 /* a thread has ended; whoever has looked resets it */
};

#endif
