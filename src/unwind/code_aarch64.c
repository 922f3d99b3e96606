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
    .in_entry = in_entry,
    .starts_thread = starts_thread,
};
