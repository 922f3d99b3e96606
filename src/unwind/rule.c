/* SPDX-License-Identifier: Apache-2.0 */
#include "unwind/rule.h"

#include <dwarf.h>
#include <string.h>

#include "util/cleanup.h"
#include "util/memory.h"

struct compilation {
    const struct rts_architecture *arch;
    uint64_t undefined; /* registers, a bit each */
    struct rts_rule *rule;
    void (*own)(void *context, struct rts_expression *);
    void *context;
};

static const struct rts_expression *keep(struct compilation *compilation,
                                         const Dwarf_Op *operations, size_t count)
{
    struct rts_expression *copy = rts_calloc(1, sizeof *copy + count * sizeof copy->operations[0]);
    copy->count = count;
    memcpy(copy->operations, operations, count * sizeof copy->operations[0]);
    compilation->own(compilation->context, copy);
    return copy;
}

static bool fits(Dwarf_Word number)
{
    return (int64_t)number >= INT32_MIN && (int64_t)number <= INT32_MAX;
}

/* CFA: DW_OP_breg<n> offset, or any expression. */
static bool compile_cfa(struct compilation *compilation, Dwarf_Frame *frame)
{
    Dwarf_Op *operations;
    size_t count;
    struct rts_rule *rule = compilation->rule;
    if (dwarf_frame_cfa(frame, &operations, &count) != 0 || count == 0 ||
        count > RTS_EXPRESSION_LENGTH_MAX)
        return false;
    const Dwarf_Op *first = operations;
    Dwarf_Word number = UINT64_MAX, offset = 0;
    if (count == 1 && first->atom >= DW_OP_breg0 && first->atom <= DW_OP_breg31) {
        number = (Dwarf_Word)(first->atom - DW_OP_breg0);
        offset = first->number;
    } else if (count == 1 && first->atom == DW_OP_bregx) {
        number = first->number;
        offset = first->number2;
    }
    if (number < compilation->arch->registers && fits(offset)) {
        rule->cfa_register = (uint8_t)number;
        rule->cfa_offset = (int32_t)offset;
        return true;
    }
    rule->cfa_is_expression = 1;
    rule->cfa_expression = keep(compilation, operations, count);
    return true;
}

/* DW_OP_call_frame_cfa [DW_OP_plus_uconst offset] [DW_OP_stack_value] */
static bool compile_cfa_relative(struct rts_rule *rule, unsigned number, const Dwarf_Op *operations,
                                 size_t count)
{
    size_t next = 0;
    Dwarf_Word offset = 0;
    if (next >= count || operations[next].atom != DW_OP_call_frame_cfa)
        return false;
    next++;
    if (next < count && operations[next].atom == DW_OP_plus_uconst)
        offset = operations[next++].number;
    bool is_value = next < count && operations[next].atom == DW_OP_stack_value;
    if (is_value)
        next++;
    if (next != count || !fits(offset))
        return false;
    rule->kind[number] = is_value ? RTS_RULE_IS_CFA : RTS_RULE_AT_CFA;
    rule->offset[number] = (int32_t)offset;
    return true;
}

static bool compile_register_location(struct rts_rule *rule, unsigned number,
                                      const Dwarf_Op *operations, size_t count)
{
    if (count != 1)
        return false;
    Dwarf_Word other;
    if (operations->atom >= DW_OP_reg0 && operations->atom <= DW_OP_reg31)
        other = (Dwarf_Word)(operations->atom - DW_OP_reg0);
    else if (operations->atom == DW_OP_regx)
        other = operations->number;
    else
        return false;
    /* One that is not followed has a number that nobody knows the value of. */
    rule->kind[number] = RTS_RULE_REGISTER;
    rule->offset[number] = other < RTS_REGISTERS_MAX ? (int32_t)other : RTS_REGISTERS_MAX;
    return true;
}

/* A register without a location: it is the same, or undefined, or nothing is said of it, which libdw
 * calls undefined too unless its table of the ABI has it as kept. That of x86-64 has rax in the place
 * of rbx. */
static bool compile_no_location(struct compilation *compilation, unsigned number, bool same)
{
    struct rts_rule *rule = compilation->rule;
    bool said = compilation->undefined >> number & 1;
    bool is_return = number == rule->return_column;
    bool kept = (compilation->arch->callee_saved >> number & 1) ? same || !said : same && is_return;
    rule->kind[number] = kept ? RTS_RULE_SAME : RTS_RULE_UNDEFINED;
    return kept || said || !is_return;
}

