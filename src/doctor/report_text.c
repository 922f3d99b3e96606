/* SPDX-License-Identifier: Apache-2.0 */
#include "doctor/check.h"

#include <string.h>

/* Columns: of a line, of the state, of the key, and of the details below and their labels. */
#define WIDTH  96
#define STATE  9
#define KEY    24
#define INDENT 11
#define LABEL  9

/* Names of processes and paths may hold anything, and must not steer the terminal. */
static void append_clean(struct rts_buffer *buffer, const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        unsigned char byte = (unsigned char)text[i];
        rts_buffer_format(buffer, "%c", byte < 0x20 || byte == 0x7f ? '?' : byte);
    }
}

/* The text after `at` columns, broken at blanks, further lines indented to there. */
static void append_wrapped(struct rts_buffer *buffer, const char *text, size_t at)
{
    size_t room = WIDTH - at;
    while (strlen(text) > room) {
        size_t cut = room;
        while (cut > 0 && text[cut] != ' ')
            cut--;
        if (cut == 0)
            break; /* one long word stands over */
        append_clean(buffer, text, cut);
        rts_buffer_format(buffer, "\n%*s", (int)at, "");
        text += cut + 1;
    }
    append_clean(buffer, text, strlen(text));
    rts_buffer_text(buffer, "\n");
}

static void write_detail(struct rts_buffer *buffer, const char *label, const char *text)
{
    if (!*text)
        return;
    rts_buffer_format(buffer, "%*s%-*s", INDENT, "", LABEL, label);
    append_wrapped(buffer, text, INDENT + LABEL);
}

/* A fix stays on one line, so that it can be copied. */
static void write_fix(struct rts_buffer *buffer, const char *label, const char *text)
{
    rts_buffer_format(buffer, "%*s%-*s", INDENT, "", LABEL, label);
    append_clean(buffer, text, strlen(text));
    rts_buffer_text(buffer, "\n");
}

static void write_check(const struct rts_check *check, struct rts_buffer *buffer)
{
    rts_buffer_format(buffer, "%-*s%-*s", STATE, rts_check_state_word(check->state), KEY,
                      check->key);
    append_wrapped(buffer, check->found, STATE + KEY);
    write_detail(buffer, "because", check->because);
    write_detail(buffer, "lost", check->lost);
    for (size_t i = 0; i < check->fix_count; i++)
        write_fix(buffer, i == 0 ? "fix" : "  or", check->fixes[i]);
}

void rts_report_write_text(const struct rts_report *report, struct rts_buffer *buffer)
{
    append_clean(buffer, report->subject, strlen(report->subject));
    rts_buffer_format(buffer, ", as user %u, %s, Linux %s\n", report->user,
                      rts_where_phrase(report->where), report->kernel);
    append_wrapped(buffer, report->verdict, 0);
    if (*report->fix) {
        rts_buffer_text(buffer, "To mend it: ");
        append_clean(buffer, report->fix, strlen(report->fix));
        rts_buffer_text(buffer, "\n");
    }
    rts_buffer_text(buffer, "\n");
    for (size_t i = 0; i < report->count; i++)
        write_check(&report->checks[i], buffer);
}
