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

#define REGISTERS 0xff01ffULL /* 17 of them */

enum {
    SAMPLE_BITS = 11
};

static uint64_t sample_type(unsigned combination)
{
    static const uint64_t bits[SAMPLE_BITS] = {
        PERF_SAMPLE_IDENTIFIER, PERF_SAMPLE_IP,        PERF_SAMPLE_TID,        PERF_SAMPLE_TIME,
        PERF_SAMPLE_ADDR,       PERF_SAMPLE_STREAM_ID, PERF_SAMPLE_CPU,        PERF_SAMPLE_PERIOD,
        PERF_SAMPLE_CALLCHAIN,  PERF_SAMPLE_REGS_USER, PERF_SAMPLE_STACK_USER,
    };
    uint64_t type = 0;
    for (unsigned i = 0; i < SAMPLE_BITS; i++)
        if (combination >> i & 1)
            type |= bits[i];
    return type;
}

/* The order of linux/perf_event.h. Returns where the dynamic size of the stack lies. */
static size_t add_sample(struct draft *draft, uint64_t type)
{
    if (type & PERF_SAMPLE_IDENTIFIER)
        add(draft, 101);
    if (type & PERF_SAMPLE_IP)
        add(draft, 102);
    if (type & PERF_SAMPLE_TID)
        add_pair(draft, 103, 104);
    if (type & PERF_SAMPLE_TIME)
        add(draft, 105);
    if (type & PERF_SAMPLE_ADDR)
        add(draft, 106);
    if (type & PERF_SAMPLE_ID)
        add(draft, 101);
    if (type & PERF_SAMPLE_STREAM_ID)
        add(draft, 107);
    if (type & PERF_SAMPLE_CPU)
        add_pair(draft, 108, 0);
    if (type & PERF_SAMPLE_PERIOD)
        add(draft, 109);
    if (type & PERF_SAMPLE_CALLCHAIN) {
        add(draft, 3);
        add(draft, (uint64_t)PERF_CONTEXT_USER);
        add(draft, 111);
        add(draft, 112);
    }
    if (type & PERF_SAMPLE_REGS_USER) {
        add(draft, PERF_SAMPLE_REGS_ABI_64);
        for (uint64_t i = 0; i < 17; i++)
            add(draft, 200 + i);
    }
    if (type & PERF_SAMPLE_STACK_USER) {
        add(draft, 32);
        for (uint64_t i = 0; i < 4; i++)
            add(draft, 300 + i);
        add(draft, 24);
    }
    return draft->count - 1;
}

static void check_sample(const struct rts_record *record, uint64_t type)
{
    const struct rts_sample *sample = &record->sample;
    assert_int_equal(record->kind, RTS_RECORD_SAMPLE);
    assert_int_equal(record->id, type & (PERF_SAMPLE_IDENTIFIER | PERF_SAMPLE_ID) ? 101 : 0);
    assert_int_equal(sample->ip, type & PERF_SAMPLE_IP ? 102 : 0);
    assert_int_equal(record->pid, type & PERF_SAMPLE_TID ? 103 : -1);
    assert_int_equal(record->tid, type & PERF_SAMPLE_TID ? 104 : -1);
    assert_int_equal(record->time, type & PERF_SAMPLE_TIME ? 105 : 0);
    assert_int_equal(record->cpu, type & PERF_SAMPLE_CPU ? 108 : 0);
    if (type & PERF_SAMPLE_CALLCHAIN) {
        assert_int_equal(sample->callchain_size, 3);
        assert_int_equal(sample->callchain[0], (uint64_t)PERF_CONTEXT_USER);
        assert_int_equal(sample->callchain[2], 112);
    } else {
        assert_null(sample->callchain);
    }
    if (type & PERF_SAMPLE_REGS_USER) {
        assert_int_equal(sample->register_abi, PERF_SAMPLE_REGS_ABI_64);
        for (uint64_t i = 0; i < 17; i++)
            assert_int_equal(sample->registers[i], 200 + i);
    } else {
        assert_null(sample->registers);
    }
    if (type & PERF_SAMPLE_STACK_USER) {
        uint64_t words[3];
        assert_int_equal(sample->stack_asked, 32);
        assert_int_equal(sample->stack_size, 24);
        memcpy(words, sample->stack, sizeof words);
        for (uint64_t i = 0; i < 3; i++)
            assert_int_equal(words[i], 300 + i);
    } else {
        assert_null(sample->stack);
    }
}

