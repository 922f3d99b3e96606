/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <unistd.h>

#include <cmocka.h>

#include "binary/elf_image.h"

#include "../oracle.h"
#include "../suite.h"
#include "elf_maker.h"

static int open_bytes(struct rts_elf_image *image, const void *bytes, size_t size,
                      struct rts_error *error)
{
    uint8_t *copy = malloc(size + 1);
    memcpy(copy, bytes, size);
    return rts_elf_image_from_bytes(image, copy, size, error);
}

static void assert_refused(const struct maker *maker, size_t size, const char *why)
{
    struct rts_elf_image image;
    struct rts_error error;
    assert_int_equal(open_bytes(&image, maker->bytes, size, &error), -1);
    assert_non_null(strstr(error.text, why));
}

static void test_refused(void **state)
{
    (void)state;
    struct maker maker;
    maker_init(&maker);
    assert_refused(&maker, 0, "not an ELF");
    assert_refused(&maker, sizeof(Elf64_Ehdr) - 1, "not an ELF");
    assert_refused(&maker, sizeof(Elf64_Ehdr) + 1, "program headers");
    maker.bytes[1] = 'e';
    assert_refused(&maker, MAKER_SIZE, "not an ELF");
    maker_init(&maker);
    maker.header->e_ident[EI_CLASS] = ELFCLASS32;
    assert_refused(&maker, MAKER_SIZE, "architecture");
    maker_init(&maker);
    maker.header->e_ident[EI_DATA] = ELFDATA2MSB;
    assert_refused(&maker, MAKER_SIZE, "architecture");
    maker_init(&maker);
    maker.header->e_machine = EM_RISCV;
    assert_refused(&maker, MAKER_SIZE, "architecture");
    maker_init(&maker);
    maker.header->e_type = ET_REL;
    assert_refused(&maker, MAKER_SIZE, "neither");
}

static void test_lying_segments(void **state)
{
    (void)state;
    struct maker maker;
    maker_init(&maker);
    maker.header->e_phoff = UINT64_MAX - 8;
    assert_refused(&maker, MAKER_SIZE, "beyond");
    maker_init(&maker);
    maker.header->e_phoff = MAKER_SIZE - 8;
    assert_refused(&maker, MAKER_SIZE, "beyond");
    maker_init(&maker);
    maker.header->e_phentsize = 8;
    assert_refused(&maker, MAKER_SIZE, "unusable");
    maker_init(&maker);
    maker.header->e_phnum = 0xffff;
    assert_refused(&maker, MAKER_SIZE, "unusable");
    maker_init(&maker);
    maker.segments[0].p_memsz = UINT64_MAX - 0x1000;
    assert_refused(&maker, MAKER_SIZE, "contradicts");
    maker_init(&maker);
    maker.segments[0].p_filesz = maker.segments[0].p_memsz + 1;
    assert_refused(&maker, MAKER_SIZE, "contradicts");
    maker_init(&maker);
    maker.segments[0].p_offset = UINT64_MAX - 1;
    assert_refused(&maker, MAKER_SIZE, "contradicts");
}

static void assert_section_count(const struct maker *maker, size_t count)
{
    struct rts_elf_image image;
    assert_int_equal(open_bytes(&image, maker->bytes, MAKER_SIZE, NULL), 0);
    assert_int_equal(image.section_count, count);
    assert_true(rts_elf_image_is_code(&image, MAKER_BASE + MAKER_TEXT));
    rts_elf_image_finish(&image);
}

/* A program runs without section headers, so lies in them only make them count as absent. */
static void test_lying_sections(void **state)
{
    (void)state;
    struct maker maker;
    maker_init(&maker);
    assert_section_count(&maker, MAKER_SECTION_COUNT);
    maker.header->e_shoff = UINT64_MAX - 64;
    assert_section_count(&maker, 0);
    maker.header->e_shoff = MAKER_SIZE - 64;
    assert_section_count(&maker, 0);
    maker.header->e_shoff = 0;
    assert_section_count(&maker, 0);
    maker_init(&maker);
    maker.header->e_shentsize = 40;
    assert_section_count(&maker, 0);
    maker_init(&maker);
    maker.header->e_shnum = 0;
    maker.sections[0].sh_size = UINT64_MAX / 64;
    assert_section_count(&maker, 0);
    maker.sections[0].sh_size = MAKER_SECTION_COUNT;
    assert_section_count(&maker, MAKER_SECTION_COUNT);
}

