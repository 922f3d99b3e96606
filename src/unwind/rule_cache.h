/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rules by (object, address): libdw is asked once per distinct address, and equal rules are kept
 * once. Bounded: when it is full it is emptied. Any call may empty it.
 */
#ifndef RTS_UNWIND_RULE_CACHE_H
#define RTS_UNWIND_RULE_CACHE_H

#include "unwind/rule.h"

struct rts_rule_cache;

struct rts_rule_cache *rts_rule_cache_create(const struct rts_architecture *arch);
void rts_rule_cache_destroy(struct rts_rule_cache *cache); /* accepts NULL */

/* The rule at `vaddr` of `object`. *rule is set for RTS_RULE_FOUND and is valid until the next
 * call. */
enum rts_rule_result rts_rule_cache_find(struct rts_rule_cache *cache, struct rts_object *object,
                                         uint64_t vaddr, const struct rts_rule **rule);

/* What the program text around an address says (struct rts_code_inspection), remembered too: does a
 * call end right before `vaddr`; is `vaddr` in an epilogue; has the function at `vaddr` set up its
 * frame pointer. */
bool rts_rule_cache_after_call(struct rts_rule_cache *cache, struct rts_object *object,
                               uint64_t vaddr);
bool rts_rule_cache_in_epilogue(struct rts_rule_cache *cache, struct rts_object *object,
                                uint64_t vaddr);
bool rts_rule_cache_has_frame_pointer(struct rts_rule_cache *cache, struct rts_object *object,
                                      uint64_t vaddr);

/* Look-ups, and those that had to ask libdw. */
void rts_rule_cache_counts(const struct rts_rule_cache *cache, uint64_t *lookups, uint64_t *misses);

#endif
