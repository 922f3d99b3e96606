/* SPDX-License-Identifier: Apache-2.0 */
#include "opinion.h"
#include "unwind/step.h"

static bool read_word(void *context, uint64_t address, uint64_t *word)
{
    (void)context;
    *word = synthetic_word(address);
    return true;
}

void rules_say(struct rts_rule_cache *cache, const struct rts_architecture *arch,
               struct rts_object *object, uint64_t vaddr, const struct rts_rule **rule,
               struct opinion *opinion)
{
    static const char *const no_rule[] = {"found", "no CFI", "no frame", "bad CFI"};
    static const char *const no_step[] = {"done", "root", "no memory", "no register", "invalid"};
    const struct rts_memory memory = {.more = read_word};
    uint64_t missing, popped;
    *opinion = (struct opinion){.outcome = FAILED};
    enum rts_rule_result found = rts_rule_cache_find(cache, object, vaddr, true, rule);
    if (found != RTS_RULE_FOUND) {
        *rule = NULL;
        opinion->why = no_rule[found];
        return;
    }
    synthetic_registers(arch, vaddr, &opinion->caller);
    enum rts_step_result result =
        rts_step_rule(arch, *rule, &memory, &opinion->caller, &missing, &popped);
    opinion->why = no_step[result];
    if (result == RTS_STEP_DONE)
        opinion->outcome = STEPPED;
    else if (result == RTS_STEP_ROOT)
        opinion->outcome = ENDED;
}
