/* SPDX-License-Identifier: Apache-2.0 */
#include "package/component_list.h"

#include <stdlib.h>
#include <string.h>

#include "util/memory.h"
#include "util/share.h"

static int compare_names(const void *left, const void *right)
{
    const struct rts_component *a = left, *b = right;
    return strcmp(a->name, b->name);
}

static void free_item(struct rts_component *item)
{
    free(item->name);
    free(item->purl);
}

void rts_components_complete(struct rts_components *components)
{
    size_t kept = 0;
    if (components->count == 0)
        return;
    qsort(components->items, components->count, sizeof *components->items, compare_names);
    for (size_t i = 1; i < components->count; i++) {
        struct rts_component *last = &components->items[kept], *next = &components->items[i];
        if (strcmp(last->name, next->name) != 0) {
            components->items[++kept] = *next;
            continue;
        }
        if (!last->purl || !next->purl || strcmp(last->purl, next->purl) != 0) {
            free(last->purl);
            last->purl = NULL;
        }
        free_item(next);
    }
    components->count = kept + 1;
}

void rts_components_destroy(struct rts_components *components)
{
    if (!components)
        return;
    for (size_t i = 0; i < components->count; i++)
        free_item(&components->items[i]);
    free(components->items);
    free(components->main_name);
    free(components->standard);
    free(components);
}

static size_t text_bytes(const char *text)
{
    return text ? rts_heap_bytes(strlen(text) + 1) : 0;
}

size_t rts_components_bytes(const struct rts_components *components)
{
    size_t bytes = rts_heap_bytes(sizeof *components) +
                   rts_heap_bytes(components->capacity * sizeof *components->items) +
                   text_bytes(components->main_name) + text_bytes(components->standard);
    for (size_t i = 0; i < components->count; i++)
        bytes += text_bytes(components->items[i].name) + text_bytes(components->items[i].purl);
    return bytes;
}

void rts_components_add(struct rts_components *components, char *name, char *purl)
{
    struct rts_component item = {name, purl};
    if (components->count >= RTS_COMPONENTS_MAX) {
        free_item(&item);
        return;
    }
    components->items = rts_grow(components->items, components->count, &components->capacity,
                                 sizeof *components->items);
    components->items[components->count++] = item;
}

const struct rts_component *rts_components_find(const struct rts_components *components,
                                                const char *name, size_t size)
{
    size_t low = 0, high = components->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const char *known = components->items[middle].name;
        int order = strncmp(known, name, size);
        if (order == 0 && known[size] == '\0')
            return &components->items[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}
