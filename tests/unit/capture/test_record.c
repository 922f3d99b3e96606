/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../suite.h"
#include "record_draft.h"

/* The sample_id at the end of side-band records, in the order of perf_event_open(2). */
static void add_trailer(struct draft *draft, uint64_t type)
{
    if (type & PERF_SAMPLE_TID)
        add_pair(draft, 901, 902);
    if (type & PERF_SAMPLE_TIME)
        add(draft, 903);
    if (type & PERF_SAMPLE_ID)
        add(draft, 904);
    if (type & PERF_SAMPLE_STREAM_ID)
        add(draft, 905);
    if (type & PERF_SAMPLE_CPU)
        add_pair(draft, 906, -1);
    if (type & PERF_SAMPLE_IDENTIFIER)
        add(draft, 904);
}

enum {
    TRAILER_BITS = 6
};

static uint64_t trailer_type(unsigned combination)
{
    static const uint64_t bits[TRAILER_BITS] = {
        PERF_SAMPLE_TID,       PERF_SAMPLE_TIME, PERF_SAMPLE_ID,
        PERF_SAMPLE_STREAM_ID, PERF_SAMPLE_CPU,  PERF_SAMPLE_IDENTIFIER,
    };
    uint64_t type = 0;
    for (unsigned i = 0; i < TRAILER_BITS; i++)
        if (combination >> i & 1)
            type |= bits[i];
    return type;
}

/* One draft of each kind, without its trailer. */
static size_t drafts(struct draft *all)
{
    size_t n = 0;
    struct draft *draft = &all[n++];
    *draft = (struct draft){.type = PERF_RECORD_MMAP};
    add_pair(draft, 11, 12);
    add(draft, 0x1000);
    add(draft, 0x2000);
    add(draft, 0x3000);
    add_text(draft, "/usr/lib/libc.so.6");

    draft = &all[n++];
    *draft = (struct draft){.type = PERF_RECORD_MMAP2};
    add_pair(draft, 11, 12);
    add(draft, 0x1000);
    add(draft, 0x2000);
    add(draft, 0x3000);
    add_pair(draft, 8, 1);
    add(draft, 4711);
    add(draft, 99);
    add_pair(draft, 5, 2); /* PROT_READ | PROT_EXEC, MAP_PRIVATE */
    add_text(draft, "/usr/lib/libc.so.6");

    draft = &all[n++];
    *draft = (struct draft){.type = PERF_RECORD_COMM, .misc = PERF_RECORD_MISC_COMM_EXEC};
    add_pair(draft, 11, 12);
    add_text(draft, "fifteen_letters");

    draft = &all[n++];
    *draft = (struct draft){.type = PERF_RECORD_FORK};
    add_pair(draft, 11, 21);
    add_pair(draft, 12, 22);
    add(draft, 903);

    draft = &all[n++];
    *draft = all[n - 2];
    draft->type = PERF_RECORD_EXIT;

    draft = &all[n++];
    *draft = (struct draft){.type = PERF_RECORD_LOST};
    add(draft, 31);
    add(draft, 32);

    draft = &all[n++];
    *draft = (struct draft){.type = PERF_RECORD_LOST_SAMPLES};
    add(draft, 32);

    draft = &all[n++];
    *draft = (struct draft){.type = PERF_RECORD_THROTTLE};
    add(draft, 903);
    add(draft, 904);
    add(draft, 905);

    draft = &all[n++];
    *draft = all[n - 2];
    draft->type = PERF_RECORD_UNTHROTTLE;

    draft = &all[n++];
    *draft = (struct draft){.type = PERF_RECORD_SWITCH};
    return n;
}

enum {
    KINDS = 10
};

