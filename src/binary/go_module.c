/* SPDX-License-Identifier: Apache-2.0 */
#include "binary/go_module.h"

#include <stdlib.h>
#include <string.h>

#include "binary/go_layout.h"
#include "util/cleanup.h"

/* Of the data of one program: the largest have some hundred MiB, most of it the table itself. A
 * sparse file costs its owner nothing, and us the time to read it, for each table that it seems to
 * have. */
#define DATA_MAX (256ULL << 20)
/* One read. */
#define CHUNK ((size_t)64 << 10)
/* Records that point to one table: there is one. */
#define RECORDS_MAX 16
/* Words from the beginning of the record within which the four are. */
#define RECORD_WORDS 64
/* Of all relocations, some MiB in the largest programs. */
#define RELOCATIONS_SIZE_MAX (256u << 20)

#if defined(__x86_64__)
#define RELATIVE R_X86_64_RELATIVE
#else
#define RELATIVE R_AARCH64_RELATIVE
#endif

/* What a scan looks at. */
_Static_assert(sizeof(struct rts_go_start) == sizeof(uint64_t), "a table begins with one word");

struct search {
    const struct rts_elf_image *image;
    Elf64_Rela *relocations; /* NULL: none */
    size_t relocation_count;
    uint64_t records[RECORDS_MAX];
    size_t count;
};

/* Shows `look` the words of all loaded data that is not code, until it has enough. */
static void scan_data(const struct rts_elf_image *image,
                      bool (*look)(void *context, uint64_t vaddr, const uint8_t *word),
                      void *context)
{
    RTS_FREE uint8_t *chunk = malloc(CHUNK);
    uint64_t left = DATA_MAX;
    for (size_t i = 0; chunk && i < image->segment_count; i++) {
        const Elf64_Phdr *segment = &image->segments[i];
        if (segment->p_type != PT_LOAD || (segment->p_flags & PF_X))
            continue;
        uint64_t skip = -segment->p_vaddr & 7;
        while (skip < segment->p_filesz && segment->p_filesz - skip >= 8 && left > 0) {
            uint64_t rest = (segment->p_filesz - skip) & ~(uint64_t)7;
            uint64_t size = rest < CHUNK ? rest : CHUNK;
            size = size < left ? size : left & ~(uint64_t)7;
            if (size == 0 || segment->p_offset + skip < skip ||
                !rts_elf_image_read(image, segment->p_offset + skip, chunk, (size_t)size))
                break;
            for (uint64_t at = 0; at < size; at += 8)
                if (!look(context, segment->p_vaddr + skip + at, chunk + at))
                    return;
            skip += size;
            left -= size;
        }
    }
}

struct table_search {
    uint64_t *candidates;
    size_t count;
};

static bool look_for_table(void *context, uint64_t vaddr, const uint8_t *word)
{
    struct table_search *search = context;
    struct rts_go_start start;
    memcpy(&start, word, sizeof start);
    if (rts_go_layout_of(&start))
        search->candidates[search->count++] = vaddr;
    return search->count < RTS_GO_TABLES_MAX;
}

size_t rts_go_module_find_tables(const struct rts_elf_image *image,
                                 uint64_t candidates[RTS_GO_TABLES_MAX])
{
    struct table_search search = {candidates, 0};
    scan_data(image, look_for_table, &search);
    return search.count;
}

/* The dynamic segment says where relocations are, with section headers and without. */
static void load_relocations(struct search *search)
{
    const struct rts_elf_image *image = search->image;
    const Elf64_Phdr *segment = rts_elf_image_segment_of_type(image, PT_DYNAMIC);
    uint64_t vaddr = 0, size = 0, offset, available;
    Elf64_Dyn entry = {.d_tag = DT_DEBUG};
    for (uint64_t at = 0; segment && entry.d_tag != DT_NULL && at < segment->p_filesz &&
                          rts_elf_image_read(image, segment->p_offset + at, &entry, sizeof entry);
         at += sizeof entry) {
        if (entry.d_tag == DT_RELA)
            vaddr = entry.d_un.d_ptr;
        else if (entry.d_tag == DT_RELASZ)
            size = entry.d_un.d_val;
    }
    if (size == 0 || !rts_elf_image_offset_of(image, vaddr, &offset, &available) ||
        size > available)
        return;
    search->relocations =
        rts_elf_image_load(image, offset, size, rts_elf_image_limit(image, RELOCATIONS_SIZE_MAX));
    search->relocation_count = search->relocations ? size / sizeof *search->relocations : 0;
}

static void add_record(struct search *search, uint64_t vaddr)
{
    if (search->count < RECORDS_MAX)
        search->records[search->count++] = vaddr;
}

struct pointer_search {
    struct search *search;
    uint64_t wanted;
};

static bool look_for_pointer(void *context, uint64_t vaddr, const uint8_t *word)
{
    struct pointer_search *pointers = context;
    if (memcmp(word, &pointers->wanted, sizeof pointers->wanted) == 0)
        add_record(pointers->search, vaddr);
    return pointers->search->count < RECORDS_MAX;
}

static void find_records(struct search *search, uint64_t table)
{
    struct pointer_search pointers = {search, table};
    for (size_t i = 0; i < search->relocation_count; i++)
        if (ELF64_R_TYPE(search->relocations[i].r_info) == RELATIVE &&
            (uint64_t)search->relocations[i].r_addend == table)
            add_record(search, search->relocations[i].r_offset);
    scan_data(search->image, look_for_pointer, &pointers);
}

static size_t read_record(const struct search *search, uint64_t vaddr, uint64_t words[RECORD_WORDS])
{
    uint64_t offset, available;
    if (!rts_elf_image_offset_of(search->image, vaddr, &offset, &available))
        return 0;
    size_t size = RECORD_WORDS * sizeof *words;
    if (size > available)
        size = (size_t)available & ~(size_t)7;
    if (!rts_elf_image_read(search->image, offset, words, size))
        return 0;
    for (size_t i = 0; i < search->relocation_count; i++) {
        const Elf64_Rela *relocation = &search->relocations[i];
        uint64_t at = relocation->r_offset - vaddr;
        if (at < size && at % 8 == 0 && ELF64_R_TYPE(relocation->r_info) == RELATIVE)
            words[at / 8] = (uint64_t)relocation->r_addend;
    }
    return size / sizeof *words;
}

static bool find_in_record(const struct search *search, const struct rts_go_bounds *bounds,
                           uint64_t vaddr, uint64_t *text)
{
    uint64_t words[RECORD_WORDS];
    size_t count = read_record(search, vaddr, words);
    for (size_t i = 1; i + 4 <= count; i++) {
        uint64_t first = words[i], end = words[i + 1];
        *text = words[i + 2];
        bool same = bounds->is_relative ? first - *text == bounds->first &&
                                              end - first == bounds->end - bounds->first
                                        : first == bounds->first && end == bounds->end;
        if (same && *text <= first && end <= words[i + 3] &&
            rts_elf_image_segment_at(search->image, *text, PF_X))
            return true;
    }
    return false;
}

bool rts_go_module_find_text(const struct rts_elf_image *image, const struct rts_go_bounds *bounds,
                             uint64_t *text)
{
    struct search search = {.image = image};
    load_relocations(&search);
    find_records(&search, bounds->table);
    bool found = false;
    for (size_t i = 0; !found && i < search.count; i++)
        found = find_in_record(&search, bounds, search.records[i], text);
    free(search.relocations);
    return found;
}
