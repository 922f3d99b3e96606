/* SPDX-License-Identifier: Apache-2.0 */
/* What AArch64 instructions around a pc say (Arm ARM, C6.2). */
#include "unwind/architecture.h"

static uint32_t instruction(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
           (uint32_t)bytes[3] << 24;
}

/* BL, BLR, and BLRAA/BLRAB and their zero forms. */
static bool ends_in_call(const uint8_t *bytes)
{
    uint32_t last = instruction(bytes + RTS_CALL_BYTES - 4);
    return (last & 0xfc000000) == 0x94000000 || (last & 0xfffffc1f) == 0xd63f0000 ||
           (last & 0xfefff800) == 0xd63f0800;
}

/* Here an epilogue frees the frame with the instruction that restores the last registers, so
 * nothing is ever found below the stack pointer while it is still to be restored. */
static bool is_epilogue(const uint8_t *bytes, size_t size)
{
    if (size < 4)
        return false;
    uint32_t first = instruction(bytes);
    return first == 0xd65f03c0 || (first & 0xfffffbff) == 0xd65f0bff; /* RET; RETAA, RETAB */
}

/* mov x29, sp; or add x29, sp, #n. */
static bool sets_frame_pointer(const uint8_t *bytes, size_t size)
{
    for (size_t at = 0; at + 4 <= size; at += 4)
        if ((instruction(bytes + at) & 0xff8003ff) == 0x910003fd)
            return true;
    return false;
}

/* mov x8, #139; svc #0. */
static size_t signal_return(const uint8_t *bytes, size_t size)
{
    bool is_return =
        size >= 8 && instruction(bytes) == 0xd2801168 && instruction(bytes + 4) == 0xd4000001;
    return is_return ? 8 : 0;
}

/* x8 has the number of the system call. */
static size_t system_call(const struct rts_registers *registers)
{
    return rts_register_known(registers, 8) && registers->value[8] == 139 ? 4 : 0;
}

/* The return address stays in x30; only the first entry pushes (stp x16, x30, [sp, #-16]!). */
static bool words_pushed(const uint8_t *bytes, size_t size, size_t offset, unsigned pushed,
                         unsigned *words, unsigned *or_more)
{
    const uint32_t push_return = 0xa9bf7bf0;
    *words = pushed;
    *or_more = 0;
    if (offset % 4 != 0 || offset >= size)
        return false;
    for (size_t at = 0; at + 4 <= size && at < offset; at += 4)
        *words += instruction(bytes + at) == push_return ? 2 : 0;
    return true;
}

static int64_t signed_field(uint32_t word, unsigned low, unsigned width)
{
    int64_t value = (int64_t)(word >> low & ((1U << width) - 1));
    return value >> (width - 1) ? value - ((int64_t)1 << width) : value;
}

/* The distance, in bytes, of a jump whose target it names; false: it is none. */
static bool is_jump(uint32_t word, int64_t *distance)
{
    if ((word & 0xfc000000) == 0x14000000) /* b */
        *distance = 4 * signed_field(word, 0, 26);
    else if ((word & 0xff000000) == 0x54000000 || (word & 0x7e000000) == 0x34000000)
        *distance = 4 * signed_field(word, 5, 19); /* b.cond, bc.cond; cbz, cbnz */
    else if ((word & 0x7e000000) == 0x36000000)
        *distance = 4 * signed_field(word, 5, 14); /* tbz, tbnz */
    else
        return false;
    return true;
}

static bool is_return(uint32_t word)
{
    return word == 0xd65f03c0;
}

/* Loads and stores: those that write back to sp, or may write to x30. */
static bool access_changes(uint32_t word)
{
    const unsigned base = word >> 5 & 31, second = word >> 10 & 31, status = word >> 16 & 31;
    const bool vector = word >> 26 & 1;
    const bool written = !vector && (word & 31) == 30;
    switch (word >> 27 & 7) {
    case 1: /* exclusive and compare-and-swap, or of vector structures, whose address may move */
        return vector ? (word >> 23 & 1) && base == 31 : written || second == 30 || status == 30;
    case 5: /* pairs */
        return written || (!vector && second == 30) || (word >> 23 & 1 && base == 31);
    case 3: /* literals, tags, copies of memory */ return written || (word >> 24 & 3) != 0;
    default: /* by register or immediate; the latter may write back */
        return written || (!(word >> 24 & 1) && (word >> 10 & 1) && base == 31);
    }
}