static void check_body(const struct rts_record *record, const struct draft *draft)
{
    switch (draft->type) {
    case PERF_RECORD_MMAP:
    case PERF_RECORD_MMAP2:
        assert_int_equal(record->kind, RTS_RECORD_MMAP);
        assert_int_equal(record->pid, 11);
        assert_int_equal(record->tid, 12);
        assert_int_equal(record->mmap.start, 0x1000);
        assert_int_equal(record->mmap.size, 0x2000);
        assert_int_equal(record->mmap.offset, 0x3000);
        assert_true(record->mmap.executable);
        assert_int_equal(record->mmap.build_id.size, 0);
        assert_string_equal(record->mmap.path, "/usr/lib/libc.so.6");
        assert_int_equal(record->mmap.has_identity, draft->type == PERF_RECORD_MMAP2);
        if (record->mmap.has_identity) {
            assert_int_equal(record->mmap.major, 8);
            assert_int_equal(record->mmap.minor, 1);
            assert_int_equal(record->mmap.inode, 4711);
        }
        break;
    case PERF_RECORD_COMM:
        assert_int_equal(record->kind, RTS_RECORD_COMM);
        assert_int_equal(record->pid, 11);
        assert_int_equal(record->tid, 12);
        assert_true(record->comm.exec);
        assert_string_equal(record->comm.name, "fifteen_letters");
        break;
    case PERF_RECORD_FORK:
    case PERF_RECORD_EXIT:
        assert_int_equal(record->kind,
                         draft->type == PERF_RECORD_FORK ? RTS_RECORD_FORK : RTS_RECORD_EXIT);
        assert_int_equal(record->pid, 11);
        assert_int_equal(record->tid, 12);
        assert_int_equal(record->task.parent_pid, 21);
        assert_int_equal(record->task.parent_tid, 22);
        assert_int_equal(record->time, 903);
        break;
    case PERF_RECORD_LOST:
    case PERF_RECORD_LOST_SAMPLES:
        assert_int_equal(record->kind, RTS_RECORD_LOST);
        assert_int_equal(record->lost.records, 32);
        break;
    case PERF_RECORD_THROTTLE: assert_int_equal(record->kind, RTS_RECORD_THROTTLE); break;
    case PERF_RECORD_UNTHROTTLE: assert_int_equal(record->kind, RTS_RECORD_UNTHROTTLE); break;
    default: assert_int_equal(record->kind, RTS_RECORD_OTHER);
    }
}

static void test_side_band_with_every_trailer(void **state)
{
    (void)state;
    struct draft all[KINDS];
    assert_int_equal(drafts(all), KINDS);
    for (unsigned combination = 0; combination < 1 << TRAILER_BITS; combination++) {
        struct rts_record_layout layout = {
            .sample_type = trailer_type(combination) | PERF_SAMPLE_IP,
            .sample_id_all = true,
        };
        for (size_t i = 0; i < KINDS; i++) {
            struct draft draft = all[i];
            add_trailer(&draft, layout.sample_type);
            struct perf_event_header *header = finish(&draft, draft.count);
            struct rts_record record;
            assert_int_equal(rts_record_decode(header, &layout, &record), 0);
            check_body(&record, &draft);
            bool timed = layout.sample_type & PERF_SAMPLE_TIME;
            bool identified = layout.sample_type & (PERF_SAMPLE_ID | PERF_SAMPLE_IDENTIFIER);
            if (timed)
                assert_int_equal(record.time, 903);
            assert_int_equal(record.id, identified ? 904 : 0);
            assert_int_equal(record.cpu, layout.sample_type & PERF_SAMPLE_CPU ? 906 : 0);
            assert_int_equal(rts_record_time(header, &layout), record.time);
            free(header);
        }
    }
}

static void test_side_band_without_trailer(void **state)
{
    (void)state;
    struct draft all[KINDS];
    drafts(all);
    struct rts_record_layout layout = {.sample_type = trailer_type(63), .sample_id_all = false};
    for (size_t i = 0; i < KINDS; i++) {
        struct perf_event_header *header = finish(&all[i], all[i].count);
        struct rts_record record;
        assert_int_equal(rts_record_decode(header, &layout, &record), 0);
        check_body(&record, &all[i]);
        assert_int_equal(record.id, 0);
        assert_int_equal(rts_record_time(header, &layout), record.time);
        free(header);
    }
}

/* Whatever a cut leaves is either refused or decoded from bytes that are there: the sanitizer is
 * the judge of that, and so is strlen() over a name. */
static void test_side_band_cut(void **state)
{
    (void)state;
    struct draft all[KINDS];
    drafts(all);
    for (unsigned combination = 0; combination < 1 << TRAILER_BITS; combination++) {
        for (int with_trailer = 0; with_trailer < 2; with_trailer++) {
            struct rts_record_layout layout = {
                .sample_type = trailer_type(combination),
                .sample_id_all = with_trailer,
            };
            for (size_t i = 0; i < KINDS; i++) {
                struct draft draft = all[i];
                if (with_trailer)
                    add_trailer(&draft, layout.sample_type);
                for (size_t count = 0; count < draft.count; count++) {
                    struct perf_event_header *header = finish(&draft, count);
                    struct rts_record record;
                    rts_record_time(header, &layout);
                    int result = rts_record_decode(header, &layout, &record);
                    if (result == 0 && record.kind == RTS_RECORD_MMAP)
                        assert_in_range(strlen(record.mmap.path), 0, draft.count * 8);
                    if (result == 0 && record.kind == RTS_RECORD_COMM)
                        assert_in_range(strlen(record.comm.name), 0, draft.count * 8);
                    if (!with_trailer && draft.type != PERF_RECORD_THROTTLE &&
                        draft.type != PERF_RECORD_UNTHROTTLE)
                        assert_int_equal(result, -1);
                    free(header);
                }
            }
        }
    }
}

