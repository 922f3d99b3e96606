/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes a trace, as a stream: the file can be read up to its last whole record at any time (see
 * trace/perf_file.h on what perf makes of an unfinished one). Records are buffered; a failure ends
 * the writing, and leaves what was written before.
 */
#ifndef RTS_TRACE_WRITER_H
#define RTS_TRACE_WRITER_H

#include "capture/record.h"
#include "util/buffer.h"
#include "util/error.h"

/* The event that all samples of a trace are of. */
#define RTS_TRACE_EVENT_ID 1

struct rts_trace_format {
    uint64_t period_ns; /* of cpu-clock, at the start */
    bool user_only;     /* the kernel side was given up */
    bool monotonic;     /* times are of CLOCK_MONOTONIC */
    bool full;          /* with registers and stacks: */
    uint64_t user_registers;
    uint32_t stack_bytes;
    bool nameless;          /* the kernel's version stays out */
    uint64_t limit;         /* bytes of the whole file; 0: none */
    uint64_t started_ns;    /* on the clock of the samples */
    int64_t wall_offset_ns; /* to CLOCK_REALTIME, then */
};

/* What became of the bytes that were given. */
enum rts_trace_write {
    RTS_TRACE_WRITTEN,
    RTS_TRACE_FULL,   /* the limit: neither these nor any later ones */
    RTS_TRACE_FAILED, /* the disk */
};

struct rts_trace_writer;

/* Creates or empties the file, which only its owner may read (mode 0600). It has to be a regular
 * file. */
struct rts_trace_writer *rts_trace_writer_open(const char *path,
                                               const struct rts_trace_format *format,
                                               struct rts_error *error);

/* The same with an empty file that is open for reading and writing. Takes the fd over, also when it
 * fails; `name` is what messages call it. */
struct rts_trace_writer *rts_trace_writer_open_fd(int fd, const char *name,
                                                  const struct rts_trace_format *format,
                                                  struct rts_error *error);

/* The layout of the samples. */
struct rts_record_layout rts_trace_writer_layout(const struct rts_trace_writer *writer);

/* Appends whole records, all of them or none. RTS_TRACE_FAILED fills *error. */
enum rts_trace_write rts_trace_writer_add(struct rts_trace_writer *writer, const void *records,
                                          size_t size, struct rts_error *error);

/* The same for what has its room kept free below the limit: the last few notes, of
 * RTS_TRACE_RESERVE bytes at most. */
#define RTS_TRACE_RESERVE 8192
enum rts_trace_write rts_trace_writer_add_last(struct rts_trace_writer *writer, const void *records,
                                               size_t size, struct rts_error *error);

/* Names a file of which samples are, for the list of build-ids at the end of the trace. Once for
 * each. RTS_TRACE_FULL: the limit has no room for it. */
enum rts_trace_write rts_trace_writer_add_build_id(struct rts_trace_writer *writer,
                                                   const char *path,
                                                   const struct rts_build_id *build_id);

/* Bytes of the file, at most, if it were finished now. */
uint64_t rts_trace_writer_size(const struct rts_trace_writer *writer);

/* Is anything buffered? */
bool rts_trace_writer_waits(const struct rts_trace_writer *writer);

/* Hands what is buffered to the system, so that a reader sees it. */
int rts_trace_writer_sync(struct rts_trace_writer *writer, struct rts_error *error);

/* Writes the sections at the end, and closes the file and the writer. Accepts NULL. *size is what
 * the file has. -1: something could not be written, now or before. */
int rts_trace_writer_finish(struct rts_trace_writer *writer, uint64_t *size,
                            struct rts_error *error);

/* Closes it and removes its file, if that is still to be found under its name: there is nothing in
 * it that anybody waits for. Accepts NULL. */
void rts_trace_writer_discard(struct rts_trace_writer *writer);

/* Finishes it, and leaves the file open: returns its fd, at its beginning, or -1. */
int rts_trace_writer_finish_open(struct rts_trace_writer *writer, uint64_t *size,
                                 struct rts_error *error);

#endif
