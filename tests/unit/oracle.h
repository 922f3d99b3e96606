/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asking an independent tool: what python3, openssl or jq says is what our code is compared with.
 * Include after cmocka.h and what it needs.
 */
#ifndef RTS_TESTS_ORACLE_H
#define RTS_TESTS_ORACLE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Output kept of one answer. */
#define ORACLE_ANSWER_MAX (1 << 20)

static inline bool oracle_has(const char *tool)
{
    char command[128];
    snprintf(command, sizeof command, "command -v %s >/dev/null 2>&1", tool);
    return system(command) == 0;
}

/* Leaves the running test as skipped when the tool is not installed. */
#define ORACLE_NEEDS(tool)                                                                         \
    do {                                                                                           \
        if (!oracle_has(tool)) {                                                                   \
            print_message("%s is not installed\n", tool);                                          \
            skip();                                                                                \
        }                                                                                          \
    } while (0)

/* What the shell command prints, without the last newline; fails the test when the command fails.
 * The caller frees it. */
static inline __attribute__((format(printf, 1, 2))) char *oracle_ask(const char *format, ...)
{
    char command[4096];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(command, sizeof command, format, arguments);
    va_end(arguments);
    assert_in_range(length, 1, sizeof command - 1);

    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    char *answer = calloc(1, ORACLE_ANSWER_MAX);
    assert_non_null(answer);
    size_t size = fread(answer, 1, ORACLE_ANSWER_MAX - 1, pipe);
    assert_int_equal(pclose(pipe), 0);
    if (size > 0 && answer[size - 1] == '\n')
        answer[size - 1] = '\0';
    return answer;
}

/* Writes the bytes to a new temporary file and returns its name; the caller unlinks and frees. */
static inline char *oracle_file(const void *bytes, size_t size)
{
    const char *folder = getenv("TMPDIR");
    char name[512];
    snprintf(name, sizeof name, "%s/rtsample-test-XXXXXX", folder ? folder : "/tmp");
    int fd = mkstemp(name);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, size), size);
    close(fd);
    return strdup(name);
}

static inline void oracle_file_done(char *name)
{
    unlink(name);
    free(name);
}

#endif