static void test_samples_of_every_type(void **state)
{
    (void)state;
    for (unsigned combination = 0; combination < 1 << SAMPLE_BITS; combination++) {
        struct rts_record_layout layout = {
            .sample_type = sample_type(combination),
            .user_registers = REGISTERS,
            .sample_id_all = true,
        };
        for (int with_id = 0; with_id < 2; with_id++) {
            if (with_id)
                layout.sample_type |= PERF_SAMPLE_ID;
            struct draft draft = {.type = PERF_RECORD_SAMPLE, .misc = PERF_RECORD_MISC_USER};
            add_sample(&draft, layout.sample_type);
            struct perf_event_header *header = finish(&draft, draft.count);
            struct rts_record record;
            assert_int_equal(rts_record_decode(header, &layout, &record), 0);
            assert_false(record.sample.kernel_mode);
            check_sample(&record, layout.sample_type);
            assert_int_equal(rts_record_time(header, &layout), record.time);
            header->misc = PERF_RECORD_MISC_KERNEL;
            assert_int_equal(rts_record_decode(header, &layout, &record), 0);
            assert_true(record.sample.kernel_mode);
            free(header);

            for (size_t count = 0; count < draft.count; count++) {
                header = finish(&draft, count);
                assert_int_equal(rts_record_decode(header, &layout, &record), -1);
                rts_record_time(header, &layout);
                free(header);
            }
        }
    }
}

static int decode_draft(const struct draft *draft, const struct rts_record_layout *layout)
{
    struct perf_event_header *header = finish(draft, draft->count);
    struct rts_record record;
    int result = rts_record_decode(header, layout, &record);
    free(header);
    return result;
}

static void test_sample_with_hostile_sizes(void **state)
{
    (void)state;
    static const uint64_t sizes[] = {
        25, 31, 33, 40, 1ULL << 32, 1ULL << 61, 1ULL << 63, UINT64_MAX - 7, UINT64_MAX};
    struct rts_record_layout layout = {
        .sample_type = PERF_SAMPLE_CALLCHAIN | PERF_SAMPLE_REGS_USER | PERF_SAMPLE_STACK_USER,
        .user_registers = REGISTERS,
    };
    struct draft good = {.type = PERF_RECORD_SAMPLE};
    size_t dynamic_size = add_sample(&good, layout.sample_type);
    size_t stack_size = dynamic_size - 5, chain_size = 0;
    assert_int_equal(decode_draft(&good, &layout), 0);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct draft draft = good;
        draft.words[stack_size] = sizes[i];
        assert_int_equal(decode_draft(&draft, &layout), -1);
        draft = good;
        draft.words[chain_size] = sizes[i];
        assert_int_equal(decode_draft(&draft, &layout), -1);
        draft = good;
        draft.words[dynamic_size] = sizes[i] == 25 || sizes[i] == 31 ? 33 : sizes[i];
        assert_int_equal(decode_draft(&draft, &layout), -1);
    }
    struct draft draft = good;
    draft.words[dynamic_size] = 32;
    assert_int_equal(decode_draft(&draft, &layout), 0);
    draft.words[dynamic_size] = 0;
    assert_int_equal(decode_draft(&draft, &layout), 0);
}

/* Without a user side the kernel writes neither registers nor a stack. */
static void test_sample_without_user_side(void **state)
{
    (void)state;
    struct rts_record_layout layout = {
        .sample_type = PERF_SAMPLE_REGS_USER | PERF_SAMPLE_STACK_USER,
        .user_registers = REGISTERS,
    };
    struct draft draft = {.type = PERF_RECORD_SAMPLE};
    add(&draft, PERF_SAMPLE_REGS_ABI_NONE);
    add(&draft, 0);
    struct perf_event_header *header = finish(&draft, draft.count);
    struct rts_record record;
    assert_int_equal(rts_record_decode(header, &layout, &record), 0);
    assert_null(record.sample.registers);
    assert_null(record.sample.stack);
    assert_int_equal(record.sample.stack_size, 0);
    free(header);
}

/* Words that a counter's values take in a sample: perf_event_open(2), "PERF_SAMPLE_READ". */
static void add_read(struct draft *draft, uint64_t format)
{
    bool has_id = format & PERF_FORMAT_ID;
    unsigned counters = format & PERF_FORMAT_GROUP ? 3 : 1;
    unsigned times = (format & PERF_FORMAT_TOTAL_TIME_ENABLED ? 1 : 0) +
                     (format & PERF_FORMAT_TOTAL_TIME_RUNNING ? 1 : 0);
    if (format & PERF_FORMAT_GROUP)
        add(draft, counters);
    for (unsigned i = 0; i < times; i++)
        add(draft, 0xaaaa);
    for (unsigned i = 0; i < counters * (has_id ? 2 : 1); i++)
        add(draft, 0xbbbb);
}

