/* SPDX-License-Identifier: Apache-2.0 */
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
#include "delivery/batch.h"
#include "facts/checked_line.h"
#include "send/fact_reader.h"
#include "util/buffer.h"

/* Long enough that a writer that is slow does not end a batch. */
#define LINGER_MS 600000

#define BATCH_LINES 7

static FILE *file_of(const struct rts_buffer *data)
{
    FILE *file = tmpfile();
    assert_non_null(file);
    assert_int_equal(fwrite(data->data, 1, data->size, file), data->size);
    assert_int_equal(fflush(file), 0);
    rewind(file);
    return file;
}

/* What all batches hold, each ended by "--\n". */
static struct rts_buffer read_all(int fd, uint64_t *wrong)
{
    struct rts_buffer all = RTS_BUFFER_INIT;
    struct rts_fact_batch batch;
    struct rts_error error;
    struct rts_fact_reader *reader = rts_fact_reader_create(BATCH_LINES, LINGER_MS, -1);
    rts_fact_reader_begin(reader, "input", fd);
    int result;
    while ((result = rts_fact_reader_next(reader, &batch, &error)) > 0) {
        assert_in_range(batch.count, 1, BATCH_LINES);
        rts_buffer_append(&all, batch.lines, batch.size);
        rts_buffer_text(&all, "--\n");
    }
    assert_int_equal(result, 0);
    assert_true(rts_fact_reader_is_done(reader));
    *wrong = rts_fact_reader_wrong(reader);
    rts_fact_reader_destroy(reader);
    return all;
}

static void add_fact(struct rts_buffer *data, unsigned number, size_t padding)
{
    rts_buffer_format(data, "{\"symbolId\":\"%06u", number);
    for (size_t i = 0; i < padding; i++)
        rts_buffer_text(data, "a");
    rts_buffer_text(data, "\",\"hitCount\":1}\n");
}

static void batches_are_sorted_and_full(void **state)
{
    (void)state;
    struct rts_buffer data = RTS_BUFFER_INIT, wanted = RTS_BUFFER_INIT;
    uint64_t wrong;
    for (unsigned i = 0; i < 16; i++)
        add_fact(&data, 16 - i, 0);
    for (unsigned i = 0; i < 16; i++) {
        static const unsigned order[] = {10, 11, 12, 13, 14, 15, 16, 3, 4, 5, 6, 7, 8, 9, 1, 2};
        add_fact(&wanted, order[i], 0);
        if (i == 6 || i == 13 || i == 15)
            rts_buffer_text(&wanted, "--\n");
    }
    FILE *file = file_of(&data);
    struct rts_buffer all = read_all(fileno(file), &wrong);
    assert_string_equal(all.data, wanted.data);
    assert_int_equal(wrong, 0);
    fclose(file);
    rts_buffer_finish(&all);
    rts_buffer_finish(&data);
    rts_buffer_finish(&wanted);
}

/* However the bytes come, the batches are the same; lines lie around the limits of our buffers. */
static void pieces_of_a_pipe_make_no_difference(void **state)
{
    (void)state;
    struct rts_buffer data = RTS_BUFFER_INIT;
    uint64_t wrong, wrong_of_pipe;
    static const size_t paddings[] = {
        0,
        10,
        RTS_CHECKED_LINE_MAX - 60,
        RTS_CHECKED_LINE_MAX - 40,
        RTS_CHECKED_LINE_MAX - 34,
        RTS_CHECKED_LINE_MAX - 33,
        RTS_CHECKED_LINE_MAX - 32,
        RTS_CHECKED_LINE_MAX,
        3 * RTS_CHECKED_LINE_MAX,
        5,
    };
    for (unsigned i = 0; i < 40; i++)
        add_fact(&data, i * 7919 % 1000, paddings[i % (sizeof paddings / sizeof *paddings)]);
    FILE *file = file_of(&data);
    struct rts_buffer whole = read_all(fileno(file), &wrong);
    assert_in_range(wrong, 8, 32);

    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t writer = fork();
    if (writer == 0) {
        unsigned chance = 1;
        for (size_t at = 0; at < data.size;) {
            chance = chance * 1103515245 + 12345;
            size_t size = chance >> 16 & 1 ? 1 + (chance >> 17 & 15) : 1 + (chance >> 8 & 65535);
            ssize_t count =
                write(ends[1], data.data + at, size < data.size - at ? size : data.size - at);
            if (count < 0)
                _exit(1);
            at += (size_t)count;
        }
        _exit(0);
    }
    close(ends[1]);
    struct rts_buffer pieces = read_all(ends[0], &wrong_of_pipe);
    int status;
    assert_int_equal(waitpid(writer, &status, 0), writer);
    assert_int_equal(status, 0);
    assert_int_equal(wrong_of_pipe, wrong);
    assert_int_equal(pieces.size, whole.size);
    assert_memory_equal(pieces.data, whole.data, whole.size);
    close(ends[0]);
    fclose(file);
    rts_buffer_finish(&whole);
    rts_buffer_finish(&pieces);
    rts_buffer_finish(&data);
}

