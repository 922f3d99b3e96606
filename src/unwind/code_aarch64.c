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

const struct rts_code_inspection rts_code_inspection_aarch64 = {
    .ends_in_call = ends_in_call,
    .is_epilogue = is_epilogue,
    .sets_frame_pointer = sets_frame_pointer,
};
