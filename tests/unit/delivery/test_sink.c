/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "delivery/sink.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../suite.h"
#include "util/buffer.h"

/* A new empty folder; the caller removes it. */
static void make_folder(char path[64])
{
    strcpy(path, "/tmp/rtsample-test-XXXXXX");
    assert_non_null(mkdtemp(path));
}

static struct rts_buffer read_all(const char *path)
{
    struct rts_buffer content = RTS_BUFFER_INIT;
    rts_buffer_text(&content, "");
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    char bytes[4096];
    size_t size;
    while ((size = fread(bytes, 1, sizeof bytes, file)) > 0)
        rts_buffer_append(&content, bytes, size);
    fclose(file);
    return content;
}

static void assert_content(const char *path, const char *expected)
{
    struct rts_buffer content = read_all(path);
    assert_string_equal(content.data, expected);
    rts_buffer_finish(&content);
}

/* `count` lines of `size` bytes each, numbered from `first`. */
static struct rts_buffer make_batch(unsigned first, unsigned count, int size)
{
    struct rts_buffer batch = RTS_BUFFER_INIT;
    for (unsigned i = 0; i < count; i++)
        rts_buffer_format(&batch, "%0*u\n", size - 1, first + i);
    return batch;
}

static void writes_and_truncates_a_file(void **state)
{
    (void)state;
    char folder[64], path[96];
    struct rts_error error = {0};
    uint64_t unwritten = 99;
    make_folder(folder);
    snprintf(path, sizeof path, "%s/facts", folder);
    for (int round = 0; round < 2; round++) {
        struct rts_sink *sink = rts_sink_open(path, &error);
        assert_non_null(sink);
        assert_int_equal(rts_sink_write(sink, "a\nb\n", 4, 2, &error), 0);
        assert_int_equal(rts_sink_write(sink, NULL, 0, 0, &error), 0);
        assert_int_equal(rts_sink_write(sink, "c\n", 2, 1, &error), 0);
        assert_int_equal(rts_sink_unwritten(sink), 0);
        assert_int_equal(rts_sink_close(sink, &unwritten, &error), 0);
        assert_int_equal(unwritten, 0);
        assert_content(path, "a\nb\nc\n");
    }
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    assert_int_equal(error.text[0], '\0');
    unlink(path);
    rmdir(folder);
}

static void opening_fails_with_the_path(void **state)
{
    (void)state;
    struct rts_error error = {0};
    assert_null(rts_sink_open("/nowhere/at/all/facts", &error));
    assert_int_equal(error.number, ENOENT);
    assert_non_null(strstr(error.text, "/nowhere/at/all/facts"));
    assert_null(rts_sink_open("/", &error));
    assert_int_equal(error.number, EISDIR);
    assert_int_equal(rts_sink_close(NULL, NULL, NULL), 0);
}

static void full_device_keeps_and_counts(void **state)
{
    (void)state;
    struct rts_error error = {0};
    uint64_t unwritten = 0;
    struct rts_sink *sink = rts_sink_open("/dev/full", &error);
    assert_non_null(sink);
    assert_int_equal(rts_sink_write(sink, "a\nb\n", 4, 2, &error), 1);
    assert_int_equal(error.number, ENOSPC);
    assert_non_null(strstr(error.text, "/dev/full"));
    assert_int_equal(rts_sink_write(sink, "c\n", 2, 1, &error), 1);
    assert_int_equal(rts_sink_unwritten(sink), 3);
    assert_int_equal(rts_sink_close(sink, &unwritten, &error), -1);
    assert_int_equal(unwritten, 3);
    assert_int_equal(error.failure, RTS_FAILED);
    assert_non_null(strstr(error.text, "3 facts"));
}

