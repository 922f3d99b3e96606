/* SPDX-License-Identifier: Apache-2.0 */
#include "delivery/token.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../suite.h"

static int read_text(const char *text, size_t size, char token[RTS_TOKEN_SIZE])
{
    char path[] = "/tmp/rtsample-test-XXXXXX";
    struct rts_error error = {0};
    int fd = mkstemp(path);
    assert_int_equal(write(fd, text, size), size);
    close(fd);
    int result = rts_token_read(path, token, &error);
    unlink(path);
    assert_null(strstr(error.text, "hunter2"));
    assert_int_equal(result < 0, error.text[0] != '\0');
    return result;
}

static void reads_one_line(void **state)
{
    (void)state;
    static const char *const texts[] = {"hunter2", "hunter2\n", " \thunter2 \r\n\n \n"};
    char token[RTS_TOKEN_SIZE];
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        assert_int_equal(read_text(texts[i], strlen(texts[i]), token), 0);
        assert_string_equal(token, "hunter2");
    }
}

static void what_is_no_token(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "", "\n", "  \n ", "hunter2 two", "hunter2\nhunter2\n", "hunter2\x01", "hunter2\xc3\xa9"};
    char token[RTS_TOKEN_SIZE];
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        assert_int_equal(read_text(texts[i], strlen(texts[i]), token), -1);
    char *longer = malloc(RTS_TOKEN_SIZE);
    memset(longer, 'x', RTS_TOKEN_SIZE);
    assert_int_equal(read_text(longer, RTS_TOKEN_SIZE, token), -1);
    assert_int_equal(read_text(longer, RTS_TOKEN_SIZE - 1, token), 0);
    assert_int_equal(strlen(token), RTS_TOKEN_SIZE - 1);
    free(longer);
    assert_int_equal(rts_token_read("/nowhere", token, NULL), -1);
    assert_int_equal(rts_token_read("/", token, NULL), -1);
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_one_line),
        cmocka_unit_test(what_is_no_token),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
