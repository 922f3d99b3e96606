/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../suite.h"
#include "util/buffer.h"

static void empty_finishes(void **state)
{
    (void)state;
    struct rts_buffer buffer = RTS_BUFFER_INIT;
    rts_buffer_clear(&buffer);
    rts_buffer_consume(&buffer, 7);
    assert_int_equal(buffer.size, 0);
    rts_buffer_finish(&buffer);
    assert_null(buffer.data);
}

static void is_terminated_after_every_append(void **state)
{
    (void)state;
    struct rts_buffer buffer = RTS_BUFFER_INIT;
    char expected[3001] = "";
    for (size_t i = 0; i < 3000; i++) {
        char letter = (char)('a' + i % 26);
        rts_buffer_append(&buffer, &letter, 1);
        expected[i] = letter;
        assert_int_equal(buffer.size, i + 1);
        assert_int_equal(buffer.data[buffer.size], '\0');
    }
    assert_string_equal(buffer.data, expected);
    rts_buffer_finish(&buffer);
}

static void appending_nothing_gives_empty_text(void **state)
{
    (void)state;
    struct rts_buffer buffer = RTS_BUFFER_INIT;
    rts_buffer_append(&buffer, NULL, 0);
    assert_string_equal(buffer.data, "");
    rts_buffer_finish(&buffer);
}

static void formats_longer_than_its_capacity(void **state)
{
    (void)state;
    struct rts_buffer buffer = RTS_BUFFER_INIT;
    rts_buffer_text(&buffer, "<");
    rts_buffer_format(&buffer, "%0500d|%s", 7, "end");
    rts_buffer_format(&buffer, "%s", "");
    assert_int_equal(buffer.size, 1 + 500 + 4);
    assert_string_equal(buffer.data + 499, "07|end");
    rts_buffer_finish(&buffer);
}

static void consume_keeps_the_rest(void **state)
{
    (void)state;
    struct rts_buffer buffer = RTS_BUFFER_INIT;
    rts_buffer_text(&buffer, "one two");
    rts_buffer_consume(&buffer, 4);
    assert_string_equal(buffer.data, "two");
    assert_int_equal(buffer.size, 3);
    rts_buffer_consume(&buffer, 3);
    assert_string_equal(buffer.data, "");
    rts_buffer_text(&buffer, "three");
    rts_buffer_clear(&buffer);
    assert_int_equal(buffer.size, 0);
    assert_string_equal(buffer.data, "");
    rts_buffer_finish(&buffer);
}

static void holds_bytes_with_nul(void **state)
{
    (void)state;
    struct rts_buffer buffer = RTS_BUFFER_INIT;
    rts_buffer_append(&buffer, "a\0b", 3);
    rts_buffer_append(&buffer, "\0", 1);
    assert_int_equal(buffer.size, 4);
    assert_memory_equal(buffer.data, "a\0b\0", 5);
    rts_buffer_finish(&buffer);
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(empty_finishes),
        cmocka_unit_test(is_terminated_after_every_append),
        cmocka_unit_test(appending_nothing_gives_empty_text),
        cmocka_unit_test(formats_longer_than_its_capacity),
        cmocka_unit_test(consume_keeps_the_rest),
        cmocka_unit_test(holds_bytes_with_nul),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