/* A batch never has more bytes than the delivery would send in one. */
static void batches_are_bounded_in_bytes(void **state)
{
    (void)state;
    struct rts_buffer data = RTS_BUFFER_INIT;
    for (unsigned i = 0; i < 40; i++)
        add_fact(&data, i, RTS_CHECKED_LINE_MAX - 100);
    FILE *file = file_of(&data);
    struct rts_fact_reader *reader = rts_fact_reader_create(1000, LINGER_MS, -1);
    struct rts_fact_batch batch;
    size_t count = 0, batches = 0;
    rts_fact_reader_begin(reader, "input", fileno(file));
    while (rts_fact_reader_next(reader, &batch, NULL) > 0) {
        assert_true(batch.size <= RTS_BATCH_LINES_MAX);
        count += batch.count;
        batches++;
    }
    assert_int_equal(count, 40);
    assert_int_equal(batches, 3);
    rts_fact_reader_destroy(reader);
    fclose(file);
    rts_buffer_finish(&data);
}

static void interruption_hands_out_what_was_read(void **state)
{
    (void)state;
    int input[2], wake[2];
    struct rts_buffer data = RTS_BUFFER_INIT;
    struct rts_fact_batch batch;
    assert_int_equal(pipe(input), 0);
    assert_int_equal(pipe(wake), 0);
    add_fact(&data, 1, 0);
    assert_int_equal(write(input[1], data.data, data.size), data.size);
    struct rts_fact_reader *reader = rts_fact_reader_create(BATCH_LINES, 0, wake[0]);
    rts_fact_reader_begin(reader, "input", input[0]);
    assert_int_equal(rts_fact_reader_next(reader, &batch, NULL), 1);
    assert_int_equal(batch.count, 1);
    assert_int_equal(write(wake[1], "", 1), 1);
    assert_int_equal(rts_fact_reader_next(reader, &batch, NULL), 0);
    assert_false(rts_fact_reader_is_done(reader));
    assert_int_equal(rts_fact_reader_line(reader), 1);
    rts_fact_reader_destroy(reader);
    for (int i = 0; i < 2; i++) {
        close(input[i]);
        close(wake[i]);
    }
    rts_buffer_finish(&data);
}

static void what_holds_no_lines_is_refused(void **state)
{
    (void)state;
    static const char *const beginnings[] = {"\x1f\x8b\x08", "\xff\xfe{", "\xfe\xff{"};
    for (size_t i = 0; i < 3; i++) {
        struct rts_buffer data = RTS_BUFFER_INIT;
        struct rts_fact_batch batch;
        struct rts_error error;
        rts_buffer_text(&data, beginnings[i]);
        FILE *file = file_of(&data);
        struct rts_fact_reader *reader = rts_fact_reader_create(BATCH_LINES, LINGER_MS, -1);
        rts_fact_reader_begin(reader, "input", fileno(file));
        assert_int_equal(rts_fact_reader_next(reader, &batch, &error), -1);
        assert_non_null(strstr(error.text, i ? "UTF-16" : "gzip"));
        rts_fact_reader_destroy(reader);
        fclose(file);
        rts_buffer_finish(&data);
    }
    rts_fact_reader_destroy(NULL);
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(batches_are_sorted_and_full),
        cmocka_unit_test(pieces_of_a_pipe_make_no_difference),
        cmocka_unit_test(batches_are_bounded_in_bytes),
        cmocka_unit_test(interruption_hands_out_what_was_read),
        cmocka_unit_test(what_holds_no_lines_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
