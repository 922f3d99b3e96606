/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The vocabulary of every capture backend: the kernel's own perf record layout (linux/perf_event.h,
 * perf_event_open(2)), decoded into plain values. Live rings and trace files yield the same
 * records. Pure: bytes in, values out; nothing in the bytes is trusted.
 */
#ifndef RTS_CAPTURE_RECORD_H
#define RTS_CAPTURE_RECORD_H

#include <linux/perf_event.h>

#include "types.h"

/* Newer than the headers of the oldest supported systems: Linux 5.12. */
#ifndef PERF_RECORD_MISC_MMAP_BUILD_ID
#define PERF_RECORD_MISC_MMAP_BUILD_ID (1 << 14)
#endif

enum rts_record_kind {
    RTS_RECORD_SAMPLE,
    RTS_RECORD_MMAP,
    RTS_RECORD_COMM,
    RTS_RECORD_FORK,
    RTS_RECORD_EXIT,
    RTS_RECORD_LOST,
    RTS_RECORD_THROTTLE,
    RTS_RECORD_UNTHROTTLE,
    RTS_RECORD_CGROUP, /* a control group was made */
    RTS_RECORD_OTHER,  /* a type that nothing here uses */
};

/*
 * What PERF_RECORD_MISC_MMAP_BUILD_ID in an MMAP2 record says: that a build-id is there in place of
 * device and inode. Kernels set it too in the records of events that did not ask for build-ids,
 * once any other event of the machine has (flag_leak.h).
 */
enum rts_build_id_flag {
    RTS_BUILD_ID_FLAG_FOREIGN, /* the event did not ask: the flag is somebody else's, unless what is
                                  there cannot be a device (perf inject writes build-ids later) */
    RTS_BUILD_ID_FLAG_HOLDS,   /* the event asked, or perf wrote the record itself */
    RTS_BUILD_ID_FLAG_UNSURE,  /* one of several events asked, and the record does not say which it
                                  is of: what can be both is taken for neither */
};

/* The parts of the attr that decide how a record is laid out. */
struct rts_record_layout {
    uint64_t sample_type;        /* PERF_SAMPLE_* */
    uint64_t user_registers;     /* attr.sample_regs_user */
    uint64_t read_format;        /* needed with PERF_SAMPLE_READ only */
    uint64_t branch_sample_type; /* needed with PERF_SAMPLE_BRANCH_STACK only */
    bool sample_id_all;
    enum rts_build_id_flag build_id_flag;
};

struct rts_near_blob;

/* Pointers lead into the record's bytes and live as long as those. */
struct rts_sample {
    uint64_t ip;           /* where the CPU was; a kernel address when kernel_mode */
    bool kernel_mode;      /* taken in kernel mode, on behalf of the user side that is described */
    uint64_t register_abi; /* PERF_SAMPLE_REGS_ABI_*; NONE: there is no user side */
    const uint64_t *registers; /* one per bit of register_set, lowest bit first; NULL if none */
    uint64_t register_set;     /* the layout's user_registers */
    const uint8_t *stack;      /* copy of the user stack from the stack pointer up; NULL if none */
    size_t stack_size;         /* bytes that were really copied */
    size_t stack_asked;        /* bytes that were asked for */
    const uint64_t *callchain; /* with PERF_CONTEXT_* markers; NULL if none */
    size_t callchain_size;
    uint64_t cgroup;                  /* id of the control group that it ran in; 0 if unknown */
    const struct rts_near_blob *near; /* memory as it was then (near_plan.h); NULL: none. Of a live
                                         capture only */
};

struct rts_mmap_record {
    uint64_t start;
    uint64_t size;
    uint64_t offset;   /* in the file, bytes */
    bool has_identity; /* device and inode are known (else the build-id is, or neither: an old MMAP,
                          or RTS_BUILD_ID_FLAG_UNSURE) */
    uint32_t major, minor;
    uint64_t inode;
    bool executable;
    struct rts_build_id build_id;
    const char *path; /* NUL-terminated */
};

struct rts_record {
    enum rts_record_kind kind;
    int32_t pid, tid; /* -1 when the record does not say */
    uint64_t time;    /* ns on the event's clock; 0 when the record does not say */
    uint32_t cpu;
    uint64_t id; /* of the event that was opened, also for what inherited it; 0 if unknown */
    union {
        struct rts_sample sample;
        struct rts_mmap_record mmap;
        struct {
            const char *name; /* NUL-terminated */
            bool exec;
        } comm;
        struct {
            int32_t parent_pid, parent_tid;
        } task; /* FORK and EXIT */
        struct {
            uint64_t records;
            bool samples; /* all of them are samples; else they may be of any kind */
        } lost;
        struct {
            uint64_t id;
            const char *path; /* NUL-terminated, from the root of the hierarchy */
        } cgroup;
    };
};

/* Decodes one record of header->size bytes at `header` (8-byte aligned). Returns 0, or -1 when its
 * sizes contradict each other (record->kind is right then too): the caller counts samples as
 * RTS_DROP_MALFORMED and all others apart from these. */
int rts_record_decode(const struct perf_event_header *header,
                      const struct rts_record_layout *layout, struct rts_record *record);

/* The record's time without decoding the rest; 0 when it has none. */
uint64_t rts_record_time(const struct perf_event_header *header,
                         const struct rts_record_layout *layout);

#endif
