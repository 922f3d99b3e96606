/* SPDX-License-Identifier: Apache-2.0 */
#include "binary/go_functions.h"

#include <stdlib.h>
#include <string.h>

#define MAGIC_1_18 0xfffffff0u
#define MAGIC_1_20 0xfffffff1u

/* Names of one program: the largest have some MiB. */
#define NAMES_MAX (256u << 20)

/* Descriptions come in the order of their functions: so many bytes are read at once. */
#define WINDOW_SIZE 65536

struct header {
    uint32_t magic;
    uint8_t zero[2];
    uint8_t quantum; /* of code addresses */
    uint8_t pointer_size;
    uint64_t functions, files, text;
    uint64_t names, compile_units, file_names, pc_tables, functab; /* offsets in the table */
};

struct entry {
    uint32_t start;       /* offset in the text */
    uint32_t description; /* from the functab on */
};

struct description {
    uint32_t start;
    int32_t name;
};

struct reader {
    const struct rts_elf_image *image;
    uint64_t offset, size; /* of the table in the file */
    struct header header;
    uint64_t text;
    struct entry *entries; /* one more than there are functions: where the last one ends */
    char *names;
    uint64_t names_size;
    uint8_t window[WINDOW_SIZE];
    uint64_t window_at, window_size;
};

static bool read_at(const struct reader *reader, uint64_t at, void *bytes, uint64_t size)
{
    return at <= reader->size && size <= reader->size - at &&
           rts_elf_image_read(reader->image, reader->offset + at, bytes, size);
}

static const struct rts_section *find_table(const struct rts_elf_image *image)
{
    static const char *const names[] = {".gopclntab", ".data.rel.ro.gopclntab"};
    const struct rts_section *section = NULL;
    for (size_t i = 0; !section && i < sizeof names / sizeof *names; i++)
        section = rts_elf_image_section(image, names[i]);
    return section && !(section->header.sh_flags & SHF_COMPRESSED) ? section : NULL;
}

static bool has_entry(const struct reader *reader, uint64_t start)
{
    for (uint64_t i = 0; i < reader->header.functions; i++)
        if (reader->entries[i].start == start)
            return true;
    return false;
}

/* The address is in the header; later versions leave it out. Then it is the beginning of the
 * section if the program's entry is a function by that; where C code was linked in front it is not.
 */
static bool find_text(struct reader *reader)
{
    const struct rts_section *section = rts_elf_image_section(reader->image, ".text");
    uint64_t start = section ? section->header.sh_addr : 0;
    uint64_t entry = reader->image->header.e_entry;
    reader->text = reader->header.text;
    if (rts_elf_image_is_code(reader->image, reader->text))
        return true;
    reader->text = start;
    return section && entry >= start && has_entry(reader, entry - start);
}

static bool read_tables(struct reader *reader)
{
    struct header *header = &reader->header;
    if (!read_at(reader, 0, header, sizeof *header) ||
        (header->magic != MAGIC_1_18 && header->magic != MAGIC_1_20) || header->zero[0] ||
        header->zero[1] || header->pointer_size != sizeof(uint64_t) || header->functions == 0 ||
        header->functions > RTS_SYMBOLS_MAX || header->compile_units <= header->names ||
        header->compile_units - header->names > NAMES_MAX)
        return false;
    /* The last entry is but half of one. */
    uint64_t bytes = header->functions * sizeof(struct entry) + sizeof(uint32_t);
    if (header->functab > reader->size || bytes > reader->size - header->functab)
        return false;
    reader->names_size = header->compile_units - header->names;
    reader->entries = calloc(header->functions + 1, sizeof *reader->entries);
    reader->names = malloc(reader->names_size + 1);
    return reader->entries && reader->names &&
           read_at(reader, header->functab, reader->entries, bytes) &&
           read_at(reader, header->names, reader->names, reader->names_size) && find_text(reader);
}

static bool read_description(struct reader *reader, uint32_t offset,
                             struct description *description)
{
    uint64_t at = reader->header.functab + offset; /* both are within the table, or read as far */
    if (at > reader->size || sizeof *description > reader->size - at)
        return false;
    if (at < reader->window_at ||
        at + sizeof *description > reader->window_at + reader->window_size) {
        uint64_t left = reader->size - at;
        reader->window_at = at;
        reader->window_size = left < WINDOW_SIZE ? left : WINDOW_SIZE;
        if (!read_at(reader, at, reader->window, reader->window_size)) {
            reader->window_size = 0;
            return false;
        }
    }
    memcpy(description, reader->window + (at - reader->window_at), sizeof *description);
    return true;
}

static void add_function(struct rts_symbols *symbols, struct reader *reader, uint64_t index)
{
    const struct entry *entry = &reader->entries[index];
    struct description description;
    uint64_t start = reader->text + entry->start;
    if (entry[1].start <= entry->start || start < reader->text ||
        !read_description(reader, entry->description, &description) ||
        description.start != entry->start || description.name < 0 ||
        (uint64_t)description.name >= reader->names_size)
        return;
    rts_symbols_add_function(symbols, start, entry[1].start - entry->start,
                             reader->names + description.name, reader->image, RTS_SYMBOL_GO_TABLE);
}

void rts_go_functions_add(struct rts_symbols *symbols, const struct rts_elf_image *image)
{
    const struct rts_section *section = find_table(image);
    if (!section)
        return;
    struct reader *reader = calloc(1, sizeof *reader);
    if (!reader)
        return;
    reader->image = image;
    reader->offset = section->header.sh_offset;
    reader->size = section->header.sh_size;
    if (read_tables(reader)) {
        reader->names[reader->names_size] = '\0';
        rts_symbols_allow_names(symbols, reader->names_size);
        for (uint64_t i = 0; i < reader->header.functions && symbols->count < RTS_SYMBOLS_MAX; i++)
            add_function(symbols, reader, i);
    }
    free(reader->entries);
    free(reader->names);
    free(reader);
}
