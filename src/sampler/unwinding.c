/* SPDX-License-Identifier: Apache-2.0 */
#include "sampler/unwinding.h"

#include <stdlib.h>

#include "binary/object.h"
#include "util/clock.h"
#include "util/memory.h"

/* CFI that has been let go of for want of memory has to be read again, for libunwind remembers no
 * rules: of large libraries that takes seconds. What takes longer than this makes checks rarer, so
 * that they take no more than that part of the time. */
#define CHECK_LONG_NS ((uint64_t)20 * RTS_NS_PER_MS)
#define CHECK_PART    20

void rts_unwinding_init(struct rts_unwinding *unwinding, const struct rts_architecture *arch,
                        struct rts_rule_cache *rules, struct rts_opinions *opinions)
{
    *unwinding = (struct rts_unwinding){.arch = arch, .rules = rules, .opinions = opinions};
    unwinding->by_rules = rts_unwind_rules.open(arch, rules, NULL);
}

int rts_unwinding_choose(struct rts_unwinding *unwinding, enum rts_unwind_by by, uint32_t every,
                         struct rts_error *error)
{
    if (by == RTS_UNWIND_BY_RULES)
        return 0;
    unwinding->by_libunwind = rts_unwind_libunwind.open(unwinding->arch, unwinding->rules, error);
    if (!unwinding->by_libunwind)
        return -1;
    if (by == RTS_UNWIND_BY_BOTH) {
        unwinding->every = every;
        unwinding->second = rts_calloc(1, sizeof *unwinding->second);
    }
    return 0;
}

/* The binary that a frame of a stack is in; NULL: in none, or in too many. */
static struct rts_opinion_binary *binary_of(struct rts_unwinding *unwinding,
                                            const struct rts_frame *frame)
{
    return frame->object ? rts_opinions_of(unwinding->opinions, rts_object_serial(frame->object),
                                           frame->module, rts_object_build_id(frame->object))
                         : NULL;
}

/* The caller of a frame, as a stack has it. */
static struct rts_frame caller_in(const struct rts_stack *stack, uint32_t frame)
{
    return frame + 1 < stack->count ? stack->frames[frame + 1] : (struct rts_frame){0};
}

/* Keeps what decides about the first difference in a binary. */
static void keep(struct rts_unwinding *unwinding, struct rts_unwind_task *task,
                 struct rts_stack *stack, const struct rts_comparison *how)
{
    struct rts_disagreement *news = &unwinding->news;
    struct rts_object *object = stack->frames[how->frame].object;
    *news = (struct rts_disagreement){
        .how = *how,
        .rules_stop = stack->stop,
        .libunwind_stop = unwinding->second->stop,
        .rules_caller = caller_in(stack, how->frame),
        .libunwind_caller = caller_in(unwinding->second, how->frame),
    };
    /* Once more, for the registers there. */
    task->registers_of = &news->registers;
    task->frame = how->frame;
    rts_unwind_rules.unwind(unwinding->by_rules, task, stack);
    task->registers_of = NULL;
    uint64_t pc = news->registers.value[unwinding->arch->program_counter];
    struct rts_code code = task->finder->find(task->finder->context, pc);
    bool exact = stack->frames[how->frame].vaddr == pc - code.bias;
    news->place = (struct rts_place){object, stack->frames[how->frame].vaddr + !exact, exact};
    news->text_size =
        rts_object_read_text(object, news->place.vaddr, news->text, sizeof news->text);
    const struct rts_rule *rule;
    news->has_rule = rts_rule_cache_find(unwinding->rules, object, news->place.vaddr, exact,
                                         &rule) == RTS_RULE_FOUND;
    if (news->has_rule)
        news->rule = *rule;
    unwinding->has_news = true;
}

static void compare(struct rts_unwinding *unwinding, struct rts_unwind_task *task,
                    struct rts_stack *stack)
{
    struct rts_opinions *opinions = unwinding->opinions;
    rts_unwind_libunwind.unwind(unwinding->by_libunwind, task, unwinding->second);
    const struct rts_comparison how = rts_stack_compare(stack, unwinding->second);
    const bool differ = how.difference != RTS_DIFFERENCE_NONE;
    opinions->checked++;
    opinions->differ[how.difference]++;
    for (uint32_t i = 0; i < how.frame + !differ; i++) {
        struct rts_opinion_binary *binary = binary_of(unwinding, &stack->frames[i]);
        if (binary)
            binary->alike++;
    }
    struct rts_opinion_binary *binary =
        differ ? binary_of(unwinding, &stack->frames[how.frame]) : NULL;
    bool is_first = binary && rts_opinion_differences(binary) == 0;
    if (binary)
        binary->differ[how.difference]++;
    if (is_first)
        keep(unwinding, task, stack, &how);
    if (stack->stop == RTS_STOP_COMPLETE && differ)
        stack->stop = RTS_STOP_DISPUTED;
}

static void check(struct rts_unwinding *unwinding, struct rts_unwind_task *task,
                  struct rts_stack *stack)
{
    const uint64_t start = rts_clock_monotonic_ns();
    if (start < unwinding->again_ns)
        return;
    unwinding->turn = 0;
    compare(unwinding, task, stack);
    const uint64_t end = rts_clock_monotonic_ns();
    if (end - start > CHECK_LONG_NS)
        unwinding->again_ns = end + CHECK_PART * (end - start);
}

void rts_unwinding_do(struct rts_unwinding *unwinding, struct rts_unwind_task *task,
                      struct rts_stack *stack)
{
    unwinding->has_news = false;
    if (unwinding->by_libunwind && !unwinding->second) {
        rts_unwind_libunwind.unwind(unwinding->by_libunwind, task, stack);
        return;
    }
    rts_unwind_rules.unwind(unwinding->by_rules, task, stack);
    if (unwinding->second && ++unwinding->turn >= unwinding->every)
        check(unwinding, task, stack);
}

void rts_unwinding_finish(struct rts_unwinding *unwinding)
{
    rts_unwind_rules.close(unwinding->by_rules);
    rts_unwind_libunwind.close(unwinding->by_libunwind);
    free(unwinding->second);
}
