/* SPDX-License-Identifier: Apache-2.0 */
#include "report/status_line.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "report/number.h"

#define ERASE "\r\033[K"

/* When the terminal does not tell its width. */
#define WIDTH_DEFAULT 80

void rts_status_line_init(struct rts_status_line *line, int fd)
{
    const char *terminal = getenv("TERM");
    bool dumb = terminal && strcmp(terminal, "dumb") == 0;
    *line = (struct rts_status_line){.fd = fd, .enabled = isatty(fd) && !dumb};
}

/* A background job that draws would write over what the user is doing in front of it. */
static bool in_background(int fd)
{
    pid_t foreground = tcgetpgrp(fd);
    return foreground >= 0 && foreground != getpgrp();
}

static unsigned terminal_width(int fd)
{
    struct winsize size;
    return ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : WIDTH_DEFAULT;
}

/* A terminal that takes nothing any more is no reason to stop sampling. */
static void show(struct rts_status_line *line, const struct rts_buffer *text)
{
    if (write(line->fd, text->data, text->size) < 0)
        line->enabled = false;
}

void rts_status_line_draw(struct rts_status_line *line, const struct rts_status *status)
{
    if (!line->enabled || in_background(line->fd))
        return;
    struct rts_buffer text = RTS_BUFFER_INIT;
    rts_buffer_text(&text, ERASE);
    /* One column stays free: a full line would wrap and could not be erased. */
    rts_status_format(status, terminal_width(line->fd) - 1, &text);
    show(line, &text);
    line->drawn = true;
    rts_buffer_finish(&text);
}

void rts_status_line_erase(struct rts_status_line *line)
{
    if (!line->enabled || !line->drawn)
        return;
    struct rts_buffer text = RTS_BUFFER_INIT;
    rts_buffer_text(&text, ERASE);
    show(line, &text);
    line->drawn = false;
    rts_buffer_finish(&text);
}

/* Appends the part if the line, which began at `start`, has room for it. */
static void append_part(struct rts_buffer *out, size_t start, unsigned width, const char *part,
                        bool *room)
{
    const char *gap = out->size > start ? "   " : "";
    size_t size = strlen(gap) + strlen(part);
    *room = *room && out->size - start + size <= width;
    if (!*room)
        return;
    rts_buffer_text(out, gap);
    rts_buffer_text(out, part);
}

void rts_status_format(const struct rts_status *status, unsigned width, struct rts_buffer *out)
{
    char number[RTS_NUMBER_TEXT_SIZE];
    char part[RTS_NUMBER_TEXT_SIZE + 32];
    size_t start = out->size;
    bool room = true;

    rts_duration_format(number, status->elapsed_ms - status->elapsed_ms % 1000);
    append_part(out, start, width, number, &room);
    rts_number_format(number, status->samples);
    snprintf(part, sizeof part, "%s samples", number);
    append_part(out, start, width, part, &room);
    rts_number_format(number, status->dropped);
    snprintf(part, sizeof part, "%s dropped", number);
    append_part(out, start, width, part, &room);
    rts_percent_format(number, status->complete, status->samples);
    snprintf(part, sizeof part, "%s complete stacks", number);
    append_part(out, start, width, part, &room);
}
