/* SPDX-License-Identifier: Apache-2.0 */
#include "util/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Of what the C library has to say about an errno. */
#define REASON_SIZE 128

/* Where a text was cut in its middle. */
#define CUT "..."

int rts_fail(struct rts_error *error, enum rts_failure failure, const char *format, ...)
{
    if (!error)
        return -1;
    va_list arguments;
    va_start(arguments, format);
    error->failure = failure;
    error->number = 0;
    error->cause = NULL;
    vsnprintf(error->text, sizeof error->text, format, arguments);
    va_end(arguments);
    return -1;
}

int rts_fail_errno(struct rts_error *error, int number, const char *format, ...)
{
    if (!error)
        return -1;
    va_list arguments;
    va_start(arguments, format);
    error->failure = number == EPERM || number == EACCES ? RTS_NOT_PERMITTED : RTS_FAILED;
    error->number = number;
    error->cause = NULL;
    int length = vsnprintf(error->text, sizeof error->text, format, arguments);
    va_end(arguments);
    /* A path can be longer than all of it: the reason has to be there all the same. */
    char reason[REASON_SIZE];
    snprintf(reason, sizeof reason, ": %s", strerror(number));
    size_t room = sizeof error->text - 1 - strlen(reason);
    size_t at = length < 0 ? 0 : (size_t)length;
    if (at > room) {
        at = room;
        memcpy(error->text + at - strlen(CUT), CUT, strlen(CUT));
    }
    memcpy(error->text + at, reason, strlen(reason) + 1);
    return -1;
}
