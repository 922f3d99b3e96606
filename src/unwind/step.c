/* SPDX-License-Identifier: Apache-2.0 */
#include "unwind/step.h"

#include "unwind/expression.h"

struct step {
    const struct rts_architecture *arch;
    const struct rts_rule *rule;
    const struct rts_memory *memory;
    const struct rts_registers *old;
    uint64_t cfa;
    uint64_t missing;
};

static enum rts_step_result of_expression(enum rts_expression_result result)
{
    return result == RTS_EXPRESSION_NO_MEMORY ? RTS_STEP_NO_MEMORY : RTS_STEP_INVALID;
}

static enum rts_step_result evaluate(struct step *step, const struct rts_expression *expression,
                                     uint64_t *value)
{
    enum rts_expression_result result =
        rts_expression_evaluate(expression, step->old, step->cfa, step->memory, value);
    if (result == RTS_EXPRESSION_VALUE)
        return RTS_STEP_DONE;
    step->missing = *value;
    return of_expression(result);
}

static enum rts_step_result compute_cfa(struct step *step)
{
    const struct rts_rule *rule = step->rule;
    if (rule->cfa_is_expression) {
        uint64_t cfa;
        enum rts_step_result result = evaluate(step, rule->cfa_expression, &cfa);
        step->cfa = cfa;
        return result;
    }
    if (!rts_register_known(step->old, rule->cfa_register))
        return RTS_STEP_NO_REGISTER;
    step->cfa = step->old->value[rule->cfa_register] + (uint64_t)(int64_t)rule->cfa_offset;
    return RTS_STEP_DONE;
}

static enum rts_step_result load(struct step *step, uint64_t address, uint64_t *value)
{
    if (rts_memory_word(step->memory, address, value))
        return RTS_STEP_DONE;
    step->missing = address;
    return RTS_STEP_NO_MEMORY;
}

/* The caller's value of one register. *known is false when the rule leaves it undefined. */
static enum rts_step_result restore(struct step *step, unsigned number, uint64_t *value,
                                    bool *known)
{
    const struct rts_rule *rule = step->rule;
    uint64_t offset = (uint64_t)(int64_t)rule->offset[number];
    enum rts_step_result result = RTS_STEP_DONE;
    *known = true;
    switch (rule->kind[number]) {
    case RTS_RULE_SAME:
        *known = rts_register_known(step->old, number);
        *value = step->old->value[number];
        break;
    case RTS_RULE_AT_CFA: result = load(step, step->cfa + offset, value); break;
    case RTS_RULE_IS_CFA: *value = step->cfa + offset; break;
    case RTS_RULE_REGISTER:
        *known = rts_register_known(step->old, (unsigned)rule->offset[number]);
        *value = *known ? step->old->value[rule->offset[number]] : 0;
        break;
    case RTS_RULE_AT_EXPRESSION:
        result = evaluate(step, rule->expression[number], value);
        if (result == RTS_STEP_DONE)
            result = load(step, *value, value);
        break;
    case RTS_RULE_IS_EXPRESSION: result = evaluate(step, rule->expression[number], value); break;
    default: *known = false;
    }
    return result;
}

enum rts_step_result rts_step_rule(const struct rts_architecture *arch, const struct rts_rule *rule,
                                   const struct rts_memory *memory, struct rts_registers *registers,
                                   uint64_t *missing, uint64_t *popped)
{
    *popped = 0;
    if (rule->kind[rule->return_column] == RTS_RULE_UNDEFINED)
        return RTS_STEP_ROOT;
    struct step step = {.arch = arch, .rule = rule, .memory = memory, .old = registers};
    enum rts_step_result result = compute_cfa(&step);
    *missing = step.missing;
    if (result != RTS_STEP_DONE)
        return result;

    struct rts_registers caller = {0};
    for (unsigned number = 0; number < arch->registers; number++) {
        uint64_t value;
        bool known;
        result = restore(&step, number, &value, &known);
        if (result == RTS_STEP_DONE && known) {
            rts_register_set(&caller, number, value);
        } else if (result != RTS_STEP_DONE && number == rule->return_column) {
            *missing = step.missing;
            return result;
        }
        if (rule->kind[number] == RTS_RULE_AT_CFA && number != rule->return_column &&
            step.cfa + (uint64_t)(int64_t)rule->offset[number] <
                registers->value[arch->stack_pointer])
            *popped |= 1ULL << number;
        /* Any other register is just not known from here on: it may never be needed. */
    }
    if (!rts_register_known(&caller, rule->return_column))
        return RTS_STEP_NO_REGISTER;
    if (!rts_register_known(&caller, arch->stack_pointer))
        rts_register_set(&caller, arch->stack_pointer, step.cfa);
    rts_register_set(&caller, arch->program_counter,
                     caller.value[rule->return_column] & arch->pc_bits);
    *registers = caller;
    return RTS_STEP_DONE;
}

enum rts_step_result rts_step_frame_pointer(const struct rts_architecture *arch,
                                            const struct rts_memory *memory,
                                            struct rts_registers *registers, uint64_t *missing,
                                            bool *rising)
{
    if (!rts_register_known(registers, arch->frame_pointer) ||
        !rts_register_known(registers, arch->stack_pointer))
        return RTS_STEP_NO_REGISTER;
    uint64_t frame = registers->value[arch->frame_pointer];
    if (frame == 0)
        return RTS_STEP_ROOT;
    if (frame % 8 != 0 || frame < registers->value[arch->stack_pointer])
        return RTS_STEP_INVALID;
    uint64_t outer, return_address;
    if (!rts_memory_word(memory, frame, &outer) ||
        !rts_memory_word(memory, frame + 8, &return_address)) {
        *missing = frame + 8;
        return RTS_STEP_NO_MEMORY;
    }
    *rising = outer == 0 || outer > frame;
    struct rts_registers caller = {0};
    rts_register_set(&caller, arch->frame_pointer, outer);
    rts_register_set(&caller, arch->stack_pointer, frame + 16);
    rts_register_set(&caller, arch->program_counter, return_address & arch->pc_bits);
    *registers = caller;
    return RTS_STEP_DONE;
}
