/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "symbols/symbol.h"

#include "binary/object.h"
#include "util/short_name.h"

#include "../oracle.h"
#include "../suite.h"

/*
 * Files made up on the spot: the few functions of binary/object.h that naming asks, in front of the
 * real ones, so that every answer of a file can be tried.
 */
struct rts_object {
    uint32_t serial;
    uint8_t key[RTS_OBJECT_KEY_SIZE];
    unsigned owner;
    const char *path;
    struct rts_build_id build_id;
    const char *sha256;
    struct rts_function functions[3]; /* the answer for every address below 0x8000 */
    size_t function_count;
    unsigned asked;
};

uint32_t rts_object_serial(const struct rts_object *object)
{
    return object->serial;
}

const uint8_t *rts_object_key(const struct rts_object *object)
{
    return object->key;
}

unsigned rts_object_owner(const struct rts_object *object)
{
    return object->owner;
}

uint64_t rts_object_likeness(const struct rts_object *object)
{
    return object->key[0];
}

const char *rts_object_path(const struct rts_object *object)
{
    return object->path;
}

const struct rts_build_id *rts_object_build_id(const struct rts_object *object)
{
    return &object->build_id;
}

const char *rts_object_file_sha256(struct rts_object *object)
{
    return object->sha256;
}

const char *rts_object_section(struct rts_object *object, uint64_t vaddr)
{
    (void)object;
    return vaddr < 0x1000 ? ".init" : ".text";
}

size_t rts_object_read_text(struct rts_object *object, uint64_t vaddr, void *bytes, size_t size)
{
    (void)object;
    (void)vaddr;
    memset(bytes, 0xc3, size);
    return size;
}

size_t rts_object_functions(struct rts_object *object, uint64_t vaddr,
                            struct rts_function *functions, size_t capacity)
{
    object->asked++;
    if (vaddr >= 0x8000)
        return 0;
    size_t count = object->function_count < capacity ? object->function_count : capacity;
    memcpy(functions, object->functions, count * sizeof *functions);
    return count;
}

static const char *plain_aliases[] = {"alpha", "be,ta", "gamma", NULL};

static struct rts_object file_with_build_id(uint32_t serial)
{
    return (struct rts_object){
        .serial = serial,
        .key = {(uint8_t)serial},
        .path = "/usr/lib/libwork.so.1",
        .build_id = {.size = 4, .bytes = {0x00, 0xab, 0xcd, 0xef}},
        .functions = {{"work", plain_aliases, 0x1000, 16, RTS_SYMBOL_SYMTAB, 0}},
        .function_count = 1,
    };
}

static void names_and_identifies(void **state)
{
    (void)state;
    struct rts_object object = file_with_build_id(1);
    struct rts_symbol_table *table = rts_symbol_table_create(RTS_ID_UNION_V01);
    struct rts_symbol *const *symbols;
    assert_int_equal(rts_symbol_table_resolve(table, &object, 0x1004, &symbols), 1);
    const struct rts_symbol *symbol = symbols[0];
    assert_string_equal(symbol->code_id, "buildid-00abcdef");
    assert_string_equal(symbol->build_id, "gnu-build-id:00abcdef");
    assert_false(symbol->build_id_is_file_hash);
    assert_string_equal(symbol->name, "work");
    assert_null(symbol->demangled);
    assert_string_equal(symbol->aliases, "alpha,gamma"); /* one with a comma would read as two */
    assert_string_equal(symbol->module, "libwork.so.1");
    assert_int_equal(symbol->source, RTS_SYMBOL_SYMTAB);
    assert_int_equal(symbol->total_hits, 0);
    if (oracle_has("python3")) {
        char *expected =
            oracle_ask("python3 -c \"import base64,hashlib\n"
                       "d=hashlib.sha256(b'00abcdef\\0.text\\0work').digest()\n"
                       "print('sym:binary:'+base64.urlsafe_b64encode(d).decode().rstrip('='))\"");
        assert_string_equal(symbol->symbol_id, expected);
        free(expected);
    }
    rts_symbol_table_destroy(table);
}

