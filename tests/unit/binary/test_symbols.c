/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "binary/object.h"
#include "binary/symbols.h"

#include "../oracle.h"
#include "../suite.h"
#include "elf_maker.h"

#define TEXT (MAKER_BASE + MAKER_TEXT)

static struct rts_object *make(const struct maker *maker)
{
    struct rts_object *object = rts_object_from_memory(maker->bytes, MAKER_SIZE, "made", NULL);
    assert_non_null(object);
    return object;
}

/* The function at an offset in .text; its name is "" when nothing is known. */
static struct rts_function function_at(struct rts_object *object, uint64_t offset)
{
    struct rts_function function = {.name = ""};
    assert_in_range(rts_object_functions(object, TEXT + offset, &function, 1), 0, 1);
    return function;
}

static void assert_name(struct rts_object *object, uint64_t offset, const char *name)
{
    assert_string_equal(function_at(object, offset).name, name);
}

/* "first,second" of the aliases. */
static void assert_aliases(struct rts_object *object, uint64_t offset, const char *expected)
{
    char joined[256] = "";
    const char **aliases = function_at(object, offset).aliases;
    for (; aliases && *aliases; aliases++) {
        if (joined[0])
            strcat(joined, ",");
        strcat(joined, *aliases);
    }
    assert_string_equal(joined, expected);
}

/* Each pair: what is chosen, and what it is chosen before. */
static void test_choice(void **state)
{
    (void)state;
    static const struct {
        const char *chosen;
        unsigned char chosen_bind, chosen_type;
        const char *other;
        unsigned char other_bind, other_type;
    } cases[] = {
        {"zz", STB_LOCAL, STT_FUNC, "a", STB_GLOBAL, STT_NOTYPE},
        {"zz", STB_LOCAL, STT_GNU_IFUNC, "a", STB_GLOBAL, STT_NOTYPE},
        {"a", STB_GLOBAL, STT_GNU_IFUNC, "b", STB_GLOBAL, STT_FUNC},
        {"__zz", STB_GLOBAL, STT_FUNC, "a", STB_WEAK, STT_FUNC},
        {"__zz", STB_WEAK, STT_FUNC, "a", STB_LOCAL, STT_FUNC},
        {"longer", STB_GLOBAL, STT_FUNC, "_a", STB_GLOBAL, STT_FUNC},
        {"_zzz", STB_WEAK, STT_FUNC, "__a", STB_WEAK, STT_FUNC},
        {"zz", STB_GLOBAL, STT_FUNC, "aaa", STB_GLOBAL, STT_FUNC},
        {"ab", STB_GLOBAL, STT_FUNC, "ac", STB_GLOBAL, STT_FUNC},
        {"Z", STB_GLOBAL, STT_FUNC, "a", STB_GLOBAL, STT_FUNC},
    };
    for (size_t i = 0; i < 2 * sizeof cases / sizeof *cases; i++) {
        struct maker maker;
        size_t k = i / 2;
        maker_init(&maker);
        if (i % 2)
            maker_symbol(&maker, cases[k].chosen, cases[k].chosen_bind, cases[k].chosen_type, 0, 8);
        maker_symbol(&maker, cases[k].other, cases[k].other_bind, cases[k].other_type, 0, 8);
        if (i % 2 == 0)
            maker_symbol(&maker, cases[k].chosen, cases[k].chosen_bind, cases[k].chosen_type, 0, 8);
        struct rts_object *object = make(&maker);
        assert_name(object, 7, cases[k].chosen);
        assert_aliases(object, 7, cases[k].other);
        rts_object_destroy(object);
    }
}

static void test_aliases(void **state)
{
    (void)state;
    struct maker maker;
    maker_init(&maker);
    maker_symbol(&maker, "c", STB_WEAK, STT_FUNC, 0, 8);
    maker_symbol(&maker, "b", STB_GLOBAL, STT_FUNC, 0, 8);
    maker_symbol(&maker, "b@@V1", STB_GLOBAL, STT_FUNC, 0, 8);
    maker_symbol(&maker, "a", STB_LOCAL, STT_NOTYPE, 0, 0);
    maker_symbol(&maker, "next", STB_GLOBAL, STT_FUNC, 8, 8);
    struct rts_object *object = make(&maker);
    assert_name(object, 4, "b");
    assert_aliases(object, 4, "a,c");
    assert_ptr_equal(function_at(object, 4).aliases, function_at(object, 5).aliases);
    assert_null(function_at(object, 8).aliases);
    rts_object_destroy(object);
}

