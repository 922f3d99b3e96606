/* SPDX-License-Identifier: Apache-2.0 */
/* A trace is read from files and from pipes alike; and a file may be cut short meanwhile. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "../suite.h"
#include "trace/input.h"
#include "trace/trace.h"
#include "trace/writer.h"

#define SIZE 300000

static uint8_t byte_at(size_t i)
{
    return (uint8_t)(i * 7 + i / 251);
}

/* A file without a name that holds bytes_at() each; its fd is at the beginning. */
static int make_file(size_t size)
{
    FILE *file = tmpfile();
    assert_non_null(file);
    for (size_t i = 0; i < size; i++)
        fputc(byte_at(i), file);
    fflush(file);
    int fd = dup(fileno(file));
    fclose(file);
    lseek(fd, 0, SEEK_SET);
    return fd;
}

static void open_path(struct rts_trace_input *input, int fd)
{
    char path[64];
    struct rts_error error;
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    assert_int_equal(rts_trace_input_open(input, path, NULL, NULL, &error), 0);
}

/* All bytes, in pieces of many sizes, some of them passed by. */
static void check_bytes(struct rts_trace_input *input, size_t size)
{
    size_t at = 0;
    for (size_t piece = 1; at < size; piece = piece * 5 % 131071 + 1) {
        size_t want = piece < size - at ? piece : size - at;
        assert_int_equal(input->offset, at);
        if (piece % 3 == 0) {
            assert_true(rts_trace_input_skip(input, want));
        } else {
            const uint8_t *bytes = rts_trace_input_peek(input, want);
            assert_non_null(bytes);
            for (size_t i = 0; i < want; i++)
                assert_int_equal(bytes[i], byte_at(at + i));
            rts_trace_input_take(input, want);
        }
        at += want;
    }
    assert_null(rts_trace_input_peek(input, 1));
    assert_int_equal(errno, 0);
    assert_int_equal(rts_trace_input_left(input), 0);
    assert_false(rts_trace_input_skip(input, 1));
}

static void a_file_is_read(void **state)
{
    (void)state;
    struct rts_trace_input input;
    int fd = make_file(SIZE);
    open_path(&input, fd);
    assert_true(input.is_file);
    assert_int_equal(rts_trace_input_left(&input), SIZE);
    check_bytes(&input, SIZE);
    rts_trace_input_finish(&input);
    close(fd);
}

static void a_pipe_is_read(void **state)
{
    (void)state;
    struct rts_trace_input input;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        close(ends[0]);
        for (size_t i = 0; i < SIZE; i++) {
            uint8_t byte = byte_at(i);
            if (write(ends[1], &byte, 1) != 1)
                _exit(1);
        }
        _exit(0);
    }
    close(ends[1]);
    open_path(&input, ends[0]);
    assert_false(input.is_file);
    check_bytes(&input, SIZE);
    rts_trace_input_finish(&input);
    close(ends[0]);
    waitpid(child, NULL, 0);
}

/* As a signalfd is looked into before each read, which leaves its own errno. */
static bool wait_and_fail_to_read(void *context, int fd)
{
    (void)context, (void)fd;
    errno = EAGAIN;
    return true;
}

static void an_empty_pipe_is_empty(void **state)
{
    (void)state;
    static const char *const contents[] = {"", "PERF", "PERFILE2"};
    const struct rts_trace_options options = {.wait = wait_and_fail_to_read};
    for (size_t i = 0; i < sizeof contents / sizeof *contents; i++) {
        int ends[2];
        char path[64];
        struct rts_error error = {0};
        assert_int_equal(pipe(ends), 0);
        assert_int_equal(write(ends[1], contents[i], strlen(contents[i])), strlen(contents[i]));
        close(ends[1]);
        snprintf(path, sizeof path, "/proc/self/fd/%d", ends[0]);
        assert_null(rts_trace_open(path, &options, &error));
        close(ends[0]);
        assert_int_equal(error.failure, RTS_FAILED);
        assert_non_null(strstr(error.text, path));
        assert_non_null(strstr(error.text, contents[i][0] ? "not a trace" : "empty"));
        assert_null(strstr(error.text, "unavailable"));
    }
}

/* What opening a folder is answered with, when its file "data" has these bytes. */
static void open_folder(const char *data, struct rts_error *error)
{
    char folder[] = "/tmp/rtsample-input-XXXXXX", path[64];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/data", folder);
    if (data) {
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        fputs(data, file);
        fclose(file);
    }
    *error = (struct rts_error){0};
    assert_null(rts_trace_open(folder, NULL, error));
    assert_non_null(strstr(error->text, folder));
    unlink(path);
    rmdir(folder);
}

static void of_a_folder_the_trace_in_it_is_read(void **state)
{
    (void)state;
    struct rts_error error;
    open_folder(NULL, &error);
    assert_non_null(strstr(error.text, "is a directory"));
    assert_null(strstr(error.text, "--threads"));
    open_folder("", &error);
    assert_non_null(strstr(error.text, "is empty"));
    open_folder("some text that is no trace", &error);
    assert_non_null(strstr(error.text, "not a trace"));
}

