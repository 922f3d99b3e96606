/* SPDX-License-Identifier: Apache-2.0 */
#include "trace/input.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/nameless_file.h"
#include "util/whole_io.h"

/* Read at once, of a stream and of a file. */
#define READ_SIZE ((size_t)64 << 10)

/* Goes on with a regular file of this size. */
static int take_file(struct rts_trace_input *input, const char *name, uint64_t size,
                     struct rts_error *error)
{
    if (size == 0)
        return rts_fail(error, RTS_FAILED, "%s is empty", name);
    input->is_file = true;
    input->file_size = input->end = size;
    off_t at =
        lseek(input->fd, 0, SEEK_CUR); /* of standard input: somebody may have read already */
    input->offset = at > 0 && (uint64_t)at < size ? (uint64_t)at : 0;
    return 0;
}

/* What perf record --kcore makes is a folder, with the trace in its file "data". Replaces *fd. */
static int open_in_folder(int *fd, struct stat *status, const char *name, struct rts_error *error)
{
    int inside = openat(*fd, "data", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    close(*fd);
    *fd = inside;
    if (inside < 0 || fstat(inside, status) < 0 || !S_ISREG(status->st_mode))
        return rts_fail(error, RTS_FAILED,
                        "%s is a directory, and not one that perf record made: it has no file "
                        "\"data\". Name the trace itself",
                        name);
    return 0;
}

int rts_trace_input_open(struct rts_trace_input *input, const char *path,
                         bool (*wait)(void *context, int fd), void *context,
                         struct rts_error *error)
{
    bool is_stdin = strcmp(path, "-") == 0;
    const char *name = is_stdin ? "standard input" : path;
    struct stat status;
    *input = (struct rts_trace_input){.fd = -1, .wait = wait, .context = context};
    RTS_CLOSE int fd =
        is_stdin ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0) : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &status) < 0) {
        int number = errno;
        rts_fail_errno(error, number, "cannot open the trace %s", name);
        if (error && number == ENOENT)
            error->failure = RTS_NOT_FOUND;
        return -1;
    }
    if (S_ISDIR(status.st_mode) && open_in_folder(&fd, &status, name, error) < 0)
        return -1;
    input->fd = rts_take_fd(&fd);
    return S_ISREG(status.st_mode) ? take_file(input, name, (uint64_t)status.st_size, error) : 0;
}

int rts_trace_input_take_fd(struct rts_trace_input *input, int fd, const char *name,
                            struct rts_error *error)
{
    struct stat status;
    *input = (struct rts_trace_input){.fd = fd};
    if (fstat(fd, &status) < 0)
        return rts_fail_errno(error, errno, "cannot read %s", name);
    return take_file(input, name, (uint64_t)status.st_size, error);
}

void rts_trace_input_finish(struct rts_trace_input *input)
{
    rts_trace_chunk_unref(input->chunk);
    if (input->fd >= 0)
        close(input->fd);
    *input = (struct rts_trace_input){.fd = -1};
}

/* Reads some bytes. False at the end, and when it fails (errno is not 0). */
static bool read_more(struct rts_trace_input *input, void *bytes, size_t size, size_t *got)
{
    ssize_t result;
    do {
        bool wanted = !input->wait || input->wait(input->context, input->fd);
        errno = 0; /* whatever came up while waiting: the end of a stream is not a failure */
        if (!wanted)
            return false;
        result = read(input->fd, bytes, size);
    } while (result < 0 && (errno == EINTR || errno == EAGAIN));
    *got = result > 0 ? (size_t)result : 0;
    return result > 0;
}

