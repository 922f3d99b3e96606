/* SPDX-License-Identifier: Apache-2.0 */
#include "unwind/unwind.h"

#include <linux/perf_event.h>
#include <stdlib.h>

#include "binary/object.h"
#include "unwind/root.h"
#include "unwind/step.h"
#include "util/memory.h"

/* The state of one walk. */
struct walk {
    const struct rts_architecture *arch;
    struct rts_rule_cache *rules;
    const struct rts_code_finder *finder;
    const struct rts_memory *memory;
    const struct rts_unwind_task *task;
    struct rts_stack *stack;
    struct rts_registers registers;
    enum rts_unwinder unwinder; /* how registers.pc was found */
    bool exact;                 /* the pc is where execution is, not a return address */
    bool other_stack;           /* a signal handler was left for a stack that was not copied */
    struct rts_place frame;     /* of the frame that was added last */
    struct rts_place callee;    /* of the one before it */
};

/* In the middle of an epilogue the CFI still says where registers were saved, although they have
 * been popped: then they are in place, and what lies below the stack pointer is dead. */
static void keep_popped(struct walk *walk, const struct rts_registers *before, uint64_t popped)
{
    if (!rts_rule_cache_in_epilogue(walk->rules, walk->frame.object, walk->frame.vaddr))
        return;
    for (unsigned number = 0; number < walk->arch->registers; number++)
        if ((popped >> number & 1) && rts_register_known(before, number))
            rts_register_set(&walk->registers, number, before->value[number]);
}

/* Is the return address that Go's table led to one? A call ends before it, or the runtime put it
 * there as the one of a function that nobody called, or the kernel as that of a signal's handler.
 */
static bool is_go_return(const struct walk *walk, uint64_t pc)
{
    struct rts_code code = walk->finder->find(walk->finder->context, pc - 1);
    const struct rts_rule *rule;
    if (code.kind != RTS_CODE_OBJECT)
        return false;
    uint64_t vaddr = pc - code.bias;
    return rts_rule_cache_after_call(walk->rules, code.object, vaddr) ||
           (rts_rule_cache_find(walk->rules, code.object, vaddr, false, &rule) == RTS_RULE_FOUND &&
            (rule->signal_frame == RTS_RULE_SIGNAL_CODE ||
             (rule->return_is_checked && rule->kind[rule->return_column] == RTS_RULE_UNDEFINED)));
}

/* What was found instead of a caller, unless there can be none. CFI may lead from the outermost
 * function to the code that started it on a new stack, as in Go's clone. */
static enum rts_stop no_caller(const struct walk *walk, enum rts_stop found)
{
    bool is_root =
        rts_root_by_code(walk->rules, &walk->frame) || rts_root_by_code(walk->rules, &walk->callee);
    return is_root ? RTS_STOP_COMPLETE : found;
}

/* Is what the stack pointer points to what the kernel puts there? RTS_STOP_COUNT: it is. While the
 * kernel takes it back, the registers are neither the handler's nor those it interrupted. */
static enum rts_stop check_signal_frame(const struct walk *walk)
{
    const struct rts_signal_frame *frame = walk->arch->signal_frame;
    uint64_t word;
    if (!rts_register_known(&walk->registers, walk->arch->stack_pointer))
        return RTS_STOP_LOST_REGISTER;
    uint64_t address =
        walk->registers.value[walk->arch->stack_pointer] + (uint64_t)frame->check_offset;
    if (!rts_memory_word(walk->memory, address, &word))
        return rts_memory_why_missing(walk->memory, address, walk->other_stack);
    return (word & frame->check_mask) == frame->check_value ? RTS_STOP_COUNT : RTS_STOP_BAD_MEMORY;
}

/* A word that a frame pointer led to is believed to be a return address when a call ends right
 * before it; in generated code, which cannot be read, when the chain of frame pointers goes on. */
static bool is_return_address(const struct walk *walk, uint64_t pc, bool rising)
{
    struct rts_code code = walk->finder->find(walk->finder->context, pc - 1);
    if (code.kind == RTS_CODE_ANONYMOUS)
        return rising;
    return code.kind == RTS_CODE_OBJECT &&
           rts_rule_cache_after_call(walk->rules, code.object, pc - code.bias);
}

/* Of two places where the return address may be, the outer one holds if the inner one is not code:
 * it has the dynamic linker's description of the object then. */
static void choose_place(struct walk *walk, const struct rts_rule *inner,
                         const struct rts_registers *before)
{
    struct rts_rule outer = *inner;
    uint64_t unused;
    if (is_return_address(walk, walk->registers.value[walk->arch->program_counter], false))
        return;
    outer.cfa_offset += 8 * outer.or_more;
    struct rts_registers registers = *before;
    if (rts_step_rule(walk->arch, &outer, walk->memory, &registers, &unused, &unused) ==
        RTS_STEP_DONE)
        walk->registers = registers;
}

