/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "symbols/symbol_id.h"

#include "../oracle.h"
#include "../suite.h"

/* Computed with Python's hashlib and kept here, so that a change of the scheme cannot go unnoticed.
 */
static const struct {
    const char *code, *section, *name, *id;
} golden[] = {
    {"5f1e6d2c0b9a88776655443322110ffeeddccbba", ".text", "main",
     "sym:binary:KMs24cC3w6We0Tq34oFcWssV9E_avhxKL7jZa_8tcas"},
    {"5f1e6d2c0b9a88776655443322110ffeeddccbba", ".init", "_init",
     "sym:binary:zckhtdP19yHIyyeaBhVvqYz4vYf5Tp-jOD9hc3Z8qlk"},
    {"00ff", ".text", "_ZNSt6vectorIiSaIiEE9push_backERKi",
     "sym:binary:wffJWkT1xbq-n243m7cBSBW5Vlwz5KfV0V6yjgWI6f0"},
    {"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", ".text", "sub_1139",
     "sym:binary:z1Yd8fvfg7-hkoYtP0iT_wIcjt88-Lc8tB0hvYTuOUY"},
    {"", "", "", "sym:binary:lqKW0iTyhcZ77pPDD4owkVfw2qNdxbh-QQt4YwoJz8c"},
};

#define GOLDEN_COUNT (sizeof golden / sizeof golden[0])

static void golden_vectors(void **state)
{
    (void)state;
    for (size_t i = 0; i < GOLDEN_COUNT; i++) {
        char *id = rts_symbol_id_union_v01(golden[i].code, golden[i].section, golden[i].name);
        assert_string_equal(id, golden[i].id);
        free(id);
    }
}

static void agrees_with_python(void **state)
{
    (void)state;
    ORACLE_NEEDS("python3");
    for (size_t i = 0; i < GOLDEN_COUNT; i++) {
        char *id = rts_symbol_id_union_v01(golden[i].code, golden[i].section, golden[i].name);
        char *expected =
            oracle_ask("python3 -c \"import base64,hashlib,sys\n"
                       "d=hashlib.sha256(b'\\0'.join(a.encode() for a in sys.argv[1:])).digest()\n"
                       "print('sym:binary:'+base64.urlsafe_b64encode(d).decode().rstrip('='))\""
                       " '%s' '%s' '%s'",
                       golden[i].code, golden[i].section, golden[i].name);
        assert_string_equal(id, expected);
        free(expected);
        free(id);
    }
}

static void agrees_with_openssl(void **state)
{
    (void)state;
    ORACLE_NEEDS("openssl");
    for (size_t i = 0; i < GOLDEN_COUNT; i++) {
        char *id = rts_symbol_id_union_v01(golden[i].code, golden[i].section, golden[i].name);
        char *expected = oracle_ask("printf '%%s\\0%%s\\0%%s' '%s' '%s' '%s' | "
                                    "openssl dgst -sha256 -binary | openssl base64 -A | "
                                    "tr '+/' '-_' | tr -d '='",
                                    golden[i].code, golden[i].section, golden[i].name);
        assert_string_equal(id + strlen("sym:binary:"), expected);
        free(expected);
        free(id);
    }
}

/* The separators keep the parts apart. */
static void parts_do_not_run_together(void **state)
{
    (void)state;
    char *first = rts_symbol_id_union_v01("ab", "c", "d");
    char *second = rts_symbol_id_union_v01("a", "bc", "d");
    char *third = rts_symbol_id_union_v01("ab", "", "cd");
    assert_string_not_equal(first, second);
    assert_string_not_equal(first, third);
    free(first);
    free(second);
    free(third);
}

/* Likewise. */
static const struct {
    struct rts_addressed function;
    const char *symbol_id, *code_id;
} addressed[] = {
    {{"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
      "5f1e6d2c0b9a88776655443322110ffeeddccbba", ".text", "main",
      "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", 0x1139, 0x2f,
      RTS_LINKAGE_GLOBAL},
     "sym:binary:GvH55p0zL8wT4Yzsznp2ipHx1QhGMcnJCtCvjz5lOv0",
     "code:binary:_d38dCQpi0y-_bWf6PE8Az2_CeVchzdeyfl0cdAGUww"},
    {{"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
      "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", ".init", "_init", "",
      0x1000, 0x0, RTS_LINKAGE_LOCAL},
     "sym:binary:vmjO8wV8AoMgx9ctYG4a7Hl3B2877kL-c2-ff1m9qqs",
     "code:binary:raC3oT7N1ydFEL5xJSbx8PCmQElfQsFInC2HMA87vec"},
    {{"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "00ff", ".text",
      "_ZNSt6vectorIiSaIiEE9push_backERKi",
      "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", 0xffffffffffffffff,
      0x100000000, RTS_LINKAGE_WEAK},
     "sym:binary:DylIvaFqWSPLvpw9RxfqDTT4rJCDOkz1Dh8iKgaLTMY",
     "code:binary:XBqpkUNj-hDGdJERjzyQvyBn1icYEquCFi7CWGj9WpU"},
};

#define ADDRESSED_COUNT (sizeof addressed / sizeof addressed[0])

static void addressed_golden_vectors(void **state)
{
    (void)state;
    for (size_t i = 0; i < ADDRESSED_COUNT; i++) {
        char *symbol_id = rts_symbol_id_addressed(&addressed[i].function);
        char *code_id = rts_code_id_addressed(&addressed[i].function);
        assert_string_equal(symbol_id, addressed[i].symbol_id);
        assert_string_equal(code_id, addressed[i].code_id);
        free(symbol_id);
        free(code_id);
    }
}

static void addressed_agrees_with_openssl(void **state)
{
    (void)state;
    ORACLE_NEEDS("openssl");
    static const char *const linkages[] = {"global", "weak", "local"};
    for (size_t i = 0; i < ADDRESSED_COUNT; i++) {
        const struct rts_addressed *f = &addressed[i].function;
        char *symbol_id = rts_symbol_id_addressed(f);
        char *code_id = rts_code_id_addressed(f);
        char *expected = oracle_ask(
            "printf '%%s\\0%%s\\0%%s\\0%%s\\0%%s' '%s' '%s' '0x%lx' '%s' '%s' | "
            "openssl dgst -sha256 -binary | openssl base64 -A | "
            "tr '+/' '-_' | tr -d '='",
            f->file_sha256, f->section, (unsigned long)f->address, f->name, linkages[f->linkage]);
        assert_string_equal(symbol_id + strlen("sym:binary:"), expected);
        free(expected);
        expected =
            oracle_ask("printf '%%s\\0%%s\\0%%s\\0%%s\\0%%s\\0%%s' elf '%s' '%s' '0x%lx' '0x%lx' "
                       "'%s' | openssl dgst -sha256 -binary | openssl base64 -A | "
                       "tr '+/' '-_' | tr -d '='",
                       f->code, f->section, (unsigned long)f->address, (unsigned long)f->size,
                       f->block_sha256);
        assert_string_equal(code_id + strlen("code:binary:"), expected);
        free(expected);
        free(symbol_id);
        free(code_id);
    }
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden_vectors),           cmocka_unit_test(agrees_with_python),
        cmocka_unit_test(agrees_with_openssl),      cmocka_unit_test(parts_do_not_run_together),
        cmocka_unit_test(addressed_golden_vectors), cmocka_unit_test(addressed_agrees_with_openssl),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
