/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Notes: what a trace of ours says beyond what perf's records can. A trace is a perf.data file, and
 * its records (samples with their callchains, mappings, names) are what happened, for every tool
 * that reads such files. The notes add what cannot be derived from them: how each stack was come
 * by and in which files its frames lie, what was left out, where a window ended.
 *
 * Carrier: records of type 65 (PERF_RECORD_HEADER_EVENT_TYPE), which perf's tools have accepted and
 * not used since 2013. In one:
 *
 *     0  header   struct perf_event_header: type 65, size a multiple of 8
 *     8  magic    "RTSn"
 *    12  version  of the kind's layout, one byte
 *    13  kind     enum rts_note_kind, one byte
 *    14  size     of the payload, two bytes, little-endian
 *    16  payload, then zeroes up to the next multiple of 8
 *
 * A payload is made of
 *
 *     number      LEB128: seven bits a byte, lowest first, the top bit set in all but the last
 *     signed      a number, zigzag: 0, -1, 1, -2 are 0, 1, 2, 3
 *     bytes       their number, then they
 *     text        bytes, the last of which is the NUL that ends it (and no other is)
 *     attributes  pairs of texts, key and value, up to the end of the payload; a number as a value
 *                 is decimal, a flag is "1" or left out
 *
 * A reader skips kinds and attributes that it does not know, and what follows the fields that it
 * knows. A kind whose meaning changes gets a higher version; its readers refuse that.
 *
 *   kind     payload                              meaning
 *   RUN      attributes                           first of all; see below
 *   FILE     number, attributes                   a file, by its number in this trace
 *   IMAGE    number of a file, bytes              its content, where it is not a file (the vDSO)
 *   MAPPING  number, number of a file, bias,      where a file is mapped, from there on: a pc less
 *            load base, text                      the bias is an address in the file; its name
 *                                                 without a path, left out where it has none
 *   PROCESS  number, attributes                   a process instance, by its number in this trace
 *   STACK    see struct rts_note_stack            belongs to the next SAMPLE in the file
 *   ACCOUNT  attributes                           counters: by how much each has grown since the
 *                                                 last ACCOUNT (dropped.rate_limit and the like)
 *   FLUSH    number: 0, or 1 when only the        the window ends here, or the stacks so far were
 *            names were looked up; signed         named; CLOCK_REALTIME - CLOCK_MONOTONIC in ns
 *   END      attributes                           last of all; a trace without it was cut off
 *
 *   PACKAGE  number of a file, text: the linkage  what facts say of the package that a function of
 *            name of a function, or "" for all    the file belongs to; of a function that is not
 *            that are not named, attributes       named by itself, what "" says
 *
 *   DISAGREEMENT  number of a file, attributes  the first stack of which two unwinders say
 *                                                 different things in that file
 *
 * So a run is repeated in the order of the file, with nothing sorted and nothing looked up in
 * mappings: STACK and the SAMPLE behind it give the frames of a process instance, PROCESS what its
 * facts say of it, FLUSH the windows, ACCOUNT and END the rest of the account. MMAP2, COMM, FORK
 * and EXIT are there for other tools.
 *
 * FILE, MAPPING, PROCESS and PACKAGE hold until the next one with the same number, and come before
 * the first STACK that needs them; PACKAGE comes before the FLUSH that does. Numbers are those of
 * this trace alone.
 *
 * Attributes of RUN: format (of the trace: 1), program, config_sha256, method, frequency,
 * call_graph, gave_up (words with commas between), rung and refused (why each better rung was:
 * "rung:cause" with commas between), ratio, max_events_per_second, max_cpu_percent and
 * flush_interval_ms (the settings of these names), full (registers and stacks were kept), redacted
 * (what names the host was left out: files go by their build-ids alone), clock
 * ("monotonic", or "perf" where the kernel could not), started_ns and wall_offset_ns, segment (its
 * number, from 1).
 * Of FILE: path, build_id (hex), sha256 (of a file without a build-id), vdso (a flag).
 * Of PACKAGE: purl, stale (the purl of what has taken the file's place since), modified (a flag).
 * Of PROCESS: pid, name, whatever a fact says of a process, and ours (a flag: its user was root or
 * who ran us, and it was in no container).
 * Of DISAGREEMENT: difference ("caller", "rules_end", "libunwind_ends", "root"), address (in the
 * file, of the frame whose caller they differ about: where execution is, with the flag exact, or a
 * return address), rules and libunwind (why each ended its stack), rules_caller and libunwind_caller
 * ("file+0xaddress"), registers (by DWARF number, as the rules have them there), text (hex bytes
 * from the address on) and row (of the CFI there: unwind/rule_text.h).
 * Of END: duration_ms, frequency, command_status, rung and refused (as in RUN; a run may turn to
 * another rung), unrecorded (samples that the limit or the disk kept out).
 */
#ifndef RTS_TRACE_NOTE_H
#define RTS_TRACE_NOTE_H

#include <linux/perf_event.h>

#include "types.h"
#include "util/buffer.h"
#include "util/cursor.h"

#define RTS_NOTE_RECORD_TYPE 65
#define RTS_NOTE_MAGIC       "RTSn"
#define RTS_NOTE_VERSION     1

/* A record's size is 16 bits wide; less the headers and the padding. */
#define RTS_NOTE_PAYLOAD_MAX (65528 - 16)

/* Part of the format: a new kind goes to the end. */
enum rts_note_kind {
    RTS_NOTE_RUN = 1,
    RTS_NOTE_FILE = 2,
    RTS_NOTE_IMAGE = 3,
    RTS_NOTE_MAPPING = 4,
    RTS_NOTE_PROCESS = 5,
    RTS_NOTE_STACK = 6,
    RTS_NOTE_ACCOUNT = 7,
    RTS_NOTE_FLUSH = 8,
    RTS_NOTE_END = 9,
    RTS_NOTE_PACKAGE = 10,
    RTS_NOTE_DISAGREEMENT = 11,
};

/* ---- writing ---- */

/* A note under construction, at the end of `out`. */
struct rts_note_draft {
    struct rts_buffer *out; /* borrowed */
    size_t start;           /* of the record, in `out` */
};

/* Begins a note, then its fields are put, in their order. */
void rts_note_begin(struct rts_note_draft *draft, enum rts_note_kind kind, struct rts_buffer *out);
void rts_note_put_number(struct rts_note_draft *draft, uint64_t value);
void rts_note_put_signed(struct rts_note_draft *draft, int64_t value);
void rts_note_put_bytes(struct rts_note_draft *draft, const void *bytes, size_t size);
void rts_note_put_text(struct rts_note_draft *draft, const char *text);

/* An attribute with a text or a number. NULL: none is put. */
void rts_note_put_attribute(struct rts_note_draft *draft, const char *key, const char *value);
void rts_note_put_count(struct rts_note_draft *draft, const char *key, uint64_t value);

/* Ends the note. False: it was longer than RTS_NOTE_PAYLOAD_MAX, and is gone from `out`. */
bool rts_note_end(struct rts_note_draft *draft);

/* ---- reading ---- */

/* A note, and how far it has been read. Texts and bytes that are read live as long as the record.
 */
struct rts_note {
    enum rts_note_kind kind; /* as written: may be one that is not known here */
    unsigned version;
    struct rts_cursor rest; /* what is not read yet; failed: a field did not fit, and all that was
                               read since is zero or "" */
};

/* Is this record a note? False also for one whose sizes contradict each other, which *damaged says.
 * `record` is record->size bytes, at least those of the header. */
bool rts_note_open(const struct perf_event_header *record, struct rts_note *note, bool *damaged);

/* The next field. One that does not fit fails note->rest. */
uint64_t rts_note_number(struct rts_note *note);
int64_t rts_note_signed(struct rts_note *note);
const uint8_t *rts_note_bytes(struct rts_note *note, size_t *size);
const char *rts_note_text(struct rts_note *note);

/* The next attribute; false at the end of the payload, or when the rest is damaged. */
bool rts_note_attribute(struct rts_note *note, const char **key, const char **value);

/* The number in the value of an attribute; false when it is none. */
bool rts_note_value_number(const char *value, uint64_t *number);

/* ---- STACK ----
 *
 *     number  instance of the process
 *     number  flags, RTS_NOTE_STACK_*
 *     number  stop: enum rts_stop
 *     number  frames
 *     then for each frame, innermost first
 *         number  code << 3 | unwinder
 *         number  address; only with RTS_NOTE_STACK_ADDRESSES
 *
 * Without RTS_NOTE_STACK_ADDRESSES the addresses are those that follow PERF_CONTEXT_USER in the
 * sample's callchain, in the same order and number. With it (where registers and stack were kept,
 * so that perf unwinds by itself) the sample has no user callchain.
 *
 * An address is the one to look up, as it is: of a caller, the last byte of its call, and not the
 * return address behind it. perf's tools look up what is in a callchain without stepping back, and
 * a call that never returns may be the last thing in its function. Tools that step back by one
 * byte are still within the call, which has two bytes at least.
 */

#define RTS_NOTE_STACK_ADDRESSES 1

/* What lies at a frame's address. */
enum rts_note_code {
    RTS_NOTE_CODE_NONE = 0,      /* nothing executable */
    RTS_NOTE_CODE_ANONYMOUS = 1, /* generated code */
    RTS_NOTE_CODE_NO_FILE = 2,   /* a file that could not be read */
    RTS_NOTE_CODE_MAPPING = 3,   /* this and above: 3 + the number of a MAPPING */
};

struct rts_note_stack {
    uint64_t instance;
    uint64_t flags;
    enum rts_stop stop;
    uint32_t count; /* of frames, at most RTS_STACK_DEPTH_MAX */
};

struct rts_note_frame {
    uint64_t code;    /* enum rts_note_code */
    uint64_t address; /* as in a callchain; set by the reader of a callchain where it is not here */
    uint8_t unwinder; /* enum rts_unwinder */
};

/* Appends a STACK note. False: it is too long for a record, and nothing is appended. */
bool rts_note_put_stack(struct rts_buffer *out, const struct rts_note_stack *stack,
                        const struct rts_note_frame *frames);

/* Reads the head of a STACK note, then each of its frames. False when it is damaged, or says what
 * cannot be: an unknown stop or unwinder, too many frames. */
bool rts_note_read_stack(struct rts_note *note, struct rts_note_stack *stack);
bool rts_note_read_frame(struct rts_note *note, const struct rts_note_stack *stack,
                         struct rts_note_frame *frame);

#endif
