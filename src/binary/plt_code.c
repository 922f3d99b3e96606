/* SPDX-License-Identifier: Apache-2.0 */
#include "binary/plt_code.h"

#include <elf.h>
#include <string.h>

#include "util/cursor.h"

/* Bytes of a pattern: any, and the first of four of the operand. */
enum {
    ANY = -1,
    OPERAND = -2,
};
#define FOUR(first) first, ANY, ANY, ANY

/* The code of one entry of a table, as far as it tells one shape from another. */
struct shape {
    enum rts_plt_kind kind;
    uint8_t size;   /* bytes of the entry; 0: the section's entry size, 8 or 16 */
    uint8_t pushed; /* words between the stack pointer and the return address at its start */
    uint8_t length; /* of the pattern */
    int16_t bytes[24];
};

/* x86-64. Of two that match, the first. */
static const struct shape shapes[] = {
    /* jmp *word(%rip); xchg %ax,%ax */
    {RTS_PLT_WORD, 8, 0, 8, {0xff, 0x25, FOUR(OPERAND), 0x66, 0x90}},
    /* jmp *word(%rip); push $index; jmp first */
    {RTS_PLT_WORD, 16, 0, 7, {0xff, 0x25, FOUR(OPERAND), 0x68}},
    /* [bnd] jmp *word(%rip) */
    {RTS_PLT_WORD, 0, 0, 6, {0xff, 0x25, FOUR(OPERAND)}},
    {RTS_PLT_WORD, 0, 0, 7, {0xf2, 0xff, 0x25, FOUR(OPERAND)}},
    /* endbr64; [bnd] jmp *word(%rip) */
    {RTS_PLT_WORD, 16, 0, 10, {0xf3, 0x0f, 0x1e, 0xfa, 0xff, 0x25, FOUR(OPERAND)}},
    {RTS_PLT_WORD, 16, 0, 11, {0xf3, 0x0f, 0x1e, 0xfa, 0xf2, 0xff, 0x25, FOUR(OPERAND)}},
    /* endbr64; mov $index,%r11d; jmp *word(%rip) */
    {RTS_PLT_WORD,
     16,
     0,
     16,
     {0xf3, 0x0f, 0x1e, 0xfa, 0x41, 0xbb, FOUR(ANY), 0xff, 0x25, FOUR(OPERAND)}},
    /* [endbr64]; push $index; [bnd] jmp first */
    {RTS_PLT_INDEX, 16, 0, 5, {0x68, FOUR(OPERAND)}},
    {RTS_PLT_INDEX, 16, 0, 9, {0xf3, 0x0f, 0x1e, 0xfa, 0x68, FOUR(OPERAND)}},
    /* mov word(%rip),%r11; call next; jmp loop; push $index; jmp first */
    {RTS_PLT_WORD, 32, 0, 8, {0x4c, 0x8b, 0x1d, FOUR(OPERAND), 0xe8}},
    /* mov word(%rip),%r11; jmp first */
    {RTS_PLT_WORD, 16, 0, 8, {0x4c, 0x8b, 0x1d, FOUR(OPERAND), 0xe9}},
};

/* The first entry, which the others go on to: with an index pushed or in %r11, or only since the
 * jump to where %r11 points is there. */
