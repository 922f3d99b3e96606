/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <sys/resource.h>

#include "../suite.h"
#include "outlets/held_lines.h"

/* Batch number `i`, of a size of its own. */
static void make(uint64_t i, struct rts_buffer *batch)
{
    rts_buffer_clear(batch);
    for (uint64_t size = 1000 + i * 7919 % 90000; batch->size < size;)
        rts_buffer_format(batch, "batch %llu\n", (unsigned long long)i);
}

static void batches_come_back_in_order(void **state)
{
    (void)state;
    struct rts_held_lines *held = rts_held_lines_create();
    struct rts_buffer batch = RTS_BUFFER_INIT, wanted = RTS_BUFFER_INIT;
    struct rts_error error;
    uint64_t count;
    for (uint64_t i = 0; i < 100; i++) { /* some four times what memory has room for */
        make(i, &batch);
        assert_int_equal(rts_held_lines_add(held, &batch, i + 1, &error), 0);
    }
    assert_int_equal(rts_held_lines_count(held), 5050);
    for (uint64_t i = 0; i < 100; i++) {
        make(i, &wanted);
        assert_int_equal(rts_held_lines_take(held, &batch, &count, &error), 1);
        assert_int_equal(count, i + 1);
        assert_int_equal(batch.size, wanted.size);
        assert_memory_equal(batch.data, wanted.data, wanted.size);
    }
    assert_int_equal(rts_held_lines_take(held, &batch, &count, &error), 0);
    assert_int_equal(rts_held_lines_count(held), 0);
    rts_held_lines_destroy(held);
    rts_buffer_finish(&batch);
    rts_buffer_finish(&wanted);
}

/* What the disk refuses is not kept; what was kept before can still be taken. */
static void a_full_disk_is_said(void **state)
{
    (void)state;
    struct rts_held_lines *held = rts_held_lines_create();
    struct rts_buffer batch = RTS_BUFFER_INIT;
    struct rts_error error = {0};
    uint64_t count, kept = 0;
    const struct rlimit limit = {200000, RLIM_INFINITY}, none = {RLIM_INFINITY, RLIM_INFINITY};
    struct rlimit before;
    getrlimit(RLIMIT_FSIZE, &before);
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    for (make(0, &batch); kept < 100; kept++) {
        make(kept, &batch);
        if (rts_held_lines_add(held, &batch, 1, &error) < 0)
            break;
    }
    setrlimit(RLIMIT_FSIZE, before.rlim_max == RLIM_INFINITY ? &none : &before);
    assert_in_range(kept, 10, 99);
    assert_non_null(strstr(error.text, "cannot keep facts"));
    assert_int_equal(rts_held_lines_count(held), kept);
    for (uint64_t i = 0; i < kept; i++)
        assert_int_equal(rts_held_lines_take(held, &batch, &count, &error), 1);
    assert_int_equal(rts_held_lines_take(held, &batch, &count, &error), 0);
    rts_held_lines_destroy(held);
    rts_held_lines_destroy(NULL);
    rts_buffer_finish(&batch);
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(batches_come_back_in_order),
        cmocka_unit_test(a_full_disk_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
