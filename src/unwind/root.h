/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Proof that a frame is the outermost one of its thread. A stack is complete only where there is
 * one: the CFI says that there is no return address, as that of _start, of clone() and of the
 * runtimes of languages does; or the code is where the kernel starts a program, or where a thread
 * begins and ends (text_proof.h), as in C libraries without such CFI.
 */
#ifndef RTS_UNWIND_ROOT_H
#define RTS_UNWIND_ROOT_H

#include "unwind/rule_cache.h"

/* A place in the text of an object. */
struct rts_place {
    struct rts_object *object; /* NULL: in none */
    uint64_t vaddr;            /* where execution is, else a return address */
    bool exact;                /* the former */
};

/* By the code alone. */
bool rts_root_by_code(struct rts_rule_cache *rules, const struct rts_place *place);

/* By CFI or by the code. */
bool rts_root_is_proven(struct rts_rule_cache *rules, const struct rts_place *place);

#endif
