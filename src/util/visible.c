/* SPDX-License-Identifier: Apache-2.0 */
#include "util/visible.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "util/utf8.h"

#define CUT "..."

/* A character as it is shown, without a NUL. */
struct shown {
    char text[16];
    size_t size;
    size_t columns;
};

static void escape(struct shown *shown, char letter, int digits, unsigned value)
{
    int size = snprintf(shown->text, sizeof shown->text, "\\%c%0*x", letter, digits, value);
    shown->size = shown->columns = (size_t)size;
}

static void show_byte(struct shown *shown, unsigned char byte)
{
    const char *name = byte == '\n' ? "\\n" : byte == '\r' ? "\\r" : byte == '\t' ? "\\t" : NULL;
    if (!name)
        return escape(shown, 'x', 2, byte);
    *shown = (struct shown){.size = 2, .columns = 2};
    memcpy(shown->text, name, 2);
}

/* Shows what is at `at`; returns the bytes that it takes. */
static size_t show(struct shown *shown, const char *at, size_t left)
{
    struct rts_utf8 character = rts_utf8_decode(at, left);
    if (!character.valid || (character.point < 0x80 && rts_is_unseen(character.point))) {
        show_byte(shown, (unsigned char)*at);
        return 1;
    }
    if (rts_is_unseen(character.point)) {
        bool wide = character.point > 0xffff;
        escape(shown, wide ? 'U' : 'u', wide ? 8 : 4, character.point);
        return character.size;
    }
    *shown = (struct shown){.size = character.size, .columns = 1};
    memcpy(shown->text, at, character.size);
    return character.size;
}

void rts_visible_append(struct rts_buffer *out, const char *text, size_t size, size_t columns)
{
    size_t used = 0;
    size_t cut_at = out->size; /* where "..." goes, if it has to */
    for (size_t i = 0; i < size;) {
        struct shown shown;
        i += show(&shown, text + i, size - i);
        if (shown.columns > columns - used) {
            out->size = cut_at;
            rts_buffer_text(out, CUT);
            return;
        }
        rts_buffer_append(out, shown.text, shown.size);
        used += shown.columns;
        if (columns - used >= sizeof CUT - 1)
            cut_at = out->size;
    }
    rts_buffer_append(out, "", 0);
}

void rts_visible_text(struct rts_buffer *out, const char *text, size_t columns)
{
    rts_visible_append(out, text, strlen(text), columns);
}
