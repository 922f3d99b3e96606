/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "package/line_reader.h"

#include "../oracle.h"
#include "../suite.h"

static void assert_next(struct rts_line_reader *reader, const char *expected, uint64_t offset)
{
    assert_string_equal(rts_line_reader_next(reader), expected);
    assert_int_equal(reader->offset, offset);
}

static void reads_lines_and_their_offsets(void **state)
{
    (void)state;
    struct rts_reading reading;
    rts_reading_begin(&reading, &RTS_TREE_OURS);
    char *file = oracle_file("one\n\nthree\nrest", 15);
    struct rts_line_reader *reader = rts_line_reader_open(&reading, file, 0);
    assert_next(reader, "one", 0);
    assert_next(reader, "", 4);
    assert_next(reader, "three", 5);
    assert_next(reader, "rest", 11);
    assert_null(rts_line_reader_next(reader));
    rts_line_reader_close(reader);
    reader = rts_line_reader_open(&reading, file, 5);
    assert_next(reader, "three", 5);
    rts_line_reader_close(reader);
    oracle_file_done(file);
    assert_null(rts_line_reader_open(&reading, "/nonexistent/file", 0));
    assert_null(rts_line_reader_open(&reading, "/dev/zero", 0));
}

/* Lines around the limit, and one many times as long, beside lines that must not be lost. */
static void passes_over_lines_that_are_too_long(void **state)
{
    (void)state;
    struct rts_reading reading;
    rts_reading_begin(&reading, &RTS_TREE_OURS);
    static const size_t sizes[] = {RTS_LINE_MAX - 1, RTS_LINE_MAX, RTS_LINE_MAX + 1,
                                   5 * RTS_LINE_MAX + 3};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        size_t size = sizes[i];
        char *text = malloc(size + 16);
        memcpy(text, "before\n", 7);
        memset(text + 7, 'x', size);
        memcpy(text + 7 + size, "\nafter\n", 7);
        char *file = oracle_file(text, size + 14);
        struct rts_line_reader *reader = rts_line_reader_open(&reading, file, 0);
        assert_next(reader, "before", 0);
        if (size < RTS_LINE_MAX)
            assert_int_equal(strlen(rts_line_reader_next(reader)), size);
        assert_next(reader, "after", 8 + size);
        assert_null(rts_line_reader_next(reader));
        rts_line_reader_close(reader);
        oracle_file_done(file);
        free(text);
    }
}

/* A line of 1 GiB that costs no disk and must cost no memory. */
static void a_huge_line_ends_the_file(void **state)
{
    (void)state;
    struct rts_reading reading;
    const struct rts_tree other = {.root_fd = open("/", O_PATH | O_DIRECTORY)};
    rts_reading_begin(&reading, &other);
    char *file = oracle_file("first\n", 6);
    assert_int_equal(truncate(file, (off_t)2 << 30), 0);
    struct rts_line_reader *reader = rts_line_reader_open(&reading, file, 0);
    assert_next(reader, "first", 0);
    assert_null(rts_line_reader_next(reader));
    rts_line_reader_close(reader);
    assert_true(reading.spent);
    close(other.root_fd);
    oracle_file_done(file);
}

/* Of somebody else's tree no more is read than that: files end, and it can be told why. */
static void ends_when_the_allowance_is_used_up(void **state)
{
    (void)state;
    struct rts_reading reading;
    const struct rts_tree other = {.root_fd = open("/", O_PATH | O_DIRECTORY)};
    const size_t size = (size_t)20 << 20, line = 64;
    char *text = malloc(size);
    memset(text, 'x', size);
    for (size_t end = line; end <= size; end += line)
        text[end - 1] = '\n';
    char *file = oracle_file(text, size);
    rts_reading_begin(&reading, &other);
    for (size_t read = 0, round = 0; round < 4; round++) {
        struct rts_line_reader *reader = rts_line_reader_open(&reading, file, 0);
        for (read = 0; rts_line_reader_next(reader);)
            read++;
        rts_line_reader_close(reader);
        assert_true(round < 3 ? read == size / line : read < size / line);
        assert_int_equal(reading.spent, round == 3);
    }
    rts_reading_begin_question(&reading, &other);
    assert_false(reading.spent);
    assert_true(rts_reading_take(&reading, 16 << 20));
    assert_false(rts_reading_take(&reading, 1));
    rts_reading_begin_question(&reading, &RTS_TREE_OURS);
    assert_true(rts_reading_take(&reading, 17 << 20));
    close(other.root_fd);
    oracle_file_done(file);
    free(text);
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_lines_and_their_offsets),
        cmocka_unit_test(passes_over_lines_that_are_too_long),
        cmocka_unit_test(a_huge_line_ends_the_file),
        cmocka_unit_test(ends_when_the_allowance_is_used_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
