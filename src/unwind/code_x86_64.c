/* SPDX-License-Identifier: Apache-2.0 */
/* What x86-64 instructions around a pc say (Intel SDM volume 2). */
#include "unwind/architecture.h"

/* Length of `FF /2` (call r/m64) with this ModRM byte: opcode, ModRM, SIB, displacement. A REX
 * prefix stands before and does not matter. */
static size_t indirect_call_length(uint8_t modrm, uint8_t sib)
{
    unsigned mode = modrm >> 6, base = modrm & 7;
    size_t length = 2;
    if (mode == 3)
        return length;
    if (base == 4)
        length += 1;
    if (mode == 1)
        return length + 1;
    bool no_base = base == 5 || (base == 4 && (sib & 7) == 5);
    return mode == 2 || no_base ? length + 4 : length;
}

static bool ends_in_call(const uint8_t *bytes)
{
    if (bytes[RTS_CALL_BYTES - 5] == 0xe8)
        return true;
    for (size_t length = 2; length < RTS_CALL_BYTES; length++) {
        const uint8_t *at = bytes + RTS_CALL_BYTES - length;
        uint8_t sib = length > 2 ? at[2] : 0;
        if (at[0] == 0xff && (at[1] >> 3 & 7) == 2 && indirect_call_length(at[1], sib) == length)
            return true;
    }
    return false;
}

/* Any number of `pop`, then `ret` or the jump of a tail call. */
static bool is_epilogue(const uint8_t *bytes, size_t size)
{
    for (size_t at = 0; at < size;) {
        bool extended = bytes[at] == 0x41 && at + 1 < size;
        uint8_t opcode = bytes[at + extended];
        if (opcode >= 0x58 && opcode <= 0x5f)
            at += 1u + extended;
        else if (opcode == 0xf2 || opcode == 0xf3)
            at += 1; /* bnd ret, rep ret */
        else
            return opcode == 0xc3 || opcode == 0xc2 || opcode == 0xe9 || opcode == 0xeb;
    }
    return false;
}

/* mov %rsp,%rbp in its two encodings, or lea n(%rsp),%rbp with an 8 or 32-bit n. */
static bool sets_frame_pointer(const uint8_t *bytes, size_t size)
{
    for (size_t at = 0; at + 3 <= size; at++) {
        if (bytes[at] != 0x48)
            continue;
        uint8_t opcode = bytes[at + 1], modrm = bytes[at + 2];
        if ((opcode == 0x89 && modrm == 0xe5) || (opcode == 0x8b && modrm == 0xec))
            return true;
        if (opcode == 0x8d && (modrm == 0x6c || modrm == 0xac) && at + 3 < size &&
            bytes[at + 3] == 0x24)
            return true;
    }
    return false;
}

const struct rts_code_inspection rts_code_inspection_x86_64 = {
    .ends_in_call = ends_in_call,
    .is_epilogue = is_epilogue,
    .sets_frame_pointer = sets_frame_pointer,
};
