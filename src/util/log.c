/* SPDX-License-Identifier: Apache-2.0 */
#include "util/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "util/visible.h"

/* Of a message: an error has 512 bytes, and more of them side by side are rare. */
#define COLUMNS_MAX 2000

void rts_log(const char *format, ...)
{
    char text[COLUMNS_MAX + 48];
    struct rts_buffer line = RTS_BUFFER_INIT;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    rts_buffer_text(&line, isatty(STDERR_FILENO) ? "\r\033[Krtsample: " : "rtsample: ");
    rts_visible_text(&line, text, COLUMNS_MAX);
    rts_buffer_text(&line, "\n");
    /* One call per line, so that lines of several processes on one terminal do not interleave. */
    fputs(line.data, stderr);
    rts_buffer_finish(&line);
}