static void without_build_id_the_file_digest_counts(void **state)
{
    (void)state;
    struct rts_object object = file_with_build_id(1);
    object.build_id.size = 0;
    object.sha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    object.path = NULL;
    object.functions[0].aliases = NULL;
    struct rts_symbol_table *table = rts_symbol_table_create(RTS_ID_UNION_V01);
    struct rts_symbol *const *symbols;
    assert_int_equal(rts_symbol_table_resolve(table, &object, 0x1004, &symbols), 1);
    assert_string_equal(symbols[0]->code_id,
                        "sha256-e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    assert_string_equal(symbols[0]->build_id,
                        "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    assert_true(symbols[0]->build_id_is_file_hash);
    assert_null(symbols[0]->module);
    assert_null(symbols[0]->aliases);
    rts_symbol_table_destroy(table);
}

static void without_any_identity_there_is_no_symbol(void **state)
{
    (void)state;
    struct rts_object object = file_with_build_id(1);
    object.build_id.size = 0;
    struct rts_symbol_table *table = rts_symbol_table_create(RTS_ID_UNION_V01);
    struct rts_symbol *const *symbols;
    assert_int_equal(rts_symbol_table_resolve(table, &object, 0x1004, &symbols), 0);
    rts_symbol_table_destroy(table);
}

static void addresses_are_asked_once(void **state)
{
    (void)state;
    struct rts_object object = file_with_build_id(1);
    struct rts_symbol_table *table = rts_symbol_table_create(RTS_ID_UNION_V01);
    struct rts_symbol *const *symbols;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(rts_symbol_table_resolve(table, &object, 0x1004, &symbols), 1);
        assert_int_equal(rts_symbol_table_resolve(table, &object, 0x9000, &symbols), 0);
    }
    assert_int_equal(object.asked, 2);
    rts_symbol_table_destroy(table);
}

/* The memo is emptied again and again; the symbols stay where they are. */
static void symbols_outlive_the_memo(void **state)
{
    (void)state;
    struct rts_object object = file_with_build_id(1);
    struct rts_symbol_table *table = rts_symbol_table_create(RTS_ID_UNION_V01);
    struct rts_symbol *const *symbols;
    assert_int_equal(rts_symbol_table_resolve(table, &object, 0x1004, &symbols), 1);
    struct rts_symbol *symbol = symbols[0];
    for (uint64_t i = 0; i < 300000; i++)
        assert_int_equal(rts_symbol_table_resolve(table, &object, 0x8000 + i, &symbols), 0);
    unsigned asked = object.asked;
    assert_int_equal(rts_symbol_table_resolve(table, &object, 0x1004, &symbols), 1);
    assert_int_equal(object.asked, asked + 1);
    assert_ptr_equal(symbols[0], symbol);
    rts_symbol_table_destroy(table);
}

static void section_is_part_of_the_identity(void **state)
{
    (void)state;
    struct rts_object object = file_with_build_id(1);
    struct rts_symbol_table *table = rts_symbol_table_create(RTS_ID_UNION_V01);
    struct rts_symbol *const *symbols;
    assert_int_equal(rts_symbol_table_resolve(table, &object, 0x10, &symbols), 1);
    const struct rts_symbol *first = symbols[0];
    assert_int_equal(rts_symbol_table_resolve(table, &object, 0x1000, &symbols), 1);
    assert_string_not_equal(first->symbol_id, symbols[0]->symbol_id);
    rts_symbol_table_destroy(table);
}

static void inlined_functions_come_first_and_once(void **state)
{
    (void)state;
    struct rts_object object = file_with_build_id(1);
    object.functions[0] = (struct rts_function){"_Z5innerv", NULL, 0x1000, 4, RTS_SYMBOL_INLINE, 0};
    object.functions[1] = (struct rts_function){"outer", NULL, 0x1000, 16, RTS_SYMBOL_INLINE, 0};
    object.functions[2] =
        (struct rts_function){"_Z5innerv", NULL, 0x1000, 64, RTS_SYMBOL_SYMTAB, 0};
    object.function_count = 3;
    struct rts_symbol_table *table = rts_symbol_table_create(RTS_ID_UNION_V01);
    struct rts_symbol *const *symbols;
    assert_int_equal(rts_symbol_table_resolve(table, &object, 0x1000, &symbols), 2);
    assert_string_equal(symbols[0]->name, "_Z5innerv");
    assert_int_equal(symbols[0]->source, RTS_SYMBOL_INLINE);
    assert_string_equal(symbols[1]->name, "outer");
    rts_symbol_table_destroy(table);
}

static size_t count_symbols(const struct rts_symbol_table *table)
{
    size_t position = 0, count = 0;
    while (rts_symbol_table_next(table, &position))
        count++;
    return count;
}

