/* SPDX-License-Identifier: Apache-2.0 */
/* The table of system calls itself: no rule contradicts another, whatever a kind keeps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../suite.h"
#include "sealing/calls.h"
#include "sealing/kinds.h"

#define RULES_MAX 1024

static unsigned collect(unsigned calls, struct rts_call *rules)
{
    unsigned count = 0, position = 0;
    while (rts_call_next(calls, &position, &rules[count])) {
        assert_non_null(rules[count].name);
        assert_true(++count < RULES_MAX);
    }
    return count;
}

/* Is there an argument for which both hold? */
static bool overlap(const struct rts_call *a, const struct rts_call *b)
{
    if (a->test == RTS_CALL_ALWAYS || b->test == RTS_CALL_ALWAYS)
        return true;
    if (a->argument != b->argument)
        return true;
    if (a->test == RTS_CALL_OTHER || b->test == RTS_CALL_OTHER) {
        const struct rts_call *other = a->test == RTS_CALL_OTHER ? a : b;
        const struct rts_call *equal = other == a ? b : a;
        return equal->test == RTS_CALL_OTHER ||
               (uint32_t)(equal->value ^ other->value) & equal->mask || equal->mask != UINT32_MAX;
    }
    uint64_t both = a->mask & b->mask;
    return (a->value & both) == (b->value & both);
}

static void check(unsigned calls)
{
    static struct rts_call rules[RULES_MAX];
    unsigned count = collect(calls, rules);
    assert_true(count > 100);
    for (unsigned i = 0; i < count; i++)
        for (unsigned j = 0; j < i; j++)
            if (strcmp(rules[i].name, rules[j].name) == 0 && rules[i].fatal != rules[j].fatal &&
                overlap(&rules[i], &rules[j]))
                fail_msg("with groups %#x, rules of %s contradict each other", calls,
                         rules[i].name);
}

static void test_no_contradiction(void **state)
{
    (void)state;
    for (unsigned calls = 0; calls < RTS_CALLS_MEMORY << 1; calls++)
        if (calls & RTS_CALLS_BASIC)
            check(calls);
}

/* For whoever wants to open a file to write it alone. */
static void test_open_to_write(void **state)
{
    (void)state;
    static struct rts_call rules[RULES_MAX];
    unsigned count = collect(RTS_CALLS_BASIC | RTS_CALLS_OPEN_WRITE, rules);
    bool let_through = false, fatal = false, whole = false;
    for (unsigned i = 0; i < count; i++) {
        if (strcmp(rules[i].name, "openat") != 0)
            continue;
        let_through |= !rules[i].fatal;
        fatal |= rules[i].fatal;
        whole |= rules[i].test == RTS_CALL_ALWAYS;
    }
    assert_true(let_through && !fatal && !whole);
}

static bool is_dangerous(unsigned calls, const char *name)
{
    static struct rts_call rules[RULES_MAX];
    unsigned count = collect(calls, rules);
    for (unsigned i = 0; i < count; i++)
        if (rules[i].fatal && rules[i].test == RTS_CALL_ALWAYS && strcmp(rules[i].name, name) == 0)
            return true;
    return false;
}

static void test_dangerous(void **state)
{
    (void)state;
    static const char *const nobodys[] = {"bpf",
                                          "mount",
                                          "unshare",
                                          "init_module",
                                          "kexec_load",
                                          "process_vm_writev",
                                          "io_uring_setup",
                                          "keyctl",
                                          "userfaultfd",
                                          "pidfd_getfd",
                                          "open_by_handle_at"};
    for (size_t i = 0; i < sizeof nobodys / sizeof *nobodys; i++)
        assert_true(is_dangerous(UINT32_MAX, nobodys[i]));
    assert_true(is_dangerous(RTS_CALLS_BASIC, "openat"));
    assert_true(is_dangerous(RTS_CALLS_BASIC, "socket"));
    assert_false(is_dangerous(RTS_CALLS_BASIC | RTS_CALLS_NETWORK, "socket"));
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_contradiction),
        cmocka_unit_test(test_open_to_write),
        cmocka_unit_test(test_dangerous),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
