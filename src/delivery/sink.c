/* SPDX-License-Identifier: Apache-2.0 */
#include "delivery/sink.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/buffer.h"
#include "util/clock.h"
#include "util/memory.h"
#include "util/output_file.h"

/* How long one call waits for a reader that takes nothing: a sampler must go on. */
#define READER_PATIENCE_NS RTS_NS_PER_S
#define NO_DEADLINE        UINT64_MAX

/* A batch that waits; its bytes are in `pending`, in the same order. */
struct batch {
    size_t size; /* bytes of it not written yet */
    uint64_t lines;
};

struct rts_sink {
    int fd;
    char *name; /* for messages */
    bool owned; /* we created the file, so its last state is worth an fsync */
    bool regular;
    bool broken;          /* nothing can ever be written again */
    bool stalled;         /* the reader took nothing the last time: do not wait for it again */
    uint64_t deadline_ns; /* until when the current call may wait for the reader */
    struct rts_buffer pending;
    struct batch *batches;
    size_t batch_count;
    size_t batch_capacity;
    uint64_t waiting_lines;
    uint64_t refused_lines;
};

static int open_target(const char *path, struct rts_error *error)
{
    if (strcmp(path, "-") == 0) {
        /* A duplicate, so that closing it tells of late errors and leaves number 1 taken. */
        int fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
        return fd >= 0 ? fd : rts_fail_errno(error, errno, "cannot write facts to stdout");
    }
    /* At the end of the file, wherever that is by then: who rotates logs may empty it. */
    int fd = rts_output_open(path, O_APPEND | O_NONBLOCK, "the facts", error);
    if (fd < 0)
        return -1;
    (void)!ftruncate(fd, 0); /* fails on a pipe, where there is nothing to cut */
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK); /* that was for the opening only */
    return fd;
}

struct rts_sink *rts_sink_open(const char *path, struct rts_error *error)
{
    int fd = open_target(path, error);
    if (fd < 0)
        return NULL;
    struct stat status;
    struct rts_sink *sink = rts_calloc(1, sizeof *sink);
    sink->fd = fd;
    sink->owned = strcmp(path, "-") != 0;
    sink->name = rts_strdup(sink->owned ? path : "stdout");
    sink->regular = fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
    return sink;
}

/* Waits until a write would not block; false when that takes longer than the call may. */
static bool wait_for_reader(const struct rts_sink *sink)
{
    for (;;) {
        int timeout_ms = -1;
        if (sink->deadline_ns != NO_DEADLINE) {
            uint64_t now = rts_clock_monotonic_ns();
            timeout_ms =
                now < sink->deadline_ns ? (int)((sink->deadline_ns - now) / 1000000) + 1 : 0;
        }
        struct pollfd poll_fd = {.fd = sink->fd, .events = POLLOUT};
        int ready = poll(&poll_fd, 1, timeout_ms);
        if (ready > 0)
            return true;
        /* A signal ends a wait without limit: somebody wants us to stop. */
        if (ready == 0 || errno != EINTR || timeout_ms < 0)
            return false;
    }
}

/* One step: at most what a pipe takes without blocking once poll() says that it takes something. */
static ssize_t write_some(const struct rts_sink *sink, const char *bytes, size_t size)
{
    if (sink->regular)
        return write(sink->fd, bytes, size);
    if (!wait_for_reader(sink)) {
        errno = EAGAIN;
        return -1;
    }
    return write(sink->fd, bytes, size < PIPE_BUF ? size : PIPE_BUF);
}

/* Writes until all is written or an error; returns how much was, and the errno (0: none). */
static size_t write_all(const struct rts_sink *sink, const char *bytes, size_t size, int *failure)
{
    size_t done = 0;
    *failure = 0;
    while (done < size) {
        ssize_t written = write_some(sink, bytes + done, size - done);
        if (written > 0) {
            done += (size_t)written;
        } else if (written == 0 || errno != EINTR) {
            *failure = written == 0 ? EIO : errno;
            break;
        }
    }
    return done;
}

/* Where the next write will land. A file that became shorter than what was written to it was
 * emptied meanwhile: behind its end a write would leave a hole. The flags of stdout are not ours to
 * change. */
static off_t write_position(int fd)
{
    struct stat status;
    int flags = fcntl(fd, F_GETFL);
    off_t position = lseek(fd, 0, flags >= 0 && (flags & O_APPEND) ? SEEK_END : SEEK_CUR);
    if (position > 0 && fstat(fd, &status) == 0 && status.st_size < position)
        return lseek(fd, 0, SEEK_END);
    return position;
}

/* Takes a partly written batch out of the file again. Only when nothing lies behind it: stdout may
 * be a file that others write to as well. Returns false when it must stay. */
static bool cut_back(int fd, off_t start, size_t written)
{
    struct stat status;
    return start >= 0 && fstat(fd, &status) == 0 && status.st_size == start + (off_t)written &&
           ftruncate(fd, start) == 0 && lseek(fd, start, SEEK_SET) == start;
}

/* Writes the batch at `bytes`; returns the bytes that need not be written again. */
static size_t write_batch(struct rts_sink *sink, const char *bytes, size_t size, int *failure)
{
    off_t start = sink->regular ? write_position(sink->fd) : -1;
    size_t written = write_all(sink, bytes, size, failure);
    if (*failure && written && cut_back(sink->fd, start, written))
        return 0;
    return written;
}

