/* SPDX-License-Identifier: Apache-2.0 */
#include "unwind/root.h"

bool rts_root_by_code(struct rts_rule_cache *rules, const struct rts_place *place)
{
    return place->object &&
           rts_rule_cache_is_outermost(rules, place->object, place->vaddr, place->exact);
}

bool rts_root_is_proven(struct rts_rule_cache *rules, const struct rts_place *place)
{
    const struct rts_rule *rule;
    if (!place->object)
        return false;
    return (rts_rule_cache_find(rules, place->object, place->vaddr, place->exact, &rule) ==
                RTS_RULE_FOUND &&
            rule->kind[rule->return_column] == RTS_RULE_UNDEFINED) ||
           rts_root_by_code(rules, place);
}
