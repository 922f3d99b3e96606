/* SPDX-License-Identifier: Apache-2.0 */
/* Is a stack of a form what it is known to be? */
#ifndef RTS_SELFTEST_JUDGE_H
#define RTS_SELFTEST_JUDGE_H

#include "selftest/forms.h"
#include "unwind/stack.h"

/* Functions are told apart by where their FDEs begin, since names may have been stripped. `bias` is
 * what an address in our own memory has more than a link-time address of our program. NULL: the
 * stack is right; else what is wrong, static. */
const char *rts_selftest_judge(enum rts_form form, uint64_t bias, const struct rts_stack *stack);

#endif