int rts_trace_input_keep(struct rts_trace_input *input, struct rts_error *error)
{
    static const char name[] = "the trace that is piped in";
    RTS_CLOSE int fd = rts_nameless_file(NULL);
    RTS_FREE uint8_t *bytes = malloc(READ_SIZE);
    size_t got = rts_trace_input_left(input);
    uint64_t size = got;
    bool kept =
        fd >= 0 && bytes &&
        (got == 0 || rts_write_all(fd, rts_trace_chunk_bytes(input->chunk) + input->begin, got));
    while (kept && read_more(input, bytes, READ_SIZE, &got)) {
        kept = rts_write_all(fd, bytes, got);
        size += got;
    }
    if (!kept || errno)
        return rts_fail_errno(error, errno, "cannot keep %s in a temporary file", name);
    rts_trace_chunk_unref(input->chunk);
    input->chunk = NULL;
    close(input->fd);
    input->fd = rts_take_fd(&fd);
    lseek(input->fd, 0, SEEK_SET);
    return take_file(input, name, size, error);
}

/* Bytes in memory that were not taken. */
static size_t in_memory(const struct rts_trace_input *input)
{
    return input->chunk ? input->chunk->size - input->begin : 0;
}

uint64_t rts_trace_input_left(const struct rts_trace_input *input)
{
    return input->is_file ? input->end - input->offset : in_memory(input);
}

/* Some of what follows what is in memory. */
static bool read_on(struct rts_trace_input *input, void *bytes, size_t size, size_t *got)
{
    if (!input->is_file)
        return read_more(input, bytes, size, got);
    uint64_t at = input->offset + in_memory(input), left = input->end - at;
    ssize_t result;
    do {
        errno = 0;
        result = pread(input->fd, bytes, left < size ? (size_t)left : size, (off_t)at);
    } while (result < 0 && errno == EINTR);
    *got = result > 0 ? (size_t)result : 0;
    return result > 0;
}

const uint8_t *rts_trace_input_peek(struct rts_trace_input *input, size_t size)
{
    errno = 0;
    if (input->is_file && rts_trace_input_left(input) < size)
        return NULL;
    while (in_memory(input) < size) {
        input->begin = rts_trace_chunk_make_room(&input->chunk, input->begin, size);
        struct rts_trace_chunk *chunk = input->chunk;
        size_t room = chunk->capacity - chunk->size, got;
        if (!read_on(input, rts_trace_chunk_bytes(chunk) + chunk->size,
                     room < READ_SIZE ? room : READ_SIZE, &got))
            return NULL;
        chunk->size += got;
    }
    return rts_trace_chunk_bytes(input->chunk) + input->begin;
}

void rts_trace_input_take(struct rts_trace_input *input, size_t size)
{
    input->offset += size;
    input->begin += size;
}

/* Of a file nothing of that is read. */
static bool skip_in_file(struct rts_trace_input *input, uint64_t size)
{
    bool enough = size <= rts_trace_input_left(input);
    input->offset += enough ? size : rts_trace_input_left(input);
    rts_trace_chunk_unref(input->chunk);
    input->chunk = NULL;
    input->begin = 0;
    return enough;
}

bool rts_trace_input_skip(struct rts_trace_input *input, uint64_t size)
{
    if (input->is_file)
        return skip_in_file(input, size);
    while (size > 0) {
        size_t left = in_memory(input);
        if (left == 0 && !rts_trace_input_peek(input, 1))
            return false;
        left = in_memory(input);
        size_t part = left < size ? left : (size_t)size;
        rts_trace_input_take(input, part);
        size -= part;
    }
    return true;
}

bool rts_trace_input_read(const struct rts_trace_input *input, uint64_t offset, void *bytes,
                          size_t size)
{
    if (!input->is_file || offset > input->file_size || size > input->file_size - offset)
        return false;
    return rts_read_all_at(input->fd, offset, bytes, size);
}

void *rts_trace_input_load(const struct rts_trace_input *input, uint64_t offset, uint64_t size)
{
    /* Looked at first, so that memory is only taken for what can be there. */
    if (size > RTS_TRACE_LOAD_MAX || offset > input->file_size || size > input->file_size - offset)
        return NULL;
    void *bytes = malloc(size > 0 ? (size_t)size : 1);
    if (bytes && rts_trace_input_read(input, offset, bytes, (size_t)size))
        return bytes;
    free(bytes);
    return NULL;
}
