/* SPDX-License-Identifier: Apache-2.0 */
#include "trace/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "capture/attr.h"
#include "trace/perf_file.h"
#include "util/cleanup.h"
#include "util/memory.h"
#include "util/output_file.h"

/* Handed to the system in pieces of this size. */
#define BUFFER_BYTES ((size_t)256 << 10)

/* perf pads the names in its list of build-ids. */
#define NAME_ALIGN 64

/* The short sections: machine and kernel, the clock. */
#define SMALL_SECTIONS_BYTES 1024

struct rts_trace_writer {
    int fd;
    char *path;
    struct rts_trace_format format;
    struct rts_perf_header header;
    struct rts_buffer waiting;   /* records that are not in the file yet */
    struct rts_buffer build_ids; /* the section */
    uint64_t data_size;          /* of the records in the file */
    bool full;
    bool failed;
};

/* ---- the file ---- */

static int fail(struct rts_trace_writer *writer, int number, struct rts_error *error)
{
    writer->failed = true;
    return rts_fail_errno(error, number, "cannot write the trace %s", writer->path);
}

static int write_at(struct rts_trace_writer *writer, uint64_t offset, const void *bytes,
                    size_t size, struct rts_error *error)
{
    for (const char *at = bytes; size > 0;) {
        ssize_t written = pwrite(writer->fd, at, size, (off_t)offset);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return fail(writer, written == 0 ? EIO : errno, error);
        at += written;
        offset += (uint64_t)written;
        size -= (size_t)written;
    }
    return 0;
}

static int write_header(struct rts_trace_writer *writer, struct rts_error *error)
{
    writer->header.data.size = writer->data_size;
    return write_at(writer, 0, &writer->header, sizeof writer->header, error);
}

/* The attr of the one event, as it would have been asked of the kernel for these samples. */
static void fill_attr(struct perf_event_attr *attr, const struct rts_trace_writer *writer)
{
    const struct rts_trace_format *format = &writer->format;
    struct rts_record_layout layout = rts_trace_writer_layout(writer);
    memset(attr, 0, sizeof *attr);
    attr->size = PERF_ATTR_SIZE_VER5;
    attr->type = PERF_TYPE_SOFTWARE;
    attr->config = PERF_COUNT_SW_CPU_CLOCK;
    attr->sample_period = format->period_ns;
    attr->sample_type = layout.sample_type;
    attr->sample_regs_user = layout.user_registers;
    attr->sample_stack_user = format->full ? format->stack_bytes : 0;
    attr->sample_id_all = attr->mmap = attr->mmap2 = attr->comm = attr->comm_exec = attr->task = 1;
    attr->inherit = 1;
    attr->exclude_kernel = format->user_only;
    attr->use_clockid = format->monotonic;
    attr->clockid = format->monotonic ? CLOCK_MONOTONIC : 0;
}

static int write_beginning(struct rts_trace_writer *writer, struct rts_error *error)
{
    struct {
        uint8_t attr[PERF_ATTR_SIZE_VER5];
        struct rts_perf_section ids;
        uint64_t id;
    } events = {
        .ids = {.offset = sizeof(struct rts_perf_header) + offsetof(typeof(events), id), .size = 8},
        .id = RTS_TRACE_EVENT_ID,
    };
    struct perf_event_attr attr;
    fill_attr(&attr, writer);
    memcpy(events.attr, &attr, sizeof events.attr);
    uint64_t entry = offsetof(typeof(events), id);
    writer->header = (struct rts_perf_header){
        .size = sizeof writer->header,
        .attr_size = entry,
        .attrs = {.offset = sizeof writer->header, .size = entry},
        .data = {.offset = sizeof writer->header + sizeof events},
    };
    memcpy(writer->header.magic, RTS_PERF_MAGIC, sizeof writer->header.magic);
    if (write_at(writer, writer->header.attrs.offset, &events, sizeof events, error) < 0)
        return -1;
    return write_header(writer, error);
}

static int open_file(const char *path, struct rts_error *error)
{
    RTS_CLOSE int fd = rts_output_open(path, O_RDWR | O_NONBLOCK, "the trace", error);
    struct stat status;
    if (fd < 0)
        return -1;
    if (fstat(fd, &status) < 0)
        return rts_fail_errno(error, errno, "cannot open %s for the trace", path);
    if (!S_ISREG(status.st_mode))
        return rts_fail(error, RTS_USAGE, "cannot write the trace to %s: it is not a regular file",
                        path);
    /* What an earlier file let others read is not for them now. */
    if (fchmod(fd, 0600) < 0 || ftruncate(fd, 0) < 0)
        return rts_fail_errno(error, errno, "cannot use %s for the trace", path);
    return rts_take_fd(&fd);
}

static void destroy(struct rts_trace_writer *writer)
{
    if (writer->fd >= 0)
        close(writer->fd);
    rts_buffer_finish(&writer->waiting);
    rts_buffer_finish(&writer->build_ids);
    free(writer->path);
    free(writer);
}

