/* SPDX-License-Identifier: Apache-2.0 */
#include "unwind/expression.h"

#include <dwarf.h>

/* Values on the expression's stack; what compilers write needs three or four. */
#define STACK_MAX 32

/* An operation with two operands of ten bytes each, as LEB128 has them. */
#define OPERATION_BYTES_MAX 21

/* Operations executed: DW_OP_bra and DW_OP_skip can loop. */
#define STEPS_MAX 1000

struct machine {
    uint64_t stack[STACK_MAX];
    size_t depth;
    const struct rts_registers *registers;
    const struct rts_memory *memory;
    uint64_t cfa;
    enum rts_expression_result failure; /* RTS_EXPRESSION_VALUE as long as all is well */
    uint64_t missing;
};

static void push(struct machine *machine, uint64_t value)
{
    if (machine->depth == STACK_MAX)
        machine->failure = RTS_EXPRESSION_INVALID;
    else
        machine->stack[machine->depth++] = value;
}

static uint64_t pop(struct machine *machine)
{
    if (machine->depth > 0)
        return machine->stack[--machine->depth];
    machine->failure = RTS_EXPRESSION_INVALID;
    return 0;
}

static void push_register(struct machine *machine, uint64_t number, uint64_t offset)
{
    if (number < RTS_REGISTERS_MAX && rts_register_known(machine->registers, (unsigned)number))
        push(machine, machine->registers->value[number] + offset);
    else
        machine->failure = RTS_EXPRESSION_INVALID;
}

static void dereference(struct machine *machine, uint64_t size)
{
    uint64_t address = pop(machine), word;
    if (machine->failure != RTS_EXPRESSION_VALUE)
        return;
    if (size == 0 || size > 8) {
        machine->failure = RTS_EXPRESSION_INVALID;
    } else if (!rts_memory_word(machine->memory, address, &word)) {
        machine->failure = RTS_EXPRESSION_NO_MEMORY;
        machine->missing = address;
    } else {
        push(machine, size == 8 ? word : word & ((1ULL << (size * 8)) - 1));
    }
}

static void pick(struct machine *machine, uint64_t index)
{
    if (index < machine->depth)
        push(machine, machine->stack[machine->depth - 1 - index]);
    else
        machine->failure = RTS_EXPRESSION_INVALID;
}

static void rotate(struct machine *machine)
{
    if (machine->depth < 3) {
        machine->failure = RTS_EXPRESSION_INVALID;
        return;
    }
    uint64_t *top = &machine->stack[machine->depth - 1];
    uint64_t first = top[0];
    top[0] = top[-1];
    top[-1] = top[-2];
    top[-2] = first;
}

static void swap(struct machine *machine)
{
    uint64_t first = pop(machine), second = pop(machine);
    push(machine, first);
    push(machine, second);
}

/* Operations on the two topmost values. Returns false when `atom` is none of them. */
static bool binary(struct machine *machine, unsigned atom)
{
    if (atom < DW_OP_and || atom > DW_OP_ne || atom == DW_OP_neg || atom == DW_OP_not ||
        atom == DW_OP_plus_uconst || atom == DW_OP_bra)
        return false;
    uint64_t right = pop(machine), left = pop(machine), result = 0;
    int64_t signed_left = (int64_t)left, signed_right = (int64_t)right;
    switch (atom) {
    case DW_OP_and: result = left & right; break;
    case DW_OP_or: result = left | right; break;
    case DW_OP_xor: result = left ^ right; break;
    case DW_OP_plus: result = left + right; break;
    case DW_OP_minus: result = left - right; break;
    case DW_OP_mul: result = left * right; break;
    case DW_OP_div:
        if (right == 0 || (signed_left == INT64_MIN && signed_right == -1))
            machine->failure = RTS_EXPRESSION_INVALID;
        else
            result = (uint64_t)(signed_left / signed_right);
        break;
    case DW_OP_mod:
        if (right == 0)
            machine->failure = RTS_EXPRESSION_INVALID;
        else
            result = left % right;
        break;
    case DW_OP_shl: result = right < 64 ? left << right : 0; break;
    case DW_OP_shr: result = right < 64 ? left >> right : 0; break;
    case DW_OP_shra: result = (uint64_t)(signed_left >> (right < 64 ? right : 63)); break;
    case DW_OP_eq: result = left == right; break;
    case DW_OP_ne: result = left != right; break;
    case DW_OP_lt: result = signed_left < signed_right; break;
    case DW_OP_le: result = signed_left <= signed_right; break;
    case DW_OP_gt: result = signed_left > signed_right; break;
    case DW_OP_ge: result = signed_left >= signed_right; break;
    default: return false;
    }
    push(machine, result);
    return true;
}

