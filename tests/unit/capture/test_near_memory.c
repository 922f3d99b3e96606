/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "capture/near_memory.h"

#include "../suite.h"

#define CPUS 2

struct sides {
    struct rts_near_memory *ours, *theirs;
    int fd;
};

static void begin(struct sides *sides)
{
    sides->ours = rts_near_memory_create(CPUS, &sides->fd);
    assert_non_null(sides->ours);
    sides->theirs = rts_near_memory_open(sides->fd, CPUS);
    assert_non_null(sides->theirs);
}

static void end(struct sides *sides)
{
    rts_near_memory_close(sides->ours);
    rts_near_memory_close(sides->theirs);
    close(sides->fd);
}

/* A blob of one piece, whose bytes are all the same. False: there is no room. */
static bool put(struct sides *sides, unsigned cpu, uint64_t time, uint32_t size, uint8_t fill)
{
    uint8_t *room = rts_near_lane_room(sides->theirs, cpu, size);
    if (!room)
        return false;
    memset(room, fill, size);
    const struct rts_near_blob blob = {
        .pid = 10,
        .tid = 11,
        .sample_ns = time,
        .begin_ns = time + 1,
        .end_ns = time + 2,
        .count = 1,
        .pieces = {{0x7000, size, 0}},
    };
    rts_near_lane_put(sides->theirs, cpu, &blob);
    return true;
}

static void expect(struct sides *sides, unsigned cpu, uint64_t time, uint32_t size, uint8_t fill)
{
    struct rts_near_blob blob;
    uint64_t word, wanted;
    memset(&wanted, fill, sizeof wanted);
    assert_true(rts_near_lane_oldest(sides->ours, cpu, &blob));
    assert_int_equal(blob.sample_ns, time);
    assert_int_equal(blob.tid, 11);
    assert_int_equal(blob.count, 1);
    assert_true(rts_near_word(&blob, 0x7000, &word));
    assert_int_equal(word, wanted);
    assert_true(rts_near_word(&blob, 0x7000 + size - 8, &word));
    assert_int_equal(word, wanted);
    assert_false(rts_near_word(&blob, 0x7000 + size - 7, &word));
    assert_false(rts_near_word(&blob, 0x6fff, &word));
    rts_near_lane_let_go(sides->ours, cpu);
}

static void test_lanes(void **state)
{
    (void)state;
    struct sides sides;
    struct rts_near_blob blob;
    begin(&sides);
    assert_false(rts_near_lane_oldest(sides.ours, 0, &blob));
    assert_true(put(&sides, 0, 100, 64, 1));
    assert_true(put(&sides, 0, 200, 72, 2));
    assert_true(put(&sides, 1, 150, 4096, 3));
    expect(&sides, 1, 150, 4096, 3);
    expect(&sides, 0, 100, 64, 1);
    assert_true(rts_near_lane_oldest(sides.ours, 0, &blob)); /* twice the same */
    expect(&sides, 0, 200, 72, 2);
    assert_false(rts_near_lane_oldest(sides.ours, 0, &blob));
    end(&sides);
}

/* Around the end again and again, with sizes that do not divide it. */
static void test_wrap(void **state)
{
    (void)state;
    struct sides sides;
    begin(&sides);
    uint64_t written = 0, taken = 0;
    for (int round = 0; round < 200; round++) {
        while (written < taken + 3 && put(&sides, 0, written, 300008, (uint8_t)written))
            written++;
        assert_int_not_equal(written, taken);
        expect(&sides, 0, taken, 300008, (uint8_t)taken);
        taken++;
    }
    end(&sides);
}

/* A reader whose blobs are not taken has no room, and has it again afterwards. */
static void test_full(void **state)
{
    (void)state;
    struct sides sides;
    uint64_t written = 0;
    begin(&sides);
    while (put(&sides, 0, written, RTS_NEAR_BYTES_MAX, (uint8_t)written))
        assert_in_range(++written, 1, 64);
    assert_in_range(written, 1, 63);
    for (uint64_t taken = 0; taken < written; taken++)
        expect(&sides, 0, taken, RTS_NEAR_BYTES_MAX, (uint8_t)taken);
    assert_true(put(&sides, 0, 99, RTS_NEAR_BYTES_MAX, 9));
    expect(&sides, 0, 99, RTS_NEAR_BYTES_MAX, 9);
    end(&sides);
}

/* Many small ones between two looks have room, also right after all was taken. */
static void test_many(void **state)
{
    (void)state;
    struct sides sides;
    begin(&sides);
    uint64_t written = 0, taken = 0;
    for (int round = 0; round < 50; round++) {
        for (int i = 0; i < 100; i++, written++)
            assert_true(put(&sides, 1, written, 1024, (uint8_t)written));
        while (taken < written) {
            expect(&sides, 1, taken, 1024, (uint8_t)taken);
            taken++;
        }
    }
    end(&sides);
}