/* 64 MiB may wait; the batch beyond is refused, and what waits still counts. */
static void waiting_bytes_are_bounded(void **state)
{
    (void)state;
    struct rts_error error;
    uint64_t unwritten = 0;
    size_t size = RTS_SINK_PENDING_MAX / 4;
    char *bytes = malloc(size);
    assert_non_null(bytes);
    memset(bytes, '\n', size);
    struct rts_sink *sink = rts_sink_open("/dev/full", &error);
    for (int i = 0; i < 4; i++)
        assert_int_equal(rts_sink_write(sink, bytes, size, 10, &error), 1);
    assert_null(strstr(error.text, "refused"));
    assert_int_equal(rts_sink_write(sink, "x\n", 2, 1, &error), 1);
    assert_non_null(strstr(error.text, "refused"));
    assert_int_equal(rts_sink_unwritten(sink), 41);
    assert_int_equal(rts_sink_close(sink, &unwritten, NULL), -1);
    assert_int_equal(unwritten, 41);
    free(bytes);
}

/* A size limit stands in for a full disk where we may not mount one: EFBIG in place of ENOSPC. */
static void full_file_is_cut_back_and_continued(void **state)
{
    (void)state;
    char folder[64], path[96];
    struct rts_error error;
    make_folder(folder);
    snprintf(path, sizeof path, "%s/facts", folder);
    struct rts_sink *sink = rts_sink_open(path, &error);
    struct rts_buffer first = make_batch(0, 10, 100);
    struct rts_buffer second = make_batch(10, 10, 100);
    struct rts_buffer third = make_batch(20, 10, 100);

    struct rlimit before, small;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = 1550;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    int wrote_first = rts_sink_write(sink, first.data, first.size, 10, &error);
    int wrote_second = rts_sink_write(sink, second.data, second.size, 10, &error);
    uint64_t waiting = rts_sink_unwritten(sink);
    struct rts_buffer while_full = read_all(path);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);

    assert_int_equal(wrote_first, 0);
    assert_int_equal(wrote_second, 1);
    assert_int_equal(error.number, EFBIG);
    assert_int_equal(waiting, 10);
    assert_string_equal(while_full.data, first.data);

    assert_int_equal(rts_sink_write(sink, third.data, third.size, 10, &error), 0);
    assert_int_equal(rts_sink_close(sink, NULL, &error), 0);
    rts_buffer_text(&first, second.data);
    rts_buffer_text(&first, third.data);
    assert_content(path, first.data);
    rts_buffer_finish(&while_full);
    rts_buffer_finish(&first);
    rts_buffer_finish(&second);
    rts_buffer_finish(&third);
    unlink(path);
    rmdir(folder);
}

