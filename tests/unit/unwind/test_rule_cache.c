/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rules are remembered for all alike, and those of one who brings many push out those of others:
 * then these are made again, and are the same. Nobody loses a frame by it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>

#include "../suite.h"
#include "own_code.h"

#define PLACES 400

/* What the cache says of one place; of expressions that there are, for they lie elsewhere when they
 * are made again. */
struct answer {
    enum rts_rule_result result;
    struct rts_rule rule;
    bool expressions[RTS_REGISTERS_MAX + 1];
    bool after_call, in_epilogue, has_frame_pointer, outermost;
};

static void ask(struct rts_rule_cache *cache, struct rts_object *object, uint64_t vaddr,
                struct answer *answer)
{
    const struct rts_rule *rule;
    memset(answer, 0, sizeof *answer);
    answer->result = rts_rule_cache_find(cache, object, vaddr, true, &rule);
    if (answer->result == RTS_RULE_FOUND) {
        answer->rule = *rule;
        answer->expressions[RTS_REGISTERS_MAX] = rule->cfa_expression != NULL;
        answer->rule.cfa_expression = NULL;
        for (unsigned i = 0; i < RTS_REGISTERS_MAX; i++) {
            answer->expressions[i] = rule->expression[i] != NULL;
            answer->rule.expression[i] = NULL;
        }
    }
    answer->after_call = rts_rule_cache_after_call(cache, object, vaddr);
    answer->in_epilogue = rts_rule_cache_in_epilogue(cache, object, vaddr);
    answer->has_frame_pointer = rts_rule_cache_has_frame_pointer(cache, object, vaddr);
    answer->outermost = rts_rule_cache_is_outermost(cache, object, vaddr, true);
}

static struct rts_object *object_at(struct own_code *own, uint64_t pc, uint64_t *vaddr)
{
    struct rts_code code = rts_code_map_find(&own->question, pc);
    assert_int_equal(code.kind, RTS_CODE_OBJECT);
    *vaddr = pc - code.bias;
    return code.object;
}

static void test_pushed_out(void **state)
{
    (void)state;
    struct own_code own;
    static struct answer alone[PLACES], beside;
    struct rts_share share = {.limit = 150000};
    uint64_t victims, attackers, lookups, misses, misses_alone;
    own_code_init(&own);
    struct rts_object *victim = object_at(&own, (uintptr_t)test_pushed_out, &victims);
    struct rts_object *attacker = object_at(&own, (uintptr_t)qsort, &attackers);
    assert_ptr_not_equal(victim, attacker);
    struct rts_rule_cache *large = rts_rule_cache_create(rts_architecture_native());
    for (unsigned i = 0; i < PLACES; i++)
        ask(large, victim, victims + i, &alone[i]);
    rts_rule_cache_use_share(own.rules, &share);
    for (unsigned i = 0; i < PLACES; i++)
        ask(own.rules, victim, victims + i, &beside);
    rts_rule_cache_counts(own.rules, &lookups, &misses_alone);
    for (unsigned i = 0; i < PLACES; i++) {
        struct answer theirs;
        for (unsigned j = 0; j < 100; j++)
            ask(own.rules, attacker, attackers + 100 * i + j, &theirs);
        ask(own.rules, victim, victims + i, &beside);
        assert_memory_equal(&beside, &alone[i], sizeof beside);
        assert_true(share.bytes <= share.limit);
    }
    /* They were pushed out, or this shows nothing. */
    rts_rule_cache_counts(own.rules, &lookups, &misses);
    assert_true(share.evictions > 10 * PLACES);
    assert_true(misses > misses_alone + 100 * PLACES + PLACES / 2);
    rts_rule_cache_destroy(large);
    own_code_finish(&own);
    assert_int_equal(share.bytes, 0);
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pushed_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
