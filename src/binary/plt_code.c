/* SPDX-License-Identifier: Apache-2.0 */
#include "binary/plt_code.h"

#include <elf.h>
#include <string.h>

#include "binary/cfi_reader.h"

/* x86-64: an entry is 8 or 16 bytes,
 *
 *     [endbr64] [bnd] jmp *word(%rip) …         f3 0f 1e fa   f2   ff 25 <distance>
 *     [endbr64] push $index; [bnd] jmp first    f3 0f 1e fa   68 <index>
 */
static bool decode_x86_64(const uint8_t *bytes, size_t size, uint64_t vaddr,
                          struct rts_plt_jump *jump)
{
    static const uint8_t landing[] = {0xf3, 0x0f, 0x1e, 0xfa};
    struct rts_cfi_reader reader = {bytes, bytes + size, false};
    if (size >= sizeof landing && memcmp(bytes, landing, sizeof landing) == 0)
        reader.at += sizeof landing;
    if (reader.at < reader.end && *reader.at == 0xf2)
        reader.at++;
    uint8_t opcode = (uint8_t)rts_cfi_fixed(&reader, 1);
    jump->by_index = opcode == 0x68;
    if (opcode == 0xff && rts_cfi_fixed(&reader, 1) == 0x25) {
        int32_t distance = (int32_t)(uint32_t)rts_cfi_fixed(&reader, 4);
        jump->target = vaddr + (uint64_t)(reader.at - bytes) + (uint64_t)(int64_t)distance;
        return !reader.failed;
    }
    jump->target = rts_cfi_fixed(&reader, 4);
    return jump->by_index && !reader.failed;
}

static bool next_x86_64(const struct rts_plt_code *code, size_t *offset, struct rts_plt_jump *jump)
{
    size_t entry = code->entry_size == 8 ? 8 : 16;
    while (code->size - *offset >= entry) {
        size_t at = *offset;
        *offset += entry;
        jump->start = code->vaddr + at;
        jump->size = (uint32_t)entry;
        if (decode_x86_64(code->bytes + at, entry, jump->start, jump))
            return true;
    }
    return false;
}

static uint32_t word_at(const struct rts_plt_code *code, size_t offset)
{
    uint32_t word = 0;
    if (offset <= code->size && code->size - offset >= sizeof word)
        memcpy(&word, code->bytes + offset, sizeof word);
    return word;
}

/* aarch64: an entry is of 4 to 6 instructions,
 *
 *     [bti c]; adrp x16, page; ldr x17, [x16, #low]; add x16, x16, #low; [autia1716]; br x17
 */
static bool loads_word_aarch64(const struct rts_plt_code *code, size_t offset, uint64_t *target)
{
    uint32_t adrp = word_at(code, offset), ldr = word_at(code, offset + 4);
    if ((adrp & 0x9f00001f) != 0x90000010 || (ldr & 0xffc003ff) != 0xf9400211)
        return false;
    uint64_t pages = (uint64_t)((adrp >> 5 & 0x7ffff) << 2 | (adrp >> 29 & 3));
    if (pages & 0x100000)
        pages |= ~(uint64_t)0x1fffff;
    *target =
        ((code->vaddr + offset) & ~(uint64_t)0xfff) + (pages << 12) + ((ldr >> 10 & 0xfff) << 3);
    return true;
}

static bool starts_slot_aarch64(const struct rts_plt_code *code, size_t offset, uint64_t *target)
{
    const uint32_t landing = 0xd503245f, push_return = 0xa9bf7bf0;
    if (word_at(code, offset) == landing)
        return loads_word_aarch64(code, offset + 4, target);
    /* The table's first entry saves registers before it loads the resolver. */
    return loads_word_aarch64(code, offset, target) &&
           (offset < 4 || word_at(code, offset - 4) != push_return);
}

static bool next_aarch64(const struct rts_plt_code *code, size_t *offset, struct rts_plt_jump *jump)
{
    uint64_t unused;
    size_t at = *offset;
    while (at < code->size && !starts_slot_aarch64(code, at, &jump->target))
        at += 4;
    if (at >= code->size)
        return false;
    size_t end = at + 16;
    while (end < code->size && end < at + 24 && !starts_slot_aarch64(code, end, &unused))
        end += 4;
    *offset = end < code->size ? end : code->size;
    jump->start = code->vaddr + at;
    jump->size = (uint32_t)(*offset - at);
    jump->by_index = false;
    return true;
}

bool rts_plt_code_next(const struct rts_plt_code *code, size_t *offset, struct rts_plt_jump *jump)
{
    if (*offset >= code->size)
        return false;
    if (code->machine == EM_X86_64)
        return next_x86_64(code, offset, jump);
    return code->machine == EM_AARCH64 && next_aarch64(code, offset, jump);
}
