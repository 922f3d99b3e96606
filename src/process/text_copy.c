/* SPDX-License-Identifier: Apache-2.0 */
#include "process/text_copy.h"

#include <stdlib.h>
#include <string.h>

#include "util/clock.h"
#include "util/memory.h"

/* What is known is believed for so long. */
#define LIFETIME_NS     (RTS_NS_PER_S / 10)
#define LIFETIME_MAX_NS (128 * LIFETIME_NS)

static void drop(struct rts_text_copy *copy, rts_mapped_file_release release, void *context)
{
    release(context, copy->anchor.file);
    free(copy->pages);
}

struct rts_text_copy *rts_text_copies_add(struct rts_text_copies *copies,
                                          const struct rts_text_copy *place,
                                          rts_mapped_file_release release, void *context)
{
    if (place->end <= place->start || place->end - place->start > RTS_TEXT_COPY_SIZE_MAX) {
        release(context, place->anchor.file);
        return NULL;
    }
    if (!copies->items)
        copies->items = rts_calloc(RTS_TEXT_COPIES_MAX, sizeof *copies->items);
    if (copies->count == RTS_TEXT_COPIES_MAX) {
        drop(&copies->items[0], release, context);
        memmove(copies->items, copies->items + 1, --copies->count * sizeof *copies->items);
    }
    struct rts_text_copy *copy = &copies->items[copies->count++];
    *copy = *place;
    copy->id = ++copies->last_id;
    copy->pages = rts_calloc(rts_text_copy_pages(copy), 1);
    copy->stale_ns = copy->lifetime_ns = 0;
    return copy;
}

struct rts_text_copy *rts_text_copies_find(const struct rts_text_copies *copies, uint32_t id)
{
    for (size_t i = 0; i < copies->count; i++)
        if (copies->items[i].id == id)
            return &copies->items[i];
    return NULL;
}

void rts_text_copies_inherit(struct rts_text_copies *child, const struct rts_text_copies *parent,
                             rts_mapped_file_retain retain, void *context)
{
    if (parent->count == 0)
        return;
    *child = *parent;
    child->items = rts_calloc(RTS_TEXT_COPIES_MAX, sizeof *child->items);
    for (size_t i = 0; i < parent->count; i++) {
        struct rts_text_copy *copy = &child->items[i];
        *copy = parent->items[i];
        size_t pages = rts_text_copy_pages(copy);
        copy->pages = rts_calloc(pages, 1);
        memcpy(copy->pages, parent->items[i].pages, pages);
        retain(context, copy->anchor.file);
    }
}

void rts_text_copies_finish(struct rts_text_copies *copies, rts_mapped_file_release release,
                            void *context)
{
    for (size_t i = 0; i < copies->count; i++)
        drop(&copies->items[i], release, context);
    free(copies->items);
    *copies = (struct rts_text_copies){0};
}

size_t rts_text_copy_pages(const struct rts_text_copy *copy)
{
    return (size_t)((copy->end - 1) / RTS_TEXT_PAGE - copy->start / RTS_TEXT_PAGE) + 1;
}

uint8_t *rts_text_copy_page(const struct rts_text_copy *copy, uint64_t address)
{
    return &copy->pages[address / RTS_TEXT_PAGE - copy->start / RTS_TEXT_PAGE];
}

void rts_text_copy_age(struct rts_text_copy *copy, uint64_t now)
{
    if (now < copy->stale_ns)
        return;
    size_t pages = rts_text_copy_pages(copy);
    for (size_t i = 0; i < pages; i++)
        if (copy->pages[i] != RTS_PAGE_UNKNOWN)
            copy->pages[i] |= RTS_PAGE_STALE;
    uint64_t twice = 2 * copy->lifetime_ns;
    copy->lifetime_ns = twice == 0                ? LIFETIME_NS
                        : twice > LIFETIME_MAX_NS ? LIFETIME_MAX_NS
                                                  : twice;
    copy->stale_ns = now + copy->lifetime_ns;
}