/* Fills a real small disk with two things: our facts and a ballast that is removed half-way. */
static void full_disk_loses_nothing(void **state)
{
    (void)state;
    char folder[64], path[96], ballast_path[96];
    struct rts_error error;
    make_folder(folder);
    if (mount("rtsample-test", folder, "tmpfs", 0, "size=256k") != 0) {
        rmdir(folder);
        print_message("a tmpfs cannot be mounted here\n");
        skip();
    }
    snprintf(path, sizeof path, "%s/facts", folder);
    snprintf(ballast_path, sizeof ballast_path, "%s/ballast", folder);
    static char ballast[200 << 10];
    int fd = open(ballast_path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    ssize_t ballast_written = write(fd, ballast, sizeof ballast);
    close(fd);

    struct rts_buffer expected = RTS_BUFFER_INIT;
    struct rts_sink *sink = rts_sink_open(path, &error);
    unsigned waits = 0;
    bool whole_lines = true;
    for (unsigned i = 0; i < 20; i++) {
        struct rts_buffer batch = make_batch(i * 100, 100, 77);
        rts_buffer_append(&expected, batch.data, batch.size);
        waits += rts_sink_write(sink, batch.data, batch.size, 100, &error) == 1;
        rts_buffer_finish(&batch);
        struct rts_buffer content = read_all(path);
        whole_lines = whole_lines && content.size % 77 == 0 &&
                      memcmp(content.data, expected.data, content.size) == 0;
        rts_buffer_finish(&content);
        if (i == 15)
            unlink(ballast_path);
    }
    int failure = error.number;
    int closed = rts_sink_close(sink, NULL, &error);
    struct rts_buffer content = read_all(path);
    umount2(folder, MNT_DETACH);
    rmdir(folder);

    assert_int_equal(ballast_written, sizeof ballast);
    assert_in_range(waits, 5, 12);
    assert_int_equal(failure, ENOSPC);
    assert_true(whole_lines);
    assert_int_equal(closed, 0);
    assert_int_equal(content.size, expected.size);
    assert_memory_equal(content.data, expected.data, expected.size);
    rts_buffer_finish(&content);
    rts_buffer_finish(&expected);
}

/* A sink on a descriptor that is stdout just while the sink is opened. */
static struct rts_sink *open_on(int fd)
{
    fflush(stdout);
    int saved = dup(STDOUT_FILENO);
    dup2(fd, STDOUT_FILENO);
    struct rts_sink *sink = rts_sink_open("-", NULL);
    dup2(saved, STDOUT_FILENO);
    close(saved);
    return sink;
}

static void closed_stdout_fails_at_once(void **state)
{
    (void)state;
    struct rts_error error = {0};
    fflush(stdout);
    int saved = dup(STDOUT_FILENO);
    close(STDOUT_FILENO);
    struct rts_sink *sink = rts_sink_open("-", &error);
    dup2(saved, STDOUT_FILENO);
    close(saved);
    assert_null(sink);
    assert_int_equal(error.number, EBADF);
    assert_non_null(strstr(error.text, "stdout"));
}

static void reader_gone_ends_the_sink(void **state)
{
    (void)state;
    struct rts_error error = {0};
    uint64_t unwritten = 0;
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    struct rts_sink *sink = open_on(ends[1]);
    close(ends[1]);
    assert_int_equal(rts_sink_write(sink, "a\n", 2, 1, &error), 0);
    close(ends[0]);
    assert_int_equal(rts_sink_write(sink, "b\nc\n", 4, 2, &error), -1);
    assert_int_equal(error.number, EPIPE);
    assert_int_equal(rts_sink_write(sink, "d\n", 2, 1, &error), -1);
    assert_int_equal(rts_sink_write(sink, NULL, 0, 0, &error), -1);
    assert_int_equal(rts_sink_unwritten(sink), 3);
    assert_int_equal(rts_sink_close(sink, &unwritten, &error), -1);
    assert_int_equal(unwritten, 3);
}

/* A pipe whose reader takes nothing: the sink gives up waiting, keeps what the pipe did not take,
 * and goes on where it stopped once the reader reads. */
static void stuck_reader_blocks_nobody(int pipe_flags)
{
    struct rts_error error;
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC | pipe_flags), 0);
    assert_true(fcntl(ends[1], F_SETPIPE_SZ, 65536) > 0);
    struct rts_sink *sink = open_on(ends[1]);
    close(ends[1]);
    struct rts_buffer batch = make_batch(0, 1000, 97);
    assert_int_equal(rts_sink_write(sink, batch.data, batch.size, 1000, &error), 1);
    assert_int_equal(rts_sink_unwritten(sink), 1000);
    assert_non_null(strstr(error.text, "stdout"));

    struct rts_buffer read_back = RTS_BUFFER_INIT;
    char bytes[4096];
    int flags = fcntl(ends[0], F_GETFL);
    fcntl(ends[0], F_SETFL, flags | O_NONBLOCK);
    ssize_t size;
    while ((size = read(ends[0], bytes, sizeof bytes)) > 0)
        rts_buffer_append(&read_back, bytes, (size_t)size);
    assert_in_range(read_back.size, 1, batch.size - 1);
    assert_int_equal(rts_sink_write(sink, "last\n", 5, 1, &error), 0);
    assert_int_equal(rts_sink_unwritten(sink), 0);
    while ((size = read(ends[0], bytes, sizeof bytes)) > 0)
        rts_buffer_append(&read_back, bytes, (size_t)size);
    rts_buffer_text(&batch, "last\n");
    assert_string_equal(read_back.data, batch.data);
    assert_int_equal(rts_sink_close(sink, NULL, &error), 0);
    close(ends[0]);
    rts_buffer_finish(&batch);
    rts_buffer_finish(&read_back);
}

static void stuck_reader_of_a_blocking_pipe(void **state)
{
    (void)state;
    stuck_reader_blocks_nobody(0);
}

static void stuck_reader_of_a_non_blocking_pipe(void **state)
{
    (void)state;
    stuck_reader_blocks_nobody(O_NONBLOCK);
}

struct slow_reader {
    int fd;
    sem_t may_start;
    struct rts_buffer content;
};

