/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The set of mappings against a model without any cleverness: a table with one cell per address and
 * moment. Adding a mapping writes its number into every cell of its addresses from its time on.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../suite.h"
#include "process/mapping.h"

#define ADDRESSES 40
#define MOMENTS   40
#define UNIT      0x1000ULL
#define NONE      0

struct model {
    int cell[ADDRESSES][MOMENTS];
};

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

/* The address of mapping number n in its file, so that offsets can be checked across splits: one
 * file per mapping, its inode being the number. */
struct world {
    struct model model;
    struct rts_mapping_set set;
    struct rts_mapped_file files[512];
    uint64_t starts[512];
    int count;
};

static struct world *world_create(void)
{
    struct world *world = calloc(1, sizeof *world);
    assert_non_null(world);
    return world;
}

static void world_add(struct world *world, unsigned start, unsigned end, unsigned from)
{
    int number = ++world->count;
    assert_in_range(number, 1, 511);
    world->files[number] = (struct rts_mapped_file){.inode = (uint64_t)number, .references = 1};
    world->starts[number] = start;
    struct rts_mapping mapping = {
        .start = start * UNIT,
        .end = end * UNIT,
        .offset = 0x700000,
        .from_ns = from,
        .until_ns = 3, /* to be ignored */
        .kind = RTS_MAPPING_FILE,
        .file = &world->files[number],
    };
    rts_mapping_set_add(&world->set, &mapping, retain, NULL);
    for (unsigned address = start; address < end; address++)
        for (unsigned time = from; time < MOMENTS; time++)
            world->model.cell[address][time] = number;
}

static void world_check_one(const struct world *world, unsigned address, unsigned time)
{
    static const uint64_t within[] = {0, 1, UNIT / 2, UNIT - 1};
    for (size_t i = 0; i < sizeof within / sizeof *within; i++) {
        uint64_t pc = address * UNIT + within[i];
        const struct rts_mapping *found = rts_mapping_set_find(&world->set, pc, time);
        int expected = world->model.cell[address][time];
        assert_int_equal(found ? (int)found->file->inode : NONE, expected);
        if (!found)
            continue;
        assert_true(pc >= found->start && pc < found->end);
        assert_int_equal(pc - found->start + found->offset,
                         pc - world->starts[expected] * UNIT + 0x700000);
    }
}

static void world_check(const struct world *world, unsigned since)
{
    for (unsigned address = 0; address < ADDRESSES; address++)
        for (unsigned time = since; time < MOMENTS; time++)
            world_check_one(world, address, time);
}

/* Sorted by start; no two valid at the same time overlap. */
static void world_check_invariants(const struct world *world)
{
    const struct rts_mapping_set *set = &world->set;
    for (size_t i = 0; i < set->count; i++) {
        const struct rts_mapping *a = &set->items[i];
        assert_true(a->start < a->end);
        if (i > 0)
            assert_true(set->items[i - 1].start <= a->start);
        for (size_t j = i + 1; j < set->count; j++) {
            const struct rts_mapping *b = &set->items[j];
            uint64_t from = a->from_ns > b->from_ns ? a->from_ns : b->from_ns;
            uint64_t until = a->until_ns < b->until_ns ? a->until_ns : b->until_ns;
            assert_true(b->start >= a->end || from >= until);
        }
    }
}

static void world_destroy(struct world *world)
{
    rts_mapping_set_finish(&world->set, release, NULL);
    for (int i = 1; i <= world->count; i++)
        assert_int_equal(world->files[i].references, 0);
    free(world);
}

static void test_hole_in_the_middle(void **state)
{
    (void)state;
    struct world *world = world_create();
    world_add(world, 10, 30, 5);
    world_add(world, 15, 20, 10);
    assert_int_equal(world->files[1].references, 3); /* what was, and what is on either side */
    world_check(world, 0);
    world_check_invariants(world);
    world_destroy(world);
}

