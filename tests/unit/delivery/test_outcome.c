/* SPDX-License-Identifier: Apache-2.0 */
#include "delivery/outcome.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "../suite.h"

#define NS_PER_MS 1000000ULL

static const struct rts_patience patience = {.first_ms = 400, .max_ms = 8000};

/* The result of a request: an answer when `status` is not 0. */
static struct rts_upload_result result_of(long status, uint64_t wait_ms)
{
    static const struct rts_buffer nothing = RTS_BUFFER_INIT;
    return (struct rts_upload_result){
        .status = status,
        .reached = status > 0,
        .text = "nobody takes the connection",
        .wait_ms = wait_ms,
        .duration_ns = 30 * NS_PER_MS,
        .body = &nothing,
    };
}

static struct rts_outcome outcome_of(const struct rts_flight *flight,
                                     const struct rts_upload_result *result)
{
    struct rts_answer answer;
    uint64_t seed = 1;
    rts_outcome_answer(&answer, result);
    struct rts_outcome outcome = rts_outcome_of(flight, &answer, result, &patience, &seed);
    rts_answer_finish(&answer);
    return outcome;
}

/* What a server may say, what may be known, and what is to follow. Pauses in milliseconds. */
static void table(void **state)
{
    (void)state;
    static const struct {
        long status; /* 0: no answer */
        uint64_t wait_ms;
        struct rts_flight flight;
        enum rts_fate fate;
        bool needs_help, asked_to_wait, is_suspect;
        uint64_t pause_min, pause_max;
    } rows[] = {
        /* The server works: as long a pause as the request took. */
        {202, 0, {0, 0, false}, RTS_FATE_ACCEPT, false, false, false, 30, 30},
        {202, 0, {9, 9, true}, RTS_FATE_ACCEPT, false, false, false, 30, 30},
        {400, 0, {0, 0, false}, RTS_FATE_REJECT, false, false, false, 30, 30},
        {422, 0, {9, 9, true}, RTS_FATE_REJECT, false, false, false, 30, 30},
        {413, 0, {0, 0, false}, RTS_FATE_HALVE, false, false, false, 30, 30},
        /* It does not: pauses that double, from the half of one to the whole. */
        {503, 0, {0, 0, false}, RTS_FATE_KEEP, false, false, false, 200, 400},
        {503, 0, {1, 1, false}, RTS_FATE_KEEP, false, false, false, 400, 800},
        {503, 0, {1, 3, false}, RTS_FATE_KEEP, false, false, false, 1600, 3200},
        {503, 0, {1, 99, false}, RTS_FATE_KEEP, false, false, false, 4000, 8000},
        {0, 0, {0, 0, false}, RTS_FATE_KEEP, false, false, false, 200, 400},
        /* It asks for patience. */
        {429, 5000, {0, 0, false}, RTS_FATE_KEEP, false, true, false, 5000, 5000},
        {503, 100, {0, 0, false}, RTS_FATE_KEEP, false, true, false, 200, 400},
        /* Somebody has to act. */
        {401, 0, {0, 0, false}, RTS_FATE_KEEP, true, true, false, 8000, 8000},
        {401, 90000, {0, 0, false}, RTS_FATE_KEEP, true, true, false, 90000, 90000},
        {200, 0, {0, 0, false}, RTS_FATE_KEEP, true, true, false, 8000, 8000},
        /* A batch that fails for the fourth time, while the server is there and no other is tried,
         * is suspected. */
        {503, 0, {2, 2, false}, RTS_FATE_KEEP, false, false, false, 800, 1600},
        {503, 0, {3, 0, false}, RTS_FATE_KEEP, false, false, true, 200, 400},
        {503, 0, {3, 3, false}, RTS_FATE_KEEP, false, false, true, 1600, 3200},
        {503, 0, {3, 3, true}, RTS_FATE_KEEP, false, false, false, 1600, 3200},
        {401, 0, {3, 3, false}, RTS_FATE_KEEP, true, true, false, 8000, 8000},
        {0, 0, {3, 3, false}, RTS_FATE_KEEP, false, false, false, 1600, 3200},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct rts_upload_result result = result_of(rows[i].status, rows[i].wait_ms);
        const struct rts_outcome outcome = outcome_of(&rows[i].flight, &result);
        assert_int_equal(outcome.fate, rows[i].fate);
        assert_int_equal(outcome.needs_help, rows[i].needs_help);
        assert_int_equal(outcome.asked_to_wait, rows[i].asked_to_wait);
        assert_int_equal(outcome.is_suspect, rows[i].is_suspect);
        assert_in_range(outcome.pause_ns, rows[i].pause_min * NS_PER_MS,
                        rows[i].pause_max * NS_PER_MS);
    }
}

static void pauses_after_success_are_short_or_none(void **state)
{
    (void)state;
    const struct rts_flight flight = {0};
    struct rts_upload_result result = result_of(202, 0);
    result.duration_ns = 20000 * NS_PER_MS;
    assert_int_equal(outcome_of(&flight, &result).pause_ns, 1000 * NS_PER_MS);

    struct rts_answer answer;
    uint64_t seed = 1;
    const struct rts_patience eager = {.first_ms = 400, .max_ms = 8000, .eager = true};
    rts_outcome_answer(&answer, &result);
    assert_int_equal(rts_outcome_of(&flight, &answer, &result, &eager, &seed).pause_ns, 0);
    rts_answer_finish(&answer);
}

static void without_an_answer_the_reason_is_the_text(void **state)
{
    (void)state;
    struct rts_answer answer;
    struct rts_upload_result result = result_of(0, 0);
    rts_outcome_answer(&answer, &result);
    assert_int_equal(answer.verdict, RTS_VERDICT_LATER);
    assert_string_equal(answer.text, result.text);
    rts_answer_finish(&answer);

    result.needs_help = true;
    rts_outcome_answer(&answer, &result);
    assert_int_equal(answer.verdict, RTS_VERDICT_HELP);
    rts_answer_finish(&answer);
    const struct rts_flight flight = {0};
    assert_true(outcome_of(&flight, &result).needs_help);
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table),
        cmocka_unit_test(pauses_after_success_are_short_or_none),
        cmocka_unit_test(without_an_answer_the_reason_is_the_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