struct rts_trace_writer *rts_trace_writer_open(const char *path,
                                               const struct rts_trace_format *format,
                                               struct rts_error *error)
{
    int fd = open_file(path, error);
    return fd < 0 ? NULL : rts_trace_writer_open_fd(fd, path, format, error);
}

struct rts_trace_writer *rts_trace_writer_open_fd(int fd, const char *name,
                                                  const struct rts_trace_format *format,
                                                  struct rts_error *error)
{
    struct rts_trace_writer *writer = rts_calloc(1, sizeof *writer);
    writer->fd = fd;
    writer->path = rts_strdup(name);
    writer->format = *format;
    if (write_beginning(writer, error) < 0) {
        destroy(writer);
        return NULL;
    }
    return writer;
}

struct rts_record_layout rts_trace_writer_layout(const struct rts_trace_writer *writer)
{
    const struct rts_trace_format *format = &writer->format;
    return (struct rts_record_layout){
        .sample_type =
            RTS_ATTR_COMMON_TYPE | PERF_SAMPLE_CALLCHAIN |
            (format->full ? (uint64_t)(PERF_SAMPLE_REGS_USER | PERF_SAMPLE_STACK_USER) : 0),
        .user_registers = format->full ? format->user_registers : 0,
        .sample_id_all = true,
    };
}

/* ---- records ---- */

/* What was written beyond may end in the middle of something. When the disk does not even permit
 * this, the header's size of the data tells where to stop. */
static void cut_at(struct rts_trace_writer *writer, uint64_t offset)
{
    if (ftruncate(writer->fd, (off_t)offset) < 0)
        writer->failed = true;
}

int rts_trace_writer_sync(struct rts_trace_writer *writer, struct rts_error *error)
{
    if (writer->failed || writer->waiting.size == 0)
        return 0;
    uint64_t offset = writer->header.data.offset + writer->data_size;
    if (write_at(writer, offset, writer->waiting.data, writer->waiting.size, error) < 0) {
        cut_at(writer, offset);
        return -1;
    }
    writer->data_size += writer->waiting.size;
    rts_buffer_clear(&writer->waiting);
    return write_header(writer, error);
}

bool rts_trace_writer_waits(const struct rts_trace_writer *writer)
{
    return writer->waiting.size > 0;
}

uint64_t rts_trace_writer_size(const struct rts_trace_writer *writer)
{
    return writer->header.data.offset + writer->data_size + writer->waiting.size +
           writer->build_ids.size + SMALL_SECTIONS_BYTES;
}

static bool has_room(const struct rts_trace_writer *writer, size_t size)
{
    uint64_t limit = writer->format.limit;
    return limit == 0 || rts_trace_writer_size(writer) + size <= limit;
}

enum rts_trace_write rts_trace_writer_add_last(struct rts_trace_writer *writer, const void *records,
                                               size_t size, struct rts_error *error)
{
    if (writer->failed)
        return RTS_TRACE_FAILED;
    if (!has_room(writer, size))
        return RTS_TRACE_FULL;
    rts_buffer_append(&writer->waiting, records, size);
    if (writer->waiting.size >= BUFFER_BYTES && rts_trace_writer_sync(writer, error) < 0)
        return RTS_TRACE_FAILED;
    return RTS_TRACE_WRITTEN;
}

enum rts_trace_write rts_trace_writer_add(struct rts_trace_writer *writer, const void *records,
                                          size_t size, struct rts_error *error)
{
    writer->full |= !has_room(writer, size + RTS_TRACE_RESERVE);
    return writer->full ? RTS_TRACE_FULL : rts_trace_writer_add_last(writer, records, size, error);
}

/* ---- the end ---- */

#define BUILD_ID_BYTES 20

/* An entry of the list of build-ids, which is a record of its own kind; the name follows. */
struct build_id_entry {
    struct perf_event_header header;
    int32_t pid; /* -1: the host's */
    uint8_t build_id[BUILD_ID_BYTES];
    uint8_t size, reserved[3];
};

enum rts_trace_write rts_trace_writer_add_build_id(struct rts_trace_writer *writer,
                                                   const char *path,
                                                   const struct rts_build_id *build_id)
{
    static const char zeroes[NAME_ALIGN];
    size_t length = strlen(path);
    size_t padded = (length / NAME_ALIGN + 1) * NAME_ALIGN;
    struct build_id_entry entry = {
        .header = {.misc = PERF_RECORD_MISC_USER | RTS_PERF_MISC_BUILD_ID_SIZE},
        .pid = -1,
        .size = build_id->size < BUILD_ID_BYTES ? build_id->size : BUILD_ID_BYTES,
    };
    if (padded > UINT16_MAX - sizeof entry)
        return RTS_TRACE_WRITTEN; /* no path is that long */
    writer->full |= !has_room(writer, sizeof entry + padded + RTS_TRACE_RESERVE);
    if (writer->full)
        return RTS_TRACE_FULL;
    entry.header.size = (uint16_t)(sizeof entry + padded);
    memcpy(entry.build_id, build_id->bytes, entry.size);
    rts_buffer_append(&writer->build_ids, &entry, sizeof entry);
    rts_buffer_append(&writer->build_ids, path, length);
    rts_buffer_append(&writer->build_ids, zeroes, padded - length);
    return RTS_TRACE_WRITTEN;
}

