/* SPDX-License-Identifier: Apache-2.0 */
/* It finds its FDE as src/unwind/libunwind.c has it find one: in a table with one entry. */
#include <stdlib.h>
#include <string.h>

#include "binary/cfi_entry.h"
#include "opinion.h"
#include "unwind/libunwind_library.h"
#include "util/memory.h"

#define TABLE_ADDRESS UINT64_C(0xfffffffffffff000)

/* Words read for one step: a broken expression may loop for ever. */
#define ACCESSES_MAX 1000000

struct libunwind {
    struct rts_libunwind library;
    unw_addr_space_t space;
    const struct rts_architecture *arch;
    struct rts_object *object;
    struct rts_registers registers;
    struct rts_object_fde fde;
    struct {
        int32_t start, fde; /* relative to the start of the function */
    } table;
    bool no_info;
    unsigned accesses;
};

/* Reads what of the word lies in [bytes, bytes + size), the rest as zero. */
static bool read_bytes(uint64_t address, uint64_t start, const void *bytes, size_t size,
                       unw_word_t *word)
{
    uint64_t offset = address - start;
    if (offset >= size)
        return false;
    size_t there = size - offset < sizeof *word ? size - offset : sizeof *word;
    *word = 0;
    memcpy(word, (const uint8_t *)bytes + offset, there);
    return true;
}

static int access_mem(unw_addr_space_t space, unw_word_t address, unw_word_t *word, int write,
                      void *context)
{
    struct libunwind *guest = context;
    const struct rts_object_fde *fde = &guest->fde;
    (void)space;
    if (write || ++guest->accesses > ACCESSES_MAX)
        return -UNW_EINVAL;
    /* Words are aligned, sections need not be. */
    uint64_t before = fde->section_vaddr & 7;
    if (before && address == fde->section_vaddr - before) {
        *word = 0;
        memcpy((uint8_t *)word + before, fde->section, sizeof *word - before);
        return 0;
    }
    if (!read_bytes(address, TABLE_ADDRESS, &guest->table, sizeof guest->table, word) &&
        !read_bytes(address, fde->section_vaddr, fde->section, fde->section_size, word))
        *word = synthetic_word(address);
    return 0;
}

static int access_reg(unw_addr_space_t space, unw_regnum_t number, unw_word_t *value, int write,
                      void *context)
{
    const struct libunwind *guest = context;
    (void)space;
    if (write || number < 0 || !rts_register_known(&guest->registers, (unsigned)number))
        return -UNW_EBADREG;
    *value = guest->registers.value[number];
    return 0;
}

static int find_proc_info(unw_addr_space_t space, unw_word_t ip, unw_proc_info_t *found,
                          int need_unwind_info, void *context)
{
    struct libunwind *guest = context;
    guest->no_info = true;
    if (!rts_object_fde(guest->object, ip, &guest->fde))
        return -UNW_ENOINFO;
    /* It would read behind the end of its table of registers. */
    const struct rts_cfi_bytes bytes = {guest->fde.section, guest->fde.section_size,
                                        guest->fde.section_vaddr};
    if (rts_fde_mentions(&bytes, guest->fde.entry).place >= guest->arch->registers) {
        guest->no_info = false;
        return -UNW_EBADREG;
    }
    guest->table.fde = (int32_t)(guest->fde.section_vaddr + guest->fde.entry - guest->fde.start);
    unw_dyn_info_t table = {
        .start_ip = guest->fde.start,
        .end_ip = guest->fde.end,
        .format = UNW_INFO_FORMAT_REMOTE_TABLE,
        .u.rti = {.segbase = guest->fde.start,
                  .table_data = TABLE_ADDRESS,
                  .table_len = sizeof guest->table / sizeof(unw_word_t)},
    };
    int result = guest->library.dwarf_search_unwind_table(space, ip, &table, found,
                                                          need_unwind_info, context);
    guest->no_info = result == -UNW_ENOINFO;
    return result;
}

struct libunwind *libunwind_open(const struct rts_architecture *arch, struct rts_error *error)
{
    const unw_accessors_t accessors = {
        .find_proc_info = find_proc_info, .access_mem = access_mem, .access_reg = access_reg};
    struct libunwind *guest = rts_calloc(1, sizeof *guest);
    guest->arch = arch;
    if (rts_libunwind_open(&guest->library, error) < 0) {
        free(guest);
        return NULL;
    }
    guest->space = rts_libunwind_space(&guest->library, &accessors, error);
    if (guest->space)
        return guest;
    libunwind_close(guest);
    return NULL;
}

void libunwind_close(struct libunwind *guest)
{
    if (!guest)
        return;
    if (guest->space)
        guest->library.destroy_addr_space(guest->space);
    rts_libunwind_close(&guest->library);
    free(guest);
}

static const char *words_of(int result)
{
    switch (-result) {
    case UNW_EBADREG: return "bad register";
    case UNW_EBADFRAME: return "bad frame";
    case UNW_EINVAL: return "invalid";
    case UNW_EBADVERSION: return "bad version";
    case UNW_ENOINFO: return "no CFI";
    case UNW_ENOMEM: return "no memory";
    default: return "failed";
    }
}

void libunwind_says(struct libunwind *guest, struct rts_object *object, uint64_t vaddr,
                    struct opinion *opinion)
{
    unw_cursor_t cursor;
    *opinion = (struct opinion){.outcome = FAILED};
    guest->object = object;
    guest->no_info = false;
    guest->accesses = 0;
    guest->fde = (struct rts_object_fde){0};
    synthetic_registers(guest->arch, vaddr, &guest->registers);
    int result = guest->library.init_remote(&cursor, guest->space, guest);
    if (result >= 0)
        result = guest->library.step(&cursor);
    if (guest->no_info) /* else what follows is a guess */
        result = -UNW_ENOINFO;
    if (result <= 0) {
        opinion->outcome = result == 0 ? ENDED : FAILED;
        opinion->why = words_of(result);
        return;
    }
    opinion->outcome = STEPPED;
    for (unsigned number = 0; number < guest->arch->registers; number++) {
        unw_word_t value;
        if (guest->library.get_reg(&cursor, (unw_regnum_t)number, &value) >= 0)
            rts_register_set(&opinion->caller, number, value);
    }
}