static void test_alias_limit(void **state)
{
    (void)state;
    struct maker maker;
    struct rts_symbols symbols = {0};
    struct rts_elf_image image;
    maker_init(&maker);
    for (int i = 0; i < 40; i++) {
        char name[16];
        snprintf(name, sizeof name, "n%02d", i);
        maker_symbol(&maker, name, STB_GLOBAL, STT_FUNC, 0, 8);
    }
    uint8_t *copy = malloc(MAKER_SIZE);
    memcpy(copy, maker.bytes, MAKER_SIZE);
    assert_int_equal(rts_elf_image_from_bytes(&image, copy, MAKER_SIZE, NULL), 0);
    rts_symbols_add(&symbols, &image, SHT_SYMTAB, &image, RTS_SYMBOL_SYMTAB);
    /* Twice the names: another table that has the same ones. */
    rts_symbols_add(&symbols, &image, SHT_SYMTAB, &image, RTS_SYMBOL_DYNSYM);
    assert_int_equal(symbols.count, 80);
    rts_symbols_seal(&symbols);
    assert_int_equal(symbols.count, 40);
    const struct rts_symbol_entry *entry = rts_symbols_covering(&symbols, TEXT);
    assert_int_equal(entry->source, RTS_SYMBOL_SYMTAB);
    const char **aliases = rts_symbols_aliases(&symbols, entry);
    size_t count = 0;
    while (aliases[count])
        count++;
    assert_int_equal(count, 39);
    rts_symbols_finish(&symbols);
    rts_elf_image_finish(&image);
}

static void test_nested(void **state)
{
    (void)state;
    struct maker maker;
    maker_init(&maker);
    maker_symbol(&maker, "outer", STB_GLOBAL, STT_FUNC, 0x10, 0x60);
    maker_symbol(&maker, "inner", STB_LOCAL, STT_FUNC, 0x20, 0x10);
    maker_symbol(&maker, "mark", STB_LOCAL, STT_NOTYPE, 0x40, 0);
    struct rts_object *object = make(&maker);
    assert_name(object, 0x0f, "");
    assert_name(object, 0x10, "outer");
    assert_name(object, 0x20, "inner");
    assert_name(object, 0x2f, "inner");
    assert_name(object, 0x30, "outer");
    assert_name(object, 0x40, "outer"); /* a sized one that covers goes before */
    assert_name(object, 0x6f, "outer");
    assert_int_equal(function_at(object, 0x6f).start, TEXT + 0x10);
    assert_int_equal(function_at(object, 0x6f).size, 0x60);
    assert_name(object, 0x70, "");
    rts_object_destroy(object);
}

/* What a .symtab has that nothing was taken from. */
static void add_signs(struct maker *maker)
{
    maker_symbol(maker, "source.c", STB_LOCAL, STT_FILE, 0, 0)->st_shndx = SHN_ABS;
    maker_symbol(maker, "static", STB_LOCAL, STT_FUNC, 0, 4);
}

static void test_unsized(void **state)
{
    (void)state;
    struct maker maker;
    maker_init(&maker);
    add_signs(&maker);
    maker_symbol(&maker, "first", STB_GLOBAL, STT_NOTYPE, 0x10, 0);
    maker_symbol(&maker, "sized", STB_GLOBAL, STT_FUNC, 0x20, 4);
    maker_symbol(&maker, "last", STB_GLOBAL, STT_FUNC, 0x40, 0);
    struct rts_object *object = make(&maker);
    assert_name(object, 0x0f, "");
    assert_name(object, 0x1f, "first");
    assert_int_equal(function_at(object, 0x1f).size, 0);
    assert_name(object, 0x24, ""); /* padding behind a sized one */
    assert_name(object, 0x3f, "");
    assert_name(object, MAKER_TEXT_SIZE - 1, "last");
    assert_name(object, MAKER_TEXT_SIZE, ""); /* the section ends */
    rts_object_destroy(object);
}

