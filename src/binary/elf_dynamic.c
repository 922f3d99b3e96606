/* SPDX-License-Identifier: Apache-2.0 */
#include "binary/elf_dynamic.h"

#include <stdlib.h>

#include "util/cleanup.h"

/* Linkers write some 40 entries. */
#define DYNAMIC_SIZE_MAX (4096 * sizeof(Elf64_Dyn))
/* The hash of the largest libraries is some MiB. */
#define HASH_SIZE_MAX (64u << 20)

struct dynamic {
    uint64_t symbols;
    uint64_t strings;
    uint64_t strings_size;
    uint64_t hash;
    uint64_t gnu_hash;
    uint64_t flags; /* DT_FLAGS_1 */
};

static bool read_dynamic(const struct rts_elf_image *image, struct dynamic *dynamic)
{
    const Elf64_Phdr *segment = rts_elf_image_segment_of_type(image, PT_DYNAMIC);
    if (!segment)
        return false;
    RTS_FREE Elf64_Dyn *entries =
        rts_elf_image_load(image, segment->p_offset, segment->p_filesz, DYNAMIC_SIZE_MAX);
    if (!entries)
        return false;
    *dynamic = (struct dynamic){0};
    for (size_t i = 0; i < segment->p_filesz / sizeof *entries && entries[i].d_tag != DT_NULL;
         i++) {
        uint64_t value = entries[i].d_un.d_val;
        switch (entries[i].d_tag) {
        case DT_SYMTAB: dynamic->symbols = value; break;
        case DT_STRTAB: dynamic->strings = value; break;
        case DT_STRSZ: dynamic->strings_size = value; break;
        case DT_HASH: dynamic->hash = value; break;
        case DT_GNU_HASH: dynamic->gnu_hash = value; break;
        case DT_FLAGS_1: dynamic->flags = value; break;
        default: break;
        }
    }
    return true;
}

bool rts_elf_dynamic_is_program(const struct rts_elf_image *image)
{
    struct dynamic dynamic;
    return read_dynamic(image, &dynamic) && (dynamic.flags & DF_1_PIE);
}

/* DT_HASH: number of buckets, number of chains = number of symbols. */
static uint64_t count_by_hash(const struct rts_elf_image *image, uint64_t vaddr)
{
    uint64_t offset, available;
    uint32_t counts[2];
    if (!rts_elf_image_offset_of(image, vaddr, &offset, &available) ||
        !rts_elf_image_read(image, offset, counts, sizeof counts))
        return 0;
    return counts[1];
}

/* DT_GNU_HASH: a header, a filter of 8-byte words, the first symbol of each bucket, then one word
 * per symbol, with its lowest bit set in the last of a bucket. */
static uint64_t count_by_gnu_hash(const struct rts_elf_image *image, uint64_t vaddr)
{
    struct {
        uint32_t buckets, first, filter_words, shift;
    } header;
    uint64_t offset, available;
    if (!rts_elf_image_offset_of(image, vaddr, &offset, &available) || available < sizeof header ||
        !rts_elf_image_read(image, offset, &header, sizeof header))
        return 0;
    uint64_t buckets_at = sizeof header + (uint64_t)header.filter_words * 8;
    uint64_t chains_at = buckets_at + (uint64_t)header.buckets * 4;
    if (chains_at > available)
        return 0;
    if (available > HASH_SIZE_MAX)
        available = HASH_SIZE_MAX;
    if (offset < image->size && available > image->size - offset)
        available = image->size - offset;
    RTS_FREE uint8_t *table = rts_elf_image_load(image, offset, available, HASH_SIZE_MAX);
    if (!table || chains_at > available)
        return 0;
    const uint32_t *buckets = (const uint32_t *)(const void *)(table + buckets_at);
    const uint32_t *chains = (const uint32_t *)(const void *)(table + chains_at);
    uint64_t chain_count = (available - chains_at) / 4;
    uint64_t last = 0;
    for (uint32_t i = 0; i < header.buckets; i++)
        if (buckets[i] > last)
            last = buckets[i];
    if (last < header.first)
        return header.first;
    while (last - header.first < chain_count && !(chains[last - header.first] & 1))
        last++;
    return last - header.first < chain_count ? last + 1 : 0;
}

bool rts_elf_dynamic_symbols(const struct rts_elf_image *image, struct rts_symbols_place *place)
{
    struct dynamic dynamic;
    uint64_t symbols_available, strings_available;
    if (!read_dynamic(image, &dynamic) || !dynamic.symbols || !dynamic.strings ||
        !rts_elf_image_offset_of(image, dynamic.symbols, &place->symbols, &symbols_available) ||
        !rts_elf_image_offset_of(image, dynamic.strings, &place->strings, &strings_available))
        return false;
    place->strings_size = dynamic.strings_size;
    place->count = dynamic.hash ? count_by_hash(image, dynamic.hash) : 0;
    if (place->count == 0 && dynamic.gnu_hash)
        place->count = count_by_gnu_hash(image, dynamic.gnu_hash);
    return place->count > 0 && place->count <= symbols_available / sizeof(Elf64_Sym) &&
           place->strings_size <= strings_available;
}
