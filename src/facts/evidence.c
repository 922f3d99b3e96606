/* SPDX-License-Identifier: Apache-2.0 */
#include "facts/evidence.h"

#include <string.h>

#include "facts/outgoing.h"

/* The fields, in the order in which a line has them; another one follows each. */
static const enum rts_fact_field fields[] = {RTS_FIELD_EVIDENCE_URI, RTS_FIELD_CAS_URI};

/* `"name":"` */
static const char *find_field(const char *at, const char *end, enum rts_fact_field field,
                              const char **value)
{
    char key[64] = "\"";
    strcat(strcat(key, rts_outgoing_field(field)->name), "\":\"");
    const char *found = memmem(at, (size_t)(end - at), key, strlen(key));
    *value = found ? found + strlen(key) : NULL;
    return found;
}

void rts_evidence_set(struct rts_buffer *lines, const char *uri)
{
    struct rts_buffer out = RTS_BUFFER_INIT;
    const char *at = lines->data, *end = lines->data + lines->size, *value;
    for (size_t i = 0; lines->size > 0; i++) {
        const char *found = find_field(at, end, fields[i % 2], &value);
        const char *quote = found ? memchr(value, '"', (size_t)(end - value)) : NULL;
        if (!quote || quote + 1 >= end)
            break;
        rts_buffer_append(&out, at, (size_t)((uri ? value : found) - at));
        if (uri)
            rts_buffer_text(&out, uri);
        at = uri ? quote : quote + 2; /* with the comma */
    }
    if (at != lines->data && lines->size > 0)
        rts_buffer_append(&out, at, (size_t)(end - at));
    else
        return;
    rts_buffer_finish(lines);
    *lines = out;
}