/* Where a table may lack functions, only the first byte of an unsized one is proven. */
static void test_unsized_alone(void **state)
{
    (void)state;
    static const struct {
        const char *title;
        uint32_t table;
        bool file, local, hidden;
        bool reaches;
    } cases[] = {
        {"all of it", SHT_SYMTAB, true, true, false, true},
        {"no static function", SHT_SYMTAB, true, false, false, false},
        {"no source", SHT_SYMTAB, false, true, false, false},
        {"a hidden global one", SHT_SYMTAB, true, true, true, false},
        {"dynamic symbols", SHT_DYNSYM, true, true, false, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct maker maker;
        maker_init(&maker);
        maker.sections[MAKER_SECTION_SYMBOLS].sh_type = cases[i].table;
        if (cases[i].file)
            maker_symbol(&maker, "source.c", STB_LOCAL, STT_FILE, 0, 0)->st_shndx = SHN_ABS;
        if (cases[i].local)
            maker_symbol(&maker, "static", STB_LOCAL, STT_FUNC, 0, 4)->st_other =
                cases[i].hidden ? STV_HIDDEN : STV_DEFAULT;
        maker_symbol(&maker, "unsized", STB_GLOBAL, STT_FUNC, 0x10, 0);
        maker_symbol(&maker, "sized", STB_GLOBAL, STT_FUNC, 0x40, 8);
        struct rts_object *object = make(&maker);
        assert_name(object, 0x10, "unsized");
        assert_name(object, 0x11, cases[i].reaches ? "unsized" : "");
        assert_name(object, 0x3f, cases[i].reaches ? "unsized" : "");
        assert_name(object, 0x47, "sized");
        rts_object_destroy(object);
    }
}

/* What is no function, or has no usable name, ends the one before it all the same. */
static void test_unsized_until_mark(void **state)
{
    (void)state;
    struct maker maker;
    maker_init(&maker);
    add_signs(&maker);
    maker_symbol(&maker, "first", STB_GLOBAL, STT_FUNC, 0x10, 0);
    maker_symbol(&maker, "constants", STB_LOCAL, STT_OBJECT, 0x20, 8);
    maker_symbol(&maker, "$d", STB_LOCAL, STT_NOTYPE, 0x18, 0);
    maker_symbol(&maker, "$x", STB_LOCAL, STT_NOTYPE, 0x1c, 0);
    maker_symbol(&maker, ".text", STB_LOCAL, STT_SECTION, 0x1d, 0);
    maker_symbol(&maker, "thread", STB_LOCAL, STT_TLS, 0x1e, 8);
    maker_symbol(&maker, "second", STB_GLOBAL, STT_FUNC, 0x40, 0);
    maker_symbol(&maker, "", STB_GLOBAL, STT_FUNC, 0x50, 0);
    maker_symbol(&maker, "third", STB_GLOBAL, STT_FUNC, 0x60, 0);
    maker_symbol(&maker, "odd", 7, STT_FUNC, 0x70, 0);
    maker_symbol(&maker, "fourth", STB_GLOBAL, STT_FUNC, 0x80, 0);
    maker_symbol(&maker, "here", STB_LOCAL, STT_OBJECT, 0x80, 0);
    struct rts_object *object = make(&maker);
    assert_name(object, 0x1f, "first"); /* a literal pool and what follows it are its own */
    assert_name(object, 0x20, "");
    assert_name(object, 0x30, "");
    assert_name(object, 0x4f, "second");
    assert_name(object, 0x50, "");
    assert_name(object, 0x6f, "third");
    assert_name(object, 0x70, "");
    assert_name(object, 0x90, "fourth");
    assert_aliases(object, 0x90, "");
    rts_object_destroy(object);
}

/* There is room for some of an owner whose memory others need: those have their names, and none has
 * that of another one. */
static void test_no_room(void **state)
{
    (void)state;
    enum {
        USER = 3
    };
    struct maker maker;
    maker_init(&maker);
    add_signs(&maker);
    maker_symbol(&maker, "first", STB_GLOBAL, STT_FUNC, 0x10, 8);
    maker_symbol(&maker, "second", STB_GLOBAL, STT_FUNC, 0x20, 0);
    maker_symbol(&maker, "constants", STB_LOCAL, STT_OBJECT, 0x30, 8);
    maker_symbol(&maker, "third", STB_GLOBAL, STT_FUNC, 0x40, 8);
    for (int pressed = 0; pressed < 2; pressed++) {
        struct rts_ledger ledger = {.pressed = {[USER] = pressed}};
        struct rts_share share = {.limit = 4 * (2 * sizeof(struct rts_symbol_entry) + 40),
                                  .ledger = &ledger};
        struct rts_object *object = make(&maker);
        rts_object_use_share(object, &share);
        rts_object_see(object, USER);
        assert_name(object, 0x11, "first");
        assert_name(object, 0x21, pressed ? "" : "second");
        assert_name(object, 0x31, "");
        assert_name(object, 0x41, pressed ? "" : "third");
        rts_object_destroy(object);
    }
}

/* What the table of a file holds beside functions. */
static void test_left_out(void **state)
{
    (void)state;
    struct maker maker;
    maker_init(&maker);
    maker_symbol(&maker, "object", STB_GLOBAL, STT_OBJECT, 0, 8);
    maker_symbol(&maker, "section", STB_LOCAL, STT_SECTION, 0, 8);
    maker_symbol(&maker, "file.c", STB_LOCAL, STT_FILE, 0, 8);
    maker_symbol(&maker, "thread", STB_LOCAL, STT_TLS, 0, 8);
    maker_symbol(&maker, "", STB_GLOBAL, STT_FUNC, 0, 8);
    maker_symbol(&maker, "$x", STB_LOCAL, STT_NOTYPE, 0, 0);
    maker_symbol(&maker, "$d.12", STB_LOCAL, STT_NOTYPE, 0, 0);
    maker_symbol(&maker, "undefined", STB_GLOBAL, STT_FUNC, 0, 8)->st_shndx = SHN_UNDEF;
    maker_symbol(&maker, "absolute", STB_GLOBAL, STT_FUNC, 0, 8)->st_shndx = SHN_ABS;
    maker_symbol(&maker, "far", STB_GLOBAL, STT_FUNC, MAKER_TEXT_SIZE, 8);
    maker_symbol(&maker, "before", STB_GLOBAL, STT_FUNC, (uint64_t)-8, 16);
    maker_symbol(&maker, "odd", 7, STT_FUNC, 0, 8);
    struct rts_object *object = make(&maker);
    assert_name(object, 0, "");
    assert_name(object, MAKER_TEXT_SIZE, "");
    rts_object_destroy(object);
    maker_symbol(&maker, "$shop", STB_GLOBAL, STT_FUNC, 0, 8);
    object = make(&maker);
    assert_name(object, 0, "$shop");
    rts_object_destroy(object);
}

/* A table of names that is read of root's files and our own, and not of those of others: it is as
 * large as anybody likes, and takes nothing on the disk. */
static void test_of_others(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip(); /* a file cannot be given away */
    struct maker maker;
    maker_init(&maker);
    maker_symbol(&maker, "name", STB_GLOBAL, STT_FUNC, 0, 8);
    maker.sections[MAKER_SECTION_STRINGS].sh_size = RTS_FOREIGN_PART_MAX + 1;
    char *path = oracle_file(maker.bytes, MAKER_SIZE);
    assert_int_equal(truncate(path, MAKER_SIZE + RTS_FOREIGN_PART_MAX), 0);
    for (int round = 0; round < 3; round++) {
        int fd = open(path, O_RDWR | O_CLOEXEC);
        if (round == 2) { /* as much as may be */
            const uint64_t size = RTS_FOREIGN_PART_MAX;
            const off_t at = MAKER_SECTIONS + MAKER_SECTION_STRINGS * (off_t)sizeof(Elf64_Shdr);
            assert_int_equal(
                pwrite(fd, &size, sizeof size, at + (off_t)offsetof(Elf64_Shdr, sh_size)),
                sizeof size);
        }
        struct rts_object *object = rts_object_open(fd, path, NULL, NULL);
        assert_name(object, 0, round == 1 ? "" : "name");
        rts_object_destroy(object);
        assert_int_equal(chown(path, 65534, 65534), 0);
    }
    oracle_file_done(path);
}

/* Where the versions go: behind the symbols, of which there may be 32. */
#define VERSIONS (MAKER_SYMBOLS + 0x300)

/* Makes the file define these versions, the first of them as number 2. */
static void define_versions(struct maker *maker, const char *const *names, size_t count)
{
    size_t at = VERSIONS;
    for (size_t i = 0; i < count; i++) {
        Elf64_Verdef definition = {.vd_version = 1,
                                   .vd_ndx = (Elf64_Half)(i + 2),
                                   .vd_cnt = 1,
                                   .vd_aux = sizeof definition,
                                   .vd_next = sizeof definition + sizeof(Elf64_Verdaux)};
        Elf64_Verdaux text = {.vda_name = maker_string(maker, names[i])};
        if (i + 1 == count)
            definition.vd_next = 0;
        memcpy(maker->bytes + at, &definition, sizeof definition);
        memcpy(maker->bytes + at + sizeof definition, &text, sizeof text);
        at += sizeof definition + sizeof text;
    }
    maker_section(maker, MAKER_SECTION_COUNT, ".gnu.version_d",
                  (Elf64_Shdr){.sh_type = SHT_GNU_verdef,
                               .sh_offset = VERSIONS,
                               .sh_size = at - VERSIONS,
                               .sh_link = MAKER_SECTION_STRINGS});
    maker->header->e_shnum = MAKER_SECTION_COUNT + 1;
}

static void test_versions(void **state)
{
    (void)state;
    static const struct {
        const char *text, *name;
    } cases[] = {
        {"old@V1", "old"},
        {"new@@V2.3_b-1+", "new"},
        {"new@@OTHER", "new"},
        {"other@V3", "other@V3"}, /* which the file does not define */
        {"@odd", "@odd"},
        {"@@odd", "@@odd"},
        {"@V1", "@V1"},
        {"a@V1", "a"},
        {"trailing@", "trailing@"},
        {"both@part@V1", "both@part"},
        {"both@part@@V1", "both@part"},
        {"*IO@IO::B#write:Nil", "*IO@IO::B#write:Nil"},
        {"*IO@IO::B#read:Nil", "*IO@IO::B#read:Nil"}, /* a linker defined it as a version */
        {"*IO@@IO::B#read:Nil", "*IO@@IO::B#read:Nil"},
    };
    static const char *const versions[] = {"V1", "V2.3_b-1+", "IO::B#read:Nil"};
    struct maker maker;
    maker_init(&maker);
    define_versions(&maker, versions, sizeof versions / sizeof *versions);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        maker_symbol(&maker, cases[i].text, STB_GLOBAL, STT_FUNC, 8 * i, 8);
    struct rts_object *object = make(&maker);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_name(object, 8 * i, cases[i].name);
    rts_object_destroy(object);
}

/* In .dynsym a linker cuts a name at an @, and takes the rest for a version. */
static void test_cut_names(void **state)
{
    (void)state;
    static const char *const versions[] = {"V1", "B#read:Nil"};
    static const Elf64_Half numbers[] = {0, 2, 3 | 0x8000, 1, 99};
    struct maker maker;
    maker_init(&maker);
    define_versions(&maker, versions, 2);
    maker.sections[MAKER_SECTION_SYMBOLS].sh_type = SHT_DYNSYM;
    maker_symbol(&maker, "versioned", STB_GLOBAL, STT_FUNC, 0, 8);
    maker_symbol(&maker, "*A", STB_GLOBAL, STT_FUNC, 8, 8);
    maker_symbol(&maker, "base", STB_GLOBAL, STT_FUNC, 16, 8);
    maker_symbol(&maker, "beyond", STB_GLOBAL, STT_FUNC, 24, 8);
    memcpy(maker.bytes + VERSIONS + 0x80, numbers, sizeof numbers);
    maker_section(&maker, MAKER_SECTION_COUNT + 1, ".gnu.version",
                  (Elf64_Shdr){.sh_type = SHT_GNU_versym,
                               .sh_offset = VERSIONS + 0x80,
                               .sh_size = sizeof numbers});
    maker.header->e_shnum++;
    struct rts_object *object = make(&maker);
    assert_name(object, 0, "versioned");
    assert_name(object, 8, "*A@B#read:Nil");
    assert_name(object, 16, "base");
    assert_name(object, 24, "beyond");
    rts_object_destroy(object);
}

/* One table has the whole name, another one what the linker left of it. */
static void test_cut_twin(void **state)
{
    (void)state;
    struct maker maker;
    struct rts_symbols symbols = {0};
    struct rts_elf_image image;
    maker_init(&maker);
    Elf64_Sym *whole = maker_symbol(&maker, "*A@B#read:Nil", STB_GLOBAL, STT_FUNC, 0, 8);
    maker_symbol(&maker, "*A!", STB_GLOBAL, STT_FUNC, 0, 8);
    uint8_t *copy = malloc(MAKER_SIZE);
    memcpy(copy, maker.bytes, MAKER_SIZE);
    assert_int_equal(rts_elf_image_from_bytes(&image, copy, MAKER_SIZE, NULL), 0);
    rts_symbols_add(&symbols, &image, SHT_SYMTAB, &image, RTS_SYMBOL_SYMTAB);
    rts_elf_image_finish(&image);
    whole->st_name = maker_string(&maker, "*A");
    copy = malloc(MAKER_SIZE);
    memcpy(copy, maker.bytes, MAKER_SIZE);
    assert_int_equal(rts_elf_image_from_bytes(&image, copy, MAKER_SIZE, NULL), 0);
    rts_symbols_add(&symbols, &image, SHT_SYMTAB, &image, RTS_SYMBOL_DYNSYM);
    rts_symbols_seal(&symbols);
    assert_int_equal(symbols.count, 2);
    assert_string_equal(rts_symbols_name(&symbols, &symbols.entries[0]), "*A!");
    assert_string_equal(rts_symbols_name(&symbols, &symbols.entries[1]), "*A@B#read:Nil");
    rts_symbols_finish(&symbols);
    rts_elf_image_finish(&image);
}

/* Definitions that lead out of their section, or in circles. */
static void test_version_lies(void **state)
{
    (void)state;
    static const uint32_t lies[] = {0, 1, 2, 19, 20, 21, 28, 0x1000, 0x7fffffff, UINT32_MAX};
    static const char *const versions[] = {"V1", "V2"};
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
        for (size_t field = 0; field < 4; field++) {
            struct maker maker;
            maker_init(&maker);
            define_versions(&maker, versions, 2);
            maker_symbol(&maker, "name@V2", STB_GLOBAL, STT_FUNC, 0, 8);
            Elf64_Verdef *definition = (Elf64_Verdef *)(void *)(maker.bytes + VERSIONS);
            Elf64_Verdaux *text = (Elf64_Verdaux *)(void *)(definition + 1);
            if (field < 3)
                *(uint32_t *[]){&definition->vd_aux, &definition->vd_next, &text->vda_name}[field] =
                    lies[i];
            else
                maker.sections[MAKER_SECTION_COUNT].sh_size = lies[i];
            struct rts_object *object = make(&maker);
            const char *name = function_at(object, 4).name;
            assert_true(strcmp(name, "name") == 0 || strcmp(name, "name@V2") == 0);
            rts_object_destroy(object);
        }
    }
}