/* What is emptied again and again stays at the beginning: little of it takes memory. */
static void test_stays_small(void **state)
{
    (void)state;
    struct sides sides;
    begin(&sides);
    for (uint64_t i = 0; i < 3000; i++) {
        assert_true(put(&sides, 0, i, 8192, (uint8_t)i));
        expect(&sides, 0, i, 8192, (uint8_t)i);
    }
    struct stat status;
    assert_int_equal(fstat(sides.fd, &status), 0);
    assert_in_range(status.st_blocks, 1, (1 << 20) / 512);
    end(&sides);
}

static void test_plans(void **state)
{
    (void)state;
    struct sides sides;
    struct rts_near_process processes[RTS_NEAR_PROCESSES_MAX] = {
        {10, {{{RTS_NEAR_STACK_POINTER, 512, -512}, {RTS_NEAR_COPY_END, 4096, 0}}}},
        {11, {{{RTS_NEAR_ADDRESS, 8, 0x5000}}}},
        {12, {{{RTS_NEAR_ADDRESS, RTS_NEAR_BYTES_MAX, 0}, {RTS_NEAR_COPY_END, 1, 0}}}},
    };
    struct rts_near_plan plan;
    begin(&sides);
    assert_false(rts_near_memory_find(sides.theirs, 10, &plan));
    rts_near_memory_publish(sides.ours, processes);
    assert_true(rts_near_memory_find(sides.theirs, 10, &plan));
    assert_int_equal(rts_near_range_start(&plan.ranges[0], 10000, 20000), 10000 - 512);
    assert_int_equal(rts_near_range_start(&plan.ranges[1], 10000, 20000), 20000);
    assert_true(rts_near_memory_find(sides.theirs, 11, &plan));
    assert_int_equal(rts_near_range_start(&plan.ranges[0], 10000, 20000), 0x5000);
    assert_false(rts_near_memory_find(sides.theirs, 12, &plan)); /* more than there may be */
    assert_false(rts_near_memory_find(sides.theirs, 0, &plan));
    assert_false(rts_near_memory_find(sides.theirs, 13, &plan));
    processes[0].pid = 0;
    rts_near_memory_publish(sides.ours, processes);
    assert_false(rts_near_memory_find(sides.theirs, 10, &plan));
    end(&sides);
}

/* Memory that is none, and one that may change its size. */
static void test_no_memory(void **state)
{
    (void)state;
    int fd = memfd_create("near", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    assert_null(rts_near_memory_open(-1, CPUS));
    assert_null(rts_near_memory_open(fd, CPUS));
    assert_int_equal(ftruncate(fd, 64 << 20), 0);
    assert_null(rts_near_memory_open(fd, CPUS));
    assert_int_equal(errno, EBADMSG);
    close(fd);
}

/* The other side writes whatever it likes over what is between us: nothing outside of it is touched,
 * and every loop ends. */
static void test_hostile(void **state)
{
    (void)state;
    struct sides sides;
    struct stat status;
    begin(&sides);
    assert_int_equal(fstat(sides.fd, &status), 0);
    size_t size = (size_t)status.st_size;
    uint8_t *bytes = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, sides.fd, 0);
    assert_ptr_not_equal(bytes, MAP_FAILED);
    const size_t page = 64 << 10;
    srandom(15);
    for (int round = 0; round < 20000; round++) {
        struct rts_near_blob blob;
        uint64_t word;
        if (round % 16 == 0)
            put(&sides, 0, (uint64_t)round, 64 + 8 * ((uint32_t)random() % 64), 1);
        /* The positions, and what begins the blob. */
        for (int i = 0; i < 3; i++) {
            size_t at = page + (random() % 2 ? 0 : page) + (size_t)random() % 256;
            bytes[at] = random() % 4 ? (uint8_t)(random() % 9) : (uint8_t)random();
        }
        for (int i = 0; i < 64 && rts_near_lane_oldest(sides.ours, 0, &blob); i++) {
            assert_in_range(blob.count, 0, RTS_NEAR_RANGES_MAX);
            for (uint32_t piece = 0; piece < blob.count; piece++) {
                rts_near_word(&blob, blob.pieces[piece].address, &word);
                if (blob.pieces[piece].size >= 8)
                    rts_near_word(&blob, blob.pieces[piece].address + blob.pieces[piece].size - 8,
                                  &word);
            }
            rts_near_lane_let_go(sides.ours, 0);
        }
        rts_near_lane_state(sides.ours, 0);
    }
    munmap(bytes, size);
    end(&sides);
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lanes),       cmocka_unit_test(test_wrap),
        cmocka_unit_test(test_full),        cmocka_unit_test(test_many),
        cmocka_unit_test(test_stays_small), cmocka_unit_test(test_plans),
        cmocka_unit_test(test_no_memory),   cmocka_unit_test(test_hostile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
