/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../suite.h"
#include "process/text_copy.h"

#define SECOND_NS 1000000000ULL

static void retain(void *context, struct rts_mapped_file *file)
{
    (void)context;
    file->references++;
}

static void release(void *context, struct rts_mapped_file *file)
{
    (void)context;
    assert_true(file->references > 0);
    file->references--;
}

static struct rts_text_copy *add(struct rts_text_copies *copies, struct rts_mapped_file *file,
                                 uint64_t start, uint64_t end)
{
    const struct rts_text_copy place = {.start = start, .end = end, .anchor.file = file};
    file->references++;
    return rts_text_copies_add(copies, &place, release, NULL);
}

static void pages_cover_the_place(void **state)
{
    (void)state;
    struct rts_mapped_file file = {0};
    struct rts_text_copies copies = {0};
    struct rts_text_copy *copy = add(&copies, &file, 0x1ff0, 0x4001);
    assert_int_equal(rts_text_copy_pages(copy), 4);
    assert_ptr_equal(rts_text_copy_page(copy, 0x1fff), copy->pages);
    assert_ptr_equal(rts_text_copy_page(copy, 0x2000), copy->pages + 1);
    assert_ptr_equal(rts_text_copy_page(copy, 0x4000), copy->pages + 3);
    copy = add(&copies, &file, 0x2000, 0x3000);
    assert_int_equal(rts_text_copy_pages(copy), 1);
    copy = add(&copies, &file, UINT64_MAX - 0x1000, UINT64_MAX);
    assert_int_equal(rts_text_copy_pages(copy), 2);
    rts_text_copies_finish(&copies, release, NULL);
    assert_int_equal(file.references, 0);
}

static void wrong_places_are_refused(void **state)
{
    (void)state;
    struct rts_mapped_file file = {0};
    struct rts_text_copies copies = {0};
    assert_null(add(&copies, &file, 0x2000, 0x2000));
    assert_null(add(&copies, &file, 0x2000, 0x1000));
    assert_null(add(&copies, &file, 0, RTS_TEXT_COPY_SIZE_MAX + 1));
    assert_null(add(&copies, &file, 1, UINT64_MAX));
    assert_int_equal(file.references, 0);
    assert_null(rts_text_copies_find(&copies, 0));
    assert_null(rts_text_copies_find(&copies, 1));
    rts_text_copies_finish(&copies, release, NULL);
}

static void the_oldest_is_forgotten(void **state)
{
    (void)state;
    struct rts_mapped_file file = {0};
    struct rts_text_copies copies = {0};
    for (uint64_t i = 0; i < RTS_TEXT_COPIES_MAX + 3; i++)
        assert_int_equal(add(&copies, &file, 0x1000 * i, 0x1000 * i + 1)->id, i + 1);
    assert_int_equal(file.references, RTS_TEXT_COPIES_MAX);
    assert_null(rts_text_copies_find(&copies, 0));
    assert_null(rts_text_copies_find(&copies, 3));
    for (uint32_t id = 4; id <= RTS_TEXT_COPIES_MAX + 3; id++)
        assert_int_equal(rts_text_copies_find(&copies, id)->start, 0x1000 * (id - 1));
    rts_text_copies_finish(&copies, release, NULL);
    assert_int_equal(file.references, 0);
}

static void a_child_has_its_own(void **state)
{
    (void)state;
    struct rts_mapped_file file = {0};
    struct rts_text_copies parent = {0}, child = {0}, none = {0};
    rts_text_copies_inherit(&none, &parent, retain, NULL);
    assert_null(none.items);
    uint32_t id = add(&parent, &file, 0x1000, 0x3000)->id;
    *rts_text_copy_page(rts_text_copies_find(&parent, id), 0x2000) = RTS_PAGE_SAME;
    rts_text_copies_inherit(&child, &parent, retain, NULL);
    assert_int_equal(file.references, 2);
    uint8_t *page = rts_text_copy_page(rts_text_copies_find(&child, id), 0x2000);
    assert_int_equal(*page, RTS_PAGE_SAME);
    *page = RTS_PAGE_DIFFERENT;
    assert_int_equal(*rts_text_copy_page(rts_text_copies_find(&parent, id), 0x2000), RTS_PAGE_SAME);
    assert_true(add(&child, &file, 0, 1)->id != id);
    rts_text_copies_finish(&parent, release, NULL);
    assert_int_equal(*rts_text_copy_page(rts_text_copies_find(&child, id), 0x2000),
                     RTS_PAGE_DIFFERENT);
    rts_text_copies_finish(&child, release, NULL);
    assert_int_equal(file.references, 0);
}

/* What was found is doubted at once the first time, and then less and less often. */
static void what_is_known_grows_old(void **state)
{
    (void)state;
    struct rts_mapped_file file = {0};
    struct rts_text_copies copies = {0};
    struct rts_text_copy *copy = add(&copies, &file, 0x1000, 0x3000);
    unsigned doubts = 0;
    uint64_t last = 0, longest = 0;
    for (uint64_t now = 5 * SECOND_NS; now < 105 * SECOND_NS; now += SECOND_NS / 20) {
        rts_text_copy_age(copy, now);
        assert_int_equal(copy->pages[1], RTS_PAGE_UNKNOWN);
        if (copy->pages[0] == RTS_PAGE_SAME)
            continue;
        doubts += copy->pages[0] == (RTS_PAGE_SAME | RTS_PAGE_STALE);
        longest = last && now - last > longest ? now - last : longest;
        last = now;
        copy->pages[0] = RTS_PAGE_SAME;
    }
    assert_in_range(doubts, 10, 20);
    assert_in_range(longest, 12 * SECOND_NS, 13 * SECOND_NS);
    rts_text_copies_finish(&copies, release, NULL);
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_cover_the_place),   cmocka_unit_test(wrong_places_are_refused),
        cmocka_unit_test(the_oldest_is_forgotten), cmocka_unit_test(a_child_has_its_own),
        cmocka_unit_test(what_is_known_grows_old),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
