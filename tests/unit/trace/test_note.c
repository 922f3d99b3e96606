/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../suite.h"
#include "trace/note.h"

/* The record in `buffer` as memory of exactly its size, so that a sanitizer sees every byte that is
 * read beyond. */
static struct perf_event_header *record_of(const struct rts_buffer *buffer)
{
    struct perf_event_header *record = malloc(buffer->size);
    assert_non_null(record);
    memcpy(record, buffer->data, buffer->size);
    assert_int_equal(record->size, buffer->size);
    return record;
}

static void test_layout_is_as_documented(void **state)
{
    (void)state;
    /* Written down by hand from the header's description; a change here is a change of format. */
    static const uint8_t expected[] = {
        65,  0,    0,   0,   0,    0,    40,   0, /* type, misc, size */
        'R', 'T',  'S', 'n', 1,    5,    19,   0, /* magic, version, kind, size */
        0x7, 0xac, 2,   1,   0x80, 0x80, 0x04, 4, /* 7, 300, -1, 65536, 4 bytes */
        'p', 'i',  'd', 0,   3,    '4',  '2',  0, /* pid = 42 */
        2,   0xfe, 3,   0,   0,    0,    0,    0, /* bytes fe 03 */
    };
    struct rts_buffer out = RTS_BUFFER_INIT;
    struct rts_note_draft draft;
    rts_note_begin(&draft, RTS_NOTE_PROCESS, &out);
    rts_note_put_number(&draft, 7);
    rts_note_put_number(&draft, 300);
    rts_note_put_signed(&draft, -1);
    rts_note_put_number(&draft, 65536);
    rts_note_put_count(&draft, "pid", 42);
    rts_note_put_attribute(&draft, "nothing", NULL);
    rts_note_put_bytes(&draft, "\xfe\x03", 2);
    assert_true(rts_note_end(&draft));
    assert_int_equal(out.size, sizeof expected);
    assert_memory_equal(out.data, expected, sizeof expected);
    rts_buffer_finish(&out);
}

static void test_fields_come_back(void **state)
{
    (void)state;
    static const uint64_t numbers[] = {0, 1, 127, 128, 16383, 16384, UINT32_MAX, UINT64_MAX};
    static const int64_t signs[] = {0, -1, 1, 63, -64, INT64_MAX, INT64_MIN};
    struct rts_buffer out = RTS_BUFFER_INIT;
    struct rts_note_draft draft;
    rts_note_begin(&draft, RTS_NOTE_FILE, &out);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        rts_note_put_number(&draft, numbers[i]);
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++)
        rts_note_put_signed(&draft, signs[i]);
    rts_note_put_attribute(&draft, "path", "");
    rts_note_put_count(&draft, "size", UINT64_MAX);
    assert_true(rts_note_end(&draft));

    struct perf_event_header *record = record_of(&out);
    struct rts_note note;
    bool damaged;
    assert_true(rts_note_open(record, &note, &damaged));
    assert_int_equal(note.kind, RTS_NOTE_FILE);
    assert_int_equal(note.version, RTS_NOTE_VERSION);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        assert_true(rts_note_number(&note) == numbers[i]);
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++)
        assert_true(rts_note_signed(&note) == signs[i]);
    const char *key, *value;
    uint64_t number;
    assert_true(rts_note_attribute(&note, &key, &value));
    assert_string_equal(key, "path");
    assert_string_equal(value, "");
    assert_false(rts_note_value_number(value, &number));
    assert_true(rts_note_attribute(&note, &key, &value));
    assert_true(rts_note_value_number(value, &number));
    assert_true(number == UINT64_MAX);
    assert_false(rts_note_attribute(&note, &key, &value));
    assert_false(note.rest.failed);
    /* Reading on is damage, not a read beyond. */
    assert_int_equal(rts_note_number(&note), 0);
    assert_true(note.rest.failed);
    free(record);
    rts_buffer_finish(&out);
}

