/* SPDX-License-Identifier: Apache-2.0 */
#include "binary/go_table.h"

#include <stdlib.h>
#include <string.h>

#include "binary/go_layout.h"
#include "binary/go_module.h"
#include "util/share.h"

/* Names of one program: the largest have some MiB. */
#define NAMES_MAX (256u << 20)

/* Bytes of a description up to the flags, in every version. */
#define DESCRIPTION_MAX 48

#define FLAG_OUTERMOST   1u
#define FLAG_MOVES_STACK 2u

bool rts_go_table_read(const struct rts_go_table *table, uint64_t at, void *bytes, size_t size)
{
    return at <= table->size && size <= table->size - at &&
           rts_elf_image_read(table->image, table->offset + at, bytes, size);
}

/* Reads the functab at `at`; descriptions are counted from `base` on. Until Go 1.17 an entry is two
 * words, afterwards two halves of one. */
static bool read_entries(struct rts_go_table *table, uint64_t at, uint64_t base)
{
    const size_t width = table->layout->text ? sizeof(uint32_t) : sizeof(uint64_t);
    /* The last entry is but half of one. */
    const uint64_t size = (2 * table->count + 1) * width;
    if (at > table->size || size > table->size - at)
        return false;
    uint8_t *bytes = malloc(size);
    table->entries = calloc(table->count + 1, sizeof *table->entries);
    bool whole = bytes && table->entries && rts_go_table_read(table, at, bytes, size);
    for (size_t i = 0; whole && i <= table->count; i++) {
        struct rts_go_entry *entry = &table->entries[i];
        memcpy(&entry->start, bytes + 2 * i * width, width);
        if (i < table->count)
            memcpy(&entry->description, bytes + (2 * i + 1) * width, width);
        /* Two functions may begin at one address when the first is empty. */
        whole = i == 0 || entry->start >= entry[-1].start;
        entry->description += base;
        whole = whole && entry->description >= base;
    }
    free(bytes);
    return whole && table->entries[table->count].start > table->entries[0].start;
}

/* Bounds of the functions as they stand in the table, and the address of the text that goes with
 * them, become addresses. */
static bool place_entries(struct rts_go_table *table, uint64_t text)
{
    const struct rts_elf_image *image = table->image;
    uint64_t first = text + table->entries[0].start;
    uint64_t last = text + table->entries[table->count].start - 1;
    if (first < text || last < first || !rts_elf_image_is_code(image, first) ||
        !rts_elf_image_segment_at(image, last, PF_X))
        return false;
    for (size_t i = 0; i <= table->count; i++)
        table->entries[i].start += text;
    table->text = text;
    return true;
}

/* Reads the header and the functions. *text is what the header has. */
static bool read_table(struct rts_go_table *table, uint64_t *text)
{
    struct rts_go_start start;
    uint64_t words[RTS_GO_HEADER_WORDS] = {0};
    if (!rts_go_table_read(table, 0, &start, sizeof start) ||
        !(table->layout = rts_go_layout_of(&start)))
        return false;
    const struct rts_go_layout *layout = table->layout;
    if (!rts_go_table_read(table, sizeof start, words, layout->header_words * sizeof *words) ||
        words[0] == 0 || words[0] > RTS_GO_FUNCTIONS_MAX)
        return false;
    table->quantum = start.quantum;
    table->count = (size_t)words[0];
    table->names = layout->names ? words[layout->names] : 0;
    table->names_size = layout->names ? words[layout->compile_units] - table->names : table->size;
    table->numbers = layout->numbers ? words[layout->numbers] : 0;
    *text = layout->text ? words[layout->text] : 0;
    if (table->names > table->size || table->names_size > table->size - table->names ||
        table->names_size == 0 ||
        table->names_size > rts_elf_image_limit(table->image, NAMES_MAX) ||
        table->numbers > table->size)
        return false;
    if (layout->functab)
        return read_entries(table, words[layout->functab], words[layout->functab]);
    return read_entries(table, sizeof start + sizeof words[0], 0);
}

