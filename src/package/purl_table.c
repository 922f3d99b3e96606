/* SPDX-License-Identifier: Apache-2.0 */
#include "package/purl_table.h"

#include <stdlib.h>
#include <string.h>

#include "util/memory.h"

struct purl {
    unsigned references;
    size_t bytes;
    char text[];
};

static bool same_text(const void *item, const void *key)
{
    return strcmp(((const struct purl *)item)->text, key) == 0;
}

static uint64_t hash_text(const char *text)
{
    return rts_hash_bytes(text, strlen(text), 0);
}

const char *rts_purl_table_take(struct rts_purl_table *table, struct rts_share *share, char *text)
{
    if (!text)
        return NULL;
    uint64_t hash = hash_text(text);
    struct purl *purl = rts_table_find(&table->texts, hash, same_text, text);
    if (!purl) {
        size_t size = sizeof *purl + strlen(text) + 1;
        purl = rts_calloc(1, size);
        purl->bytes = rts_heap_bytes(size) + 2 * sizeof(struct rts_table_slot);
        strcpy(purl->text, text);
        rts_table_add(&table->texts, hash, purl);
        rts_share_add(share, purl->bytes);
    }
    free(text);
    purl->references++;
    return purl->text;
}

void rts_purl_table_release(struct rts_purl_table *table, struct rts_share *share, const char *text)
{
    struct purl *purl =
        text ? rts_table_find(&table->texts, hash_text(text), same_text, text) : NULL;
    if (!purl || --purl->references > 0)
        return;
    rts_table_remove(&table->texts, hash_text(text), same_text, text);
    rts_share_take(share, purl->bytes);
    free(purl);
}

void rts_purl_table_finish(struct rts_purl_table *table)
{
    size_t position = 0;
    for (void *item; (item = rts_table_next(&table->texts, &position));)
        free(item);
    rts_table_finish(&table->texts);
}
