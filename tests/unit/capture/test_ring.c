/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "../suite.h"
#include "fake_ring.h"

#define SIZE ((size_t)64 << 10)

/* A record of every size at every distance from the end of the ring. */
static void test_wrap_around(void **state)
{
    (void)state;
    uint8_t *scratch = malloc(SIZE);
    uint64_t words[20];
    for (uint64_t i = 0; i < 20; i++)
        words[i] = 0x0101010101010101 * (i + 1);
    for (uint64_t before_end = 8; before_end <= 176; before_end += 8) {
        for (size_t count = 0; count <= 20; count++) {
            struct rts_ring ring;
            fake_ring_init(&ring, SIZE, 7 * SIZE - before_end);
            uint64_t at = fake_ring_record(&ring, PERF_RECORD_SAMPLE, 2, words, count);
            uint64_t head = rts_ring_head(&ring);
            assert_int_equal(head, at + 8 + count * 8);

            struct perf_event_header header = rts_ring_header(&ring, at, head);
            assert_int_equal(header.size, 8 + count * 8);
            assert_int_equal(header.type, PERF_RECORD_SAMPLE);
            const struct perf_event_header *record = rts_ring_record(&ring, at, head, scratch);
            assert_non_null(record);
            assert_int_equal(record->size, 8 + count * 8);
            assert_int_equal(record->misc, 2);
            assert_memory_equal(record + 1, words, count * 8);
            /* Put together only where it does wrap. */
            assert_int_equal((const void *)record == (const void *)scratch,
                             8 + count * 8 > before_end);
            fake_ring_finish(&ring);
        }
    }
    free(scratch);
}

/* The position has run over 64 bits' worth of nothing: it only ever grows, and near the end of its
 * range the arithmetic still holds. */
static void test_late_positions(void **state)
{
    (void)state;
    uint8_t *scratch = malloc(SIZE);
    uint64_t words[4] = {1, 2, 3, 4};
    struct rts_ring ring;
    fake_ring_init(&ring, SIZE, UINT64_MAX - 15); /* the record crosses zero */
    uint64_t at = fake_ring_record(&ring, 3, 0, words, 4);
    const struct perf_event_header *record =
        rts_ring_record(&ring, at, rts_ring_head(&ring), scratch);
    assert_non_null(record);
    assert_memory_equal(record + 1, words, sizeof words);
    fake_ring_finish(&ring);
    free(scratch);
}

static void test_impossible_headers(void **state)
{
    (void)state;
    uint8_t *scratch = malloc(SIZE);
    static const uint16_t impossible[] = {0, 1, 4, 7, 9, 12, 15, 41, 48, 56, 0xfff8, 0xffff};
    for (size_t i = 0; i < sizeof impossible / sizeof *impossible; i++) {
        struct rts_ring ring;
        uint64_t words[4] = {0};
        fake_ring_init(&ring, SIZE, SIZE - 16);
        uint64_t at = fake_ring_record(&ring, 9, 0, words, 4); /* 40 bytes */
        memcpy(ring.data + SIZE - 16 + offsetof(struct perf_event_header, size), &impossible[i],
               sizeof impossible[i]);
        uint64_t head = rts_ring_head(&ring);
        assert_int_equal(rts_ring_header(&ring, at, head).size, 0);
        assert_null(rts_ring_record(&ring, at, head, scratch));
        fake_ring_finish(&ring);
    }
    free(scratch);
}

static void test_cut_or_crooked_position(void **state)
{
    (void)state;
    uint8_t *scratch = malloc(SIZE);
    struct rts_ring ring;
    uint64_t words[4] = {0};
    fake_ring_init(&ring, SIZE, 0);
    uint64_t at = fake_ring_record(&ring, 9, 0, words, 4);
    for (uint64_t head = at; head < at + 40; head++)
        assert_null(rts_ring_record(&ring, at, head, scratch));
    assert_non_null(rts_ring_record(&ring, at, at + 40, scratch));
    for (uint64_t off = 1; off < 8; off++)
        assert_null(rts_ring_record(&ring, at + off, at + 40, scratch));
    fake_ring_finish(&ring);
    free(scratch);
}

static void test_largest_record(void **state)
{
    (void)state;
    uint8_t *scratch = malloc(SIZE);
    size_t count = (0xfff8 - 8) / 8;
    uint64_t *words = malloc(count * 8);
    for (size_t i = 0; i < count; i++)
        words[i] = i;
    for (uint64_t start = 0; start < SIZE; start += 8184) {
        struct rts_ring ring;
        fake_ring_init(&ring, SIZE, start);
        uint64_t at = fake_ring_record(&ring, 9, 0, words, count);
        const struct perf_event_header *record =
            rts_ring_record(&ring, at, rts_ring_head(&ring), scratch);
        assert_non_null(record);
        assert_memory_equal(record + 1, words, count * 8);
        fake_ring_finish(&ring);
    }
    free(words);
    free(scratch);
}

static void test_release(void **state)
{
    (void)state;
    struct rts_ring ring;
    fake_ring_init(&ring, SIZE, 0);
    rts_ring_release(&ring, 4096);
    assert_int_equal(ring.tail, 4096);
    assert_int_equal(ring.page->data_tail, 4096);
    fake_ring_finish(&ring);
}

static void test_map_fails(void **state)
{
    (void)state;
    struct rts_ring ring = {0};
    int fd = open("/dev/null", O_RDWR);
    assert_true(fd >= 0);
    assert_int_equal(rts_ring_map(&ring, fd, SIZE), -ENODEV);
    assert_int_equal(rts_ring_map(&ring, -1, SIZE), -EBADF);
    assert_null(ring.page);
    rts_ring_unmap(&ring);
    close(fd);
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wrap_around),        cmocka_unit_test(test_late_positions),
        cmocka_unit_test(test_impossible_headers), cmocka_unit_test(test_cut_or_crooked_position),
        cmocka_unit_test(test_largest_record),     cmocka_unit_test(test_release),
        cmocka_unit_test(test_map_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
