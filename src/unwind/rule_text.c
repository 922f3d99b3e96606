/* SPDX-License-Identifier: Apache-2.0 */
#include "unwind/rule_text.h"

#include <inttypes.h>

static void append_register(const struct rts_rule *rule, unsigned number, struct rts_buffer *out)
{
    const int32_t offset = rule->offset[number];
    rts_buffer_format(out, " r%u=", number);
    switch (rule->kind[number]) {
    case RTS_RULE_AT_CFA: rts_buffer_format(out, "c%+" PRId32, offset); break;
    case RTS_RULE_IS_CFA: rts_buffer_format(out, "v%+" PRId32, offset); break;
    case RTS_RULE_REGISTER: rts_buffer_format(out, "r%" PRId32, offset); break;
    case RTS_RULE_AT_EXPRESSION: rts_buffer_text(out, "exp"); break;
    case RTS_RULE_IS_EXPRESSION: rts_buffer_text(out, "vexp"); break;
    default: rts_buffer_text(out, "u");
    }
}

void rts_rule_text(const struct rts_architecture *arch, const struct rts_rule *rule,
                   struct rts_buffer *out)
{
    if (rule->cfa_is_expression)
        rts_buffer_text(out, "cfa=exp");
    else
        rts_buffer_format(out, "cfa=r%u%+" PRId32, (unsigned)rule->cfa_register, rule->cfa_offset);
    for (unsigned number = 0; number < arch->registers; number++)
        if (rule->kind[number] != RTS_RULE_SAME)
            append_register(rule, number, out);
    if (rule->signal_frame != RTS_RULE_CALLED)
        rts_buffer_text(out, " signal");
}
