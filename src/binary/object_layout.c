/* SPDX-License-Identifier: Apache-2.0 */
/* Where the parts of an object lie in memory: declared in object.h. */
#include "binary/elf_dynamic.h"
#include "binary/object_state.h"

static uint64_t page_down(const struct rts_object *object, uint64_t value)
{
    return value & ~(object->image.page_size - 1);
}

static bool is_text(const Elf64_Phdr *segment)
{
    return segment->p_type == PT_LOAD && (segment->p_flags & PF_X);
}

/* Is the offset in a page that holds some of the segment? Such pages are mapped whole; comparing
 * page starts cannot overflow. */
static bool has_page(const struct rts_object *object, const Elf64_Phdr *segment, uint64_t offset)
{
    if (segment->p_filesz == 0)
        return false;
    uint64_t last = segment->p_offset + segment->p_filesz - 1;
    return offset >= page_down(object, segment->p_offset) &&
           page_down(object, offset) <= page_down(object, last);
}

bool rts_object_offset_to_vaddr(const struct rts_object *object, uint64_t offset, uint64_t *vaddr)
{
    const Elf64_Phdr *rounded = NULL;
    for (size_t i = 0; i < object->image.segment_count; i++) {
        const Elf64_Phdr *segment = &object->image.segments[i];
        if (!is_text(segment) || segment->p_filesz == 0)
            continue;
        if (offset >= segment->p_offset && offset - segment->p_offset < segment->p_filesz) {
            *vaddr = segment->p_vaddr + (offset - segment->p_offset);
            return true;
        }
        if (!rounded && has_page(object, segment, offset))
            rounded = segment;
    }
    if (rounded)
        *vaddr = rounded->p_vaddr + (offset - rounded->p_offset);
    return rounded != NULL;
}

/* The pages from that of `start` to that of the last byte before `end`: their size; 0: it is none
 * that can be. */
static uint64_t pages_size(const struct rts_object *object, uint64_t start, uint64_t end)
{
    uint64_t rounded;
    if (__builtin_add_overflow(end, object->image.page_size - 1, &rounded) || end <= start)
        return 0;
    return page_down(object, rounded) - page_down(object, start);
}

/* The pages of all segments, which lie behind the first one in memory. */
static uint64_t span_size(const struct rts_object *object, const Elf64_Phdr *first)
{
    uint64_t last = 0;
    for (size_t i = 0; i < object->image.segment_count; i++) {
        const Elf64_Phdr *segment = &object->image.segments[i];
        uint64_t end;
        if (segment->p_type != PT_LOAD)
            continue;
        if (segment->p_vaddr < first->p_vaddr ||
            __builtin_add_overflow(segment->p_vaddr, segment->p_memsz, &end))
            return 0;
        last = end > last ? end : last;
    }
    return pages_size(object, first->p_vaddr, last);
}

/* Is all there that is to be mapped? */
static bool is_whole(const struct rts_object *object)
{
    for (size_t i = 0; i < object->image.segment_count; i++) {
        const Elf64_Phdr *segment = &object->image.segments[i];
        uint64_t end;
        if (segment->p_type == PT_LOAD &&
            (__builtin_add_overflow(segment->p_offset, segment->p_filesz, &end) ||
             end > object->image.size))
            return false;
    }
    return !rts_elf_image_is_debug_only(&object->image);
}

bool rts_object_maps_as(const struct rts_object *object, uint64_t offset, uint64_t size)
{
    const Elf64_Phdr *first = rts_elf_image_segment_of_type(&object->image, PT_LOAD);
    if (size == 0 || !is_whole(object))
        return false;
    for (size_t i = 0; i < object->image.segment_count; i++) {
        const Elf64_Phdr *segment = &object->image.segments[i];
        if (!is_text(segment) || page_down(object, segment->p_offset) != offset)
            continue;
        if (size == pages_size(object, segment->p_offset, segment->p_offset + segment->p_filesz) ||
            (segment == first && size == span_size(object, first)))
            return true;
    }
    return false;
}

