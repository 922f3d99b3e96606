/* SPDX-License-Identifier: Apache-2.0 */
#include "doctor/check.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *rts_check_state_word(enum rts_check_state state)
{
    static const char *const words[] = {
        [RTS_CHECK_WORKS] = "works",     [RTS_CHECK_LIMITED] = "limited",
        [RTS_CHECK_REFUSED] = "refused", [RTS_CHECK_UNKNOWN] = "unknown",
        [RTS_CHECK_INFO] = "info",
    };
    return words[state];
}

struct rts_check *rts_report_add(struct rts_report *report, const char *key,
                                 enum rts_check_state state, const char *cause)
{
    /* The keys are ours: there are never more than fit. The last one would be written over. */
    size_t at = report->count < RTS_CHECKS_MAX ? report->count++ : RTS_CHECKS_MAX - 1;
    report->checks[at] = (struct rts_check){.key = key, .state = state, .cause = cause};
    return &report->checks[at];
}

const struct rts_check *rts_report_find(const struct rts_report *report, const char *key)
{
    for (size_t i = 0; i < report->count; i++)
        if (strcmp(report->checks[i].key, key) == 0)
            return &report->checks[i];
    return NULL;
}

#define SET(text)                                                                                  \
    do {                                                                                           \
        va_list arguments;                                                                         \
        va_start(arguments, format);                                                               \
        vsnprintf(text, sizeof(text), format, arguments);                                          \
        va_end(arguments);                                                                         \
    } while (0)

void rts_check_found(struct rts_check *check, const char *format, ...)
{
    SET(check->found);
}

void rts_check_because(struct rts_check *check, const char *format, ...)
{
    SET(check->because);
}

void rts_check_lost(struct rts_check *check, const char *format, ...)
{
    SET(check->lost);
}

void rts_check_fix(struct rts_check *check, const char *format, ...)
{
    if (check->fix_count < RTS_FIXES_MAX)
        SET(check->fixes[check->fix_count++]);
}