static void *read_slowly(void *opaque)
{
    struct slow_reader *reader = opaque;
    char bytes[1000];
    ssize_t size;
    sem_wait(&reader->may_start);
    usleep(1300000); /* longer than the sink waits while sampling goes on */
    while ((size = read(reader->fd, bytes, sizeof bytes)) > 0)
        rts_buffer_append(&reader->content, bytes, (size_t)size);
    return NULL;
}

/* At the end the sink waits for a reader that takes its time: `rtsample ... | less`. */
static void fifo_is_not_waited_for(void **state)
{
    (void)state;
    char directory[] = "/tmp/rtsample-sink-XXXXXX", path[64];
    assert_non_null(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/fifo", directory);
    assert_int_equal(mkfifo(path, 0600), 0);
    struct rts_error error = {0};
    assert_null(rts_sink_open(path, &error));
    assert_int_equal(error.number, ENXIO);
    int reader = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    assert_true(reader >= 0);
    struct rts_sink *sink = rts_sink_open(path, &error);
    assert_non_null(sink);
    assert_int_equal(rts_sink_write(sink, "a\n", 2, 1, &error), 0);
    char text[8];
    assert_int_equal(read(reader, text, sizeof text), 2);
    assert_int_equal(rts_sink_close(sink, NULL, &error), 0);
    close(reader);
    unlink(path);
    rmdir(directory);
}

static void closing_waits_for_the_reader(void **state)
{
    (void)state;
    struct rts_error error;
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    struct rts_sink *sink = open_on(ends[1]);
    close(ends[1]);
    struct slow_reader reader = {.fd = ends[0], .content = RTS_BUFFER_INIT};
    sem_init(&reader.may_start, 0, 0);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, read_slowly, &reader), 0);
    struct rts_buffer batch = make_batch(0, 10000, 97);
    assert_int_equal(rts_sink_write(sink, batch.data, batch.size, 10000, &error), 1);
    sem_post(&reader.may_start);
    assert_int_equal(rts_sink_close(sink, NULL, &error), 0);
    pthread_join(thread, NULL);
    assert_string_equal(reader.content.data, batch.data);
    close(ends[0]);
    rts_buffer_finish(&batch);
    rts_buffer_finish(&reader.content);
}

/* Writes under a limit on the size of files; what it does without one is the caller's next step. */
static int write_limited(struct rts_sink *sink, const struct rts_buffer *batch, rlim_t limit)
{
    struct rlimit before, small;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = limit;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    int result = rts_sink_write(sink, batch->data, batch->size, 1, NULL);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    return result;
}

/* logrotate's copytruncate: the file is copied, then emptied, and goes on from its new end. */
static void emptied_file_goes_on_without_a_hole(void **state)
{
    (void)state;
    char folder[64], path[96];
    struct rts_error error;
    make_folder(folder);
    snprintf(path, sizeof path, "%s/facts", folder);
    for (int kind = 0; kind < 3; kind++) { /* a path; stdout as `>` opens it; as `>>` does */
        int flags = O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | (kind == 2 ? O_APPEND : 0);
        int fd = kind > 0 ? open(path, flags, 0600) : -1;
        struct rts_sink *sink = kind > 0 ? open_on(fd) : rts_sink_open(path, &error);
        assert_non_null(sink);
        assert_int_equal(rts_sink_write(sink, "before\n", 7, 1, &error), 0);
        assert_int_equal(truncate(path, 0), 0);
        assert_int_equal(rts_sink_write(sink, "after\n", 6, 1, &error), 0);
        assert_content(path, "after\n");
        assert_int_equal(truncate(path, 0), 0);
        assert_int_equal(rts_sink_write(sink, "again\n", 6, 1, &error), 0);
        assert_int_equal(rts_sink_write(sink, "and\n", 4, 1, &error), 0);
        assert_content(path, "again\nand\n");
        if (kind == 1) /* the shell shares these flags */
            assert_int_equal(fcntl(fd, F_GETFL) & O_APPEND, 0);
        assert_int_equal(rts_sink_close(sink, NULL, &error), 0);
        if (fd >= 0)
            close(fd);
    }
    unlink(path);
    rmdir(folder);
}

