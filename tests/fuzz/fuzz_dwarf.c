/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DWARF of any content, from sections to what is inlined at an address: units, ranges, names, units
 * that were split off (in a file of their own, or in a package of many), and what dwz moved to
 * another file. The sections stand in files that are as they should be: fuzz_object damages those
 * too. Line tables are read by nobody here.
 *
 * The input: a byte (odd: the units that were split off are in a package), an address in four, and
 * sections, each with a byte for the file and the number in it, and two for its size.
 * tests/fuzz/run builds it with libFuzzer and runs it; tests/fuzz/seeds.py makes what it begins
 * with.
 */
#include <string.h>

#include "binary/inlines.h"
#include "fuzz_elf.h"
#include "fuzz_folder.h"
#include "fuzz_main.h"

#define HEAD_SIZE    5
#define SECTION_HEAD 3
#define INPUT_MAX    65536

/* Addresses that are asked for: from that of the input on, so far apart. */
#define ADDRESSES 32
#define STEP      4
#define DEPTH     16

#define PACKAGED 1u

enum file {
    MAIN,
    SPLIT,
    COMMON,
    FILES
};

/* By number: as in seeds.py. */
static const char *const names[FILES][16] = {
    [MAIN] = {".debug_info", ".debug_abbrev", ".debug_str", ".debug_line_str", ".debug_str_offsets",
              ".debug_addr", ".debug_ranges", ".debug_rnglists", ".debug_types", ".debug_aranges"},
    [SPLIT] = {".debug_info.dwo", ".debug_abbrev.dwo", ".debug_str.dwo", ".debug_str_offsets.dwo",
               ".debug_rnglists.dwo", ".debug_cu_index"},
    [COMMON] = {".debug_info", ".debug_abbrev", ".debug_str", ".debug_line_str"},
};

/* What ties the file of dwz to the one that needs it. */
static const uint8_t common_link[] = "common\0abcdefghijklmnopqrst";
static const uint8_t common_note[] = "\4\0\0\0\24\0\0\0\3\0\0\0GNU\0abcdefghijklmnopqrst";

static int root = -1;

/* The section at *at, if one is there; moves on to the next one. */
static bool next_section(const uint8_t *data, size_t size, size_t *at, unsigned *where,
                         struct fuzz_section *section)
{
    if (*at >= size || size - *at < SECTION_HEAD)
        return false;
    *where = data[*at];
    section->size = data[*at + 1] | (size_t)data[*at + 2] << 8;
    *at += SECTION_HEAD;
    if (section->size > size - *at)
        section->size = size - *at;
    section->bytes = data + *at;
    *at += section->size;
    return true;
}

static void take_sections(const uint8_t *data, size_t size, struct fuzz_sections files[FILES])
{
    unsigned where;
    struct fuzz_section section;
    for (size_t at = HEAD_SIZE; next_section(data, size, &at, &where, &section);) {
        unsigned file = where >> 4;
        if (file < FILES && names[file][where & 15])
            fuzz_sections_add(&files[file], names[file][where & 15], section.bytes, section.size);
    }
}

static void write_elf(const char *name, const struct fuzz_sections *sections)
{
    size_t size;
    unlinkat(root, name, 0);
    if (sections->count == 0)
        return;
    uint8_t *bytes = fuzz_elf_make(sections, &size);
    fuzz_folder_write(root, name, bytes, size);
    free(bytes);
}

static void ask(struct rts_inlines *inlines, uint64_t base)
{
    volatile size_t used = 0;
    for (uint64_t vaddr = base; vaddr < base + ADDRESSES * STEP; vaddr += STEP) {
        struct rts_function functions[DEPTH];
        size_t count = rts_inlines_at(inlines, vaddr, functions, DEPTH);
        if (count > DEPTH)
            abort();
        for (size_t i = 0; i < count; i++) {
            if (vaddr < functions[i].start || vaddr - functions[i].start >= functions[i].size)
                abort();
            used += strlen(functions[i].name);
        }
    }
    used += rts_inlines_bytes(inlines);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_sections files[FILES] = {0};
    struct rts_elf_image image;
    struct rts_unread unread = {.said = true, .said_overwritten = true};
    if (root < 0)
        root = fuzz_folder_make();
    if (size < HEAD_SIZE || size > INPUT_MAX)
        return 0;
    take_sections(data, size, files);
    if (files[COMMON].count > 0) {
        fuzz_sections_add(&files[COMMON], ".note.gnu.build-id", common_note,
                          sizeof common_note - 1);
        fuzz_sections_add(&files[MAIN], ".gnu_debugaltlink", common_link, sizeof common_link - 1);
    }
    const struct fuzz_sections none = {.count = 0};
    bool packaged = data[0] & PACKAGED;
    write_elf("program.dwp", packaged ? &files[SPLIT] : &none);
    write_elf("program.dwo", packaged ? &none : &files[SPLIT]);
    write_elf("common", &files[COMMON]);
    size_t main_size;
    uint8_t *main_bytes = fuzz_elf_make(&files[MAIN], &main_size);
    if (rts_elf_image_from_bytes(&image, main_bytes, main_size, NULL) < 0)
        abort();
    const struct rts_tree tree = {.root_fd = root};
    const struct rts_debug_place place = {
        .path = "/program",
        .mapped = "/program",
        .tree = &tree,
        .enabled = true,
        .unread = &unread,
    };
    struct rts_inlines *inlines = rts_inlines_create(&image, &place);
    if (inlines)
        ask(inlines,
            data[1] | (uint64_t)data[2] << 8 | (uint64_t)data[3] << 16 | (uint64_t)data[4] << 24);
    rts_inlines_destroy(inlines);
    rts_elf_image_finish(&image);
    return 0;
}

/* libFuzzer's own, which others do not have. */
__attribute__((weak)) size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed);

/* Changes what is in one section, whose size is made to fit: a byte more in the first one would
 * make nonsense of all that follow. Now and then anything. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed)
{
    static uint8_t changed[INPUT_MAX];
    unsigned where;
    struct fuzz_section section;
    size_t count = 0;
    for (size_t at = HEAD_SIZE; next_section(data, size, &at, &where, &section);)
        count++;
    if (count == 0 || seed % 16 == 0 || size > max_size || max_size > INPUT_MAX)
        return LLVMFuzzerMutate(data, size, max_size);
    size_t at = HEAD_SIZE;
    for (size_t chosen = seed / 16 % count; next_section(data, size, &at, &where, &section);)
        if (chosen-- == 0)
            break;
    size_t begin = at - section.size, room = max_size - size + section.size;
    memcpy(changed, section.bytes, section.size);
    size_t new_size = LLVMFuzzerMutate(changed, section.size, room < 0xffff ? room : 0xffff);
    memmove(data + begin + new_size, data + at, size - at);
    memcpy(data + begin, changed, new_size);
    data[begin - 2] = (uint8_t)new_size;
    data[begin - 1] = (uint8_t)(new_size >> 8);
    return size - section.size + new_size;
}
