/* SPDX-License-Identifier: Apache-2.0 */
#include "binary/cfi_program.h"

#include <dwarf.h>

#include "util/cursor.h"

/* Return address signing on aarch64 shares its code with a SPARC instruction. */
#ifndef DW_CFA_AARCH64_negate_ra_state
#define DW_CFA_AARCH64_negate_ra_state 0x2d
#endif

enum operand {
    UNKNOWN = 0, /* what the tables leave out */
    NONE,
    NUMBER,   /* LEB128 of either sign */
    REGISTER, /* unsigned LEB128, limited */
    BYTES_1,
    BYTES_2,
    BYTES_4,
    ADDRESS,
    BLOCK, /* unsigned LEB128 length, then as many bytes */
};

/* Operands by opcode, for those whose two high bits are zero. */
static const struct {
    uint8_t first;
    uint8_t second;
} operands[64] = {
    [DW_CFA_nop] = {NONE, NONE},
    [DW_CFA_set_loc] = {ADDRESS, NONE},
    [DW_CFA_advance_loc1] = {BYTES_1, NONE},
    [DW_CFA_advance_loc2] = {BYTES_2, NONE},
    [DW_CFA_advance_loc4] = {BYTES_4, NONE},
    [DW_CFA_offset_extended] = {REGISTER, NUMBER},
    [DW_CFA_restore_extended] = {REGISTER, NONE},
    [DW_CFA_undefined] = {REGISTER, NONE},
    [DW_CFA_same_value] = {REGISTER, NONE},
    [DW_CFA_register] = {REGISTER, REGISTER},
    [DW_CFA_remember_state] = {NONE, NONE},
    [DW_CFA_restore_state] = {NONE, NONE},
    [DW_CFA_def_cfa] = {REGISTER, NUMBER},
    [DW_CFA_def_cfa_register] = {REGISTER, NONE},
    [DW_CFA_def_cfa_offset] = {NUMBER, NONE},
    [DW_CFA_def_cfa_expression] = {BLOCK, NONE},
    [DW_CFA_expression] = {REGISTER, BLOCK},
    [DW_CFA_offset_extended_sf] = {REGISTER, NUMBER},
    [DW_CFA_def_cfa_sf] = {REGISTER, NUMBER},
    [DW_CFA_def_cfa_offset_sf] = {NUMBER, NONE},
    [DW_CFA_val_offset] = {REGISTER, NUMBER},
    [DW_CFA_val_offset_sf] = {REGISTER, NUMBER},
    [DW_CFA_val_expression] = {REGISTER, BLOCK},
    [DW_CFA_AARCH64_negate_ra_state] = {NONE, NONE},
    [DW_CFA_GNU_args_size] = {NUMBER, NONE},
    [DW_CFA_GNU_negative_offset_extended] = {REGISTER, NUMBER},
};

static inline bool pass_operand(struct rts_cursor *reader, uint8_t operand, size_t address_size)
{
    uint64_t size;
    switch (operand) {
    case UNKNOWN: return false;
    case NONE: break;
    case NUMBER: rts_cursor_skip_leb(reader); break;
    case REGISTER: return rts_cursor_uleb(reader) <= RTS_CFI_REGISTER_MAX && !reader->failed;
    case BYTES_1: rts_cursor_skip(reader, 1); break;
    case BYTES_2: rts_cursor_skip(reader, 2); break;
    case BYTES_4: rts_cursor_skip(reader, 4); break;
    case ADDRESS: rts_cursor_skip(reader, address_size); break;
    default:
        size = rts_cursor_uleb(reader);
        if (size > RTS_CFI_EXPRESSION_MAX)
            return false;
        rts_cursor_skip(reader, size);
    }
    return !reader->failed;
}

/* Passes over the operands of an instruction. */
static bool pass_operands(struct rts_cursor *reader, uint8_t opcode, size_t address_size)
{
    switch (opcode & 0xc0) {
    case DW_CFA_advance_loc:
    case DW_CFA_restore: return true;
    case DW_CFA_offset: rts_cursor_skip_leb(reader); return !reader->failed;
    default:
        return pass_operand(reader, operands[opcode].first, address_size) &&
               (operands[opcode].second == NONE ||
                pass_operand(reader, operands[opcode].second, address_size));
    }
}

bool rts_cfi_program_is_sound(const uint8_t *at, const uint8_t *end, size_t address_size)
{
    struct rts_cursor reader = {at, end, false};
    unsigned int remembered = 0;
    while (reader.at < reader.end) {
        uint8_t opcode = *reader.at++;
        if (!pass_operands(&reader, opcode, address_size))
            return false;
        if (opcode == DW_CFA_remember_state && ++remembered > RTS_CFI_REMEMBER_MAX)
            return false;
        if (opcode == DW_CFA_restore_state && remembered > 0)
            remembered--;
    }
    return true;
}

void rts_cfi_program_mentions(const uint8_t *at, const uint8_t *end, size_t address_size,
                              struct rts_cfi_mentions *mentions)
{
    struct rts_cursor reader = {at, end, false};
    while (reader.at < reader.end) {
        uint8_t opcode = *reader.at++;
        struct rts_cursor operand = reader;
        if (!pass_operands(&reader, opcode, address_size))
            return;
        mentions->values |= opcode == DW_CFA_val_offset || opcode == DW_CFA_val_offset_sf;
        if (opcode != DW_CFA_undefined && opcode != DW_CFA_register)
            continue;
        uint64_t number = rts_cursor_uleb(&operand);
        if (opcode == DW_CFA_undefined && number < 64)
            mentions->undefined |= 1ULL << number;
        uint64_t place = opcode == DW_CFA_register ? rts_cursor_uleb(&operand) : 0;
        if (place > mentions->place)
            mentions->place = place;
    }
}