/* The same while the file is full: the batch that waits is cut out, then written to the new end. */
static void emptied_full_file_goes_on_with_whole_lines(void **state)
{
    (void)state;
    char folder[64], path[96];
    struct rts_error error;
    make_folder(folder);
    snprintf(path, sizeof path, "%s/facts", folder);
    struct rts_sink *sink = rts_sink_open(path, &error);
    struct rts_buffer first = make_batch(0, 10, 100), second = make_batch(10, 10, 100);
    struct rlimit before, small;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = 1550;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    int wrote_first = rts_sink_write(sink, first.data, first.size, 10, &error);
    int wrote_second = rts_sink_write(sink, second.data, second.size, 10, &error);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(wrote_first, 0);
    assert_int_equal(wrote_second, 1);
    assert_content(path, first.data);
    assert_int_equal(truncate(path, 0), 0);
    assert_int_equal(rts_sink_close(sink, NULL, &error), 0);
    assert_content(path, second.data);
    rts_buffer_finish(&first);
    rts_buffer_finish(&second);
    unlink(path);
    rmdir(folder);
}

/* stdout may be a file to which others append: what they wrote must survive a cut. */
static void appended_file_keeps_what_others_wrote(void **state)
{
    (void)state;
    char folder[64], path[96];
    make_folder(folder);
    snprintf(path, sizeof path, "%s/log", folder);
    int theirs = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    assert_int_equal(write(theirs, "theirs\n", 7), 7);
    int ours = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
    struct rts_sink *sink = open_on(ours);
    struct rts_buffer batch = make_batch(0, 10, 100);
    assert_int_equal(write_limited(sink, &batch, 507), 1);
    assert_content(path, "theirs\n");
    assert_int_equal(write(theirs, "more\n", 5), 5);
    assert_int_equal(rts_sink_close(sink, NULL, NULL), 0);

    struct rts_buffer expected = RTS_BUFFER_INIT;
    rts_buffer_text(&expected, "theirs\nmore\n");
    rts_buffer_text(&expected, batch.data);
    assert_content(path, expected.data);
    rts_buffer_finish(&expected);
    rts_buffer_finish(&batch);
    close(theirs);
    close(ours);
    unlink(path);
    rmdir(folder);
}

/* `1<>file` leaves what the file held; what lies behind our place is not ours to cut off. */
static void bytes_behind_ours_are_not_cut_off(void **state)
{
    (void)state;
    char folder[64], path[96];
    make_folder(folder);
    snprintf(path, sizeof path, "%s/log", folder);
    struct rts_buffer old = make_batch(500, 10, 100);
    struct rts_buffer batch = make_batch(0, 3, 100);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(write(fd, old.data, old.size), old.size);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    struct rts_sink *sink = open_on(fd);
    assert_int_equal(write_limited(sink, &batch, 150), 1);
    assert_int_equal(rts_sink_close(sink, NULL, NULL), 0);

    memcpy(old.data, batch.data, batch.size);
    assert_content(path, old.data);
    rts_buffer_finish(&old);
    rts_buffer_finish(&batch);
    close(fd);
    unlink(path);
    rmdir(folder);
}

RTS_SUITE
{
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_and_truncates_a_file),
        cmocka_unit_test(opening_fails_with_the_path),
        cmocka_unit_test(full_device_keeps_and_counts),
        cmocka_unit_test(waiting_bytes_are_bounded),
        cmocka_unit_test(full_file_is_cut_back_and_continued),
        cmocka_unit_test(full_disk_loses_nothing),
        cmocka_unit_test(closed_stdout_fails_at_once),
        cmocka_unit_test(reader_gone_ends_the_sink),
        cmocka_unit_test(stuck_reader_of_a_blocking_pipe),
        cmocka_unit_test(stuck_reader_of_a_non_blocking_pipe),
        cmocka_unit_test(closing_waits_for_the_reader),
        cmocka_unit_test(fifo_is_not_waited_for),
        cmocka_unit_test(emptied_file_goes_on_without_a_hole),
        cmocka_unit_test(emptied_full_file_goes_on_with_whole_lines),
        cmocka_unit_test(appended_file_keeps_what_others_wrote),
        cmocka_unit_test(bytes_behind_ours_are_not_cut_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