static void test_wrong_sizes(void **state)
{
    (void)state;
    struct rts_record_layout layout = {
        .sample_type = PERF_SAMPLE_TIME,
        .sample_id_all = true,
    };
    struct draft draft = {.type = PERF_RECORD_LOST_SAMPLES};
    add(&draft, 32);
    add_trailer(&draft, layout.sample_type);
    for (uint16_t size = 0; size < 8 + draft.count * 8; size++) {
        struct perf_event_header *header = finish(&draft, draft.count);
        header->size = size;
        struct rts_record record;
        assert_int_equal(rts_record_decode(header, &layout, &record), -1);
        if (size < 16 || size % 8)
            assert_int_equal(rts_record_time(header, &layout), 0);
        free(header);
    }
}

static void test_name_without_end(void **state)
{
    (void)state;
    struct rts_record_layout layout = {
        .sample_type = PERF_SAMPLE_TIME,
        .sample_id_all = true,
    };
    struct draft all[KINDS];
    drafts(all);
    for (size_t i = 0; i < 3; i++) {
        struct draft draft = all[i];
        uint64_t last = draft.words[draft.count - 1] | 0x2020202020202020;
        draft.words[draft.count - 1] = last;
        /* The trailer has zero bytes, which must not pass for the end of the name. */
        add_trailer(&draft, layout.sample_type);
        struct perf_event_header *header = finish(&draft, draft.count);
        struct rts_record record;
        assert_int_equal(rts_record_decode(header, &layout, &record), -1);
        free(header);
    }
}

/* An MMAP2 record with the flag for build-ids and these 24 bytes in its place for one. */
static int decode_flagged(const uint8_t identity[24], enum rts_build_id_flag flag,
                          struct rts_record *record)
{
    static struct perf_event_header *header; /* what a record points to lives until the next call */
    const struct rts_record_layout layout = {.build_id_flag = flag};
    struct draft draft = {.type = PERF_RECORD_MMAP2, .misc = PERF_RECORD_MISC_MMAP_BUILD_ID};
    add_pair(&draft, 11, 12);
    add(&draft, 0x1000);
    add(&draft, 0x2000);
    add(&draft, 0x3000);
    for (size_t i = 0; i < 3; i++) {
        uint64_t word;
        memcpy(&word, identity + 8 * i, sizeof word);
        add(&draft, word);
    }
    add_pair(&draft, 1, 2); /* PROT_READ */
    add_text(&draft, "/a");
    free(header);
    header = finish(&draft, draft.count);
    int result = rts_record_decode(header, &layout, record);
    if (result == 0) {
        assert_false(record->mmap.executable);
        assert_int_equal(record->mmap.start, 0x1000);
        assert_string_equal(record->mmap.path, "/a");
    }
    assert_int_equal(record->kind, RTS_RECORD_MMAP);
    return result;
}

static void test_mmap2_build_id(void **state)
{
    (void)state;
    for (unsigned size = 0; size < 256; size++) {
        uint8_t identity[24] = {(uint8_t)size};
        for (uint8_t i = 4; i < 24; i++)
            identity[i] = i;
        struct rts_record record;
        int result = decode_flagged(identity, RTS_BUILD_ID_FLAG_HOLDS, &record);
        assert_int_equal(result, size <= 20 ? 0 : -1);
        if (result == 0) {
            assert_false(record.mmap.has_identity);
            assert_int_equal(record.mmap.build_id.size, size);
            assert_memory_equal(record.mmap.build_id.bytes, identity + 4, size);
        }
    }
}

/* The addresses of a guest are none of the process that runs it. */
static void test_mmap_of_a_guest(void **state)
{
    (void)state;
    struct rts_record_layout layout = {0};
    for (uint16_t mode = PERF_RECORD_MISC_CPUMODE_UNKNOWN; mode <= PERF_RECORD_MISC_GUEST_USER;
         mode++) {
        struct draft draft = {.type = PERF_RECORD_MMAP, .misc = mode};
        add_pair(&draft, 11, 12);
        add(&draft, 0x1000);
        add(&draft, 0x2000);
        add(&draft, 0x3000);
        add_text(&draft, "/a");
        struct perf_event_header *header = finish(&draft, draft.count);
        struct rts_record record;
        bool is_guest =
            mode == PERF_RECORD_MISC_GUEST_KERNEL || mode == PERF_RECORD_MISC_GUEST_USER;
        assert_int_equal(rts_record_decode(header, &layout, &record), 0);
        assert_int_equal(record.mmap.executable, !is_guest);
        free(header);
    }
}

