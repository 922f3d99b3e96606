/* SPDX-License-Identifier: Apache-2.0 */
#include "binary/elf_versions.h"

#include <stdlib.h>
#include <string.h>

#include "binary/elf_symbols.h"
#include "util/memory.h"

/* The number of a version, beside the bit that says that it is not the default one. */
#define NUMBER_MASK 0x7fff

/* Versions of 0 and 1 are none: local, and of the file itself. */
#define FIRST_NUMBER 2

/* Section of a type whose entries have their texts in the section it links to. */
static const Elf64_Shdr *strings_of(const struct rts_elf_image *image, const Elf64_Shdr *header)
{
    if (header->sh_link >= image->section_count)
        return NULL;
    const Elf64_Shdr *strings = &image->sections[header->sh_link].header;
    return strings->sh_type == SHT_STRTAB ? strings : NULL;
}

static bool looks_like_version(const char *text, size_t length)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "0123456789_.+-";
    return length > 0 && strspn(text, letters) >= length;
}

/* Each definition leads to the next one, and to the first of its texts, which is its name. */
static void take_definitions(struct rts_elf_versions *versions, const uint8_t *bytes, size_t size,
                             size_t strings_size)
{
    size_t at = 0;
    for (size_t i = 0; i < RTS_ELF_VERSIONS_MAX; i++) {
        Elf64_Verdef definition;
        Elf64_Verdaux text;
        if (size < sizeof definition || at > size - sizeof definition)
            return;
        memcpy(&definition, bytes + at, sizeof definition);
        size_t number = definition.vd_ndx & NUMBER_MASK;
        if (definition.vd_aux <= size - at && sizeof text <= size - at - definition.vd_aux) {
            memcpy(&text, bytes + at + definition.vd_aux, sizeof text);
            if (number >= FIRST_NUMBER && text.vda_name < strings_size)
                versions->names[number] = versions->strings + text.vda_name;
        }
        if (definition.vd_next == 0 || definition.vd_next > size - at)
            return;
        at += definition.vd_next;
    }
}

static int compare(const void *left, const void *right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

static void sort(struct rts_elf_versions *versions)
{
    for (size_t i = 0; i < versions->count; i++) {
        const char *name = versions->names[i];
        if (name && looks_like_version(name, strlen(name)))
            versions->sorted[versions->sorted_count++] = name;
    }
    qsort(versions->sorted, versions->sorted_count, sizeof *versions->sorted, compare);
}

static void load_numbers(struct rts_elf_versions *versions, const struct rts_elf_image *image)
{
    const struct rts_section *section = rts_elf_image_section_of_type(image, SHT_GNU_versym);
    if (!section)
        return;
    versions->of_symbols =
        rts_elf_image_load(image, section->header.sh_offset, section->header.sh_size,
                           RTS_ELF_SYMBOLS_MAX * sizeof *versions->of_symbols);
    versions->symbol_count =
        versions->of_symbols ? section->header.sh_size / sizeof *versions->of_symbols : 0;
}

void rts_elf_versions_load(struct rts_elf_versions *versions, const struct rts_elf_image *image)
{
    *versions = (struct rts_elf_versions){0};
    const struct rts_section *section = rts_elf_image_section_of_type(image, SHT_GNU_verdef);
    const Elf64_Shdr *strings = section ? strings_of(image, &section->header) : NULL;
    /* A definition takes 28 bytes with its name, which may have a parent, of 8 more. */
    const uint64_t limit = RTS_ELF_VERSIONS_MAX * 64;
    if (!strings)
        return;
    uint8_t *bytes =
        rts_elf_image_load(image, section->header.sh_offset, section->header.sh_size, limit);
    versions->strings = rts_elf_image_load(image, strings->sh_offset, strings->sh_size,
                                           rts_elf_image_limit(image, RTS_ELF_STRINGS_MAX));
    if (bytes && versions->strings) {
        versions->count = RTS_ELF_VERSIONS_MAX;
        versions->names = rts_calloc(versions->count, sizeof *versions->names);
        versions->sorted = rts_calloc(versions->count, sizeof *versions->sorted);
        take_definitions(versions, bytes, section->header.sh_size, strings->sh_size);
        sort(versions);
        load_numbers(versions, image);
    }
    free(bytes);
}

void rts_elf_versions_unload(struct rts_elf_versions *versions)
{
    free(versions->strings);
    free(versions->names);
    free(versions->sorted);
    free(versions->of_symbols);
    *versions = (struct rts_elf_versions){0};
}

static bool is_defined(const struct rts_elf_versions *versions, const char *text)
{
    return versions && versions->sorted_count > 0 &&
           bsearch(&text, versions->sorted, versions->sorted_count, sizeof *versions->sorted,
                   compare);
}

size_t rts_elf_versions_bare_length(const struct rts_elf_versions *versions, const char *name,
                                    size_t length)
{
    const char *at = length > 1 ? memrchr(name + 1, '@', length - 1) : NULL;
    if (!at)
        return length;
    const char *version = at + 1;
    if (!looks_like_version(version, (size_t)(name + length - version)))
        return length;
    if (at > name + 1 && at[-1] == '@')
        return (size_t)(at - 1 - name);
    return is_defined(versions, version) ? (size_t)(at - name) : length;
}

const char *rts_elf_versions_cut_off(const struct rts_elf_versions *versions, size_t symbol)
{
    size_t number =
        symbol < versions->symbol_count ? versions->of_symbols[symbol] & NUMBER_MASK : 0;
    const char *name = number < versions->count ? versions->names[number] : NULL;
    return name && *name && !looks_like_version(name, strlen(name)) ? name : NULL;
}
