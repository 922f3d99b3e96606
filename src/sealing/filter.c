/* SPDX-License-Identifier: Apache-2.0 */
#include "sealing/filter.h"

#include <errno.h>

#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#ifdef HAVE_LIBSECCOMP

#include <seccomp.h>
#include <stdbool.h>
#include <string.h>

#include "sealing/calls.h"

/* Programs with the sanitizers in them look for leaks in a process that traces this one. */
#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
#define SANITIZED 1
#elif defined __has_feature
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

/* Before Linux 4.14 a filter can end a thread alone, and the others would wait for it for ever: the
 * signal, which nobody here handles, ends them all. */
static uint32_t fatal_action(void)
{
    return seccomp_api_get() >= 3 ? SCMP_ACT_KILL_PROCESS : SCMP_ACT_TRAP;
}

static int add_rule(scmp_filter_ctx filter, const struct rts_call *rule, uint32_t fatal)
{
    int number = seccomp_syscall_resolve_name(rule->name);
    uint32_t action = rule->fatal ? fatal : SCMP_ACT_ALLOW;
    if (number < 0) /* of another architecture, or younger than the library */
        return 0;
    const struct scmp_arg_cmp test = {
        .arg = rule->argument,
        .op = rule->test == RTS_CALL_OTHER ? SCMP_CMP_NE : SCMP_CMP_MASKED_EQ,
        .datum_a = rule->test == RTS_CALL_OTHER ? rule->value : rule->mask,
        .datum_b = rule->value,
    };
    int result =
        seccomp_rule_add_array(filter, action, number, rule->test != RTS_CALL_ALWAYS, &test);
    return result == -EEXIST ? 0 : result;
}

/* What they call, and open(), is let through whatever its arguments are. */
static const char *const sanitizers[] = {"clone",  "mmap",        "mprotect", "open",
                                         "openat", "personality", "ptrace",   "kill"};

static int add_sanitizers(scmp_filter_ctx filter)
{
    int result = 0;
    for (size_t i = 0; SANITIZED && i < sizeof sanitizers / sizeof *sanitizers && result == 0;
         i++) {
        const struct rts_call rule = {.name = sanitizers[i]};
        result = add_rule(filter, &rule, 0);
    }
    return result;
}

static bool is_sanitizers(const char *name)
{
    for (size_t i = 0; SANITIZED && i < sizeof sanitizers / sizeof *sanitizers; i++)
        if (strcmp(sanitizers[i], name) == 0)
            return true;
    return false;
}

static int fill(scmp_filter_ctx filter, unsigned calls)
{
    uint32_t fatal = fatal_action();
    struct rts_call rule;
    int result = seccomp_attr_set(filter, SCMP_FLTATR_CTL_NNP, 0); /* it is set, or not needed */
    seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, fatal);
#if SCMP_VER_MAJOR > 2 || (SCMP_VER_MAJOR == 2 && SCMP_VER_MINOR >= 5)
    seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2); /* looked up in a tree */
#endif
    if (result == 0)
        result = add_sanitizers(filter);
    for (unsigned position = 0; result == 0 && rts_call_next(calls, &position, &rule);) {
        if (!is_sanitizers(rule.name))
            result = add_rule(filter, &rule, fatal);
    }
    return result;
}

void rts_filter_prepare(void)
{
    seccomp_api_get();
}

int rts_filter_set(unsigned calls)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
    if (!filter)
        return -ENOMEM;
    int result = fill(filter, calls);
    if (result == 0)
        result = seccomp_load(filter);
    seccomp_release(filter);
    return result;
}

#else

void rts_filter_prepare(void)
{
}

int rts_filter_set(unsigned calls)
{
    (void)calls;
    return -ENOTSUP;
}

#endif