static const struct shape first_shapes[] = {
    /* push word(%rip); [bnd] jmp *word(%rip) */
    {RTS_PLT_FIRST, 16, 1, 12, {0xff, 0x35, FOUR(ANY), 0xff, 0x25, FOUR(ANY)}},
    {RTS_PLT_FIRST, 16, 1, 13, {0xff, 0x35, FOUR(ANY), 0xf2, 0xff, 0x25, FOUR(ANY)}},
    /* endbr64; push %r11; push word(%rip); jmp *word(%rip) */
    {RTS_PLT_FIRST,
     32,
     0,
     18,
     {0xf3, 0x0f, 0x1e, 0xfa, 0x41, 0x53, 0xff, 0x35, FOUR(ANY), 0xff, 0x25, FOUR(ANY)}},
    /* push word(%rip); mov word(%rip),%r11; call next; loop: …; next: mov %r11,(%rsp); ret */
    {RTS_PLT_FIRST,
     48,
     1,
     18,
     {0xff, 0x35, FOUR(ANY), 0x4c, 0x8b, 0x1d, FOUR(ANY), 0xe8, 0x0e, 0, 0, 0}},
    /* call next; loop: …; next: mov %r11,(%rsp); ret */
    {RTS_PLT_FIRST, 32, 0, 7, {0xe8, 0x0b, 0, 0, 0, 0xf3, 0x90}},
};

static bool matches(const struct shape *shape, const uint8_t *bytes, size_t size, size_t entry_size,
                    uint64_t vaddr, struct rts_plt_jump *jump)
{
    jump->start = vaddr;
    jump->size = shape->size ? shape->size : (uint32_t)entry_size;
    jump->kind = shape->kind;
    jump->pushed = shape->pushed;
    jump->target = 0;
    if (size < jump->size || size < shape->length)
        return false;
    for (size_t i = 0; i < shape->length; i++) {
        if (shape->bytes[i] == OPERAND) {
            struct rts_cursor reader = {bytes + i, bytes + size, false};
            uint64_t operand = rts_cursor_fixed(&reader, 4);
            jump->target = shape->kind == RTS_PLT_INDEX
                               ? operand
                               : vaddr + i + 4 + (uint64_t)(int64_t)(int32_t)(uint32_t)operand;
        } else if (shape->bytes[i] != ANY && shape->bytes[i] != bytes[i]) {
            return false;
        }
    }
    return true;
}

static bool next_x86_64(const struct rts_plt_code *code, size_t *offset, struct rts_plt_jump *jump)
{
    size_t entry = code->entry_size == 8 ? 8 : 16;
    size_t first_count = sizeof first_shapes / sizeof *first_shapes;
    while (*offset < code->size) {
        const uint8_t *bytes = code->bytes + *offset;
        size_t left = code->size - *offset;
        uint64_t vaddr = code->vaddr + *offset;
        bool found = false;
        for (size_t i = 0; *offset == 0 && i < first_count && !found; i++)
            found = matches(&first_shapes[i], bytes, left, entry, vaddr, jump);
        for (size_t i = 0; i < sizeof shapes / sizeof *shapes && !found; i++)
            found = matches(&shapes[i], bytes, left, entry, vaddr, jump);
        *offset += found ? jump->size : entry < left ? entry : left;
        if (found)
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

/* [bti c]; stp x16, x30, [sp, #-16]!: what the first entry begins with. */
static bool is_first_aarch64(const struct rts_plt_code *code)
{
    const uint32_t landing = 0xd503245f, push_return = 0xa9bf7bf0;
    return word_at(code, word_at(code, 0) == landing ? 4 : 0) == push_return;
}

static bool next_aarch64(const struct rts_plt_code *code, size_t *offset, struct rts_plt_jump *jump)
{
    uint64_t unused;
    size_t at = *offset;
    *jump = (struct rts_plt_jump){.kind = RTS_PLT_WORD};
    if (at == 0 && is_first_aarch64(code))
        jump->kind = RTS_PLT_FIRST;
    while (jump->kind != RTS_PLT_FIRST && at < code->size &&
           !starts_slot_aarch64(code, at, &jump->target))
        at += 4;
    if (at >= code->size)
        return false;
    /* The first entry is of up to eight instructions. */
    size_t end = at + 16, longest = at + (jump->kind == RTS_PLT_FIRST ? 32 : 24);
    while (end < code->size && end < longest && !starts_slot_aarch64(code, end, &unused))
        end += 4;
    *offset = end < code->size ? end : code->size;
    jump->start = code->vaddr + at;
    jump->size = (uint32_t)(*offset - at);
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