/* Whatever the mode, only an address of the user side is one. */
static void test_sample_of_a_guest(void **state)
{
    (void)state;
    struct rts_record_layout layout = {.sample_type = PERF_SAMPLE_IP};
    for (uint16_t mode = PERF_RECORD_MISC_CPUMODE_UNKNOWN; mode <= PERF_RECORD_MISC_GUEST_USER;
         mode++) {
        struct draft draft = {.type = PERF_RECORD_SAMPLE, .misc = mode};
        add(&draft, 0x1000);
        struct perf_event_header *header = finish(&draft, draft.count);
        struct rts_record record;
        assert_int_equal(rts_record_decode(header, &layout, &record), 0);
        assert_int_equal(record.sample.kernel_mode, mode != PERF_RECORD_MISC_USER);
        free(header);
    }
}

static void put_device(uint8_t identity[24], uint32_t major, uint32_t minor, uint64_t inode,
                       uint64_t generation)
{
    memcpy(identity, &major, sizeof major);
    memcpy(identity + 4, &minor, sizeof minor);
    memcpy(identity + 8, &inode, sizeof inode);
    memcpy(identity + 16, &generation, sizeof generation);
}

/* Where the event did not ask, the flag is somebody else's, whatever device it is on: 0:38 of an
 * overlay, 8:1 and 254:0 of disks, and all others that there can be. */
static void test_mmap2_foreign_flag(void **state)
{
    (void)state;
    static const uint32_t minors[] = {0, 1, 38, 255, 0xfffff};
    for (uint32_t major = 0; major < 4096; major++)
        for (size_t i = 0; i < sizeof minors / sizeof *minors; i++) {
            uint8_t identity[24];
            struct rts_record record;
            put_device(identity, major, minors[i], 0x123456789, i % 2 ? 0xdeadbeef : 0);
            assert_int_equal(decode_flagged(identity, RTS_BUILD_ID_FLAG_FOREIGN, &record), 0);
            assert_true(record.mmap.has_identity);
            assert_int_equal(record.mmap.build_id.size, 0);
            assert_int_equal(record.mmap.major, major);
            assert_int_equal(record.mmap.minor, minors[i]);
            assert_int_equal(record.mmap.inode, 0x123456789);
        }
}

/* What cannot be a device may be a build-id that was put there later; what can be neither is
 * damaged. */
static void test_mmap2_no_device(void **state)
{
    (void)state;
    static const enum rts_build_id_flag flags[] = {RTS_BUILD_ID_FLAG_FOREIGN,
                                                   RTS_BUILD_ID_FLAG_UNSURE};
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
        uint8_t identity[24] = {20};
        struct rts_record record;
        memset(identity + 4, 0xab, 20);
        assert_int_equal(decode_flagged(identity, flags[i], &record), 0);
        assert_false(record.mmap.has_identity);
        assert_int_equal(record.mmap.build_id.size, 20);
        assert_memory_equal(record.mmap.build_id.bytes, identity + 4, 20);
        identity[0] = 8; /* and bytes behind it */
        assert_int_equal(decode_flagged(identity, flags[i], &record), -1);
        identity[0] = 21;
        assert_int_equal(decode_flagged(identity, flags[i], &record), -1);
        identity[0] = 20;
        identity[1] = 1;
        put_device(identity, 0x1000, 0, 1, 0);
        assert_int_equal(decode_flagged(identity, flags[i], &record), -1);
    }
}

/* Where nothing says who asked, what can be both is neither. */
static void test_mmap2_unsure(void **state)
{
    (void)state;
    uint8_t identity[24];
    struct rts_record record;
    put_device(identity, 8, 1, 0x12345, 0); /* or the eight bytes 01 00 00 00 45 23 01 00 */
    assert_int_equal(decode_flagged(identity, RTS_BUILD_ID_FLAG_UNSURE, &record), 0);
    assert_false(record.mmap.has_identity);
    assert_int_equal(record.mmap.build_id.size, 0);
    put_device(identity, 254, 1, 0x12345, 0);
    assert_int_equal(decode_flagged(identity, RTS_BUILD_ID_FLAG_UNSURE, &record), 0);
    assert_true(record.mmap.has_identity);
    assert_int_equal(record.mmap.major, 254);
    put_device(identity, 8, 1, 0x12345, 7); /* more than eight bytes */
    assert_int_equal(decode_flagged(identity, RTS_BUILD_ID_FLAG_UNSURE, &record), 0);
    assert_true(record.mmap.has_identity);
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_side_band_with_every_trailer),
        cmocka_unit_test(test_side_band_without_trailer),
        cmocka_unit_test(test_side_band_cut),
        cmocka_unit_test(test_wrong_sizes),
        cmocka_unit_test(test_mmap_of_a_guest),
        cmocka_unit_test(test_sample_of_a_guest),
        cmocka_unit_test(test_name_without_end),
        cmocka_unit_test(test_mmap2_build_id),
        cmocka_unit_test(test_mmap2_foreign_flag),
        cmocka_unit_test(test_mmap2_no_device),
        cmocka_unit_test(test_mmap2_unsure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
