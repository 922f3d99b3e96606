/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../suite.h"
#include "util/ledger.h"

static size_t sum(const struct rts_losses *losses)
{
    size_t all = 0;
    for (unsigned i = 0; i < RTS_OWNERS_MAX; i++)
        all += losses->of[i];
    return all;
}

static void use(struct rts_ledger *ledger, unsigned owner, size_t size)
{
    rts_ledger_change(ledger, owner, 0, size);
}

/* Of 800, with what each has and is to lose. */
static void those_with_most_lose_first(void **state)
{
    (void)state;
    static const struct {
        size_t used[4], excess, lost[4];
        bool pressed[4];
    } rows[] = {
        /* An owner alone has it all, and loses what is too much. */
        {{900, 0, 0, 0}, 100, {100, 0, 0, 0}, {0}},
        {{0, 900, 0, 0}, 100, {0, 100, 0, 0}, {0}},
        /* Root has half before others get any of it. */
        {{400, 500, 0, 0}, 100, {0, 100, 0, 0}, {0, true, 0, 0}},
        {{300, 600, 0, 0}, 100, {0, 100, 0, 0}, {0, true, 0, 0}},
        {{800, 100, 0, 0}, 100, {100, 0, 0, 0}, {0}},
        {{500, 400, 0, 0}, 100, {100, 0, 0, 0}, {0}},
        /* The largest loses down to the next, and these two together from there. */
        {{100, 500, 200, 100}, 100, {0, 100, 0, 0}, {0, true, 0, 0}},
        {{100, 450, 340, 10}, 200, {0, 155, 45, 0}, {0, true, true, 0}},
        /* When all others are down to their fair share root comes, then all. */
        {{700, 200, 100, 0}, 300, {300, 0, 0, 0}, {0}},
        {{100, 100, 100, 100}, 400, {100, 100, 100, 100}, {0}},
        {{0, 0, 0, 0}, 100, {0, 0, 0, 0}, {0}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct rts_ledger ledger = {0};
        struct rts_losses losses;
        for (unsigned owner = 0; owner < 4; owner++)
            use(&ledger, owner, rows[i].used[owner]);
        rts_ledger_divide(&ledger, 800, rows[i].excess, &losses);
        for (unsigned owner = 0; owner < 4; owner++) {
            assert_in_range(losses.of[owner], rows[i].lost[owner], rows[i].lost[owner] + 1);
            assert_int_equal(ledger.pressed[owner], rows[i].pressed[owner]);
        }
    }
}

/* Whatever there is: enough goes, nobody loses what he has not, and root keeps its half. */
static void any_ledger_adds_up(void **state)
{
    (void)state;
    unsigned seed = 7;
    for (unsigned round = 0; round < 2000; round++) {
        struct rts_ledger ledger = {0};
        struct rts_losses losses;
        size_t all = 0, total = 1000000;
        unsigned owners = 1 + round % RTS_OWNERS_MAX;
        for (unsigned owner = 0; owner < owners; owner++) {
            size_t size = ((seed = seed * 1103515245 + 12345) >> 8) % 100000;
            use(&ledger, owner, size);
            all += size;
        }
        size_t excess = all > total ? all - total * 7 / 8 : 0;
        rts_ledger_divide(&ledger, total, excess, &losses);
        assert_in_range(sum(&losses), excess, excess + RTS_OWNERS_MAX);
        for (unsigned owner = 0; owner < RTS_OWNERS_MAX; owner++)
            assert_true(losses.of[owner] <= ledger.used[owner]);
        if (owners > 1 && ledger.used[0] <= total / 2)
            assert_int_equal(losses.of[0], 0);
    }
}

/* Many owners are no way to get at what root has. */
static void many_are_no_stronger_than_one(void **state)
{
    (void)state;
    struct rts_ledger ledger = {0};
    struct rts_losses losses;
    use(&ledger, RTS_OWNER_ROOT, 500);
    for (unsigned owner = 1; owner < 400; owner++) /* beyond the last one they are one */
        use(&ledger, owner, 4);
    assert_int_equal(ledger.used[RTS_OWNER_OTHER], 4 * (400 - RTS_OWNER_OTHER));
    rts_ledger_divide(&ledger, 1000, 1000, &losses);
    assert_int_equal(losses.of[RTS_OWNER_ROOT], 0);
}

static void losses_are_taken_until_they_are_had(void **state)
{
    (void)state;
    struct rts_losses losses = {.of = {[2] = 10}};
    assert_false(rts_losses_take(&losses, 1, 5));
    assert_true(rts_losses_take(&losses, 2, 5));
    assert_true(rts_losses_take(&losses, 2, 500));
    assert_false(rts_losses_take(&losses, 2, 5));
}

static void without_a_ledger_all_is_roots(void **state)
{
    (void)state;
    struct rts_losses losses;
    rts_ledger_change(NULL, 1, 0, 5);
    rts_ledger_evict(NULL, 1);
    rts_ledger_divide(NULL, 10, 5, &losses);
    assert_int_equal(losses.of[RTS_OWNER_ROOT], 5);
    assert_int_equal(sum(&losses), 5);
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(those_with_most_lose_first),
        cmocka_unit_test(any_ledger_adds_up),
        cmocka_unit_test(many_are_no_stronger_than_one),
        cmocka_unit_test(losses_are_taken_until_they_are_had),
        cmocka_unit_test(without_a_ledger_all_is_roots),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
