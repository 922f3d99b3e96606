/* SPDX-License-Identifier: Apache-2.0 */
#include "delivery/answer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../suite.h"

static struct rts_answer judge(long status, const char *body)
{
    struct rts_answer answer;
    rts_answer_judge(&answer, status, body, body ? strlen(body) : 0);
    return answer;
}

static void assert_text(long status, const char *body, const char *text)
{
    struct rts_answer answer = judge(status, body);
    assert_string_equal(answer.text, text);
    rts_answer_finish(&answer);
}

static void verdicts(void **state)
{
    (void)state;
    static const struct {
        long status;
        enum rts_verdict verdict;
    } rows[] = {
        {202, RTS_VERDICT_ACCEPTED}, {200, RTS_VERDICT_HELP},    {204, RTS_VERDICT_HELP},
        {301, RTS_VERDICT_HELP},     {302, RTS_VERDICT_HELP},    {308, RTS_VERDICT_HELP},
        {400, RTS_VERDICT_REFUSED},  {401, RTS_VERDICT_HELP},    {403, RTS_VERDICT_HELP},
        {404, RTS_VERDICT_REFUSED},  {405, RTS_VERDICT_REFUSED}, {408, RTS_VERDICT_LATER},
        {409, RTS_VERDICT_REFUSED},  {413, RTS_VERDICT_TOO_BIG}, {415, RTS_VERDICT_REFUSED},
        {422, RTS_VERDICT_REFUSED},  {425, RTS_VERDICT_LATER},   {429, RTS_VERDICT_LATER},
        {499, RTS_VERDICT_REFUSED},  {500, RTS_VERDICT_LATER},   {501, RTS_VERDICT_LATER},
        {503, RTS_VERDICT_LATER},    {599, RTS_VERDICT_LATER},   {101, RTS_VERDICT_HELP},
        {600, RTS_VERDICT_HELP},     {999, RTS_VERDICT_HELP},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct rts_answer answer = judge(rows[i].status, NULL);
        assert_int_equal(answer.verdict, rows[i].verdict);
        assert_int_equal(answer.text[0] == '\0', rows[i].verdict == RTS_VERDICT_ACCEPTED);
        assert_null(answer.subject_key);
        rts_answer_finish(&answer);
    }
}

static void subject_key_in_any_case_and_as_it_is(void **state)
{
    (void)state;
    static const char *const bodies[] = {"{\"SubjectKey\":\" web|1.0 \\u00e9\"}",
                                         "{\"subjectKey\":\" web|1.0 \\u00e9\",\"more\":[1,{}]}",
                                         "{\"x\":null,\"SUBJECTKEY\":\" web|1.0 \\u00e9\"}"};
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        struct rts_answer answer = judge(202, bodies[i]);
        assert_int_equal(answer.verdict, RTS_VERDICT_ACCEPTED);
        assert_string_equal(answer.subject_key, " web|1.0 \xc3\xa9");
        rts_answer_finish(&answer);
        answer = judge(200, bodies[i]);
        assert_int_equal(answer.verdict, RTS_VERDICT_ACCEPTED);
        rts_answer_finish(&answer);
    }
    static const char *const others[] = {"", "[]", "{", "{\"SubjectKey\":5}", "null", "\xff\xfe"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        struct rts_answer answer = judge(202, others[i]);
        assert_int_equal(answer.verdict, RTS_VERDICT_ACCEPTED);
        assert_null(answer.subject_key);
        rts_answer_finish(&answer);
    }
}

static void the_three_forms_of_errors(void **state)
{
    (void)state;
    assert_text(400, "{\"error\":\"callgraphId is required\"}",
                "status 400, refused: callgraphId is required");
    assert_text(503, "{\"error\":{\"code\":\"sealed\",\"message\":\"later\",\"trace_id\":\"t\"}}",
                "status 503, the server failed: sealed: later");
    assert_text(422,
                "{\"type\":\"about:blank\",\"title\":\"Invalid\",\"status\":422,\"detail\":\"no "
                "subject\"}",
                "status 422, refused: Invalid: no subject");
    assert_text(400, "{\"error\":{\"message\":\"only this\"}}", "status 400, refused: only this");
    assert_text(400, "{\"error\":7}", "status 400, refused");
    assert_text(400, "<html>no json</html>", "status 400, refused");
    assert_text(400, "", "status 400, refused");
}

static void a_wish_for_a_certificate_is_no_refusal(void **state)
{
    (void)state;
    struct rts_answer answer = judge(
        400, "<html><head><title>400 No required SSL certificate was sent</title></head></html>");
    assert_int_equal(answer.verdict, RTS_VERDICT_HELP);
    rts_answer_finish(&answer);
}

static void texts_are_as_they_came_and_bounded(void **state)
{
    (void)state;
    assert_text(400, "{\"error\":\"a\\u001b[2Jb\\nc\\u009bd\\u007f\\u00e9\"}",
                "status 400, refused: a\x1b[2Jb\nc\xc2\x9b"
                "d\x7f\xc3\xa9");
    char body[5000] = "{\"error\":\"";
    for (size_t i = strlen(body); i < 4000; i += 2)
        memcpy(body + i, "\xc3\xa9", 2);
    strcpy(body + 4000, "\"}");
    struct rts_answer answer = judge(400, body);
    size_t length = strlen(answer.text);
    assert_in_range(length, sizeof answer.text - 3, sizeof answer.text - 1);
    assert_memory_equal(answer.text + length - 2, "\xc3\xa9", 2);
    rts_answer_finish(&answer);
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(verdicts),
        cmocka_unit_test(subject_key_in_any_case_and_as_it_is),
        cmocka_unit_test(the_three_forms_of_errors),
        cmocka_unit_test(a_wish_for_a_certificate_is_no_refusal),
        cmocka_unit_test(texts_are_as_they_came_and_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
