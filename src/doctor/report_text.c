/* SPDX-License-Identifier: Apache-2.0 */
#include "doctor/check.h"

#include <string.h>

#include "util/visible.h"

/* Columns: of a line, of the state, of the key, and of the details below and their labels. */
#define WIDTH  96
#define STATE  9
#define KEY    24
#define INDENT 11
#define LABEL  9

/* The text after `at` columns, broken at blanks, further lines indented to there. */
static void append_wrapped(struct rts_buffer *buffer, const char *raw, size_t at)
{
    struct rts_buffer visible = RTS_BUFFER_INIT;
    rts_visible_text(&visible, raw, RTS_VISIBLE_WHOLE);
    const char *text = visible.data;
    size_t room = WIDTH - at;
    while (strlen(text) > room) {
        size_t cut = room;
        while (cut > 0 && text[cut] != ' ')
            cut--;
        if (cut == 0)
            break; /* one long word stands over */
        rts_buffer_append(buffer, text, cut);
        rts_buffer_format(buffer, "\n%*s", (int)at, "");
        text += cut + 1;
    }
    rts_buffer_format(buffer, "%s\n", text);
    rts_buffer_finish(&visible);
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
    rts_visible_text(buffer, text, RTS_VISIBLE_WHOLE);
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
    rts_visible_text(buffer, report->subject, RTS_VISIBLE_WHOLE);
    rts_buffer_format(buffer, ", as user %u, %s, Linux ", report->user,
                      rts_where_phrase(report->where));
    rts_visible_text(buffer, report->kernel, RTS_VISIBLE_WHOLE);
    rts_buffer_text(buffer, "\n");
    append_wrapped(buffer, report->verdict, 0);
    if (*report->fix) {
        rts_buffer_text(buffer, "To mend it: ");
        rts_visible_text(buffer, report->fix, RTS_VISIBLE_WHOLE);
        rts_buffer_text(buffer, "\n");
    }
    rts_buffer_text(buffer, "\n");
    for (size_t i = 0; i < report->count; i++)
        write_check(&report->checks[i], buffer);
}