static bool compile_register(struct compilation *compilation, Dwarf_Frame *frame, unsigned number)
{
    Dwarf_Op memory[3], *operations;
    size_t count;
    struct rts_rule *rule = compilation->rule;
    if (dwarf_frame_register(frame, (int)number, memory, &operations, &count) != 0 ||
        count > RTS_EXPRESSION_LENGTH_MAX)
        return false;
    if (count == 0)
        return compile_no_location(compilation, number, operations == NULL);
    if (compile_cfa_relative(rule, number, operations, count) ||
        compile_register_location(rule, number, operations, count))
        return true;
    bool is_value = operations[count - 1].atom == DW_OP_stack_value;
    rule->kind[number] = is_value ? RTS_RULE_IS_EXPRESSION : RTS_RULE_AT_EXPRESSION;
    rule->expression[number] = keep(compilation, operations, is_value ? count - 1 : count);
    return true;
}

static bool compile_row(struct compilation *compilation, Dwarf_Frame *frame)
{
    Dwarf_Addr start, end;
    bool signal_frame = false;
    int column = dwarf_frame_info(frame, &start, &end, &signal_frame);
    if (column < 0 || (unsigned)column >= compilation->arch->registers)
        return false;
    compilation->rule->return_column = (uint8_t)column;
    compilation->rule->signal_frame = signal_frame ? RTS_RULE_SIGNAL_CFI : RTS_RULE_CALLED;
    if (!compile_cfa(compilation, frame))
        return false;
    for (unsigned number = 0; number < compilation->arch->registers; number++)
        if (!compile_register(compilation, frame, number))
            return false;
    return true;
}

enum rts_rule_result rts_rule_compile(const struct rts_architecture *arch, Dwarf_CFI *cfi,
                                      uint64_t vaddr, uint64_t undefined, struct rts_rule *rule,
                                      void (*own)(void *context, struct rts_expression *),
                                      void *context)
{
    memset(rule, 0, sizeof *rule);
    RTS_FREE Dwarf_Frame *frame = NULL;
    if (dwarf_cfi_addrframe(cfi, vaddr, &frame) != 0)
        return RTS_RULE_NO_CFI;
    struct compilation compilation = {arch, undefined, rule, own, context};
    return compile_row(&compilation, frame) ? RTS_RULE_FOUND : RTS_RULE_BAD_CFI;
}

void rts_rule_from_go_frame(const struct rts_architecture *arch, bool outermost, uint32_t size,
                            struct rts_rule *rule)
{
    const int32_t frame = (int32_t)size, word = (int32_t)sizeof(uint64_t);
    memset(rule, 0, sizeof *rule); /* every register is RTS_RULE_UNDEFINED */
    rule->return_is_checked = 1;
    rule->return_column = (uint8_t)arch->return_address;
    rule->cfa_register = (uint8_t)arch->stack_pointer;
    rule->cfa_offset = arch->call_pushes ? frame + word : frame;
    if (outermost)
        return;
    bool in_register = !arch->call_pushes && frame == 0;
    rule->kind[rule->return_column] = in_register ? RTS_RULE_SAME : RTS_RULE_AT_CFA;
    rule->offset[rule->return_column] = arch->call_pushes ? -word : -frame;
}

void rts_rule_of_signal(const struct rts_architecture *arch, struct rts_rule *rule)
{
    memset(rule, 0, sizeof *rule);
    rule->signal_frame = RTS_RULE_SIGNAL_CODE;
    rule->cfa_register = (uint8_t)arch->stack_pointer;
    rule->return_column = (uint8_t)arch->program_counter;
    for (unsigned number = 0; number < arch->registers; number++) {
        rule->kind[number] = RTS_RULE_AT_CFA;
        rule->offset[number] = arch->signal_frame->offset[number];
    }
}

void rts_rule_of_pushed(const struct rts_architecture *arch, unsigned words, unsigned or_more,
                        struct rts_rule *rule)
{
    memset(rule, 0, sizeof *rule);
    rule->cfa_register = (uint8_t)arch->stack_pointer;
    rule->cfa_offset = (int32_t)(8 * (words + arch->call_pushes));
    rule->or_more = (uint8_t)or_more;
    rule->return_column = (uint8_t)arch->return_address;
    for (unsigned number = 0; number < arch->registers; number++)
        rule->kind[number] = RTS_RULE_SAME;
    rule->kind[arch->stack_pointer] = RTS_RULE_IS_CFA;
    if (arch->call_pushes) {
        rule->kind[arch->program_counter] = RTS_RULE_AT_CFA;
        rule->offset[arch->program_counter] = -8;
    }
}