/* A file that is opened again is the same, though it is another object. */
static void one_file_has_one_symbol(void **state)
{
    (void)state;
    struct rts_object first = file_with_build_id(1);
    struct rts_object again = file_with_build_id(2);
    struct rts_object other = file_with_build_id(3);
    memcpy(again.key, first.key, sizeof first.key);
    other.build_id.bytes[0] = 1;
    struct rts_symbol_table *table = rts_symbol_table_create(RTS_ID_UNION_V01);
    struct rts_symbol *const *symbols;
    rts_symbol_table_resolve(table, &first, 0x1000, &symbols);
    struct rts_symbol *symbol = symbols[0];
    rts_symbol_table_resolve(table, &again, 0x2000, &symbols);
    assert_ptr_equal(symbols[0], symbol);
    rts_symbol_table_resolve(table, &other, 0x1000, &symbols);
    assert_ptr_not_equal(symbols[0], symbol);
    assert_int_equal(count_symbols(table), 2);
    rts_symbol_table_destroy(table);
}

/* A build-id is a claim: nothing that a file says of the functions of another one becomes true of
 * them, however much of it comes first. */
static void a_file_speaks_for_itself(void **state)
{
    (void)state;
    enum {
        FORGERS = 100
    };
    struct rts_object real = file_with_build_id(200);
    real.functions[0].name = "_Z4workv";
    struct rts_symbol_table *table = rts_symbol_table_create(RTS_ID_UNION_V01);
    struct rts_symbol *const *symbols;
    char id[64] = "";
    for (unsigned i = 1; i <= FORGERS; i++) {
        char alias[32];
        const char *aliases[] = {alias, NULL};
        struct rts_object forger = file_with_build_id(i);
        snprintf(alias, sizeof alias, "CVE_%u", i);
        forger.functions[0] =
            (struct rts_function){"_Z4workv", aliases, 0x1000, 16, RTS_SYMBOL_INLINE, 0};
        assert_int_equal(rts_symbol_table_resolve(table, &forger, 0x1004, &symbols), 1);
        symbols[0]->counts->total_hits += 1000;
        symbols[0]->counts->last_stack = 77;
        snprintf(id, sizeof id, "%s", symbols[0]->symbol_id);
    }
    assert_int_equal(rts_symbol_table_resolve(table, &real, 0x1004, &symbols), 1);
    assert_string_equal(symbols[0]->symbol_id, id); /* that is what they claim */
    assert_string_equal(symbols[0]->aliases, "alpha,gamma");
    assert_int_equal(symbols[0]->source, RTS_SYMBOL_SYMTAB);
    assert_ptr_equal(symbols[0]->counts, symbols[0]);
    assert_int_equal(symbols[0]->total_hits, 0);
    assert_int_equal(symbols[0]->last_stack, 0);
    assert_int_equal(count_symbols(table), FORGERS + 1);
    rts_symbol_table_destroy(table);
}

static void aliases_are_bounded(void **state)
{
    (void)state;
    static const char *many[1001];
    static char text[1000][24];
    for (unsigned i = 0; i < 1000; i++) {
        snprintf(text[i], sizeof text[i], "alias_%04u", i);
        many[i] = text[i];
    }
    struct rts_object object = file_with_build_id(1);
    object.functions[0].aliases = many;
    struct rts_symbol_table *table = rts_symbol_table_create(RTS_ID_UNION_V01);
    struct rts_symbol *const *symbols;
    assert_int_equal(rts_symbol_table_resolve(table, &object, 0x1000, &symbols), 1);
    size_t size = strlen(symbols[0]->aliases);
    assert_in_range(size, 3000, 4096);
    assert_int_equal((size + 1) % strlen("alias_0000,"), 0); /* whole names only */
    rts_symbol_table_destroy(table);
}

/* Names are bounded, each by itself, and the id is that of the whole name. */
static void long_names_are_cut(void **state)
{
    (void)state;
    static char long_name[2][5000];
    static const char *aliases[] = {long_name[1], "short", NULL};
    struct rts_symbol_table *table = rts_symbol_table_create(RTS_ID_UNION_V01);
    struct rts_object object = file_with_build_id(1);
    struct rts_symbol *const *symbols;
    const struct rts_symbol *found[2];
    memset(long_name[0], 'n', sizeof long_name[0] - 1);
    memset(long_name[1], 'a', sizeof long_name[1] - 1);
    object.functions[0].name = long_name[0];
    object.functions[0].aliases = aliases;
    for (int i = 0; i < 2; i++) {
        object.serial++;
        long_name[0][sizeof long_name[0] - 2] = (char)('0' + i);
        assert_int_equal(rts_symbol_table_resolve(table, &object, 0x1004, &symbols), 1);
        found[i] = symbols[0];
        assert_int_equal(strlen(found[i]->name), RTS_NAME_MAX);
        assert_int_equal(strlen(found[i]->aliases), RTS_NAME_MAX + strlen(",short"));
    }
    assert_ptr_not_equal(found[0], found[1]);
    assert_string_not_equal(found[0]->symbol_id, found[1]->symbol_id);
    assert_string_not_equal(found[0]->name, found[1]->name);
    if (oracle_has("python3")) {
        char *expected =
            oracle_ask("python3 -c \"import base64,hashlib\n"
                       "d=hashlib.sha256(b'00abcdef\\0.text\\0'+b'n'*4998+b'1').digest()\n"
                       "print('sym:binary:'+base64.urlsafe_b64encode(d).decode().rstrip('='))\"");
        assert_string_equal(found[1]->symbol_id, expected);
        free(expected);
    }
    rts_symbol_table_destroy(table);
}