/* Leaves one frame by a rule. RTS_STOP_COUNT: go on. */
static enum rts_stop leave_by_rule(struct walk *walk, const struct rts_rule *rule)
{
    const struct rts_registers before = walk->registers;
    const bool was_exact = walk->exact, return_is_checked = rule->return_is_checked;
    const enum rts_rule_signal signal_frame = rule->signal_frame;
    uint64_t missing, popped;
    if (signal_frame == RTS_RULE_SIGNAL_CODE) {
        enum rts_stop stop = check_signal_frame(walk);
        if (stop != RTS_STOP_COUNT)
            return stop;
    }
    switch (rts_step_rule(walk->arch, rule, walk->memory, &walk->registers, &missing, &popped)) {
    case RTS_STEP_ROOT: return RTS_STOP_COMPLETE;
    case RTS_STEP_NO_MEMORY:
        return rts_memory_why_missing(walk->memory, missing, walk->other_stack);
    case RTS_STEP_NO_REGISTER: return RTS_STOP_LOST_REGISTER;
    case RTS_STEP_INVALID: return RTS_STOP_BAD_CFI;
    case RTS_STEP_DONE: break;
    }
    if (rule->or_more > 0)
        choose_place(walk, rule, &before);
    if (popped && was_exact)
        keep_popped(walk, &before, popped);
    if (return_is_checked &&
        !is_go_return(walk, walk->registers.value[walk->arch->program_counter]))
        return RTS_STOP_NO_CFI;
    walk->unwinder = RTS_UNWINDER_CFI;
    walk->exact = signal_frame != RTS_RULE_CALLED;
    uint64_t sp = walk->registers.value[walk->arch->stack_pointer];
    uint64_t sp_before = before.value[walk->arch->stack_pointer];
    if (walk->exact) {
        walk->other_stack = !rts_memory_holds_stack(walk->memory, sp);
        return RTS_STOP_COUNT;
    }
    /* Only what runs or was interrupted can have its return address in a register and nothing on
     * the stack. */
    return sp > sp_before || (sp == sp_before && was_exact) ? RTS_STOP_COUNT : RTS_STOP_NO_PROGRESS;
}

/* Leaves code without CFI, if it keeps a frame pointer. */
static enum rts_stop leave_by_frame_pointer(struct walk *walk)
{
    struct rts_object *object = walk->frame.object; /* NULL of generated code */
    if (rts_root_by_code(walk->rules, &walk->frame))
        return RTS_STOP_COMPLETE;
    uint64_t lookup = walk->exact ? walk->frame.vaddr : walk->frame.vaddr - 1;
    if (object && !rts_rule_cache_has_frame_pointer(walk->rules, object, lookup))
        return RTS_STOP_NO_CFI;
    uint64_t missing;
    bool rising;
    switch (rts_step_frame_pointer(walk->arch, walk->memory, &walk->registers, &missing, &rising)) {
    /* Generated code may use the register for anything, so zero means nothing there. */
    case RTS_STEP_ROOT: return object ? RTS_STOP_NO_ROOT : RTS_STOP_NO_CFI;
    case RTS_STEP_NO_MEMORY:
    case RTS_STEP_NO_REGISTER:
    case RTS_STEP_INVALID: return RTS_STOP_NO_CFI;
    case RTS_STEP_DONE: break;
    }
    uint64_t pc = walk->registers.value[walk->arch->program_counter];
    if (pc != 0 && !is_return_address(walk, pc, rising))
        return RTS_STOP_NO_CFI;
    walk->unwinder = RTS_UNWINDER_FRAME_POINTER;
    walk->exact = false;
    return RTS_STOP_COUNT;
}

/* The rule of the frame that was added last. Behind a trampoline's system call another function
 * begins: while the call is under way, the frame is that of the call. */
static enum rts_rule_result find_rule(struct walk *walk, const struct rts_rule **rule)
{
    struct rts_place *frame = &walk->frame;
    size_t back = frame->exact ? walk->arch->inspection->system_call(&walk->registers) : 0;
    if (back > 0 &&
        rts_rule_cache_find(walk->rules, frame->object, frame->vaddr - back, true, rule) ==
            RTS_RULE_FOUND &&
        (*rule)->signal_frame == RTS_RULE_SIGNAL_CODE) {
        frame->vaddr -= back;
        return RTS_RULE_FOUND;
    }
    return rts_rule_cache_find(walk->rules, frame->object, frame->vaddr, frame->exact, rule);
}

/* Leaves the frame that was added last. RTS_STOP_COUNT: go on with the caller. */
static enum rts_stop leave(struct walk *walk, const struct rts_code *code)
{
    if (code->kind == RTS_CODE_NO_FILE)
        return RTS_STOP_NO_FILE;
    if (code->kind == RTS_CODE_ANONYMOUS)
        return leave_by_frame_pointer(walk);
    const struct rts_rule *rule;
    switch (find_rule(walk, &rule)) {
    case RTS_RULE_FOUND:
        /* The function itself starts at the pc: a signal trampoline is entered by the kernel, as if
         * called from the byte before it, and must be named by its own first byte. */
        if (rule->signal_frame != RTS_RULE_CALLED)
            walk->stack->frames[walk->stack->count - 1].vaddr = walk->frame.vaddr;
        return leave_by_rule(walk, rule);
    case RTS_RULE_BAD_CFI: return RTS_STOP_BAD_CFI;
    case RTS_RULE_NO_FRAME: return RTS_STOP_NO_CFI;
    case RTS_RULE_NO_CFI: break;
    }
    return leave_by_frame_pointer(walk);
}

