/* SPDX-License-Identifier: Apache-2.0 */
/* A row of CFI as text, in the manner of readelf --debug-dump=frames-interp. */
#ifndef RTS_UNWIND_RULE_TEXT_H
#define RTS_UNWIND_RULE_TEXT_H

#include "unwind/rule.h"
#include "util/buffer.h"

/* Appends "cfa=r7+16 r6=c-16 r16=c-8": registers by DWARF number, those only whose rule is not that
 * they are the same; "u" undefined, "c-16" in memory at the CFA less 16, "v-16" that value itself,
 * "r3" another register, "exp" and "vexp" an expression for where it is and for what it is. */
void rts_rule_text(const struct rts_architecture *arch, const struct rts_rule *rule,
                   struct rts_buffer *out);

#endif