/* May it change sp or x30, or leave the function in another way than by a return? */
static bool leaves_or_moves(uint32_t word)
{
    switch (word >> 25 & 15) {
    case 8:
    case 9: { /* immediate: 31 is sp in add, sub and the logical ones that set no flags */
        unsigned class = word >> 23 & 7;
        bool to_stack = ((class == 2 || class == 3) && !(word >> 29 & 1)) ||
                        (class == 4 && (word >> 29 & 3) != 3);
        return (word & 31) == 30 || ((word & 31) == 31 && to_stack);
    }
    case 10:
    case 11: { /* system: hints but those that sign or check x30, barriers, registers, svc */
        unsigned hint = word >> 5 & 127;
        if ((word & 0xfffff01f) == 0xd503201f)
            return hint == 7 || (hint >= 24 && hint < 32);
        if ((word & 0xffe0001f) == 0xd4000001 || (word & 0xffe0001f) == 0xd4200000)
            return false; /* svc; brk */
        return (word & 0xffc00000) != 0xd5000000 || (word & 31) == 30;
    }
    case 4:
    case 6:
    case 12:
    case 14: return access_changes(word);
    case 5:
    case 13: { /* registers: 31 is sp in add and sub of an extended one that set no flags */
        bool extended = (word & 0x1f200000) == 0x0b200000 && !(word >> 29 & 1);
        return (word & 31) == 30 || ((word & 31) == 31 && extended);
    }
    case 7:
    case 15: return (word & 31) == 30; /* vectors: some move to general registers */
    default: return true;
    }
}

/* Whatever way is taken from any of its instructions, it ends in a return with both as they are. */
static bool is_plain_leaf(const uint8_t *bytes, size_t size)
{
    uint32_t last = size >= 4 ? instruction(bytes + size - 4) : 0;
    bool ends =
        is_return(last) || (last & 0xfc000000) == 0x14000000 || (last & 0xffe0001f) == 0xd4200000;
    if (size % 4 != 0 || !ends)
        return false;
    for (size_t at = 0; at < size; at += 4) {
        uint32_t word = instruction(bytes + at);
        int64_t distance;
        if (is_jump(word, &distance)) {
            int64_t target = (int64_t)at + distance;
            if (target < 0 || target >= (int64_t)size)
                return false;
        } else if (!is_return(word) && leaves_or_moves(word)) {
            return false;
        }
    }
    return true;
}

static bool is_call(uint32_t word)
{
    return (word & 0xfc000000) == 0x94000000 || (word & 0xfffffc1f) == 0xd63f0000;
}

/* Immediate arithmetic, adrp, loads, moves between registers and hints: what goes on with the next
 * instruction. */
static bool goes_on(uint32_t word)
{
    return (word >> 26 & 7) == 4 || (word & 0xbfc00000) == 0xb9400000 ||
           (word & 0x7fe0ffe0) == 0x2a0003e0 || (word & 0xfffff01f) == 0xd503201f;
}

/* mov x29, #0 in its two forms. */
static bool clears_frame(uint32_t word)
{
    return word == 0xd280001d || word == 0xaa1f03fd;
}

/* A program begins with its arguments at the stack pointer: start code takes their address (mov or
 * add x0 to x28, sp, #n) or loads the first of them before it moves the stack pointer, or marks the
 * outermost frame by a frame pointer of zero. What follows its first call may be something else. */
static bool takes_stack(uint32_t word)
{
    bool address = (word & 0xff8003e0) == 0x910003e0 && (word & 31) < 29;
    return address || (word & 0xffffffe0) == 0xf94003e0 || clears_frame(word);
}

static bool moves_stack(uint32_t word)
{
    return (word >> 26 & 7) == 4 && (word & 31) == 31;
}

static bool in_entry(const uint8_t *bytes, size_t size, uint64_t offset, bool exact)
{
    bool met = false, taken = false, untouched = true;
    for (size_t at = 0; at + 4 <= size; at += 4) {
        uint32_t word = instruction(bytes + at);
        met = met || (exact && at == offset);
        if (is_call(word)) {
            met = met || (!exact && at + 4 == offset);
            break;
        }
        if (!goes_on(word))
            break;
        taken = taken || clears_frame(word) || (untouched && takes_stack(word));
        untouched = untouched && !moves_stack(word);
    }
    return met && taken;
}

/* mov x29, #0; ldp x1, x0, [sp], #16; blr x1; mov x8, #93; svc #0, the first two in any order and
 * of any registers. */
static bool starts_thread(const uint8_t *before, const uint8_t *after)
{
    uint32_t words[3];
    for (size_t i = 0; i < 3; i++)
        words[i] = instruction(before + RTS_THREAD_BYTES - 12 + 4 * i);
    return (clears_frame(words[0]) || clears_frame(words[1])) &&
           (words[2] & 0xfffffc1f) == 0xd63f0000 && instruction(after) == 0xd2800ba8 &&
           instruction(after + 4) == 0xd4000001;
}

const struct rts_code_inspection rts_code_inspection_aarch64 = {
    .ends_in_call = ends_in_call,
    .is_epilogue = is_epilogue,
    .sets_frame_pointer = sets_frame_pointer,
    .signal_return = signal_return,
    .system_call = system_call,
    .words_pushed = words_pushed,
    .is_plain_leaf = is_plain_leaf,
    .in_entry = in_entry,
    .starts_thread = starts_thread,
};