static enum rts_stop walk_frames(struct walk *walk)
{
    for (;;) {
        uint64_t pc = walk->registers.value[walk->arch->program_counter];
        if (pc == 0 && walk->stack->count > 0 && !walk->exact)
            return no_caller(walk, RTS_STOP_NO_ROOT);
        uint64_t lookup = walk->exact ? pc : pc - 1;
        struct rts_code code = walk->finder->find(walk->finder->context, lookup);
        if (code.kind == RTS_CODE_NONE && walk->stack->count > 0)
            return no_caller(walk, RTS_STOP_BAD_RETURN);
        rts_stack_add(walk->stack, &code, lookup, walk->unwinder);
        if (walk->task->registers_of && walk->stack->count == walk->task->frame + 1)
            *walk->task->registers_of = walk->registers;
        walk->callee = walk->frame;
        walk->frame = (struct rts_place){code.object, pc - code.bias, walk->exact};
        if (code.kind == RTS_CODE_NONE)
            return RTS_STOP_BAD_RETURN;
        enum rts_stop stop = leave(walk, &code);
        if (stop != RTS_STOP_COUNT)
            return stop;
        if (walk->stack->count == RTS_STACK_DEPTH_MAX)
            return RTS_STOP_DEPTH;
    }
}

void rts_unwind_stack(const struct rts_architecture *arch, struct rts_rule_cache *rules,
                      const struct rts_unwind_task *task, struct rts_stack *stack)
{
    struct walk walk = {
        .arch = arch,
        .rules = rules,
        .finder = task->finder,
        .memory = task->memory,
        .task = task,
        .stack = stack,
        .registers = *task->registers,
        .unwinder = RTS_UNWINDER_REGISTERS,
        .exact = true,
    };
    stack->count = 0;
    stack->stop = walk_frames(&walk);
}

void rts_unwind_leaf(const struct rts_code_finder *finder, uint64_t pc, enum rts_stop stop,
                     struct rts_stack *stack)
{
    struct rts_code code = finder->find(finder->context, pc);
    stack->count = 0;
    rts_stack_add(stack, &code, pc, RTS_UNWINDER_REGISTERS);
    stack->stop = stop;
}

void rts_unwind_chain(struct rts_rule_cache *rules, const struct rts_code_finder *finder,
                      const uint64_t *chain, size_t length, struct rts_stack *stack)
{
    stack->count = 0;
    stack->stop = RTS_STOP_BROKEN_CHAIN;
    struct rts_place frame = {0};
    bool user = true;
    for (size_t i = 0; i < length; i++) {
        if (chain[i] >= (uint64_t)PERF_CONTEXT_MAX) {
            user = chain[i] == (uint64_t)PERF_CONTEXT_USER;
            continue;
        }
        if (!user || chain[i] == 0)
            continue;
        if (stack->count == RTS_STACK_DEPTH_MAX) {
            stack->stop = RTS_STOP_DEPTH;
            return;
        }
        bool leaf = stack->count == 0;
        uint64_t lookup = leaf ? chain[i] : chain[i] - 1;
        struct rts_code code = finder->find(finder->context, lookup);
        if (code.kind == RTS_CODE_NONE && !leaf)
            return; /* what the frame pointer led to is not code */
        rts_stack_add(stack, &code, lookup,
                      leaf ? RTS_UNWINDER_REGISTERS : RTS_UNWINDER_FRAME_POINTER);
        frame = (struct rts_place){code.object, chain[i] - code.bias, leaf};
    }
    if (stack->count > 0 && rts_root_is_proven(rules, &frame))
        stack->stop = RTS_STOP_COMPLETE;
}

/* ---- as a method ---- */

struct by_rules {
    const struct rts_architecture *arch;
    struct rts_rule_cache *rules;
};

static void *open_rules(const struct rts_architecture *arch, struct rts_rule_cache *rules,
                        struct rts_error *error)
{
    struct by_rules *state = rts_calloc(1, sizeof *state);
    (void)error;
    *state = (struct by_rules){arch, rules};
    return state;
}

static void unwind_by_rules(void *state, const struct rts_unwind_task *task,
                            struct rts_stack *stack)
{
    const struct by_rules *by = state;
    rts_unwind_stack(by->arch, by->rules, task, stack);
}

const struct rts_unwind_method rts_unwind_rules = {
    .name = "rules",
    .over = RTS_UNWIND_COPY | RTS_UNWIND_STOPPED,
    .open = open_rules,
    .close = free,
    .unwind = unwind_by_rules,
};