static void test_numbers_in_values(void **state)
{
    (void)state;
    uint64_t number = 5;
    assert_true(rts_note_value_number("18446744073709551615", &number));
    assert_true(number == UINT64_MAX);
    static const char *const bad[] = {
        "", "-1", "1x", " 1", "18446744073709551616", "99999999999999999999"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(rts_note_value_number(bad[i], &number));
    assert_true(number == UINT64_MAX);
}

static void test_what_is_too_long_is_not_written(void **state)
{
    (void)state;
    static uint8_t bytes[RTS_NOTE_PAYLOAD_MAX];
    struct rts_buffer out = RTS_BUFFER_INIT;
    struct rts_note_draft draft;
    rts_buffer_text(&out, "before");
    rts_note_begin(&draft, RTS_NOTE_IMAGE, &out);
    rts_note_put_bytes(&draft, bytes, sizeof bytes); /* with its length, it is too much */
    assert_false(rts_note_end(&draft));
    assert_string_equal(out.data, "before");
    rts_buffer_clear(&out);

    rts_note_begin(&draft, RTS_NOTE_IMAGE, &out);
    rts_note_put_bytes(&draft, bytes, sizeof bytes - 3);
    assert_true(rts_note_end(&draft));
    struct perf_event_header *record = record_of(&out);
    struct rts_note note;
    bool damaged;
    size_t size;
    assert_true(rts_note_open(record, &note, &damaged));
    rts_note_bytes(&note, &size);
    assert_int_equal(size, sizeof bytes - 3);
    assert_false(note.rest.failed);
    free(record);
    rts_buffer_finish(&out);
}

static void test_other_records_are_no_notes(void **state)
{
    (void)state;
    struct rts_buffer out = RTS_BUFFER_INIT;
    struct rts_note_draft draft;
    rts_note_begin(&draft, RTS_NOTE_END, &out);
    rts_note_put_number(&draft, 1);
    rts_note_end(&draft);
    struct perf_event_header *record = record_of(&out);
    struct rts_note note;
    bool damaged;
    assert_true(rts_note_open(record, &note, &damaged));

    record->type = PERF_RECORD_SAMPLE;
    assert_false(rts_note_open(record, &note, &damaged));
    assert_false(damaged);
    record->type = RTS_NOTE_RECORD_TYPE;
    record->size = 8; /* such as an event type of an old perf, cut */
    assert_false(rts_note_open(record, &note, &damaged));
    assert_false(damaged);
    record->size = 24;
    ((uint8_t *)record)[14] = 9; /* more than the record holds */
    assert_false(rts_note_open(record, &note, &damaged));
    assert_true(damaged);
    ((uint8_t *)record)[14] = 8;
    assert_true(rts_note_open(record, &note, &damaged));
    ((uint8_t *)record)[8] = 'r';
    assert_false(rts_note_open(record, &note, &damaged));
    assert_false(damaged);
    free(record);
    rts_buffer_finish(&out);
}

static const struct rts_note_frame frames[] = {
    {.code = RTS_NOTE_CODE_MAPPING + 300, .unwinder = RTS_UNWINDER_REGISTERS},
    {.code = RTS_NOTE_CODE_ANONYMOUS, .unwinder = RTS_UNWINDER_CFI, .address = 0x7fffffffffff},
    {.code = RTS_NOTE_CODE_NO_FILE, .unwinder = RTS_UNWINDER_FRAME_POINTER, .address = 1},
    {.code = RTS_NOTE_CODE_NONE, .unwinder = RTS_UNWINDER_CFI, .address = UINT64_MAX},
};

static void check_stack(uint64_t flags)
{
    struct rts_buffer out = RTS_BUFFER_INIT;
    const struct rts_note_stack written = {
        .instance = 12345, .flags = flags, .stop = RTS_STOP_ALT_STACK, .count = 4};
    assert_true(rts_note_put_stack(&out, &written, frames));
    struct perf_event_header *record = record_of(&out);
    struct rts_note note;
    bool damaged;
    struct rts_note_stack stack;
    assert_true(rts_note_open(record, &note, &damaged));
    assert_int_equal(note.kind, RTS_NOTE_STACK);
    assert_true(rts_note_read_stack(&note, &stack));
    assert_int_equal(stack.instance, 12345);
    assert_int_equal(stack.stop, RTS_STOP_ALT_STACK);
    assert_int_equal(stack.count, 4);
    for (uint32_t i = 0; i < stack.count; i++) {
        struct rts_note_frame frame;
        assert_true(rts_note_read_frame(&note, &stack, &frame));
        assert_true(frame.code == frames[i].code);
        assert_int_equal(frame.unwinder, frames[i].unwinder);
        assert_true(frame.address == (flags ? frames[i].address : 0));
    }
    assert_true(note.rest.at == note.rest.end);
    free(record);
    rts_buffer_finish(&out);
}

static void test_stacks_come_back(void **state)
{
    (void)state;
    check_stack(0);
    check_stack(RTS_NOTE_STACK_ADDRESSES);
}

/* The head of a stack with these numbers, and then nothing. */
static bool reads(uint64_t stop, uint64_t count)
{
    struct rts_buffer out = RTS_BUFFER_INIT;
    struct rts_note_draft draft;
    rts_note_begin(&draft, RTS_NOTE_STACK, &out);
    rts_note_put_number(&draft, 1);
    rts_note_put_number(&draft, 0);
    rts_note_put_number(&draft, stop);
    rts_note_put_number(&draft, count);
    rts_note_end(&draft);
    struct perf_event_header *record = record_of(&out);
    struct rts_note note;
    bool damaged;
    struct rts_note_stack stack;
    struct rts_note_frame frame;
    assert_true(rts_note_open(record, &note, &damaged));
    bool result = rts_note_read_stack(&note, &stack);
    if (result)
        assert_false(rts_note_read_frame(&note, &stack, &frame)); /* there is none */
    free(record);
    rts_buffer_finish(&out);
    return result;
}

static void test_impossible_stacks_are_refused(void **state)
{
    (void)state;
    assert_true(reads(RTS_STOP_COUNT - 1, RTS_STACK_DEPTH_MAX));
    assert_false(reads(RTS_STOP_COUNT, 1));
    assert_false(reads(UINT64_MAX, 1));
    assert_false(reads(0, RTS_STACK_DEPTH_MAX + 1));
    assert_false(reads(0, UINT64_MAX));
}

/* Every byte of a record, changed to every value: what is read is different or damaged, and nothing
 * is read that is not there. */
static void test_damage_is_survived(void **state)
{
    (void)state;
    struct rts_buffer out = RTS_BUFFER_INIT;
    struct rts_note_draft draft;
    rts_note_begin(&draft, RTS_NOTE_FILE, &out);
    rts_note_put_number(&draft, 1000);
    rts_note_put_attribute(&draft, "path", "/usr/lib/libc.so.6");
    rts_note_put_count(&draft, "size", 77);
    assert_true(rts_note_end(&draft));
    for (size_t at = 8; at < out.size; at++) {
        for (unsigned value = 0; value < 256; value++) {
            struct perf_event_header *record = record_of(&out);
            ((uint8_t *)record)[at] = (uint8_t)value;
            struct rts_note note;
            bool damaged;
            size_t text = 0;
            if (rts_note_open(record, &note, &damaged)) {
                rts_note_number(&note);
                for (const char *key, *content; rts_note_attribute(&note, &key, &content);)
                    text += strlen(key) + strlen(content);
                assert_in_range(text, 0, out.size);
            }
            free(record);
        }
    }
    rts_buffer_finish(&out);
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_layout_is_as_documented),
        cmocka_unit_test(test_fields_come_back),
        cmocka_unit_test(test_numbers_in_values),
        cmocka_unit_test(test_what_is_too_long_is_not_written),
        cmocka_unit_test(test_other_records_are_no_notes),
        cmocka_unit_test(test_stacks_come_back),
        cmocka_unit_test(test_impossible_stacks_are_refused),
        cmocka_unit_test(test_damage_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