static void test_edges(void **state)
{
    (void)state;
    struct world *world = world_create();
    world_add(world, 10, 20, 0);
    world_add(world, 20, 30, 5); /* touches */
    world_add(world, 5, 10, 6);  /* touches */
    world_add(world, 10, 20, 7); /* replaces */
    world_add(world, 18, 22, 8); /* over a seam */
    world_add(world, 0, 40, 9);  /* over all */
    world_add(world, 3, 4, 9);   /* at the same moment as what it overlaps */
    world_check(world, 0);
    world_check_invariants(world);
    world_destroy(world);
}

static void test_top_of_the_address_space(void **state)
{
    (void)state;
    struct rts_mapping_set set = {0};
    struct rts_mapping mapping = {
        .start = 0xffffffffff600000,
        .end = UINT64_MAX,
        .kind = RTS_MAPPING_VSYSCALL,
    };
    rts_mapping_set_add(&set, &mapping, retain, NULL);
    assert_non_null(rts_mapping_set_find(&set, 0xffffffffff600000, 0));
    assert_non_null(rts_mapping_set_find(&set, UINT64_MAX - 1, UINT64_MAX - 1));
    assert_null(rts_mapping_set_find(&set, 0, 0));
    rts_mapping_set_finish(&set, release, NULL);
    assert_null(rts_mapping_set_find(&set, 0, 0)); /* an empty set */
}

/* Records come in the order of time, as they nearly always do. */
static void test_random_in_order(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= 60; seed++) {
        struct world *world = world_create();
        srandom(seed);
        unsigned now = 0;
        for (int i = 0; i < 60; i++) {
            unsigned start = (unsigned)random() % (ADDRESSES - 1);
            unsigned size = 1 + (unsigned)random() % (ADDRESSES - start - 1 + 1);
            if (random() % 3)
                size = size > 4 ? 4 : size;
            world_add(world, start, start + size, now);
            world_check_invariants(world);
            if (random() % 2 && now < MOMENTS - 1)
                now++;
        }
        world_check(world, 0);
        world_destroy(world);
    }
}

/* Maps that are read again are added with time 0, beneath what is known already, and a record may
 * come a drain late: the later arrival wins from its own time on, and what sticks out stays as it
 * was. */
static void test_random_out_of_order(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= 120; seed++) {
        struct world *world = world_create();
        srandom(seed);
        for (int i = 0; i < 40; i++) {
            unsigned start = (unsigned)random() % (ADDRESSES - 1);
            unsigned size = 1 + (unsigned)random() % (ADDRESSES - start);
            unsigned from = random() % 4 ? (unsigned)random() % MOMENTS : 0;
            world_add(world, start, start + size, from);
            world_check_invariants(world);
            world_check(world, 0);
        }
        world_destroy(world);
    }
}

/* Forgetting what ended does not change any answer from then on. */
static void test_forget(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= 60; seed++) {
        struct world *world = world_create();
        unsigned horizon = 0;
        srandom(seed);
        for (unsigned now = 0; now < MOMENTS; now++) {
            for (int i = 0; i < 3; i++) {
                unsigned start = (unsigned)random() % (ADDRESSES - 1);
                unsigned size = 1 + (unsigned)random() % (ADDRESSES - start);
                world_add(world, start, start + size, now);
            }
            horizon += (unsigned)random() % (now + 1 - horizon);
            rts_mapping_set_forget(&world->set, horizon, release, NULL);
            world_check(world, horizon);
            world_check_invariants(world);
        }
        /* At the end only what is valid is left: it cannot be more than there are cells. */
        rts_mapping_set_forget(&world->set, MOMENTS, release, NULL);
        assert_in_range(world->set.count, 1, ADDRESSES);
        world_destroy(world);
    }
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hole_in_the_middle),       cmocka_unit_test(test_edges),
        cmocka_unit_test(test_top_of_the_address_space), cmocka_unit_test(test_random_in_order),
        cmocka_unit_test(test_random_out_of_order),      cmocka_unit_test(test_forget),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
