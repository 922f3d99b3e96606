/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "binary/build_id.h"

#include "../suite.h"
#include "elf_maker.h"

static const uint8_t sha1[20] = {0xde, 0xad, 2, 3, 4, 5, 6, 7, 8, 9};

/* The build-id of what the maker holds, as the object would see it. */
static struct rts_build_id read_it(const struct maker *maker)
{
    struct rts_elf_image image;
    struct rts_build_id build_id;
    uint8_t *copy = malloc(MAKER_SIZE);
    memcpy(copy, maker->bytes, MAKER_SIZE);
    assert_int_equal(rts_elf_image_from_bytes(&image, copy, MAKER_SIZE, NULL), 0);
    rts_build_id_read(&image, &build_id);
    rts_elf_image_finish(&image);
    return build_id;
}

static void assert_id(const struct maker *maker, const void *bytes, size_t size)
{
    struct rts_build_id found = read_it(maker);
    assert_int_equal(found.size, size);
    assert_memory_equal(found.bytes, bytes, size);
}

static void in_segment(struct maker *maker, size_t end)
{
    maker->segments[1].p_filesz = end - MAKER_NOTE;
}

static void test_segment(void **state)
{
    (void)state;
    struct maker maker;
    maker_init(&maker);
    assert_id(&maker, "", 0);
    in_segment(&maker, maker_note(&maker, MAKER_NOTE, 4, NT_GNU_BUILD_ID, "GNU", sha1, 20));
    assert_id(&maker, sha1, 20);
}

static void test_behind_other_notes(void **state)
{
    (void)state;
    struct maker maker;
    maker_init(&maker);
    size_t at = maker_note(&maker, MAKER_NOTE, 4, NT_GNU_ABI_TAG, "GNU", "0123456789abcdef", 16);
    at = maker_note(&maker, at, 4, NT_GNU_BUILD_ID, "Other", "wrong", 5);
    in_segment(&maker, maker_note(&maker, at, 4, NT_GNU_BUILD_ID, "GNU", sha1, 3));
    assert_id(&maker, sha1, 3);
}

/* Property notes are padded to 8 bytes, and say so. */
static void test_padded_to_eight(void **state)
{
    (void)state;
    struct maker maker;
    maker_init(&maker);
    size_t at =
        maker_note(&maker, MAKER_NOTE, 8, NT_GNU_PROPERTY_TYPE_0, "GNU", "0123456789ab", 12);
    in_segment(&maker, maker_note(&maker, at, 8, NT_GNU_BUILD_ID, "GNU", sha1, 20));
    assert_int_not_equal(read_it(&maker).size, 20);
    maker.segments[1].p_align = 8;
    assert_id(&maker, sha1, 20);
}

static void test_section_when_no_segment_has_it(void **state)
{
    (void)state;
    struct maker maker;
    maker_init(&maker);
    size_t end = maker_note(&maker, MAKER_NOTE, 4, NT_GNU_BUILD_ID, "GNU", sha1, 20);
    maker.sections[MAKER_SECTION_NOTE].sh_size = end - MAKER_NOTE;
    assert_id(&maker, sha1, 20);
    maker.sections[MAKER_SECTION_NOTE].sh_type = SHT_PROGBITS;
    assert_id(&maker, "", 0);
}

static void test_segment_before_section(void **state)
{
    (void)state;
    struct maker maker;
    maker_init(&maker);
    size_t middle = maker_note(&maker, MAKER_NOTE, 4, NT_GNU_BUILD_ID, "GNU", sha1, 8);
    size_t end = maker_note(&maker, middle, 4, NT_GNU_BUILD_ID, "GNU", "other id", 8);
    in_segment(&maker, middle);
    maker.sections[MAKER_SECTION_NOTE].sh_offset = middle;
    maker.sections[MAKER_SECTION_NOTE].sh_size = end - middle;
    assert_id(&maker, sha1, 8);
}

static void test_sizes(void **state)
{
    (void)state;
    uint8_t bytes[RTS_BUILD_ID_MAX + 1];
    struct maker maker;
    memset(bytes, 0x5a, sizeof bytes);
    maker_init(&maker);
    in_segment(&maker,
               maker_note(&maker, MAKER_NOTE, 4, NT_GNU_BUILD_ID, "GNU", bytes, RTS_BUILD_ID_MAX));
    assert_id(&maker, bytes, RTS_BUILD_ID_MAX);
    in_segment(&maker, maker_note(&maker, MAKER_NOTE, 4, NT_GNU_BUILD_ID, "GNU", bytes,
                                  RTS_BUILD_ID_MAX + 1));
    assert_id(&maker, "", 0);
    in_segment(&maker, maker_note(&maker, MAKER_NOTE, 4, NT_GNU_BUILD_ID, "GNU", bytes, 0));
    assert_id(&maker, "", 0);
}

/* Sizes in the note that lead out of it, whatever they wrap around to. */
static void test_lying_sizes(void **state)
{
    (void)state;
    static const uint32_t lies[] = {0x10, 0x80, 0x7fffffff, 0xfffffff0, 0xffffffff};
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
        struct maker maker;
        maker_init(&maker);
        in_segment(&maker, maker_note(&maker, MAKER_NOTE, 4, NT_GNU_BUILD_ID, "GNU", sha1, 8));
        memcpy(maker.bytes + MAKER_NOTE + 4, &lies[i], 4);
        assert_id(&maker, "", 0);
        memcpy(maker.bytes + MAKER_NOTE + 4, &(uint32_t){8}, 4);
        memcpy(maker.bytes + MAKER_NOTE, &lies[i], 4);
        assert_id(&maker, "", 0);
    }
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_segment),
        cmocka_unit_test(test_behind_other_notes),
        cmocka_unit_test(test_padded_to_eight),
        cmocka_unit_test(test_section_when_no_segment_has_it),
        cmocka_unit_test(test_segment_before_section),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_lying_sizes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