/* Does a segment begin in the page of this offset? */
static bool begins_in_page(const struct rts_object *object, const Elf64_Phdr *segment,
                           uint64_t offset)
{
    return segment->p_type == PT_LOAD && segment->p_filesz > 0 &&
           page_down(object, segment->p_offset) == page_down(object, offset);
}

static bool any_begins_in_page(const struct rts_object *object, uint64_t offset)
{
    for (size_t i = 0; i < object->image.segment_count; i++)
        if (begins_in_page(object, &object->image.segments[i], offset))
            return true;
    return false;
}

/* The executable segment whose part in the file covers `vaddr`, or NULL. */
static const Elf64_Phdr *text_at(const struct rts_object *object, uint64_t vaddr)
{
    for (size_t i = 0; i < object->image.segment_count; i++) {
        const Elf64_Phdr *segment = &object->image.segments[i];
        if (is_text(segment) && vaddr - segment->p_vaddr < segment->p_filesz)
            return segment;
    }
    return NULL;
}

bool rts_object_text_place(const struct rts_object *object, uint64_t address, uint64_t offset,
                           uint64_t pc, size_t index, struct rts_text_place *place)
{
    bool begins = any_begins_in_page(object, offset);
    for (size_t i = 0; i < object->image.segment_count; i++) {
        const Elf64_Phdr *segment = &object->image.segments[i];
        if (segment->p_type != PT_LOAD || !has_page(object, segment, offset) ||
            (begins && !begins_in_page(object, segment, offset)))
            continue;
        uint64_t bias = address - (segment->p_vaddr + (offset - segment->p_offset));
        const Elf64_Phdr *text = text_at(object, pc - bias);
        if (!text || index-- > 0)
            continue;
        place->bias = bias;
        place->start = text->p_vaddr + bias;
        place->end = place->start + text->p_filesz;
        place->offset = text->p_offset;
        return place->start < place->end;
    }
    return false;
}

bool rts_object_is_program(const struct rts_object *object)
{
    return object->image.header.e_type == ET_EXEC ||
           rts_elf_image_segment_of_type(&object->image, PT_INTERP) != NULL ||
           rts_elf_dynamic_is_program(&object->image);
}

uint64_t rts_object_first_vaddr(const struct rts_object *object)
{
    const Elf64_Phdr *first = rts_elf_image_segment_of_type(&object->image, PT_LOAD);
    return page_down(object, first->p_vaddr);
}

size_t rts_object_read_text(struct rts_object *object, uint64_t vaddr, void *bytes, size_t size)
{
    for (size_t i = 0; i < object->image.segment_count; i++) {
        const Elf64_Phdr *segment = &object->image.segments[i];
        if (!is_text(segment) || vaddr < segment->p_vaddr ||
            vaddr - segment->p_vaddr >= segment->p_filesz)
            continue;
        uint64_t skip = vaddr - segment->p_vaddr, left = segment->p_filesz - skip;
        uint64_t offset = segment->p_offset + skip;
        if (offset >= object->image.size)
            return 0;
        if (left > object->image.size - offset)
            left = object->image.size - offset;
        if (size > left)
            size = (size_t)left;
        return rts_elf_image_read(&object->image, offset, bytes, size) ? size : 0;
    }
    return 0;
}

const char *rts_object_section(struct rts_object *object, uint64_t vaddr)
{
    const struct rts_section *section = rts_elf_image_section_at(&object->image, vaddr);
    return section && section->name[0] ? section->name : ".text";
}

bool rts_object_constants(const struct rts_object *object, size_t index, uint64_t *vaddr,
                          uint64_t *size, uint64_t *offset)
{
    const struct rts_elf_image *image = &object->image;
    for (size_t i = 0; i < image->segment_count; i++) {
        const Elf64_Phdr *segment = &image->segments[i];
        if (segment->p_type != PT_LOAD || segment->p_flags & (PF_X | PF_W) || index-- > 0)
            continue;
        *vaddr = segment->p_vaddr;
        *size = segment->p_filesz;
        *offset = segment->p_offset;
        return true;
    }
    return false;
}
