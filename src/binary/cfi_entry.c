/* SPDX-License-Identifier: Apache-2.0 */
#include "binary/cfi_entry.h"

#include <dwarf.h>

#include "util/cursor.h"

/* Augmentation strings are up to six letters. */
#define AUGMENTATION_MAX 16

bool rts_cfi_entry_next(const struct rts_cfi_bytes *bytes, size_t *offset, bool past_terminator,
                        struct rts_cfi_entry *entry)
{
    struct rts_cursor reader = {bytes->data + *offset, bytes->data + bytes->size, false};
    uint64_t length = rts_cursor_fixed(&reader, 4);
    while (length == 0 && past_terminator && !reader.failed)
        length = rts_cursor_fixed(&reader, 4);
    if (length == 0 || reader.failed)
        return false;
    entry->offset = (size_t)(reader.at - bytes->data) - 4;
    size_t word = 4;
    if (length == 0xffffffff) {
        word = 8;
        length = rts_cursor_fixed(&reader, 8);
    }
    if (reader.failed || length > (uint64_t)(reader.end - reader.at) || length <= word)
        return false;

    size_t pointer_at = (size_t)(reader.at - bytes->data);
    uint64_t pointer = rts_cursor_fixed(&reader, word);
    entry->content = pointer_at + word;
    entry->end = pointer_at + (size_t)length;
    entry->is_cie = pointer == 0;
    entry->has_cie = !entry->is_cie && pointer <= pointer_at;
    entry->cie = entry->has_cie ? pointer_at - (size_t)pointer : 0;
    *offset = entry->end;
    return true;
}

/* Bytes of an encoded address; 0 for a form that is not supported. Indirect and aligned addresses
 * and those relative to text, data or function start do not occur in FDEs of these machines. */
static size_t encoded_size(uint8_t encoding)
{
    uint8_t base = encoding & 0xf0;
    if (base != DW_EH_PE_absptr && base != DW_EH_PE_pcrel)
        return 0;
    switch (encoding & 0x0f) {
    case DW_EH_PE_absptr:
    case DW_EH_PE_udata8:
    case DW_EH_PE_sdata8: return 8;
    case DW_EH_PE_udata4:
    case DW_EH_PE_sdata4: return 4;
    case DW_EH_PE_udata2:
    case DW_EH_PE_sdata2: return 2;
    default: return 0;
    }
}

/* A personality routine is only passed over, so any base will do as long as its size is fixed. */
static size_t personality_size(uint8_t encoding)
{
    return (encoding & 0x70) == DW_EH_PE_aligned ? 0 : encoded_size(encoding & 0x0f);
}

static bool read_augmentation(const char *letters, struct rts_cursor *data, struct rts_cie *cie)
{
    for (const char *letter = letters; *letter; letter++) {
        size_t size;
        switch (*letter) {
        case 'z':
        case 'S': /* a signal frame */
        case 'B': /* return addresses are signed with key B */ break;
        case 'L': rts_cursor_skip(data, 1); break;
        case 'R': cie->encoding = (uint8_t)rts_cursor_fixed(data, 1); break;
        case 'P':
            size = personality_size((uint8_t)rts_cursor_fixed(data, 1));
            if (size == 0)
                return false;
            rts_cursor_skip(data, size);
            break;
        default: return false;
        }
    }
    return !data->failed && encoded_size(cie->encoding) != 0;
}

static const char *read_letters(struct rts_cursor *reader)
{
    const char *letters = (const char *)reader->at;
    size_t room = (size_t)(reader->end - reader->at);
    size_t length = strnlen(letters, room < AUGMENTATION_MAX ? room : AUGMENTATION_MAX);
    if (length == room || length == AUGMENTATION_MAX)
        return NULL;
    rts_cursor_skip(reader, length + 1);
    /* Without a leading z the size of what follows is a guess. */
    return letters[0] == '\0' || letters[0] == 'z' ? letters : NULL;
}

