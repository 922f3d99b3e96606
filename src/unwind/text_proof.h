/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the text of an object says about a place in it, where CFI says nothing or cannot know. All
 * of it is read from the file and costs some reads: rule_cache.h remembers the answers.
 *
 * A place is the address where execution is (`exact`) or a return address.
 */
#ifndef RTS_UNWIND_TEXT_PROOF_H
#define RTS_UNWIND_TEXT_PROOF_H

#include "unwind/architecture.h"

struct rts_object;

/* Does a call end right before `vaddr`? */
bool rts_text_after_call(const struct rts_architecture *arch, struct rts_object *object,
                         uint64_t vaddr);

/* Is `vaddr` in an epilogue? */
bool rts_text_in_epilogue(const struct rts_architecture *arch, struct rts_object *object,
                          uint64_t vaddr);

/* Has the function at `vaddr` set up its frame pointer? */
bool rts_text_has_frame_pointer(const struct rts_architecture *arch, struct rts_object *object,
                                uint64_t vaddr);

/* Does the place have the kernel take back a signal's frame? It is the start of code that does; or,
 * where execution is, inside it. */
bool rts_text_is_signal_return(const struct rts_architecture *arch, struct rts_object *object,
                               uint64_t vaddr, bool exact);

/* Is the place in code that nobody calls: what the kernel starts a program with (the entry point of
 * the program or of its dynamic linker), what begins and ends a thread, or what Go's table says is
 * the outermost function of a goroutine? */
bool rts_text_is_outermost(const struct rts_architecture *arch, struct rts_object *object,
                           uint64_t vaddr, bool exact);

/* Is `vaddr`, where execution is, in an entry of a linkage table or in a function that leaves the
 * stack alone? Then *words and *or_more are as in `words_pushed` of rts_code_inspection. */
bool rts_text_words_pushed(const struct rts_architecture *arch, struct rts_object *object,
                           uint64_t vaddr, unsigned *words, unsigned *or_more);

#endif