/* Writes what waits, oldest first; returns the errno that stopped it, or 0. */
static int flush_pending(struct rts_sink *sink)
{
    size_t taken = 0;
    size_t finished = 0;
    int failure = 0;
    while (finished < sink->batch_count && !failure) {
        struct batch *batch = &sink->batches[finished];
        size_t written = write_batch(sink, sink->pending.data + taken, batch->size, &failure);
        taken += written;
        batch->size -= written;
        if (batch->size == 0) {
            sink->waiting_lines -= batch->lines;
            finished++;
        }
    }
    rts_buffer_consume(&sink->pending, taken);
    sink->batch_count -= finished;
    if (finished)
        memmove(sink->batches, sink->batches + finished, sink->batch_count * sizeof *sink->batches);
    return failure;
}

/* Queues a batch; false when there is no room left for it. */
static bool queue_batch(struct rts_sink *sink, const void *bytes, size_t size, uint64_t lines)
{
    if (size == 0)
        return true;
    if (sink->pending.size > 0 && (sink->pending.size > RTS_SINK_PENDING_MAX ||
                                   size > RTS_SINK_PENDING_MAX - sink->pending.size)) {
        sink->refused_lines += lines;
        return false;
    }
    rts_buffer_append(&sink->pending, bytes, size);
    sink->batches =
        rts_grow(sink->batches, sink->batch_count, &sink->batch_capacity, sizeof *sink->batches);
    sink->batches[sink->batch_count++] = (struct batch){size, lines};
    sink->waiting_lines += lines;
    return true;
}

/* Errors after which no later attempt can succeed. */
static bool is_final(int number)
{
    return number == EPIPE || number == EBADF || number == EINVAL || number == ECONNRESET;
}

static int give_up(struct rts_sink *sink, int number, struct rts_error *error)
{
    sink->broken = true;
    sink->refused_lines += sink->waiting_lines;
    sink->waiting_lines = 0;
    sink->batch_count = 0;
    rts_buffer_finish(&sink->pending);
    return rts_fail_errno(error, number, "%s takes no more facts", sink->name);
}

static int report_waiting(const struct rts_sink *sink, int number, bool refused,
                          struct rts_error *error)
{
    const char *full = refused ? ", which is full: the newest were refused" : "";
    if (number == EAGAIN)
        rts_fail(error, RTS_FAILED,
                 "the reader of %s takes no data: %" PRIu64 " facts wait in memory%s", sink->name,
                 sink->waiting_lines, full);
    else
        rts_fail_errno(error, number, "cannot write to %s: %" PRIu64 " facts wait in memory%s",
                       sink->name, sink->waiting_lines, full);
    return 1;
}

int rts_sink_write(struct rts_sink *sink, const void *bytes, size_t size, uint64_t lines,
                   struct rts_error *error)
{
    if (sink->broken) {
        sink->refused_lines += size ? lines : 0;
        return rts_fail_errno(error, EPIPE, "%s takes no more facts", sink->name);
    }
    sink->deadline_ns = rts_clock_monotonic_ns() + (sink->stalled ? 0 : READER_PATIENCE_NS);
    /* What waits goes first and makes room. After a failure there is no point in trying again with
     * the new batch at once. */
    int failure = flush_pending(sink);
    bool queued = queue_batch(sink, bytes, size, lines);
    if (!failure && queued)
        failure = flush_pending(sink);
    sink->stalled = failure == EAGAIN;
    if (!failure)
        return 0;
    return is_final(failure) ? give_up(sink, failure, error)
                             : report_waiting(sink, failure, !queued, error);
}

uint64_t rts_sink_unwritten(const struct rts_sink *sink)
{
    return sink->waiting_lines + sink->refused_lines;
}

/* Late errors: a network or delayed-allocation file system tells of a full disk only now. */
static int finish_file(struct rts_sink *sink, struct rts_error *error)
{
    int failure = 0;
    if (sink->owned && sink->regular && fsync(sink->fd) != 0 && errno != EINVAL)
        failure = errno;
    if (close(sink->fd) != 0 && !failure)
        failure = errno;
    if (!failure)
        return 0;
    return rts_fail_errno(error, failure, "the facts in %s may be incomplete", sink->name);
}

int rts_sink_close(struct rts_sink *sink, uint64_t *unwritten, struct rts_error *error)
{
    if (unwritten)
        *unwritten = 0;
    if (!sink)
        return 0;
    int flags = fcntl(sink->fd, F_GETFL);
    bool blocking = flags >= 0 && !(flags & O_NONBLOCK);
    sink->deadline_ns = blocking ? NO_DEADLINE : rts_clock_monotonic_ns() + READER_PATIENCE_NS;
    int failure = sink->broken ? EPIPE : flush_pending(sink);
    int result = finish_file(sink, error);
    uint64_t lost = rts_sink_unwritten(sink);
    if (lost > 0) {
        result =
            failure ? rts_fail_errno(error, failure, "%" PRIu64 " facts could not be written to %s",
                                     lost, sink->name)
                    : rts_fail(error, RTS_FAILED, "%" PRIu64 " facts could not be written to %s",
                               lost, sink->name);
    }
    if (unwritten)
        *unwritten = lost;
    rts_buffer_finish(&sink->pending);
    free(sink->batches);
    free(sink->name);
    free(sink);
    return result;
}
