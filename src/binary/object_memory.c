/* SPDX-License-Identifier: Apache-2.0 */
/* What an object takes of memory, and how that is given back: declared in object.h and
 * object_state.h. */
#include <stdlib.h>
#include <string.h>

#include "binary/object_state.h"

/* A name made of an address, with its place in the table. */
#define PLACE_NAME_BYTES 64

size_t rts_object_part_bytes(const struct rts_object *object)
{
    return rts_cfi_bytes(&object->eh_cfi) + rts_cfi_bytes(&object->debug_cfi) +
           (object->symbols_loaded ? rts_symbols_bytes(&object->symbols) : 0) +
           (object->plt_loaded ? rts_plt_bytes(&object->plt) : 0) +
           (object->go_table_found ? rts_go_table_bytes(&object->go_table) : 0) +
           (object->inlines ? rts_inlines_bytes(object->inlines) : 0) +
           object->place_names.count * PLACE_NAME_BYTES + rts_table_bytes(&object->place_names);
}

static size_t own_bytes(const struct rts_object *object)
{
    return rts_heap_bytes(sizeof *object) +
           (object->path ? rts_heap_bytes(strlen(object->path) + 1) : 0) +
           rts_elf_image_bytes(&object->image) +
           (object->companion_found ? rts_elf_image_bytes(&object->companion) : 0) +
           object->charged;
}

void rts_object_count(struct rts_object *object)
{
    object->asked = true;
    object->asks++;
    if (!object->share)
        return;
    size_t now = own_bytes(object) + rts_object_part_bytes(object);
    rts_share_change_of(object->share, object->owner, object->counted, now);
    object->counted = now;
}

void rts_object_use_share(struct rts_object *object, struct rts_share *share)
{
    object->share = share;
    rts_object_count(object);
}

void rts_object_charge(struct rts_object *object, size_t bytes)
{
    object->charged += bytes;
    if (!object->share)
        return;
    object->counted += bytes;
    rts_share_change_of(object->share, object->owner, 0, bytes);
}

void rts_object_make_room(struct rts_object *object, uint64_t bytes)
{
    if (object->host)
        object->host->make_room(object->host->context, object, bytes);
}

static void change_owner(struct rts_object *object, unsigned owner)
{
    struct rts_ledger *ledger = object->share ? object->share->ledger : NULL;
    rts_ledger_change(ledger, object->owner, object->counted, 0);
    rts_ledger_change(ledger, owner, 0, object->counted);
    object->owner = owner;
    object->owned = true;
}

void rts_object_see(struct rts_object *object, unsigned owner)
{
    object->seen = true;
    if (!object->owned || (owner == RTS_OWNER_ROOT && object->owner != RTS_OWNER_ROOT))
        change_owner(object, owner);
}

unsigned rts_object_owner(const struct rts_object *object)
{
    return object->owner;
}

unsigned rts_object_descriptors(const struct rts_object *object)
{
    bool companion = object->companion_found && object->companion.fd >= 0;
    return (unsigned)(object->image.fd >= 0) + (object->tree.root_fd >= 0) + companion;
}

bool rts_object_is_unwanted(const struct rts_object *object)
{
    return object->unwanted;
}

void rts_object_drop_parts(struct rts_object *object)
{
    size_t position = 0;
    void *name;
    while ((name = rts_table_next(&object->place_names, &position)))
        free(name);
    rts_table_finish(&object->place_names);
    rts_inlines_destroy(object->inlines);
    rts_plt_finish(&object->plt);
    rts_symbols_finish(&object->symbols);
    rts_go_table_finish(&object->go_table);
    rts_cfi_finish(&object->debug_cfi);
    rts_cfi_finish(&object->eh_cfi);
    object->inlines = NULL;
    object->inlines_tried = object->plt_loaded = object->symbols_loaded = false;
    object->go_table_tried = object->go_table_found = false;
    object->debug_cfi_loaded = object->eh_cfi_loaded = false;
    rts_object_count(object);
    object->asked = false;
    object->asks = 0;
}
