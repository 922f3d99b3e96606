/* SPDX-License-Identifier: Apache-2.0 */
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../suite.h"
#include "util/share.h"

static void test_counting(void **state)
{
    (void)state;
    struct rts_share share = {.limit = 800};
    rts_share_add(&share, 500);
    assert_false(rts_share_is_over(&share));
    assert_int_equal(rts_share_excess(&share), 0);
    rts_share_add(&share, 301);
    assert_true(rts_share_is_over(&share));
    assert_int_equal(rts_share_excess(&share), 101); /* down to 700 */
    rts_share_change(&share, 301, 1);
    assert_int_equal(share.bytes, 501);
    rts_share_change(&share, 1, 11);
    assert_int_equal(share.bytes, 511);
    rts_share_take(&share, 1000);
    assert_int_equal(share.bytes, 0);
    assert_int_equal(share.peak, 801);
}

/* Who shares with others may not have all for one thing. */
static void test_of_one(void **state)
{
    (void)state;
    enum {
        USER = 3
    };
    struct rts_ledger ledger = {0};
    struct rts_losses losses;
    struct rts_share share = {.limit = 800, .ledger = &ledger};
    rts_share_change_of(&share, USER, 0, 900);
    rts_ledger_divide(&ledger, 800, 100, &losses);
    assert_true(rts_share_of_one(&share, USER) == SIZE_MAX); /* alone */
    rts_share_change_of(&share, RTS_OWNER_ROOT, 0, 100);
    assert_true(rts_share_of_one(&share, USER) == SIZE_MAX);
    rts_ledger_divide(&ledger, 800, 200, &losses);
    assert_int_equal(rts_share_of_one(&share, USER), 200);
    assert_true(rts_share_of_one(&share, RTS_OWNER_ROOT) == SIZE_MAX);
    assert_true(rts_share_of_one(&share, USER + 1) == SIZE_MAX);
    share.limit = 0;
    assert_true(rts_share_of_one(&share, USER) == SIZE_MAX);
    assert_true(rts_share_of_one(&RTS_SHARE_UNLIMITED, USER) == SIZE_MAX);
}

static void test_no_limit(void **state)
{
    (void)state;
    struct rts_share share = RTS_SHARE_UNLIMITED;
    rts_share_add(&share, SIZE_MAX / 2);
    assert_false(rts_share_is_over(&share));
    assert_int_equal(rts_share_excess(&share), 0);
}

/* What the allocator itself says that a block has room for, and its own word. */
static void test_heap_bytes(void **state)
{
    (void)state;
#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
    skip(); /* another allocator */
#endif
    for (size_t size = 0; size < 2000; size += 7) {
        void *block = malloc(size);
        assert_non_null(block);
        assert_int_equal(rts_heap_bytes(size), malloc_usable_size(block) + sizeof(size_t));
        free(block);
    }
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counting),
        cmocka_unit_test(test_of_one),
        cmocka_unit_test(test_no_limit),
        cmocka_unit_test(test_heap_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
