/* SPDX-License-Identifier: Apache-2.0 */
/* Tables of functions as each version of Go writes them, made byte by byte, and damaged ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "binary/object.h"

#include "../suite.h"
#include "elf_maker.h"

#define TEXT  (MAKER_BASE + MAKER_TEXT)
#define TABLE MAKER_SYMBOLS /* where the table takes the place of the symbols */

/* Where the record of the program is. */
#define RECORD 0xc00

struct version {
    uint32_t magic;
    bool relative;   /* entries are offsets from the text */
    size_t words;    /* of the header */
    size_t flags_at; /* in a description; 0: none */
    size_t names_at, sizes_at;
};

static const struct version versions[] = {
    {0xfffffffb, false, 1, 0, 8, 20},
    {0xfffffffa, false, 7, 41, 8, 20},
    {0xfffffff0, true, 8, 37, 4, 16},
    {0xfffffff1, true, 8, 41, 4, 16},
};

enum {
    LEAF,
    MIDDLE,
    SWITCH,
    ROOT,
    FUNCTIONS
};

/* Where each begins in the text, and the flags that later versions have. */
static const uint64_t starts[FUNCTIONS + 1] = {0x00, 0x40, 0x80, 0xc0, 0x100};
static const char *const names[FUNCTIONS] = {"main.leaf", "main.middle", "runtime.systemstack",
                                             "runtime.goexit"};
static const uint8_t flags[FUNCTIONS] = {0, 0, 2, 1};

/* Frame sizes: none; 0 for 4 bytes, 24 for 16, 0 for the rest; 8. In pairs of a difference, folded,
 * from -1 on, and a length. */
static const uint8_t sizes[FUNCTIONS][8] = {
    {2, 0x40},
    {2, 4, 48, 0x10, 47, 0x2c},
    {18, 0x40},
    {2, 0x40},
};

struct table {
    struct maker maker;
    const struct version *version;
    size_t at; /* of what is appended next, in the table */
};

static uint8_t *bytes_of(struct table *table, size_t at)
{
    assert_true(TABLE + at < MAKER_SIZE);
    return table->maker.bytes + TABLE + at;
}

static void put(struct table *table, size_t at, uint64_t value, size_t size)
{
    memcpy(bytes_of(table, at), &value, size);
}

static void init(struct table *table, const struct version *version)
{
    maker_init(&table->maker);
    table->version = version;
    maker_section(&table->maker, MAKER_SECTION_SYMBOLS, ".gopclntab",
                  (Elf64_Shdr){.sh_type = SHT_PROGBITS,
                               .sh_flags = SHF_ALLOC,
                               .sh_addr = MAKER_BASE + TABLE,
                               .sh_offset = TABLE,
                               .sh_size = 0x400});
    const size_t width = version->relative ? 4 : 8;
    put(table, 0, version->magic, 4);
    put(table, 6, 1, 1);
    put(table, 7, 8, 1);
    put(table, 8, FUNCTIONS, 8);

    /* The functab, descriptions of 48 bytes, names and numbers behind. */
    const size_t functab = 8 + 8 * version->words;
    const size_t base = version->words > 1 ? functab : 0;
    const size_t descriptions = (functab + (2 * FUNCTIONS + 1) * width + 7) & ~(size_t)7;
    const size_t numbers = descriptions + FUNCTIONS * 48, texts = numbers + sizeof sizes + 8;
    for (size_t i = 0; i < FUNCTIONS; i++) {
        const uint64_t start = starts[i] + (version->relative ? 0 : TEXT);
        const size_t description = descriptions + 48 * i;
        const size_t numbers_base = version->words > 1 ? numbers : 0;
        const size_t names_base = version->words > 1 ? texts : 0;
        put(table, functab + 2 * i * width, start, width);
        put(table, functab + (2 * i + 1) * width, description - base, width);
        put(table, description, start, width);
        put(table, description + version->names_at, texts + 32 * i - names_base, 4);
        put(table, description + version->sizes_at, numbers + 8 + 8 * i - numbers_base, 4);
        if (version->flags_at)
            put(table, description + version->flags_at, flags[i], 1);
        memcpy(bytes_of(table, numbers + 8 + 8 * i), sizes[i], 8);
        strcpy((char *)bytes_of(table, texts + 32 * i), names[i]);
    }
    put(table, functab + (size_t)(2 * FUNCTIONS) * width,
        starts[FUNCTIONS] + (version->relative ? 0 : TEXT), width);
    if (version->words > 1) {
        /* [functions, files,] [text,] names, compile units, files, numbers, functab */
        const size_t first = version->relative ? 3 : 2;
        if (version->relative)
            put(table, 8 + 8 * 2, TEXT, 8);
        put(table, 8 + 8 * first, texts, 8);
        put(table, 8 + 8 * (first + 1), texts + 32 * FUNCTIONS, 8);
        put(table, 8 + 8 * (first + 3), numbers, 8);
        put(table, 8 + 8 * (first + 4), functab, 8);
    }
    assert_true(texts + 32 * FUNCTIONS <= 0x400);
}