/* A text as perf's sections have it. */
static void put_string(struct rts_buffer *out, const char *text)
{
    static const char zeroes[NAME_ALIGN];
    size_t length = strlen(text);
    uint32_t padded = (uint32_t)((length / NAME_ALIGN + 1) * NAME_ALIGN);
    rts_buffer_append(out, &padded, sizeof padded);
    rts_buffer_append(out, text, length);
    rts_buffer_append(out, zeroes, padded - length);
}

/* The content of one section; nothing when there is none. */
static void put_section(const struct rts_trace_writer *writer, enum rts_perf_feature feature,
                        struct rts_buffer *out)
{
    const struct rts_trace_format *format = &writer->format;
    struct utsname system;
    uname(&system);
    if (feature == RTS_PERF_BUILD_ID)
        rts_buffer_append(out, writer->build_ids.data, writer->build_ids.size);
    else if (feature == RTS_PERF_OS_RELEASE && !format->nameless)
        put_string(out, system.release);
    else if (feature == RTS_PERF_ARCH)
        put_string(out, system.machine);
    else if (format->monotonic && feature == RTS_PERF_CLOCK_ID)
        rts_buffer_append(out, &(uint64_t){1}, sizeof(uint64_t)); /* its resolution, ns */
    else if (format->monotonic && feature == RTS_PERF_CLOCK_DATA) {
        struct {
            uint32_t version, clock_id;
            uint64_t wall_ns, clock_ns;
        } data = {1, CLOCK_MONOTONIC, format->started_ns + (uint64_t)format->wall_offset_ns,
                  format->started_ns};
        rts_buffer_append(out, &data, sizeof data);
    }
}

static int write_sections(struct rts_trace_writer *writer, struct rts_error *error)
{
    static const enum rts_perf_feature features[] = {
        RTS_PERF_BUILD_ID, RTS_PERF_OS_RELEASE, RTS_PERF_ARCH,
        RTS_PERF_CLOCK_ID, RTS_PERF_CLOCK_DATA,
    };
    struct rts_perf_section table[sizeof features / sizeof *features];
    struct rts_buffer contents = RTS_BUFFER_INIT;
    size_t count = 0;
    uint64_t bits = 0;
    for (size_t i = 0; i < sizeof features / sizeof *features; i++) {
        size_t start = contents.size;
        put_section(writer, features[i], &contents);
        if (contents.size == start)
            continue;
        table[count++] = (struct rts_perf_section){.offset = start, .size = contents.size - start};
        bits |= 1ULL << features[i];
    }
    uint64_t offset = writer->header.data.offset + writer->data_size;
    for (size_t i = 0; i < count; i++)
        table[i].offset += offset + count * sizeof *table;
    int result = write_at(writer, offset, table, count * sizeof *table, error);
    if (result == 0)
        result =
            write_at(writer, offset + count * sizeof *table, contents.data, contents.size, error);
    rts_buffer_finish(&contents);
    if (result < 0) {
        cut_at(writer, offset); /* without its sections it is still a trace */
        return -1;
    }
    writer->header.features[0] = bits;
    return write_header(writer, error);
}

/* All that is left to write; *size is what the file has then. */
static int complete(struct rts_trace_writer *writer, uint64_t *size, struct rts_error *error)
{
    int result = writer->failed
                     ? rts_fail(error, RTS_FAILED, "the trace %s ends before the run", writer->path)
                     : rts_trace_writer_sync(writer, error);
    if (result == 0)
        result = write_sections(writer, error);
    struct stat status;
    *size = fstat(writer->fd, &status) == 0 ? (uint64_t)status.st_size : 0;
    return result;
}

int rts_trace_writer_finish(struct rts_trace_writer *writer, uint64_t *size,
                            struct rts_error *error)
{
    if (!writer)
        return 0;
    int result = complete(writer, size, error);
    destroy(writer);
    return result;
}

int rts_trace_writer_finish_open(struct rts_trace_writer *writer, uint64_t *size,
                                 struct rts_error *error)
{
    int fd = -1;
    if (complete(writer, size, error) == 0 && lseek(writer->fd, 0, SEEK_SET) == 0)
        fd = rts_take_fd(&writer->fd);
    destroy(writer);
    return fd;
}

void rts_trace_writer_discard(struct rts_trace_writer *writer)
{
    struct stat own, there;
    if (!writer)
        return;
    if (fstat(writer->fd, &own) == 0 && lstat(writer->path, &there) == 0 &&
        own.st_dev == there.st_dev && own.st_ino == there.st_ino)
        unlink(writer->path);
    destroy(writer);
}