/* Numbers in the table that lead out of the file, and sizes that wrap around. */
static void test_lies(void **state)
{
    (void)state;
    static const uint64_t lies[] = {0, 1, 0x1000, 0x7fffffff, UINT64_MAX / 24, UINT64_MAX - 7};
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
        for (size_t field = 0; field < 7; field++) {
            struct maker maker;
            maker_init(&maker);
            Elf64_Sym *symbol = maker_symbol(&maker, "name", STB_GLOBAL, STT_FUNC, 0, 8);
            Elf64_Shdr *table = &maker.sections[MAKER_SECTION_SYMBOLS];
            uint64_t *fields[] = {
                &table->sh_size,    &table->sh_offset,
                &table->sh_entsize, &symbol->st_value,
                &symbol->st_size,   &maker.sections[MAKER_SECTION_STRINGS].sh_offset};
            if (field < 6)
                *fields[field] = lies[i];
            else
                symbol->st_name = (uint32_t)lies[i] | 0x1000;
            struct rts_object *object = make(&maker);
            const char *name = function_at(object, 4).name;
            /* Whatever is left is that name or, with the strings elsewhere, some other bytes. */
            if (field == 4) /* 0: as far as this file proves, its first byte only; so if it wraps */
                assert_string_equal(name, lies[i] <= 1 || lies[i] > UINT64_MAX / 2 ? "" : "name");
            else if (field != 5)
                assert_string_equal(name, "");
            rts_object_destroy(object);
        }
    }
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_choice),        cmocka_unit_test(test_aliases),
        cmocka_unit_test(test_alias_limit),   cmocka_unit_test(test_nested),
        cmocka_unit_test(test_unsized),       cmocka_unit_test(test_no_room),
        cmocka_unit_test(test_left_out),      cmocka_unit_test(test_versions),
        cmocka_unit_test(test_lies),          cmocka_unit_test(test_cut_names),
        cmocka_unit_test(test_cut_twin),      cmocka_unit_test(test_version_lies),
        cmocka_unit_test(test_unsized_alone), cmocka_unit_test(test_unsized_until_mark),
        cmocka_unit_test(test_of_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