/* Reads what precedes the program, which is left in *program. */
static bool read_cie_head(const struct rts_cfi_bytes *bytes, const struct rts_cfi_entry *entry,
                          struct rts_cie *cie, struct rts_cursor *program)
{
    struct rts_cursor reader = {bytes->data + entry->content, bytes->data + entry->end, false};
    *cie = (struct rts_cie){.encoding = DW_EH_PE_absptr};
    uint64_t version = rts_cursor_fixed(&reader, 1);
    if (version != 1 && version != 3 && version != 4)
        return false;
    const char *letters = read_letters(&reader);
    if (!letters)
        return false;
    /* Version 4 names the sizes of an address and of a segment selector. */
    if (version == 4 && (rts_cursor_fixed(&reader, 1) != 8 || rts_cursor_fixed(&reader, 1) != 0))
        return false;
    rts_cursor_uleb(&reader);     /* code alignment */
    rts_cursor_skip_leb(&reader); /* data alignment */
    uint64_t return_register =
        version == 1 ? rts_cursor_fixed(&reader, 1) : rts_cursor_uleb(&reader);
    if (reader.failed || return_register > RTS_CFI_REGISTER_MAX)
        return false;
    if (letters[0] == 'z') {
        cie->sized_augmentation = true;
        uint64_t size = rts_cursor_uleb(&reader);
        struct rts_cursor data = reader;
        rts_cursor_skip(&reader, size);
        data.end = reader.at;
        if (reader.failed || !read_augmentation(letters, &data, cie))
            return false;
    }
    *program = reader;
    return true;
}

bool rts_cie_read(const struct rts_cfi_bytes *bytes, const struct rts_cfi_entry *entry,
                  struct rts_cie *cie)
{
    struct rts_cursor program;
    return read_cie_head(bytes, entry, cie, &program) &&
           program.end - program.at <= RTS_CFI_INITIAL_MAX &&
           rts_cfi_program_is_sound(program.at, program.end, encoded_size(cie->encoding));
}

static uint64_t sign_extend(uint64_t value, size_t size)
{
    unsigned int unused = (unsigned int)(8 - size) * 8;
    return (uint64_t)((int64_t)(value << unused) >> unused);
}

static bool read_fde_head(const struct rts_cfi_bytes *bytes, const struct rts_cfi_entry *entry,
                          const struct rts_cie *cie, uint64_t *start, uint64_t *size,
                          struct rts_cursor *program)
{
    struct rts_cursor reader = {bytes->data + entry->content, bytes->data + entry->end, false};
    size_t width = encoded_size(cie->encoding);
    bool is_signed = (cie->encoding & DW_EH_PE_signed) != 0;
    uint64_t first = rts_cursor_fixed(&reader, width);
    uint64_t length = rts_cursor_fixed(&reader, width);
    if (is_signed) {
        first = sign_extend(first, width);
        length = sign_extend(length, width);
    }
    if ((cie->encoding & 0x70) == DW_EH_PE_pcrel)
        first += bytes->vaddr + entry->content;
    if (cie->sized_augmentation)
        rts_cursor_skip(&reader, rts_cursor_uleb(&reader));
    if (reader.failed || length == 0 || first + length < first)
        return false;
    *start = first;
    *size = length;
    *program = reader;
    return true;
}

bool rts_fde_read(const struct rts_cfi_bytes *bytes, const struct rts_cfi_entry *entry,
                  const struct rts_cie *cie, uint64_t *start, uint64_t *size)
{
    struct rts_cursor program;
    return read_fde_head(bytes, entry, cie, start, size, &program) &&
           program.end - program.at <= (ptrdiff_t)RTS_CFI_PROGRAM_MAX &&
           rts_cfi_program_is_sound(program.at, program.end, encoded_size(cie->encoding));
}

struct rts_cfi_mentions rts_fde_mentions(const struct rts_cfi_bytes *bytes, size_t offset)
{
    struct rts_cfi_mentions mentions = {0};
    struct rts_cfi_entry entry, first;
    struct rts_cie cie;
    struct rts_cursor initial, program;
    uint64_t start, size;
    size_t next = offset;
    if (!rts_cfi_entry_next(bytes, &next, false, &entry) || !entry.has_cie)
        return mentions;
    next = entry.cie;
    if (!rts_cfi_entry_next(bytes, &next, false, &first) || !first.is_cie ||
        !read_cie_head(bytes, &first, &cie, &initial) ||
        !read_fde_head(bytes, &entry, &cie, &start, &size, &program))
        return mentions;
    const size_t width = encoded_size(cie.encoding);
    rts_cfi_program_mentions(initial.at, initial.end, width, &mentions);
    rts_cfi_program_mentions(program.at, program.end, width, &mentions);
    return mentions;
}
