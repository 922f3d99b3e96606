/* SPDX-License-Identifier: Apache-2.0 */
#include "binary/object_content.h"

#include <stdlib.h>
#include <string.h>

#include "binary/object_state.h"
#include "binary/section_data.h"

int rts_object_fd(const struct rts_object *object)
{
    return object->image.fd;
}

void *rts_object_section_load(const struct rts_object *object, const char *name, uint64_t limit,
                              size_t *size)
{
    const struct rts_section *section = rts_elf_image_section(&object->image, name);
    return section ? rts_section_data_load(&object->image, section, limit, size) : NULL;
}

void *rts_object_data_load(const struct rts_object *object, uint64_t vaddr, uint64_t size,
                           uint64_t limit)
{
    uint64_t offset, available;
    if (!rts_elf_image_offset_of(&object->image, vaddr, &offset, &available) || size > available)
        return NULL;
    return rts_elf_image_load(&object->image, offset, size, limit);
}
