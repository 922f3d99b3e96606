/* SPDX-License-Identifier: Apache-2.0 */
/* The header of a trace: whole, unfinished, of a pipe, and saying what cannot be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../suite.h"
#include "trace/file_header.h"
#include "trace/perf_file.h"

#define DATA_SIZE 64

/* A file of one event with two ids, some data and one feature. */
struct file {
    struct rts_perf_header header;
    struct {
        struct perf_event_attr attr;
        struct rts_perf_section ids;
    } event;
    uint64_t ids[2];
    uint8_t data[DATA_SIZE];
    struct rts_perf_section feature;
    uint32_t length;
    char release[12];
};

static struct file make(void)
{
    struct file file = {
        .header = {.size = sizeof file.header,
                   .attr_size = sizeof file.event,
                   .attrs = {offsetof(struct file, event), sizeof file.event},
                   .data = {offsetof(struct file, data), DATA_SIZE},
                   .features = {1 << RTS_PERF_OS_RELEASE}},
        .event = {.attr = {.type = PERF_TYPE_SOFTWARE,
                           .size = sizeof(struct perf_event_attr),
                           .config = PERF_COUNT_SW_CPU_CLOCK,
                           .sample_freq = 99,
                           .freq = 1,
                           .sample_type = PERF_SAMPLE_IP | PERF_SAMPLE_TID | PERF_SAMPLE_TIME |
                                          PERF_SAMPLE_IDENTIFIER,
                           .sample_id_all = 1},
                  .ids = {offsetof(struct file, ids), sizeof file.ids}},
        .ids = {7, 9},
        .feature = {offsetof(struct file, length), 4 + sizeof file.release},
        .length = sizeof file.release,
        .release = "6.1.0-test",
    };
    memcpy(file.header.magic, RTS_PERF_MAGIC, sizeof file.header.magic);
    return file;
}

/* What was read of a file. */
struct answer {
    int result;
    struct rts_error error;
    struct rts_trace_file_header header;
    uint64_t offset, left; /* of the input, afterwards */
    size_t events, ids;
    char release[32];
};

static struct answer read_bytes(const void *bytes, size_t size)
{
    struct answer answer = {0};
    struct rts_trace_input input;
    struct rts_trace_attrs attrs = {0};
    struct rts_trace_features features = {0};
    struct rts_trace_build_ids build_ids = {0};
    FILE *stream = tmpfile();
    assert_non_null(stream);
    assert_int_equal(fwrite(bytes, 1, size, stream), size);
    assert_int_equal(fflush(stream), 0);
    int fd = dup(fileno(stream));
    fclose(stream);
    lseek(fd, 0, SEEK_SET);
    assert_int_equal(rts_trace_input_take_fd(&input, fd, "test", &answer.error), 0);
    answer.result = rts_trace_file_header_read(&answer.header, &input, &attrs, &answer.error);
    if (answer.result == 0)
        rts_trace_file_header_read_features(&answer.header, &input, &features, &attrs, &build_ids);
    answer.offset = input.offset;
    answer.left = rts_trace_input_left(&input);
    answer.events = attrs.count;
    answer.ids = attrs.id_count;
    if (features.os_release)
        snprintf(answer.release, sizeof answer.release, "%s", features.os_release);
    rts_trace_attrs_finish(&attrs);
    rts_trace_features_finish(&features);
    rts_trace_build_ids_finish(&build_ids);
    rts_trace_input_finish(&input);
    return answer;
}

static struct answer read_file(const struct file *file)
{
    return read_bytes(file, sizeof *file);
}

static void a_whole_one_is_read(void **state)
{
    (void)state;
    const struct file file = make();
    struct answer answer = read_file(&file);
    assert_int_equal(answer.result, 0);
    assert_false(answer.header.is_pipe || answer.header.is_unfinished);
    assert_int_equal(answer.events, 1);
    assert_int_equal(answer.ids, 2);
    assert_int_equal(answer.offset, offsetof(struct file, data));
    assert_int_equal(answer.left, DATA_SIZE);
    assert_string_equal(answer.release, "6.1.0-test");
}

