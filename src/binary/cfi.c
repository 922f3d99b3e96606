/* SPDX-License-Identifier: Apache-2.0 */
#include "binary/cfi.h"

#include <dwarf.h>
#include <stdlib.h>
#include <string.h>

#include "binary/section_data.h"
#include "util/cursor.h"
#include "util/share.h"

/* What precedes the search table in a PT_GNU_EH_FRAME segment: version, three encodings, the
 * address of .eh_frame and the number of table entries. */
struct table_header {
    uint8_t version;
    uint8_t address_encoding;
    uint8_t count_encoding;
    uint8_t table_encoding;
    uint8_t address[8];
    uint8_t count[4];
};

/* Both relative to the table header. */
struct table_entry {
    int64_t start;
    int64_t fde;
};

/* An FDE that libdw has found, with its place in a tree; the handles of libelf and libdw. */
#define FOUND_BYTES  176
#define HANDLE_BYTES 1024

struct image_head {
    Elf64_Ehdr header;
    Elf64_Phdr segment;
    struct table_header table;
};

static void fill_head(struct image_head *head, const struct rts_fde_index *index,
                      uint64_t table_size, uint64_t vaddr)
{
    *head = (struct image_head){
        .header = {.e_type = ET_DYN,
                   .e_machine = RTS_NATIVE_MACHINE,
                   .e_version = EV_CURRENT,
                   .e_phoff = offsetof(struct image_head, segment),
                   .e_ehsize = sizeof(Elf64_Ehdr),
                   .e_phentsize = sizeof(Elf64_Phdr),
                   .e_phnum = 1,
                   .e_shentsize = sizeof(Elf64_Shdr)},
        .segment = {.p_type = PT_GNU_EH_FRAME,
                    .p_offset = offsetof(struct image_head, table),
                    .p_vaddr = vaddr - table_size,
                    .p_filesz = table_size,
                    .p_memsz = table_size},
        .table =
            {1, DW_EH_PE_udata8, DW_EH_PE_udata4, DW_EH_PE_datarel | DW_EH_PE_sdata8, {0}, {0}},
    };
    uint32_t count = (uint32_t)index->count;
    memcpy(head->header.e_ident, ELFMAG, SELFMAG);
    head->header.e_ident[EI_CLASS] = ELFCLASS64;
    head->header.e_ident[EI_DATA] =
        __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? ELFDATA2LSB : ELFDATA2MSB;
    head->header.e_ident[EI_VERSION] = EV_CURRENT;
    memcpy(head->table.address, &vaddr, sizeof vaddr);
    memcpy(head->table.count, &count, sizeof count);
}

static void fill_table(struct table_entry *table, const struct rts_fde_index *index,
                       uint64_t table_vaddr, uint64_t vaddr)
{
    for (size_t i = 0; i < index->count; i++) {
        const struct rts_fde *fde = &index->fdes[i];
        table[i] = (struct table_entry){(int64_t)(fde->start - table_vaddr),
                                        (int64_t)(vaddr + fde->entry - table_vaddr)};
    }
}

static void open_handle(struct rts_cfi *cfi, const struct rts_cfi_bytes *bytes)
{
    size_t entries_size = cfi->index.count * sizeof(struct table_entry);
    size_t table_size = sizeof(struct table_header) + entries_size;
    size_t size = sizeof(struct image_head) + entries_size + bytes->size;
    struct image_head head;
    fill_head(&head, &cfi->index, table_size, bytes->vaddr);
    cfi->image = malloc(size);
    cfi->image_size = cfi->image ? size : 0;
    cfi->section_size = cfi->image ? bytes->size : 0;
    cfi->section_vaddr = bytes->vaddr;
    if (!cfi->image)
        return;
    memcpy(cfi->image, &head, sizeof head);
    fill_table((struct table_entry *)(void *)(cfi->image + sizeof head), &cfi->index,
               head.segment.p_vaddr, bytes->vaddr);
    memcpy(cfi->image + sizeof head + entries_size, bytes->data, bytes->size);
    elf_version(EV_CURRENT);
    cfi->elf = elf_memory((char *)cfi->image, size);
    cfi->handle = cfi->elf ? dwarf_getcfi_elf(cfi->elf) : NULL;
}

static void init_from_bytes(struct rts_cfi *cfi, const struct rts_cfi_bytes *bytes,
                            bool past_terminator)
{
    rts_fde_index_init(&cfi->index, bytes, past_terminator);
    if (cfi->index.count > 0)
        open_handle(cfi, bytes);
}

