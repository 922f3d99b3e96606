/* SPDX-License-Identifier: Apache-2.0 */
/* What tells one object from another, beside what its file says: declared in object.h. */
#include <string.h>
#include <sys/stat.h>

#include "binary/object_state.h"
#include "util/sha256.h"
#include "util/table.h"

const uint8_t *rts_object_key(const struct rts_object *object)
{
    return object->key;
}

uint64_t rts_object_likeness(const struct rts_object *object)
{
    return object->likeness;
}

void rts_object_set_key(struct rts_object *object, const void *identity, size_t size)
{
    uint8_t value[RTS_SHA256_SIZE];
    rts_sha256_bytes(identity, size, value);
    memcpy(object->key, value, sizeof object->key);
}

/* An image in memory is what it holds: the vDSO, and what stands for one file wherever it is. */
void rts_object_init_key(struct rts_object *object)
{
    const struct rts_elf_image *image = &object->image;
    object->likeness = rts_hash_bytes(&image->header, sizeof image->header, image->size);
    object->likeness = rts_hash_bytes(
        image->segments, image->segment_count * sizeof *image->segments, object->likeness);
    if (image->bytes)
        rts_object_set_key(object, image->bytes, (size_t)image->size);
    else if (image->watch)
        rts_object_set_key(object, rts_file_watch_stamp(image->watch),
                           sizeof(struct rts_file_stamp));
}