/* Puts the record of the program into data of its own: a segment that is not executed. */
static void add_record(struct table *table)
{
    const uint64_t first = TEXT + starts[0], end = TEXT + starts[FUNCTIONS];
    const uint64_t record[] = {MAKER_BASE + TABLE, 7, 7, 7, first, end, TEXT, end, 7, 7};
    memcpy(table->maker.bytes + RECORD, record, sizeof record);
    table->maker.segments[0].p_filesz = table->maker.segments[0].p_memsz = TABLE;
    table->maker.segments[1] = (Elf64_Phdr){.p_type = PT_LOAD,
                                            .p_flags = PF_R | PF_W,
                                            .p_offset = TABLE,
                                            .p_vaddr = MAKER_BASE + TABLE,
                                            .p_filesz = MAKER_SIZE - TABLE,
                                            .p_memsz = MAKER_SIZE - TABLE};
}

static struct rts_object *open_table(struct table *table)
{
    return rts_object_from_memory(table->maker.bytes, MAKER_SIZE, "made", NULL);
}

static enum rts_go_frame frame_at(struct rts_object *object, uint64_t at, uint32_t *size)
{
    *size = UINT32_MAX;
    return rts_object_go_frame(object, TEXT + at, size);
}

static void assert_sized(struct rts_object *object, uint64_t at, uint32_t expected)
{
    uint32_t size;
    assert_int_equal(frame_at(object, at, &size), RTS_GO_FRAME_SIZED);
    assert_int_equal(size, expected);
}

static void assert_understood(struct table *table)
{
    struct rts_object *object = open_table(table);
    uint32_t size;
    for (size_t i = 0; i < FUNCTIONS; i++) {
        struct rts_function function;
        assert_int_equal(rts_object_functions(object, TEXT + starts[i + 1] - 1, &function, 1), 1);
        assert_string_equal(function.name, names[i]);
        assert_int_equal(function.start, TEXT + starts[i]);
        assert_int_equal(function.source, RTS_SYMBOL_GO_TABLE);
    }
    assert_sized(object, starts[LEAF], 0);
    assert_sized(object, starts[MIDDLE] + 3, 0);
    assert_sized(object, starts[MIDDLE] + 4, 24);
    assert_sized(object, starts[MIDDLE] + 0x13, 24);
    assert_sized(object, starts[MIDDLE] + 0x14, 0);
    assert_int_equal(frame_at(object, starts[SWITCH], &size), RTS_GO_FRAME_UNKNOWN);
    assert_int_equal(frame_at(object, starts[ROOT], &size), RTS_GO_FRAME_OUTERMOST);
    assert_int_equal(frame_at(object, starts[FUNCTIONS], &size), RTS_GO_FRAME_NONE);
    assert_int_equal(rts_object_go_frame(object, TEXT - 1, &size), RTS_GO_FRAME_NONE);
    rts_object_destroy(object);
}

static void assert_refused(struct table *table)
{
    struct rts_object *object = open_table(table);
    struct rts_function function;
    uint32_t size;
    assert_int_equal(rts_object_functions(object, TEXT, &function, 1), 0);
    assert_int_equal(frame_at(object, 0, &size), RTS_GO_FRAME_NONE);
    rts_object_destroy(object);
}

static void every_version(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof versions / sizeof *versions; i++) {
        struct table table;
        init(&table, &versions[i]);
        assert_understood(&table);
    }
}

