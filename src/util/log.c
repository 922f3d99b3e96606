/* SPDX-License-Identifier: Apache-2.0 */
#include "util/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

void rts_log(const char *format, ...)
{
    char text[2048];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    /* One call per line, so that lines of several processes on one terminal do not interleave. */
    fprintf(stderr, "%srtsample: %s\n", isatty(STDERR_FILENO) ? "\r\033[K" : "", text);
}
