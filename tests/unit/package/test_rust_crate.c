/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../suite.h"
#include "package/rust_crate.h"

static void assert_crate(const char *name, const char *expected)
{
    const char *crate = "";
    size_t size = rts_rust_crate(name, &crate);
    char found[128] = "";
    assert_true(size < sizeof found);
    memcpy(found, crate, size);
    if (strcmp(found, expected) != 0)
        fail_msg("%s: \"%s\", not \"%s\"", name, found, expected);
}

/* As rustc 1.95 made them. */
static void finds_the_crate_in_new_names(void **state)
{
    (void)state;
    assert_crate("_RNvCsePStoGjMoge_9dep_crate5churn", "dep_crate");
    assert_crate(
        "_RNvXCsePStoGjMoge_9dep_crateNtB2_7CounterNtNtNtNtCsgEmfK2I1SDS_4core4iter6traits8"
        "iterator8Iterator4next",
        "dep_crate");
    assert_crate("_RINvNtCsjrHSEGnQ3l9_3std5panic12catch_unwindNCNvNtB4_2rt19lang_start_internal0iE"
                 "B4_",
                 "std");
    assert_crate("_RNCINvNtCsjrHSEGnQ3l9_3std2rt10lang_startuE0CscAEuU5ehQ2G_3app", "std");
    assert_crate("_RNvXs0_NtNtNtCsgEmfK2I1SDS_4core3ops8function5implsRDINtB7_2FnuE", "core");
}

static void finds_the_crate_in_old_names(void **state)
{
    (void)state;
    assert_crate("_ZN5regex4exec4Exec4exec17h0123456789abcdefE", "regex");
    assert_crate("_ZN5regex4exec17h0123456789abcdefE.llvm.123", "regex");
    assert_crate("_ZN49_$LT$regex..Regex$u20$as$u20$core..fmt..Display$GT$3fmt17h0123456789abcdefE",
                 "regex");
    assert_crate("_ZN24_$LT$regex..exec..Exec$GT$3run17h0123456789abcdefE", "regex");
}

/* More than one crate may hold an implementation. */
static void leaves_what_is_not_certain(void **state)
{
    (void)state;
    assert_crate("_ZN44_$LT$regex..Regex$u20$as$u20$other..Trait$GT$3run17h0123456789abcdefE", "");
    assert_crate("_ZN57_$LT$T$u20$as$u20$core..convert..Into$LT$U$GT$$GT$4into17h0123456789abcdefE",
                 "");
    assert_crate("_ZN67_$LT$regex..Error$u20$as$u20$core..convert..From$LT$app..Mine$GT$$GT$4from17"
                 "h0123456789abcdefE",
                 "");
    assert_crate("_ZN5regex4exec4Exec4execEv", ""); /* C++ */
    assert_crate("_RNvYhNtCs1_3app5Trait3run", "");
    assert_crate("memcpy", "");
    assert_crate("", "");
}

/* Whatever is in a file's symbol table: an end, and nothing read beyond it. */
static void survives_damaged_names(void **state)
{
    (void)state;
    static const char *const names[] = {
        "_RNvXCsePStoGjMoge_9dep_crateNtB2_7CounterNtNtNtNtCsgEmfK2I1SDS_4core4iter",
        "_ZN49_$LT$regex..Regex$u20$as$u20$core..fmt..Display$GT$3fmt17h0123456789abcdefE",
    };
    const char *crate;
    uint32_t random = 1;
    for (int round = 0; round < 20000; round++) {
        const char *name = names[round % 2];
        random = random * 1664525u + 1013904223u;
        size_t size = (random >> 8) % (strlen(name) + 1);
        char *copy = malloc(size + 1); /* so that the sanitizer sees a step too far */
        memcpy(copy, name, size);
        copy[size] = '\0';
        if (size > 0)
            copy[(random >> 16) % size] = "B_s9CNI$Z0"[random % 10];
        size_t found = rts_rust_crate(copy, &crate);
        if (found > 0)
            assert_true(crate >= copy && crate + found <= copy + size);
        free(copy);
    }
    assert_crate("_RB_", "");
    assert_crate("_RNvB0_", "");
    assert_crate("_RC99999x", "");
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_the_crate_in_new_names),
        cmocka_unit_test(finds_the_crate_in_old_names),
        cmocka_unit_test(leaves_what_is_not_certain),
        cmocka_unit_test(survives_damaged_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
