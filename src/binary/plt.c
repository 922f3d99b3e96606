/* SPDX-License-Identifier: Apache-2.0 */
#include "binary/plt.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "binary/elf_symbols.h"
#include "binary/elf_versions.h"
#include "binary/plt_bindings.h"
#include "binary/plt_code.h"
#include "binary/section_data.h"
#include "util/buffer.h"
#include "util/memory.h"
#include "util/share.h"

/* Bytes of names of one file. */
#define NAMES_SIZE_MAX (64u << 20)
/* Longer names are left out, as those of symbols are. */
#define NAME_LENGTH_MAX 16384

/* What one table is made from. */
struct maker {
    struct rts_plt *plt;
    size_t capacity;
    struct rts_buffer names;
    struct rts_plt_bindings bindings;
    struct rts_elf_symbols symbols;
};

/* Appends the name for a binding; false when it has none. */
static bool append_name(struct maker *maker, const struct rts_plt_binding *binding)
{
    if (maker->names.size > NAMES_SIZE_MAX)
        return false;
    if (binding->symbol == 0) {
        rts_buffer_format(&maker->names, "*ABS*+0x%" PRIx64 "@plt", binding->resolver);
    } else {
        if (binding->symbol >= maker->symbols.count)
            return false;
        const char *name =
            rts_elf_symbols_name(&maker->symbols, &maker->symbols.symbols[binding->symbol]);
        size_t length =
            rts_elf_versions_bare_length(NULL, name, strnlen(name, NAME_LENGTH_MAX + 1));
        if (length == 0 || length > NAME_LENGTH_MAX)
            return false;
        rts_buffer_append(&maker->names, name, length);
        rts_buffer_text(&maker->names, "@plt");
    }
    rts_buffer_append(&maker->names, "", 1);
    return true;
}

static void add_slot(struct maker *maker, const struct rts_plt_jump *jump)
{
    struct rts_plt *plt = maker->plt;
    const struct rts_plt_binding *binding = NULL;
    if (jump->kind == RTS_PLT_WORD)
        binding = rts_plt_bindings_of_word(&maker->bindings, jump->target);
    else if (jump->kind == RTS_PLT_INDEX)
        binding = rts_plt_bindings_of_index(&maker->bindings, jump->target);
    if (plt->count >= RTS_PLT_MAX)
        return;
    uint32_t name = (uint32_t)maker->names.size;
    if (!binding || !append_name(maker, binding))
        name = RTS_PLT_NAMELESS;
    plt->slots = rts_grow(plt->slots, plt->count, &maker->capacity, sizeof *plt->slots);
    plt->slots[plt->count++] = (struct rts_plt_slot){jump->start, jump->size, name, jump->pushed};
}

static void add_table(struct maker *maker, const struct rts_elf_image *image, const char *name)
{
    const struct rts_section *section = rts_elf_image_section(image, name);
    struct rts_plt_code code = {.machine = image->header.e_machine};
    struct rts_plt_jump jump;
    size_t offset = 0;
    uint8_t *bytes =
        section ? rts_section_data_load(image, section, RTS_PLT_CODE_MAX, &code.size) : NULL;
    if (!bytes)
        return;
    code.bytes = bytes;
    code.vaddr = section->header.sh_addr;
    code.entry_size = section->header.sh_entsize;
    while (rts_plt_code_next(&code, &offset, &jump))
        add_slot(maker, &jump);
    free(bytes);
}

static int compare(const void *left, const void *right)
{
    const struct rts_plt_slot *a = left, *b = right;
    return a->start < b->start ? -1 : a->start > b->start;
}

void rts_plt_init(struct rts_plt *plt, const struct rts_elf_image *image)
{
    *plt = (struct rts_plt){0};
    struct maker maker = {.plt = plt, .names = RTS_BUFFER_INIT};
    rts_plt_bindings_init(&maker.bindings, image);
    if (maker.bindings.count > 0) {
        rts_elf_symbols_load(&maker.symbols, image, SHT_DYNSYM);
        add_table(&maker, image, ".plt");
        add_table(&maker, image, ".plt.sec");
        add_table(&maker, image, ".plt.got");
        add_table(&maker, image, ".iplt");
        rts_elf_symbols_unload(&maker.symbols);
    }
    rts_plt_bindings_finish(&maker.bindings);
    plt->names = maker.names.data;
    plt->names_size = maker.names.capacity;
    if (plt->count > 0)
        qsort(plt->slots, plt->count, sizeof *plt->slots, compare);
}

void rts_plt_finish(struct rts_plt *plt)
{
    free(plt->slots);
    free(plt->names);
    *plt = (struct rts_plt){0};
}

size_t rts_plt_bytes(const struct rts_plt *plt)
{
    return rts_heap_bytes(plt->count * sizeof *plt->slots) + rts_heap_bytes(plt->names_size);
}

const struct rts_plt_slot *rts_plt_find(const struct rts_plt *plt, uint64_t vaddr)
{
    size_t low = 0, high = plt->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (plt->slots[middle].start <= vaddr)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0 || vaddr - plt->slots[low - 1].start >= plt->slots[low - 1].size)
        return NULL;
    return &plt->slots[low - 1];
}
