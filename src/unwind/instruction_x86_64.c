/* SPDX-License-Identifier: Apache-2.0 */
/* Intel SDM volume 2. */
#include "unwind/instruction_x86_64.h"

#include <string.h>

enum {
    RAX = 0,
    RSP = 4,
    RBP = 5,
};

size_t rts_instruction_operand_length(uint8_t modrm, uint8_t sib)
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

/* An instruction whose opcode stands at `at`, behind its prefixes. */
struct parts {
    const uint8_t *bytes;
    size_t size;
    size_t at;
    uint8_t rex;
};

static int64_t immediate(const struct parts *parts, size_t offset, size_t width)
{
    uint64_t value = 0;
    for (size_t i = 0; i < width; i++)
        value |= (uint64_t)parts->bytes[offset + i] << (8 * i);
    return width == 1 ? (int8_t)value : (int32_t)(uint32_t)value;
}

static bool is_two_registers(uint8_t modrm)
{
    return modrm >> 6 == 3;
}

/* `register` and `operand` are the two fields of ModRM, extended; the operand is a register only
 * where both are. */
static void note_registers(const struct parts *parts, uint8_t opcode, uint8_t modrm,
                           struct rts_instruction *instruction)
{
    unsigned reg = (modrm >> 3 & 7) | (parts->rex & 4 ? 8 : 0);
    unsigned operand = (modrm & 7) | (parts->rex & 1 ? 8 : 0);
    bool both = is_two_registers(modrm), wide = parts->rex & 8;
    if (opcode == 0x31 && both && reg == RBP && operand == RBP)
        instruction->clears_frame = true;
    if (opcode == 0x89 && both && wide && reg == RSP && operand != RBP)
        instruction->takes_stack = true;
    if (opcode == 0x89 && both && wide && reg == RAX && operand != RSP)
        instruction->reads_result = true;
    bool to_operand = opcode == 0x89 || opcode == 0x31 || opcode == 0x21 || opcode == 0x83 ||
                      opcode == 0x81 || opcode == 0xc7;
    if (to_operand ? both && operand == RSP : reg == RSP)
        instruction->kind = RTS_INSTRUCTION_STACK;
}

/* Opcodes with a ModRM byte; `width` is that of the immediate operand behind. */
static bool decode_operands(struct parts *parts, uint8_t opcode, size_t width,
                            struct rts_instruction *instruction)
{
    if (parts->at + 1 >= parts->size)
        return false;
    uint8_t modrm = parts->bytes[parts->at + 1];
    uint8_t sib = parts->at + 2 < parts->size ? parts->bytes[parts->at + 2] : 0;
    instruction->length = parts->at + rts_instruction_operand_length(modrm, sib) + width;
    if (opcode != 0xff) {
        note_registers(parts, opcode, modrm, instruction);
        return true;
    }
    switch (modrm >> 3 & 7) {
    case 2: instruction->kind = RTS_INSTRUCTION_CALL; return true;
    case 4: instruction->kind = RTS_INSTRUCTION_JUMP; return true;
    case 6: instruction->kind = RTS_INSTRUCTION_PUSH; return true;
    default: return false;
    }
}

static bool decode_relative(const struct parts *parts, size_t width, enum rts_instruction_kind kind,
                            struct rts_instruction *instruction)
{
    instruction->kind = kind;
    instruction->length = parts->at + 1 + width;
    if (instruction->length > parts->size)
        return false;
    instruction->has_target = true;
    instruction->target = (int64_t)instruction->length + immediate(parts, parts->at + 1, width);
    return true;
}

static bool decode_plain(const struct parts *parts, enum rts_instruction_kind kind, size_t width,
                         struct rts_instruction *instruction)
{
    instruction->kind = kind;
    instruction->length = parts->at + 1 + width;
    return true;
}

static bool decode_opcode(struct parts *parts, struct rts_instruction *instruction)
{
    uint8_t opcode = parts->bytes[parts->at];
    size_t wide = parts->rex & 8 ? 8 : 4;
    if (opcode >= 0x50 && opcode <= 0x57)
        return decode_plain(parts, RTS_INSTRUCTION_PUSH, 0, instruction);
    if (opcode >= 0x58 && opcode <= 0x5f) {
        bool into_stack_pointer = opcode - 0x58 == RSP && !(parts->rex & 1);
        return decode_plain(parts, into_stack_pointer ? RTS_INSTRUCTION_STACK : RTS_INSTRUCTION_POP,
                            0, instruction);
    }
    if (opcode >= 0xb8 && opcode <= 0xbf) {
        bool into_stack_pointer = opcode - 0xb8 == RSP && !(parts->rex & 1);
        return decode_plain(parts,
                            into_stack_pointer ? RTS_INSTRUCTION_STACK : RTS_INSTRUCTION_OTHER,
                            wide, instruction);
    }
    switch (opcode) {
    case 0x21: /* and */
    case 0x31: /* xor */
    case 0x33:
    case 0x85: /* test */
    case 0x89: /* mov */
    case 0x8b:
    case 0x8d: /* lea */
    case 0xff: return decode_operands(parts, opcode, 0, instruction);
    case 0x83: return decode_operands(parts, opcode, 1, instruction);
    case 0x81:
    case 0xc7: return decode_operands(parts, opcode, 4, instruction);
    case 0x6a: return decode_plain(parts, RTS_INSTRUCTION_PUSH, 1, instruction);
    case 0x68: return decode_plain(parts, RTS_INSTRUCTION_PUSH, 4, instruction);
    case 0xc3: return decode_plain(parts, RTS_INSTRUCTION_RETURN, 0, instruction);
    case 0xe8: return decode_relative(parts, 4, RTS_INSTRUCTION_CALL, instruction);
    case 0xe9: return decode_relative(parts, 4, RTS_INSTRUCTION_JUMP, instruction);
    case 0xeb: return decode_relative(parts, 1, RTS_INSTRUCTION_JUMP, instruction);
    default: return false;
    }
}

bool rts_instruction_decode(const uint8_t *bytes, size_t size, struct rts_instruction *instruction)
{
    static const uint8_t landing[] = {0xf3, 0x0f, 0x1e, 0xfa};
    *instruction = (struct rts_instruction){0};
    if (size >= sizeof landing && memcmp(bytes, landing, sizeof landing) == 0) {
        instruction->length = sizeof landing;
        return true;
    }
    struct parts parts = {.bytes = bytes, .size = size};
    if (parts.at < size && bytes[parts.at] == 0xf2) /* bnd */
        parts.at++;
    if (parts.at < size && (bytes[parts.at] & 0xf0) == 0x40)
        parts.rex = bytes[parts.at++];
    return parts.at < size && decode_opcode(&parts, instruction) && instruction->length <= size;
}
