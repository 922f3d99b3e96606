/* SPDX-License-Identifier: Apache-2.0 */
#include "facts/selftest_facts.h"

const char *rts_form_name(enum rts_form form)
{
    static const char *const names[RTS_FORM_COUNT] = {
        [RTS_FORM_DEEP] = "deep",
        [RTS_FORM_RECURSIVE] = "recursive",
        [RTS_FORM_SIGNAL] = "signal",
        [RTS_FORM_ALTERNATE_STACK] = "alternate_stack",
        [RTS_FORM_NO_FRAME_POINTER] = "no_frame_pointer",
        [RTS_FORM_VDSO] = "vdso",
        [RTS_FORM_LINKAGE] = "linkage",
        [RTS_FORM_NORETURN] = "noreturn",
        [RTS_FORM_TAIL_CALL] = "tail_call",
    };
    return form < RTS_FORM_COUNT ? names[form] : "unknown";
}

unsigned rts_selftest_failed(const struct rts_selftest_facts *facts)
{
    unsigned failed = 0;
    for (unsigned i = 0; i < RTS_FORM_COUNT; i++)
        failed += facts->forms[i].failed[RTS_SELFTEST_RULES] > 0 ||
                  facts->forms[i].failed[RTS_SELFTEST_LIBUNWIND] > 0;
    return failed;
}