static void any_place_of_a_file_is_read(void **state)
{
    (void)state;
    struct rts_trace_input input;
    uint8_t bytes[16];
    int fd = make_file(1000);
    open_path(&input, fd);
    assert_true(rts_trace_input_read(&input, 984, bytes, 16));
    assert_int_equal(bytes[15], byte_at(999));
    assert_false(rts_trace_input_read(&input, 985, bytes, 16));
    assert_false(rts_trace_input_read(&input, UINT64_MAX, bytes, 16));
    uint8_t *loaded = rts_trace_input_load(&input, 100, 900);
    assert_non_null(loaded);
    assert_int_equal(loaded[899], byte_at(999));
    free(loaded);
    loaded = rts_trace_input_load(&input, 1000, 0);
    assert_non_null(loaded);
    free(loaded);
    assert_null(rts_trace_input_load(&input, 1001, 0));
    assert_null(rts_trace_input_load(&input, 1, UINT64_MAX));
    assert_null(rts_trace_input_load(&input, UINT64_MAX, 2));
    rts_trace_input_finish(&input);
    close(fd);
}

static void what_was_cut_off_is_not_there(void **state)
{
    (void)state;
    struct rts_trace_input input;
    uint8_t bytes[8];
    int fd = make_file(SIZE);
    open_path(&input, fd);
    assert_non_null(rts_trace_input_peek(&input, 8));
    assert_int_equal(ftruncate(fd, 1000), 0);
    assert_null(rts_trace_input_peek(&input, 200000));
    assert_false(rts_trace_input_read(&input, 100000, bytes, 8));
    assert_null(rts_trace_input_load(&input, 500, 1000));
    assert_true(rts_trace_input_left(&input) > 0);
    rts_trace_input_finish(&input);
    close(fd);
}

/* A trace of perf's kind, with records that wait for their turn: none of ours marks it. */
static int make_trace(uint64_t records)
{
    struct rts_error error;
    const struct rts_trace_format format = {.period_ns = 1000, .started_ns = 1};
    FILE *file = tmpfile();
    assert_non_null(file);
    int fd = dup(fileno(file));
    fclose(file);
    struct rts_trace_writer *writer = rts_trace_writer_open_fd(dup(fd), "test", &format, &error);
    assert_non_null(writer);
    for (uint64_t i = 0; i < records; i++) {
        struct {
            struct perf_event_header header;
            int32_t pid, parent, tid, parent_tid;
            uint64_t time;
            int32_t id_pid, id_tid;
            uint64_t id_time;
            uint32_t cpu, reserved;
            uint64_t id;
        } exit = {
            .header = {.type = PERF_RECORD_EXIT, .size = sizeof exit},
            .pid = 1,
            .tid = 1,
            .time = records - i,
            .id_time = records - i,
            .id = RTS_TRACE_EVENT_ID,
        };
        assert_int_equal(rts_trace_writer_add(writer, &exit, sizeof exit, &error),
                         RTS_TRACE_WRITTEN);
    }
    uint64_t size;
    assert_int_equal(rts_trace_writer_finish(writer, &size, &error), 0);
    return fd;
}

static void a_trace_is_put_in_order(void **state)
{
    (void)state;
    struct rts_error error;
    struct rts_trace_record record;
    struct rts_trace_loss loss;
    uint64_t last = 0, count = 0;
    struct rts_trace *trace = rts_trace_open_fd(make_trace(5000), "test", &error);
    assert_non_null(trace);
    for (; rts_trace_next(trace, &record); count++) {
        assert_true(record.record.time > last);
        last = record.record.time;
    }
    rts_trace_loss(trace, &loss);
    assert_int_equal(count, 5000);
    assert_string_equal(loss.reason, "");
    rts_trace_close(trace);
}

/* Cut short between two records: what is behind is lost, and that is said. */
static void a_trace_may_be_cut_while_it_is_read(void **state)
{
    (void)state;
    struct rts_error error;
    struct rts_trace_record record;
    struct rts_trace_loss loss;
    uint64_t count = 1;
    int fd = make_trace(5000);
    struct rts_trace *trace = rts_trace_open_fd(dup(fd), "test", &error);
    assert_non_null(trace);
    assert_true(rts_trace_next(trace, &record));
    assert_int_equal(ftruncate(fd, 4096), 0);
    while (rts_trace_next(trace, &record))
        count++;
    rts_trace_loss(trace, &loss);
    assert_in_range(count, 1, 200);
    assert_string_equal(loss.reason, "the file was changed while it was read");
    rts_trace_close(trace);
    close(fd);
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_is_read),
        cmocka_unit_test(a_pipe_is_read),
        cmocka_unit_test(an_empty_pipe_is_empty),
        cmocka_unit_test(of_a_folder_the_trace_in_it_is_read),
        cmocka_unit_test(any_place_of_a_file_is_read),
        cmocka_unit_test(what_was_cut_off_is_not_there),
        cmocka_unit_test(a_trace_is_put_in_order),
        cmocka_unit_test(a_trace_may_be_cut_while_it_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