/* A function that is inlined here and has a body there is one symbol in two forms, whichever comes
 * first: what is said of it depends on what was hit. */
static void forms_count_as_one(void **state)
{
    (void)state;
    struct rts_object object = file_with_build_id(1);
    for (int order = 0; order < 2; order++) {
        struct rts_symbol_table *table = rts_symbol_table_create(RTS_ID_UNION_V01);
        struct rts_symbol *const *symbols;
        struct rts_symbol *forms[2];
        size_t position = 0;
        for (int i = 0; i < 2; i++) {
            bool inlined = i == order;
            object.serial = 1 + inlined;
            object.functions[0].source = inlined ? RTS_SYMBOL_INLINE : RTS_SYMBOL_SYMTAB;
            object.functions[0].aliases = inlined ? NULL : plain_aliases;
            assert_int_equal(rts_symbol_table_resolve(table, &object, 0x1004, &symbols), 1);
            forms[inlined] = symbols[0];
        }
        assert_ptr_not_equal(forms[0], forms[1]);
        assert_ptr_equal(forms[0]->counts, forms[1]->counts);
        assert_string_equal(forms[0]->symbol_id, forms[1]->symbol_id);
        assert_int_equal(forms[0]->source, RTS_SYMBOL_SYMTAB);
        assert_int_equal(forms[1]->source, RTS_SYMBOL_INLINE);
        assert_string_equal(forms[0]->aliases, "alpha,gamma");
        assert_null(forms[1]->aliases);
        assert_non_null(rts_symbol_table_next(table, &position));
        assert_null(rts_symbol_table_next(table, &position));
        rts_symbol_table_destroy(table);
    }
}

/* Symbols that were not seen for longest go, but for the hottest; what was counted of one that went
 * is there when it is seen again. */
static void trimmed_to_its_share(void **state)
{
    (void)state;
    enum {
        COUNT = 4000
    };
    struct rts_share share = {.limit = 256 << 10};
    struct rts_object object = file_with_build_id(1);
    struct rts_symbol_table *table = rts_symbol_table_create(RTS_ID_UNION_V01);
    struct rts_symbol *const *symbols;
    char name[32], id[64] = "";
    rts_symbol_table_use_share(table, &share);
    object.functions[0].aliases = NULL;
    object.functions[0].name = name;
    for (unsigned i = 0; i < COUNT; i++) {
        snprintf(name, sizeof name, "function_%u", i);
        object.serial = i + 1;
        assert_int_equal(rts_symbol_table_resolve(table, &object, 0x1004, &symbols), 1);
        symbols[0]->last_stack = i + 1;
        symbols[0]->total_hits += i == 0 ? 1000 : i == 1 ? 7 : i / 200 == 5 ? 5 : 1;
        symbols[0]->leaf_hits += i == 1 ? 3 : 0;
        if (i == 1)
            snprintf(id, sizeof id, "%s", symbols[0]->symbol_id);
        if (i % 100 == 99)
            rts_symbol_table_trim(table);
    }
    assert_true(share.peak < share.limit + share.limit / 4);
    assert_true(share.evictions > COUNT / 2);
    size_t position = 0, count = 0;
    bool hottest = false, second = false;
    for (struct rts_symbol *symbol; (symbol = rts_symbol_table_next(table, &position)); count++) {
        hottest = hottest || symbol->total_hits == 1000;
        second = second || strcmp(symbol->symbol_id, id) == 0;
    }
    assert_true(count > RTS_SYMBOLS_KEPT && count < COUNT / 2);
    assert_true(hottest && second); /* both are among the hottest */
    /* More than are kept had five hits each: also those that went have them when they come again.
     */
    for (unsigned i = 1000; i < 1200; i++) {
        snprintf(name, sizeof name, "function_%u", i);
        object.serial = i + 1;
        assert_int_equal(rts_symbol_table_resolve(table, &object, 0x1004, &symbols), 1);
        assert_string_equal(symbols[0]->name, name);
        assert_int_equal(symbols[0]->total_hits, 5);
    }
    /* Another file with the same ids has not. */
    object.serial = COUNT + 1;
    object.key[0] = 2;
    snprintf(name, sizeof name, "function_1200");
    assert_int_equal(rts_symbol_table_resolve(table, &object, 0x1004, &symbols), 1);
    assert_int_equal(symbols[0]->total_hits, 0);
    rts_symbol_table_destroy(table);
}

