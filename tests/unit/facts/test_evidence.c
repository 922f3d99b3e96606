/* SPDX-License-Identifier: Apache-2.0 */
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
#include "facts/evidence.h"
#include "facts/window.h"

#define LONG_URI "cas://runtime_traces/ab/abcdef.tar.zst"

/* Two lines whose names are chosen to be taken for the fields. */
static void write_lines(const char *uri, struct rts_buffer *out)
{
    static const char *const names[] = {"\",\"evidenceUri\":\"cas://x\",\"casUri\":\"y\",\"",
                                        "\\\",\"casUri\":\"\\"};
    const struct rts_fact_options options = {.emit_evidence = true, .evidence = uri};
    const struct rts_fact_process process = {.instance = 1};
    struct rts_window *window = rts_window_create();
    for (int i = 0; i < 2; i++) {
        const struct rts_fact_symbol symbol = {
            .symbol_id = names[i],
            .name = names[i],
            .purl = names[1 - i],
            .aliases = names[i],
        };
        rts_window_add(window, &process, &symbol, 0, 1, 0, true);
    }
    rts_window_write(window, &options, out);
    rts_window_destroy(window);
}

static void assert_becomes(const char *from, const char *to)
{
    struct rts_buffer lines = RTS_BUFFER_INIT, wanted = RTS_BUFFER_INIT;
    write_lines(from, &lines);
    write_lines(to, &wanted);
    rts_evidence_set(&lines, to);
    assert_int_equal(lines.size, wanted.size);
    assert_memory_equal(lines.data, wanted.data, wanted.size);
    rts_buffer_finish(&lines);
    rts_buffer_finish(&wanted);
}

/* The oracle is the writer itself, told at once what is put in later. */
static void lines_are_as_if_written_so(void **state)
{
    (void)state;
    assert_becomes("placeholder", LONG_URI);
    assert_becomes(LONG_URI, LONG_URI);
    assert_becomes("placeholder", NULL);
    assert_becomes(NULL, NULL);
    assert_becomes(NULL, NULL);
}

static void what_has_no_fields_stays(void **state)
{
    (void)state;
    struct rts_buffer empty = RTS_BUFFER_INIT, text = RTS_BUFFER_INIT;
    rts_evidence_set(&empty, LONG_URI);
    assert_int_equal(empty.size, 0);
    for (const char *const *line = (const char *const[]){"{}\n", "\"evidenceUri\":\"", NULL}; *line;
         line++) {
        rts_buffer_clear(&text);
        rts_buffer_text(&text, *line);
        rts_evidence_set(&text, NULL);
        assert_string_equal(text.data, *line);
    }
    rts_buffer_finish(&text);
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_as_if_written_so),
        cmocka_unit_test(what_has_no_fields_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