/* Reads an address as the header of PT_GNU_EH_FRAME encodes that of .eh_frame. */
static bool eh_frame_address(const struct rts_elf_image *image, uint64_t *vaddr)
{
    const Elf64_Phdr *segment = rts_elf_image_segment_of_type(image, PT_GNU_EH_FRAME);
    uint8_t start[12];
    if (!segment || !rts_elf_image_read(image, segment->p_offset, start, sizeof start) ||
        start[0] != 1)
        return false;
    uint8_t base = start[1] & 0xf0, form = start[1] & 0x0f;
    int32_t four;
    memcpy(&four, start + 4, sizeof four);
    memcpy(vaddr, start + 4, sizeof *vaddr);
    if (form == DW_EH_PE_sdata4)
        *vaddr = (uint64_t)(int64_t)four;
    else if (form == DW_EH_PE_udata4)
        *vaddr = (uint32_t)four;
    else if (form != DW_EH_PE_absptr && form != DW_EH_PE_udata8 && form != DW_EH_PE_sdata8)
        return false;
    if (base == DW_EH_PE_pcrel)
        *vaddr += segment->p_vaddr + 4;
    else if (base == DW_EH_PE_datarel)
        *vaddr += segment->p_vaddr;
    return base == DW_EH_PE_pcrel || base == DW_EH_PE_datarel || base == DW_EH_PE_absptr;
}

/* Checked and in another form it takes some times as much. */
static uint64_t size_max(const struct rts_elf_image *image)
{
    return rts_elf_image_limit(image, RTS_CFI_SIZE_MAX) / (image->foreign ? 2 : 1);
}

void rts_cfi_init_eh_frame(struct rts_cfi *cfi, const struct rts_elf_image *image)
{
    *cfi = (struct rts_cfi){0};
    struct rts_cfi_bytes bytes = {0};
    const struct rts_section *section = rts_elf_image_section(image, ".eh_frame");
    uint8_t *data = NULL;
    uint64_t offset, available;
    if (section && !(section->header.sh_flags & SHF_COMPRESSED)) {
        bytes.vaddr = section->header.sh_addr;
        data = rts_section_data_load(image, section, size_max(image), &bytes.size);
    } else if (eh_frame_address(image, &bytes.vaddr) &&
               rts_elf_image_offset_of(image, bytes.vaddr, &offset, &available)) {
        /* Without a section header its end is the terminator. */
        if (offset < image->size && available > image->size - offset)
            available = image->size - offset;
        data = rts_elf_image_load(image, offset, available, size_max(image));
        bytes.size = (size_t)available;
    }
    bytes.data = data;
    if (data)
        init_from_bytes(cfi, &bytes, section != NULL);
    free(data);
}

static void put_word(uint8_t *at, uint64_t value, size_t size)
{
    uint32_t four = (uint32_t)value;
    if (size == sizeof four)
        memcpy(at, &four, sizeof four);
    else
        memcpy(at, &value, sizeof value);
}

/* Rewrites the CIE pointers of .debug_frame, offsets from the start of the section, into those of
 * .eh_frame, distances back from where they stand; and the mark of a CIE from all ones to zero. */
static void debug_to_eh_frame(uint8_t *data, size_t size)
{
    struct rts_cursor reader = {data, data + size, false};
    while (reader.at < reader.end) {
        const size_t start = (size_t)(reader.at - data);
        size_t word = 4;
        uint64_t length = rts_cursor_fixed(&reader, 4);
        if (length == 0xffffffff) {
            word = 8;
            length = rts_cursor_fixed(&reader, 8);
        }
        struct rts_cursor entry = reader;
        rts_cursor_skip(&reader, length);
        if (reader.failed)
            return;
        entry.end = reader.at;
        const size_t pointer_at = (size_t)(entry.at - data);
        uint64_t pointer = rts_cursor_fixed(&entry, word);
        bool is_cie = pointer == (word == 4 ? 0xffffffff : UINT64_MAX);
        /* One that points forward cannot be said; it is made to point outside. */
        if (!entry.failed)
            put_word(data + pointer_at,
                     is_cie            ? 0
                     : pointer < start ? pointer_at - pointer
                                       : UINT64_MAX,
                     word);
    }
}

void rts_cfi_init_debug_frame(struct rts_cfi *cfi, const struct rts_elf_image *image,
                              struct rts_unread *unread)
{
    *cfi = (struct rts_cfi){0};
    struct rts_cfi_bytes bytes = {0};
    const struct rts_section *section = rts_section_data_find_debug(image, ".debug_frame");
    uint8_t *data =
        section ? rts_section_data_load(image, section, size_max(image), &bytes.size) : NULL;
    if (!data) {
        if (section)
            rts_unread_section(unread, image, section);
        return;
    }
    debug_to_eh_frame(data, bytes.size);
    bytes.data = data;
    init_from_bytes(cfi, &bytes, true);
    free(data);
}

void rts_cfi_finish(struct rts_cfi *cfi)
{
    if (cfi->handle)
        dwarf_cfi_end(cfi->handle);
    elf_end(cfi->elf);
    free(cfi->image);
    rts_fde_index_finish(&cfi->index);
    *cfi = (struct rts_cfi){0};
}

size_t rts_cfi_bytes(const struct rts_cfi *cfi)
{
    size_t found = cfi->asked < cfi->index.count ? cfi->asked : cfi->index.count;
    if (cfi->index.count == 0)
        return 0;
    return rts_heap_bytes(cfi->index.count * sizeof *cfi->index.fdes) +
           rts_heap_bytes(cfi->image_size) + HANDLE_BYTES + found * FOUND_BYTES;
}