/* One user floods the table with functions that are all newer than those of the others: his own
 * go. */
static void those_of_whoever_has_most_go(void **state)
{
    (void)state;
    struct rts_ledger ledger = {0};
    struct rts_share share = {.limit = 256 << 10, .ledger = &ledger};
    struct rts_object object = file_with_build_id(1);
    struct rts_symbol_table *table = rts_symbol_table_create(RTS_ID_UNION_V01);
    struct rts_symbol *const *symbols;
    size_t left[3] = {0}, position = 0;
    char name[32];
    rts_symbol_table_use_share(table, &share);
    object.functions[0].aliases = NULL;
    object.functions[0].name = name;
    for (unsigned i = 0; i < 4000; i++) {
        object.owner = i < 100 ? 0 : i < 200 ? 1 : 2;
        object.key[0] = (uint8_t)object.owner;
        object.serial = i + 1;
        snprintf(name, sizeof name, "function_%u", i);
        assert_int_equal(rts_symbol_table_resolve(table, &object, 0x1004, &symbols), 1);
        symbols[0]->last_stack = i + 1;
        symbols[0]->total_hits = i / 200 + 1;
        if (i % 100 == 99)
            rts_symbol_table_trim(table);
    }
    for (struct rts_symbol *symbol; (symbol = rts_symbol_table_next(table, &position));)
        left[symbol->owner]++;
    assert_int_equal(left[0], 100);
    assert_int_equal(left[1], 100);
    assert_true(left[2] >= RTS_SYMBOLS_KEPT && left[2] < 2000);
    assert_true(ledger.evictions[2] > 2000);
    assert_true(ledger.pressed[2] && !ledger.pressed[1] && !ledger.pressed[0]);
    assert_int_equal(ledger.evictions[0] + ledger.evictions[1], 0);
    rts_symbol_table_destroy(table);
}

static void scheme_has_a_word(void **state)
{
    (void)state;
    assert_string_equal(rts_id_scheme_name(RTS_ID_UNION_V01), "union-v0.1");
    assert_string_equal(rts_id_scheme_name(RTS_ID_ADDRESSED), "addressed");
    rts_symbol_table_destroy(NULL);
}

/* Two functions of one name are two symbols; a file that cannot be hashed has none. */
static void addressed_tells_equal_names_apart(void **state)
{
    (void)state;
    struct rts_object object = file_with_build_id(1);
    object.sha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    struct rts_symbol_table *table = rts_symbol_table_create(RTS_ID_ADDRESSED);
    struct rts_symbol *const *symbols;
    assert_int_equal(rts_symbol_table_resolve(table, &object, 0x1004, &symbols), 1);
    const struct rts_symbol *first = symbols[0];
    assert_string_equal(first->id_scheme, "addressed");
    assert_memory_equal(first->code_id, "code:binary:", strlen("code:binary:"));
    object.functions[0].start = 0x1010;
    assert_int_equal(rts_symbol_table_resolve(table, &object, 0x1014, &symbols), 1);
    assert_string_not_equal(symbols[0]->symbol_id, first->symbol_id);
    assert_string_not_equal(symbols[0]->code_id, first->code_id);
    object.sha256 = NULL;
    assert_int_equal(rts_symbol_table_resolve(table, &object, 0x1018, &symbols), 0);
    rts_symbol_table_destroy(table);
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_and_identifies),
        cmocka_unit_test(without_build_id_the_file_digest_counts),
        cmocka_unit_test(without_any_identity_there_is_no_symbol),
        cmocka_unit_test(addresses_are_asked_once),
        cmocka_unit_test(symbols_outlive_the_memo),
        cmocka_unit_test(section_is_part_of_the_identity),
        cmocka_unit_test(inlined_functions_come_first_and_once),
        cmocka_unit_test(one_file_has_one_symbol),
        cmocka_unit_test(a_file_speaks_for_itself),
        cmocka_unit_test(aliases_are_bounded),
        cmocka_unit_test(long_names_are_cut),
        cmocka_unit_test(forms_count_as_one),
        cmocka_unit_test(trimmed_to_its_share),
        cmocka_unit_test(those_of_whoever_has_most_go),
        cmocka_unit_test(scheme_has_a_word),
        cmocka_unit_test(addressed_tells_equal_names_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
