/* SPDX-License-Identifier: Apache-2.0 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "symbols/demangle.h"

#include "../oracle.h"
#include "../suite.h"

static void assert_demangles(const char *name, const char *expected)
{
    char *text = rts_demangle(name);
    if (expected)
        assert_string_equal(text ? text : "(not mangled)", expected);
    else
        assert_null(text);
    free(text);
}

#ifdef HAVE_LIBIBERTY

static const char *const mangled[] = {
    "_ZN5redis4dictC1Ev",
    "_ZNSt6vectorIiSaIiEE9push_backERKi",
    "_ZNKSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEE4findEPKcmm",
    "_ZZ4mainENKUlvE_clEv",
    "_Z3fooILi3EEvT_.cold",
    "_ZTV3Foo",
    "_GLOBAL__I__Z1fv",
    "_Z1fDv4_f",
    "_RNvCskwGfYPst2Cb_3foo16example_function",
    "_RNvMsr_NtCs3ssYzQotkvD_3std4pathNtB5_7PathBuf3new",
    "_RINvNtC3std3mem8align_ofNtNtC3std3mem12DiscriminantE",
    "_RNqCs4fqI2P2rA04_11utf8_identsu30____7hkackfecea1cbdathfdh9hlq6y",
    "_RNvC6_123foo3bar",
};

static void agrees_with_cxxfilt(void **state)
{
    (void)state;
    ORACLE_NEEDS("c++filt");
    size_t known = 0;
    for (size_t i = 0; i < sizeof mangled / sizeof mangled[0]; i++) {
        char *expected = oracle_ask("c++filt -i '%s'", mangled[i]);
        if (strcmp(expected, mangled[i]) != 0) { /* that of binutils 2.35 has no Rust v0 */
            assert_demangles(mangled[i], expected);
            known++;
        }
        free(expected);
    }
    assert_true(known >= 8);
}

static void known_texts(void **state)
{
    (void)state;
    assert_demangles("_Z1fv", "f()");
#ifdef HAVE_RUST_NAMES
    assert_demangles("_RNvC7mycrate3foo", "mycrate::foo");
#endif
    /* Rust's older scheme: the hash is left out. */
    assert_demangles("_ZN4core3fmt5Write9write_fmt17h0123456789abcdefE",
                     "core::fmt::Write::write_fmt");
    assert_demangles("_ZN60_$LT$alloc..string..String$u20$as$u20$core..fmt..Display$GT$3fmt"
                     "17h0123456789abcdefE",
                     "<alloc::string::String as core::fmt::Display>::fmt");
    /* The same shape without such a hash is C++. */
    assert_demangles("_ZN4core3fmt5Write9write_fmtE", "core::fmt::Write::write_fmt");
    assert_demangles("_Z1fv@plt", "f()@plt");
}

/* Each parameter is a pair of the one before it, so the text doubles with every level. */
static void expanding_name(char name[512], unsigned levels)
{
    static const char digits[] = "123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    strcpy(name, "_Z1f1PI1AS0_E");
    for (unsigned i = 0; i < levels; i++) {
        char level[16];
        snprintf(level, sizeof level, "S_IS%c_S%c_E", digits[i], digits[i]);
        strcat(name, level);
    }
}

static void expansion_is_bounded(void **state)
{
    (void)state;
    char name[512];
    expanding_name(name, 8);
    char *text = rts_demangle(name);
    assert_non_null(text);
    assert_in_range(strlen(text), 6000, 7000);
    free(text);
    expanding_name(name, 34); /* some 500 GB of text */
    assert_demangles(name, NULL);
}

static void deep_names_do_not_exhaust_the_stack(void **state)
{
    (void)state;
    char *name = calloc(1, 1 << 20);
    strcpy(name, "_Z1f");
    memset(name + 4, 'P', 4000);
    strcpy(name + 4004, "i");
    free(rts_demangle(name));
    memset(name + 4, 'P', (1 << 20) - 5);
    assert_demangles(name, NULL);
    strcpy(name, "_RNvC1a1b");
    for (int i = 0; i < 600; i++)
        memcpy(name + 2 + i, "I", 1);
    free(rts_demangle(name));
    /* A back reference to itself. */
    assert_demangles("_RNvB_1a", NULL);
    free(name);
}

/* Cut and damaged names: whatever comes out, nothing may break. */
static void damaged_names_are_harmless(void **state)
{
    (void)state;
    uint32_t random = 1;
    for (size_t i = 0; i < sizeof mangled / sizeof mangled[0]; i++) {
        size_t size = strlen(mangled[i]);
        for (unsigned round = 0; round < 2000; round++) {
            char *name = strdup(mangled[i]);
            for (unsigned change = 0; change <= round % 3; change++) {
                random = random * 1664525u + 1013904223u;
                static const char bytes[] = "_ZRNIESTKPB0123456789abcstuvLFDXJM";
                name[2 + (random >> 8) % (size - 2)] = bytes[(random >> 20) % (sizeof bytes - 1)];
            }
            if (round % 5 == 0)
                name[2 + (random >> 12) % (size - 2)] = '\0';
            free(rts_demangle(name));
            free(name);
        }
    }
}

#endif

static void plain_names_stay(void **state)
{
    (void)state;
    static const char *const plain[] = {"",    "main", "_",     "_start", "__libc_start_main",
                                        "i",   "Z1fv", "sub_1", "_Z",     "memcpy@plt",
                                        "@plt"};
    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++)
        assert_demangles(plain[i], NULL);
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
#ifdef HAVE_LIBIBERTY
        cmocka_unit_test(agrees_with_cxxfilt),
        cmocka_unit_test(known_texts),
        cmocka_unit_test(expansion_is_bounded),
        cmocka_unit_test(deep_names_do_not_exhaust_the_stack),
        cmocka_unit_test(damaged_names_are_harmless),
#endif
        cmocka_unit_test(plain_names_stay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
