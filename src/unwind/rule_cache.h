/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rules by (object, address): libdw is asked once per distinct address, and equal rules are kept
 * once. Bounded: addresses that were not asked for lately go, and when there are too many rules,
 * all does. Any call may drop any of them.
 */
#ifndef RTS_UNWIND_RULE_CACHE_H
#define RTS_UNWIND_RULE_CACHE_H

#include "unwind/rule.h"
#include "util/share.h"

struct rts_rule_cache;

struct rts_rule_cache *rts_rule_cache_create(const struct rts_architecture *arch);
void rts_rule_cache_destroy(struct rts_rule_cache *cache); /* accepts NULL */

/* Counts there what rules and addresses take, and keeps to its limit. It must outlive the cache. */
void rts_rule_cache_use_share(struct rts_rule_cache *cache, struct rts_share *share);

/* The rule at `vaddr` of `object`, where execution is (`exact`) or which is a return address: then
 * it is the rule of the call before it. *rule is set for RTS_RULE_FOUND and is valid until the next
 * call. */
enum rts_rule_result rts_rule_cache_find(struct rts_rule_cache *cache, struct rts_object *object,
                                         uint64_t vaddr, bool exact, const struct rts_rule **rule);

/* What the program text around an address says (text_proof.h), remembered too. */
bool rts_rule_cache_after_call(struct rts_rule_cache *cache, struct rts_object *object,
                               uint64_t vaddr);
bool rts_rule_cache_in_epilogue(struct rts_rule_cache *cache, struct rts_object *object,
                                uint64_t vaddr);
bool rts_rule_cache_has_frame_pointer(struct rts_rule_cache *cache, struct rts_object *object,
                                      uint64_t vaddr);

/* Can nobody have called this place? Remembered too. */
bool rts_rule_cache_is_outermost(struct rts_rule_cache *cache, struct rts_object *object,
                                 uint64_t vaddr, bool exact);

/* Look-ups, and those that had to ask libdw. */
void rts_rule_cache_counts(const struct rts_rule_cache *cache, uint64_t *lookups, uint64_t *misses);

#endif