/* perf writes the size, and the features, when it ends. */
static void of_an_unfinished_one_all_is_data(void **state)
{
    (void)state;
    struct file file = make();
    file.header.data.size = 0;
    struct answer answer = read_file(&file);
    assert_int_equal(answer.result, 0);
    assert_true(answer.header.is_unfinished);
    assert_int_equal(answer.left, sizeof file - offsetof(struct file, data));
    assert_string_equal(answer.release, "");

    /* Ours has the size of a while ago, and no features. */
    file.header.data.size = 8;
    file.header.features[0] = 0;
    answer = read_file(&file);
    assert_true(answer.header.is_unfinished);
    assert_int_equal(answer.left, sizeof file - offsetof(struct file, data));
}

static void of_a_pipe_all_that_follows_are_records(void **state)
{
    (void)state;
    const struct {
        char magic[8];
        uint64_t size;
        uint8_t records[24];
    } pipe = {RTS_PERF_MAGIC, 16, {0}};
    struct answer answer = read_bytes(&pipe, sizeof pipe);
    assert_int_equal(answer.result, 0);
    assert_true(answer.header.is_pipe);
    assert_int_equal(answer.offset, 16);
    assert_int_equal(answer.left, 24);
}

static void data_that_is_cut_off_is_read_as_far_as_it_goes(void **state)
{
    (void)state;
    const struct file file = make();
    struct answer answer = read_bytes(&file, offsetof(struct file, data) + 10);
    assert_int_equal(answer.result, 0);
    assert_int_equal(answer.left, 10);
    assert_string_equal(answer.release, "");
    /* The features alone are cut. */
    answer = read_bytes(&file, offsetof(struct file, release));
    assert_int_equal(answer.left, DATA_SIZE);
    assert_string_equal(answer.release, "");
}

static void what_is_no_trace_is_refused_with_the_reason(void **state)
{
    (void)state;
    static const struct {
        const char *magic, *words;
    } wrong[] = {
        {"2ELIFREP", "byte order"},
        {"PERFFILE", "before 2010"},
        {"\177ELF\2\1\1", "not a trace"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct file file = make();
        memcpy(file.header.magic, wrong[i].magic, 8);
        struct answer answer = read_file(&file);
        assert_int_equal(answer.result, -1);
        assert_non_null(strstr(answer.error.text, wrong[i].words));
    }
    struct answer answer = read_bytes("PERFILE2", 8);
    assert_int_equal(answer.result, -1);
    assert_non_null(strstr(answer.error.text, "8 bytes"));
}

/* Each number of the header, too large, too small, or about to overflow: an error that names an
 * offset, or less than there could be; never what is not there. */
static void what_cannot_be_is_refused(void **state)
{
    (void)state;
    static const uint64_t numbers[] = {
        0, 1, 7, 17, 0x7fffffff, 0xffffffff, UINT64_MAX / 2, UINT64_MAX - 7, UINT64_MAX};
    for (size_t at = 8; at < offsetof(struct file, data); at += 8)
        for (size_t n = 0; n < sizeof numbers / sizeof *numbers; n++) {
            struct file file = make();
            memcpy((uint8_t *)&file + at, &numbers[n], 8);
            struct answer answer = read_file(&file);
            assert_true(answer.offset + answer.left <= sizeof file);
            if (answer.result == 0)
                assert_in_range(answer.events, 1, 2);
            else
                assert_int_equal(answer.error.failure, RTS_FAILED);
        }
}

static void messages_name_the_place(void **state)
{
    (void)state;
    struct file file = make();
    file.header.size = 32;
    assert_non_null(strstr(read_file(&file).error.text, "offset 8"));
    file = make();
    file.header.attr_size = 8;
    assert_non_null(strstr(read_file(&file).error.text, "offset 16"));
    file = make();
    file.header.attrs.size = 0;
    assert_non_null(strstr(read_file(&file).error.text, "offset 24"));
    file = make();
    file.header.data.offset = sizeof file + 1;
    assert_non_null(strstr(read_file(&file).error.text, "offset 40"));
    file = make();
    file.header.attrs.offset = UINT64_MAX - 100;
    assert_int_equal(read_file(&file).result, -1);
    file = make();
    file.event.ids.size = sizeof file;
    assert_non_null(strstr(read_file(&file).error.text, "ids"));
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_one_is_read),
        cmocka_unit_test(of_an_unfinished_one_all_is_data),
        cmocka_unit_test(of_a_pipe_all_that_follows_are_records),
        cmocka_unit_test(data_that_is_cut_off_is_read_as_far_as_it_goes),
        cmocka_unit_test(what_is_no_trace_is_refused_with_the_reason),
        cmocka_unit_test(what_cannot_be_is_refused),
        cmocka_unit_test(messages_name_the_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
