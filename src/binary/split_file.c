/* SPDX-License-Identifier: Apache-2.0 */
#include "binary/split_file.h"

#include <dwarf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "binary/section_data.h"

/* Columns of an index: there are eight kinds of section. */
#define COLUMNS_MAX 16

/* What the columns of an index are called by, in version 2 and 5; the others differ and are not
 * needed. */
#define COLUMN_INFO        1
#define COLUMN_ABBREV      3
#define COLUMN_STR_OFFSETS 6
#define COLUMN_RNGLISTS    8 /* since version 5 */

static const char index_name[] = ".debug_cu_index";

static const enum rts_dwarf_section wanted[] = {RTS_DWARF_INFO, RTS_DWARF_ABBREV, RTS_DWARF_STR,
                                                RTS_DWARF_STR_OFFSETS, RTS_DWARF_RNGLISTS};
#define WANTED (sizeof wanted / sizeof *wanted)

/* ".debug_….dwo" */
#define NAME_SIZE (RTS_DWARF_NAME_SIZE + 4)

struct index_header {
    uint16_t version; /* a word in version 2 */
    uint16_t unused;
    uint32_t columns, units, slots;
};

/* Where its tables are: ids, rows, columns, offsets, sizes. */
struct index {
    struct index_header header;
    const uint8_t *ids, *rows, *columns, *offsets, *sizes;
};

static bool open_index(const struct rts_split_file *file, struct index *index)
{
    const uint8_t *bytes = file->bytes + file->index.at;
    if (file->index.size < sizeof index->header)
        return false;
    memcpy(&index->header, bytes, sizeof index->header);
    const struct index_header *header = &index->header;
    if ((header->version != 2 && header->version != 5) || header->columns > COLUMNS_MAX ||
        header->units > RTS_DWARF_UNITS_MAX || header->slots > 4 * RTS_DWARF_UNITS_MAX)
        return false;
    uint64_t cells = (uint64_t)header->units * header->columns * 4;
    index->ids = bytes + sizeof *header;
    index->rows = index->ids + (uint64_t)header->slots * 8;
    index->columns = index->rows + (uint64_t)header->slots * 4;
    index->offsets = index->columns + (uint64_t)header->columns * 4;
    index->sizes = index->offsets + cells;
    return (uint64_t)(index->sizes - bytes) + cells <= file->index.size;
}

static uint32_t word_at(const uint8_t *table, uint64_t index)
{
    uint32_t word;
    memcpy(&word, table + index * sizeof word, sizeof word);
    return word;
}

/* The row of a unit, from 0 on. */
static bool find_row(const struct index *index, uint64_t id, uint32_t *row)
{
    uint32_t slots = index->header.slots;
    if (slots == 0 || (slots & (slots - 1)) != 0)
        return false;
    uint64_t mask = slots - 1, slot = id & mask, step = (id >> 32 & mask) | 1;
    for (uint32_t tries = 0; tries < slots; tries++, slot = (slot + step) & mask) {
        uint64_t found;
        memcpy(&found, index->ids + slot * sizeof found, sizeof found);
        *row = word_at(index->rows, slot);
        if (*row == 0)
            return false;
        if (found == id)
            return --*row < index->header.units;
    }
    return false;
}

/* The parts that a row of the index has of the sections. */
static bool read_row(const struct rts_split_file *file, const struct index *index, uint32_t row,
                     struct rts_split_part parts[RTS_DWARF_SECTIONS])
{
    static const struct {
        uint32_t column;
        enum rts_dwarf_section section;
    } known[] = {
        {COLUMN_INFO, RTS_DWARF_INFO},
        {COLUMN_ABBREV, RTS_DWARF_ABBREV},
        {COLUMN_STR_OFFSETS, RTS_DWARF_STR_OFFSETS},
        {COLUMN_RNGLISTS, RTS_DWARF_RNGLISTS},
    };
    for (uint32_t column = 0; column < index->header.columns; column++) {
        const uint64_t cell = (uint64_t)row * index->header.columns + column;
        for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
            if (word_at(index->columns, column) != known[i].column ||
                (known[i].column == COLUMN_RNGLISTS && index->header.version < 5))
                continue;
            const struct rts_split_part *whole = &file->sections[known[i].section];
            const uint64_t offset = word_at(index->offsets, cell);
            const uint64_t size = word_at(index->sizes, cell);
            if (offset > whole->size || size > whole->size - offset)
                return false;
            parts[known[i].section] = (struct rts_split_part){whole->at + offset, size};
        }
    }
    return true;
}

static uint64_t images_wanted(const struct rts_elf_image *image, const struct rts_section *section)
{
    struct index_header header;
    if (!section)
        return 1;
    if (section->header.sh_size < sizeof header || (section->header.sh_flags & SHF_COMPRESSED) ||
        !rts_elf_image_read(image, section->header.sh_offset, &header, sizeof header) ||
        header.units > RTS_DWARF_UNITS_MAX)
        return 0;
    return header.units;
}

/* The next section of that name, ".debug_…" or its compressed form, from *position on. A .dwo file
 * is not linked: each unit of types is in a section of its own, of the same name. */
static const struct rts_section *next_section(const struct rts_elf_image *image, const char *name,
                                              size_t *position)
{
    while (*position < image->section_count) {
        const struct rts_section *section = &image->sections[(*position)++];
        const char *own = section->name;
        if (strcmp(own, name) == 0 ||
            (strncmp(own, ".z", 2) == 0 && strcmp(own + 2, name + 1) == 0))
            return section;
    }
    return NULL;
}