static void test_lying_names(void **state)
{
    (void)state;
    static const uint64_t sizes[] = {0, 3, UINT64_MAX};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct maker maker;
        struct rts_elf_image image;
        maker_init(&maker);
        maker.sections[MAKER_SECTION_STRINGS].sh_size = sizes[i];
        assert_int_equal(open_bytes(&image, maker.bytes, MAKER_SIZE, NULL), 0);
        const struct rts_section *section =
            rts_elf_image_section_at(&image, MAKER_BASE + MAKER_TEXT);
        assert_non_null(section);
        /* ".text" is at offset 1; of the first three bytes of the table ".t" is left. */
        assert_string_equal(section->name, sizes[i] == 3 ? ".t" : "");
        rts_elf_image_finish(&image);
    }
}

static void test_section_at(void **state)
{
    (void)state;
    struct maker maker;
    struct rts_elf_image image;
    maker_init(&maker);
    assert_int_equal(open_bytes(&image, maker.bytes, MAKER_SIZE, NULL), 0);
    uint64_t text = MAKER_BASE + MAKER_TEXT;
    assert_null(rts_elf_image_section_at(&image, text - 1));
    assert_string_equal(rts_elf_image_section_at(&image, text)->name, ".text");
    assert_string_equal(rts_elf_image_section_at(&image, text + MAKER_TEXT_SIZE - 1)->name,
                        ".text");
    assert_null(rts_elf_image_section_at(&image, text + MAKER_TEXT_SIZE));
    assert_null(rts_elf_image_section_at(&image, 0));
    assert_null(rts_elf_image_section_at(&image, UINT64_MAX));
    assert_false(rts_elf_image_is_code(&image, MAKER_BASE + MAKER_SYMBOLS));
    rts_elf_image_finish(&image);
}

/* Another process may cut the file off while it is read. */
static void test_truncated_while_open(void **state)
{
    (void)state;
    struct maker maker;
    struct rts_elf_image image;
    maker_init(&maker);
    char *name = oracle_file(maker.bytes, MAKER_SIZE);
    int fd = open(name, O_RDWR | O_CLOEXEC);
    assert_int_equal(rts_elf_image_open(&image, fd, NULL), 0);
    uint8_t bytes[64];
    assert_true(rts_elf_image_read(&image, MAKER_SIZE - sizeof bytes, bytes, sizeof bytes));
    assert_int_equal(ftruncate(fd, MAKER_SIZE - 1), 0);
    assert_false(rts_elf_image_read(&image, MAKER_SIZE - sizeof bytes, bytes, sizeof bytes));
    assert_null(rts_elf_image_load(&image, MAKER_TEXT, MAKER_SIZE - MAKER_TEXT, UINT64_MAX));
    /* What is left of it may be another file's. */
    assert_false(rts_elf_image_read(&image, 0, bytes, sizeof bytes));
    assert_true(rts_elf_image_has_changed(&image));
    rts_elf_image_finish(&image);
    oracle_file_done(name);
}

static void test_read_bounds(void **state)
{
    (void)state;
    struct maker maker;
    struct rts_elf_image image;
    uint8_t bytes[16];
    maker_init(&maker);
    assert_int_equal(open_bytes(&image, maker.bytes, MAKER_SIZE, NULL), 0);
    assert_true(rts_elf_image_read(&image, MAKER_SIZE, bytes, 0));
    assert_false(rts_elf_image_read(&image, MAKER_SIZE, bytes, 1));
    assert_false(rts_elf_image_read(&image, UINT64_MAX, bytes, 2));
    assert_null(rts_elf_image_load(&image, 0, 17, 16));
    assert_null(rts_elf_image_load(&image, 8, UINT64_MAX - 4, UINT64_MAX));
    char *loaded = rts_elf_image_load(&image, 1, 3, 16);
    assert_string_equal(loaded, "ELF");
    free(loaded);
    rts_elf_image_finish(&image);
}

static void test_not_a_regular_file(void **state)
{
    (void)state;
    struct rts_elf_image image;
    struct rts_error error;
    assert_int_equal(rts_elf_image_open(&image, open("/dev/null", O_RDONLY | O_CLOEXEC), &error),
                     -1);
    assert_non_null(strstr(error.text, "regular"));
    assert_int_equal(rts_elf_image_open(&image, -1, &error), -1);
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refused),        cmocka_unit_test(test_lying_segments),
        cmocka_unit_test(test_lying_sections), cmocka_unit_test(test_lying_names),
        cmocka_unit_test(test_section_at),     cmocka_unit_test(test_truncated_while_open),
        cmocka_unit_test(test_read_bounds),    cmocka_unit_test(test_not_a_regular_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