/* Parts that nothing here uses, in front of those that are used, as perf asks for them. */
static void test_sample_with_unused_parts(void **state)
{
    (void)state;
    for (uint64_t format = 0; format < 16; format++) {
        struct rts_record_layout layout = {
            .sample_type = PERF_SAMPLE_IP | PERF_SAMPLE_READ | PERF_SAMPLE_CALLCHAIN |
                           PERF_SAMPLE_RAW | PERF_SAMPLE_BRANCH_STACK | PERF_SAMPLE_REGS_USER,
            .user_registers = 3,
            .read_format = format,
        };
        struct draft draft = {.type = PERF_RECORD_SAMPLE};
        add(&draft, 0x1234);
        add_read(&draft, format);
        add(&draft, 1); /* callchain */
        add(&draft, 0x5678);
        add_pair(&draft, 12, 0); /* raw: 12 bytes, of which 4 lie in this word */
        add(&draft, 0xcccc);
        add(&draft, 2); /* branches: from, to, flags each */
        for (int i = 0; i < 6; i++)
            add(&draft, 0xdddd);
        size_t registers_at = draft.count;
        add(&draft, PERF_SAMPLE_REGS_ABI_64);
        add(&draft, 0x9abc);
        add(&draft, 0xdef0);

        struct rts_record record;
        struct perf_event_header *header = finish(&draft, draft.count);
        assert_int_equal(rts_record_decode(header, &layout, &record), 0);
        assert_int_equal(record.sample.callchain[0], 0x5678);
        assert_int_equal(record.sample.registers[0], 0x9abc);
        assert_int_equal(record.sample.registers[1], 0xdef0);
        free(header);
        for (size_t size = 0; size <= registers_at; size++) {
            header = finish(&draft, size);
            assert_int_equal(rts_record_decode(header, &layout, &record), -1);
            free(header);
        }
    }
}

static void test_cgroup(void **state)
{
    (void)state;
    const uint64_t behind =
        PERF_SAMPLE_WEIGHT | PERF_SAMPLE_DATA_SRC | PERF_SAMPLE_TRANSACTION | PERF_SAMPLE_PHYS_ADDR;
    for (int more = 0; more < 2; more++) {
        struct rts_record_layout layout = {.sample_type = PERF_SAMPLE_IP | PERF_SAMPLE_CGROUP |
                                                          (more ? behind : 0)};
        struct draft draft = {.type = PERF_RECORD_SAMPLE};
        add(&draft, 0x1234);
        for (int i = 0; more && i < 4; i++)
            add(&draft, 0xcccc);
        add(&draft, 0x100000abcULL);
        struct rts_record record;
        struct perf_event_header *header = finish(&draft, draft.count);
        assert_int_equal(rts_record_decode(header, &layout, &record), 0);
        assert_int_equal(record.sample.cgroup, 0x100000abcULL);
        free(header);
        header = finish(&draft, draft.count - 1);
        assert_int_equal(rts_record_decode(header, &layout, &record), -1);
        free(header);
    }
}

static void test_cgroup_record(void **state)
{
    (void)state;
    struct rts_record_layout layout = {.sample_type = PERF_SAMPLE_TIME, .sample_id_all = true};
    struct draft draft = {.type = PERF_RECORD_CGROUP};
    add(&draft, 77);
    add_text(&draft, "/docker/something");
    add(&draft, 5); /* the time */
    struct rts_record record;
    struct perf_event_header *header = finish(&draft, draft.count);
    assert_int_equal(rts_record_decode(header, &layout, &record), 0);
    assert_int_equal(record.kind, RTS_RECORD_CGROUP);
    assert_int_equal(record.cgroup.id, 77);
    assert_string_equal(record.cgroup.path, "/docker/something");
    assert_int_equal(record.time, 5);
    free(header);
    for (size_t size = 0; size < draft.count - 1; size++) {
        header = finish(&draft, size);
        assert_int_equal(rts_record_decode(header, &layout, &record), -1);
        free(header);
    }
}

/* Random words under random layouts: nothing is read outside, and pointers stay inside. */
static void test_random_bytes(void **state)
{
    (void)state;
    srandom(20240611);
    for (int round = 0; round < 200000; round++) {
        struct draft draft = {
            .type = (uint32_t)random() % 22,
            .misc = (uint16_t)random(),
            .count = (size_t)random() % 24,
        };
        for (size_t i = 0; i < draft.count; i++)
            draft.words[i] = random() % 3 ? (uint64_t)random() % 40 : (uint64_t)random() << 33;
        struct rts_record_layout layout = {
            .sample_type = sample_type((unsigned)random() % (1 << SAMPLE_BITS)) |
                           (random() % 2 ? PERF_SAMPLE_ID : 0),
            .user_registers = random() % 2 ? REGISTERS : (uint64_t)random() % 16,
            .sample_id_all = random() % 2,
        };
        struct perf_event_header *header = finish(&draft, draft.count);
        struct rts_record record;
        uint64_t time = rts_record_time(header, &layout);
        if (rts_record_decode(header, &layout, &record) == 0) {
            assert_int_equal(time, record.time);
            const char *end = (const char *)header + header->size;
            if (record.kind == RTS_RECORD_SAMPLE && record.sample.stack)
                assert_true((const char *)record.sample.stack + record.sample.stack_size <= end);
            if (record.kind == RTS_RECORD_SAMPLE && record.sample.callchain)
                assert_true(
                    (const char *)(record.sample.callchain + record.sample.callchain_size) <= end);
        }
        free(header);
    }
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_samples_of_every_type),
        cmocka_unit_test(test_sample_with_hostile_sizes),
        cmocka_unit_test(test_sample_without_user_side),
        cmocka_unit_test(test_sample_with_unused_parts),
        cmocka_unit_test(test_cgroup),
        cmocka_unit_test(test_cgroup_record),
        cmocka_unit_test(test_random_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