static void name_section(char name[NAME_SIZE], size_t number)
{
    if (number == WANTED)
        snprintf(name, NAME_SIZE, "%s", index_name);
    else
        snprintf(name, NAME_SIZE, "%s.dwo", rts_dwarf_section_name(wanted[number]));
}

static struct rts_split_part *part_of(struct rts_split_file *file, size_t number)
{
    return number == WANTED ? &file->index : &file->sections[wanted[number]];
}

/* Gives the sections their places. */
static bool place_sections(struct rts_split_file *file, const struct rts_elf_image *image,
                           uint64_t limit, struct rts_unread *unread)
{
    uint64_t at = file->images_max * sizeof(struct rts_dwarf_image_head), total = 0;
    for (size_t i = 0; i <= WANTED; i++) {
        char name[NAME_SIZE];
        struct rts_split_part *part = part_of(file, i);
        const struct rts_section *section;
        name_section(name, i);
        at = (at + 2 * RTS_DWARF_PADDING - 1) & ~(uint64_t)(RTS_DWARF_PADDING - 1);
        *part = (struct rts_split_part){.at = at};
        for (size_t position = 0; (section = next_section(image, name, &position));) {
            uint64_t size = rts_section_data_size(image, section);
            if (size == 0)
                rts_unread_section(unread, image, section);
            if (size > limit || (total += size) > limit) {
                rts_unread_say(unread, RTS_UNREAD_TOO_LARGE, name);
                return false;
            }
            part->size += size;
        }
        at += part->size;
    }
    file->size = (size_t)(at + RTS_DWARF_PADDING);
    return file->images_max > 0 && file->sections[RTS_DWARF_INFO].size > 0;
}

static bool read_sections(struct rts_split_file *file, const struct rts_elf_image *image)
{
    for (size_t i = 0; i <= WANTED; i++) {
        char name[NAME_SIZE];
        const struct rts_section *section;
        uint64_t at = part_of(file, i)->at;
        name_section(name, i);
        for (size_t position = 0; (section = next_section(image, name, &position));) {
            uint64_t size = rts_section_data_size(image, section);
            if (size > file->size - at ||
                (size > 0 &&
                 !rts_section_data_read(image, section, file->bytes + at, (size_t)size)))
                return false;
            at += size;
        }
    }
    return true;
}

bool rts_split_file_init(struct rts_split_file *file, const struct rts_elf_image *image,
                         const char *path, uint64_t limit, struct rts_unread *unread)
{
    *file = (struct rts_split_file){
        .images_max = images_wanted(image, rts_elf_image_section(image, index_name))};
    if (place_sections(file, image, limit, unread))
        file->bytes = calloc(1, file->size);
    if (file->bytes && read_sections(file, image))
        return true;
    rts_unread_say(unread, RTS_UNREAD_DAMAGED, path);
    rts_split_file_finish(file);
    return false;
}

void rts_split_file_finish(struct rts_split_file *file)
{
    free(file->bytes);
    *file = (struct rts_split_file){0};
}

/* The unit of that id among those of a handle. */
static bool find_unit(struct rts_split_unit *unit, uint64_t id)
{
    Dwarf_CU *next = NULL;
    for (size_t count = 0;
         count < RTS_DWARF_UNITS_MAX &&
         dwarf_get_units(unit->handle.dwarf, next, &next, NULL, NULL, &unit->die, NULL) == 0;
         count++) {
        uint64_t own;
        if (dwarf_tag(&unit->die) == DW_TAG_compile_unit &&
            dwarf_cu_info(next, &unit->addresses.version, NULL, NULL, NULL, &own, NULL, NULL) ==
                0 &&
            own == id)
            return true;
    }
    return false;
}

bool rts_split_file_open_unit(struct rts_split_file *file, uint64_t id, struct rts_split_unit *unit)
{
    struct rts_split_part parts[RTS_DWARF_SECTIONS];
    memcpy(parts, file->sections, sizeof parts);
    if (file->index.size > 0) {
        struct index index;
        uint32_t row;
        if (!open_index(file, &index) || !find_row(&index, id, &row) ||
            !read_row(file, &index, row, parts))
            return false;
    }
    if (file->images == file->images_max && file->index.size > 0)
        return false;
    /* All units of a .dwo file share one image. */
    const size_t number = file->index.size > 0 ? file->images : 0;
    uint8_t *start = file->bytes + number * sizeof(struct rts_dwarf_image_head);
    struct rts_dwarf_image_head head;
    rts_dwarf_image_head_init(&head);
    for (size_t i = 0; i < WANTED; i++)
        rts_dwarf_image_place(&head, wanted[i],
                              parts[wanted[i]].at - (uint64_t)(start - file->bytes),
                              parts[wanted[i]].size);
    memcpy(start, &head, sizeof head);
    *unit = (struct rts_split_unit){.ranges = parts[RTS_DWARF_RNGLISTS]};
    if (!rts_dwarf_handle_open(&unit->handle, start, file->size - (size_t)(start - file->bytes)) ||
        !find_unit(unit, id)) {
        rts_split_unit_close(unit);
        return false;
    }
    file->images = number + 1;
    unit->addresses.ranges = file->bytes + unit->ranges.at;
    unit->addresses.ranges_size = unit->ranges.size;
    unit->addresses.end = file->bytes + file->size;
    return true;
}

void rts_split_unit_close(struct rts_split_unit *unit)
{
    rts_dwarf_handle_close(&unit->handle);
    *unit = (struct rts_split_unit){0};
}