/* Takes the table at an address, if it is one. `proven`: that the address is that of the table. */
static bool take_table(struct rts_go_table *table, uint64_t vaddr, bool proven)
{
    uint64_t text;
    bool good = read_table(table, &text);
    if (good && proven && (!table->layout->text || rts_elf_image_is_code(table->image, text))) {
        good = place_entries(table, text);
    } else if (good) {
        struct rts_go_bounds bounds = {
            .table = vaddr,
            .is_relative = table->layout->text != 0,
            .first = table->entries[0].start,
            .end = table->entries[table->count].start,
        };
        good = rts_go_module_find_text(table->image, &bounds, &text) &&
               place_entries(table, bounds.is_relative ? text : 0);
    }
    if (!good)
        rts_go_table_finish(table);
    return good;
}

static const struct rts_section *find_section(const struct rts_elf_image *image)
{
    static const char *const names[] = {".gopclntab", ".data.rel.ro.gopclntab"};
    const struct rts_section *section = NULL;
    for (size_t i = 0; !section && i < sizeof names / sizeof *names; i++)
        section = rts_elf_image_section(image, names[i]);
    return section && !(section->header.sh_flags & SHF_COMPRESSED) ? section : NULL;
}

bool rts_go_table_init(struct rts_go_table *table, const struct rts_elf_image *image)
{
    *table = (struct rts_go_table){0};
    const struct rts_section *section = find_section(image);
    if (section) {
        *table = (struct rts_go_table){
            .image = image, .offset = section->header.sh_offset, .size = section->header.sh_size};
        return take_table(table, section->header.sh_addr, true);
    }
    if (image->by_address_count > 0)
        return false;
    uint64_t candidates[RTS_GO_TABLES_MAX];
    size_t count = rts_go_module_find_tables(image, candidates);
    for (size_t i = 0; i < count; i++) {
        *table = (struct rts_go_table){.image = image};
        if (rts_elf_image_offset_of(image, candidates[i], &table->offset, &table->size) &&
            take_table(table, candidates[i], false))
            return true;
    }
    return false;
}

void rts_go_table_finish(struct rts_go_table *table)
{
    free(table->entries);
    *table = (struct rts_go_table){0};
}

size_t rts_go_table_bytes(const struct rts_go_table *table)
{
    return rts_heap_bytes((table->count + 1) * sizeof *table->entries);
}

bool rts_go_table_find(const struct rts_go_table *table, uint64_t vaddr, size_t *index)
{
    size_t low = 0, high = table->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (table->entries[middle].start <= vaddr)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0 || vaddr >= table->entries[low].start)
        return false;
    *index = low - 1;
    return true;
}

static uint32_t word_of(const uint8_t *bytes, size_t at)
{
    uint32_t word;
    memcpy(&word, bytes + at, sizeof word);
    return word;
}

bool rts_go_table_describe(const struct rts_go_table *table, size_t index,
                           struct rts_go_description *description)
{
    const struct rts_go_layout *layout = table->layout;
    const struct rts_go_entry *entry = &table->entries[index];
    const size_t size = layout->flags_at ? layout->flags_at + 1u : layout->sizes_at + 4u;
    uint8_t bytes[DESCRIPTION_MAX];
    uint64_t start = 0;
    if (!rts_go_table_read(table, entry->description, bytes, size))
        return false;
    /* It begins with where the function does. */
    memcpy(&start, bytes, layout->text ? sizeof(uint32_t) : sizeof start);
    if (start != entry->start - table->text)
        return false;
    uint8_t flags = layout->flags_at ? bytes[layout->flags_at] : 0;
    *description = (struct rts_go_description){
        .name = word_of(bytes, layout->name_at),
        .frame_sizes = word_of(bytes, layout->sizes_at),
        .flags_are_known = layout->text != 0,
        .is_outermost = flags & FLAG_OUTERMOST,
        .moves_stack = flags & FLAG_MOVES_STACK,
    };
    return description->name < table->names_size;
}