static bool constant(struct machine *machine, const Dwarf_Op *operation)
{
    unsigned atom = operation->atom;
    if (atom >= DW_OP_lit0 && atom <= DW_OP_lit31)
        push(machine, atom - DW_OP_lit0);
    else if (atom >= DW_OP_const1u && atom <= DW_OP_consts)
        push(machine, operation->number);
    else if (atom >= DW_OP_breg0 && atom <= DW_OP_breg31)
        push_register(machine, atom - DW_OP_breg0, operation->number);
    else if (atom == DW_OP_bregx)
        push_register(machine, operation->number, operation->number2);
    else if (atom == DW_OP_call_frame_cfa)
        push(machine, machine->cfa);
    else
        return false;
    return true;
}

static void other(struct machine *machine, const Dwarf_Op *operation)
{
    uint64_t value;
    switch (operation->atom) {
    case DW_OP_dup: pick(machine, 0); break;
    case DW_OP_over: pick(machine, 1); break;
    case DW_OP_pick: pick(machine, operation->number); break;
    case DW_OP_drop: pop(machine); break;
    case DW_OP_swap: swap(machine); break;
    case DW_OP_rot: rotate(machine); break;
    case DW_OP_deref: dereference(machine, 8); break;
    case DW_OP_deref_size: dereference(machine, operation->number); break;
    case DW_OP_plus_uconst: push(machine, pop(machine) + operation->number); break;
    case DW_OP_neg: push(machine, 0 - pop(machine)); break;
    case DW_OP_not: push(machine, ~pop(machine)); break;
    case DW_OP_abs:
        value = pop(machine);
        push(machine, (int64_t)value < 0 ? 0 - value : value);
        break;
    case DW_OP_nop: break;
    default: machine->failure = RTS_EXPRESSION_INVALID;
    }
}

/* Index of the operation that a branch leads to, its operand counting bytes from the next one. The
 * count when it leads behind the last one, which ends the evaluation; SIZE_MAX when it leads into
 * the middle of one, or before the first. */
static size_t branch_target(const struct rts_expression *expression, size_t from)
{
    const Dwarf_Op *operation = &expression->operations[from];
    uint64_t offset = operation->offset + 3 + operation->number; /* opcode and a 2-byte operand */
    for (size_t i = 0; i < expression->count; i++)
        if (expression->operations[i].offset == offset)
            return i;
    uint64_t last = expression->operations[expression->count - 1].offset;
    return offset > last && offset - last <= OPERATION_BYTES_MAX ? expression->count : SIZE_MAX;
}

enum rts_expression_result rts_expression_evaluate(const struct rts_expression *expression,
                                                   const struct rts_registers *registers,
                                                   uint64_t cfa, const struct rts_memory *memory,
                                                   uint64_t *value)
{
    struct machine machine = {.registers = registers, .memory = memory, .cfa = cfa};
    size_t steps = 0;
    *value = 0;
    for (size_t i = 0; i < expression->count;) {
        const Dwarf_Op *operation = &expression->operations[i];
        if (++steps > STEPS_MAX)
            return RTS_EXPRESSION_INVALID;
        if (operation->atom == DW_OP_skip || (operation->atom == DW_OP_bra && pop(&machine) != 0)) {
            i = branch_target(expression, i);
            if (i == SIZE_MAX)
                return RTS_EXPRESSION_INVALID;
            continue;
        }
        i++;
        if (operation->atom != DW_OP_bra && !constant(&machine, operation) &&
            !binary(&machine, operation->atom))
            other(&machine, operation);
        if (machine.failure != RTS_EXPRESSION_VALUE) {
            *value = machine.missing;
            return machine.failure;
        }
    }
    *value = pop(&machine);
    return machine.failure;
}