static void remove_sections(struct table *table)
{
    table->maker.header->e_shoff = 0;
    table->maker.header->e_shnum = 0;
}

static void found_by_its_record(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof versions / sizeof *versions; i++) {
        struct table table;
        init(&table, &versions[i]);
        add_record(&table);
        remove_sections(&table);
        assert_understood(&table);
        /* Without one there is no proof that it is a table at all. */
        memset(table.maker.bytes + RECORD, 0, 8);
        assert_refused(&table);
    }
}

static void text_from_the_record(void **state)
{
    (void)state;
    for (size_t i = 2; i < sizeof versions / sizeof *versions; i++) {
        struct table table;
        init(&table, &versions[i]);
        put(&table, 8 + 8 * 2, 0, 8);
        assert_refused(&table);
        add_record(&table);
        assert_understood(&table);
        /* One that does not agree with the table is no record of it. */
        uint64_t other = TEXT + starts[FUNCTIONS] + 8;
        memcpy(table.maker.bytes + RECORD + 8 * 5, &other, sizeof other);
        assert_refused(&table);
    }
}

static void not_a_table(void **state)
{
    (void)state;
    struct table table;
    static const struct {
        size_t at;
        uint64_t value;
        size_t size;
    } changes[] = {
        {0, 0xfffffff9, 4},
        {4, 1, 1},
        {6, 3, 1},
        {7, 4, 1},
        {8, 0, 8},
        {8, 1ULL << 60, 8},
        {8, 1000, 8},
        {8 + 8 * 3, 1 << 20, 8},
        {8 + 8 * 4, 0, 8},
        {8 + 8 * 6, ~0ULL, 8},
        {8 + 8 * 7, ~0ULL, 8},
        {72, 0x200, 4},                      /* the functions are not in order */
        {8 + 8 * 2, 0x1234, 8},              /* the text is nowhere */
        {72 + 8 * FUNCTIONS, 0x7fffffff, 4}, /* the last one ends outside */
    };
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        init(&table, &versions[3]);
        put(&table, changes[i].at, changes[i].value, changes[i].size);
        assert_refused(&table);
    }
}

static void damaged_numbers(void **state)
{
    (void)state;
    static const uint8_t damaged[][8] = {
        {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, /* a number without an end */
        {0, 0x40},                                        /* -1 */
        {4, 0x40},                                        /* not a multiple of the word */
        {2, 0, 0, 0},                                     /* ends before the pc */
        {0xfe, 0xff, 0xff, 0xff, 0x0f, 0x40},             /* too large */
    };
    for (size_t i = 0; i < sizeof damaged / sizeof *damaged; i++) {
        struct table table;
        uint32_t size;
        init(&table, &versions[3]);
        uint8_t *place = memmem(table.maker.bytes, MAKER_SIZE, sizes[MIDDLE], 6);
        assert_non_null(place);
        memcpy(place, damaged[i], 8);
        struct rts_object *object = open_table(&table);
        assert_int_equal(frame_at(object, starts[MIDDLE] + 8, &size), RTS_GO_FRAME_UNKNOWN);
        assert_sized(object, starts[LEAF], 0);
        rts_object_destroy(object);
    }
}

/* Before Go 1.17 nothing tells which functions of the runtime switch stacks. */
static void runtime_of_old_versions(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof versions / sizeof *versions; i++) {
        struct table table;
        uint32_t size;
        init(&table, &versions[i]);
        uint8_t *name = memmem(table.maker.bytes, MAKER_SIZE, "main.leaf", 10);
        assert_non_null(name);
        strcpy((char *)name, "runtime.some");
        struct rts_object *object = open_table(&table);
        assert_int_equal(frame_at(object, 0, &size),
                         versions[i].relative ? RTS_GO_FRAME_SIZED : RTS_GO_FRAME_UNKNOWN);
        rts_object_destroy(object);
        strcpy((char *)name, "runtime.main");
        object = open_table(&table);
        assert_int_equal(frame_at(object, 0, &size), RTS_GO_FRAME_SIZED);
        rts_object_destroy(object);
    }
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_version),        cmocka_unit_test(found_by_its_record),
        cmocka_unit_test(text_from_the_record), cmocka_unit_test(not_a_table),
        cmocka_unit_test(damaged_numbers),      cmocka_unit_test(runtime_of_old_versions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
