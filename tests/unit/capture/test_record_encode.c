/* SPDX-License-Identifier: Apache-2.0 */
/* What is encoded decodes to the same again: the decoder, checked against the kernel's own records
 * in other tests, is the oracle. perf's view of it is tests/e2e/record.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../suite.h"
#include "capture/attr.h"
#include "capture/record_encode.h"

#define CHAINS_TYPE (RTS_ATTR_COMMON_TYPE | PERF_SAMPLE_CALLCHAIN)

static const struct rts_record_layout chains = {
    .sample_type = CHAINS_TYPE,
    .sample_id_all = true,
};

/* What ptrace writes: stacks, or chains beside registers. */
static const struct rts_record_layout bare_stacks = {
    .sample_type = RTS_ATTR_COMMON_TYPE | PERF_SAMPLE_REGS_USER | PERF_SAMPLE_STACK_USER,
    .user_registers = 0x7,
    .sample_id_all = true,
};

static const struct rts_record_layout chains_and_registers = {
    .sample_type = CHAINS_TYPE | PERF_SAMPLE_REGS_USER,
    .user_registers = 0x7,
    .sample_id_all = true,
};

static const struct rts_record_layout stacks = {
    .sample_type = CHAINS_TYPE | PERF_SAMPLE_REGS_USER | PERF_SAMPLE_STACK_USER,
    .user_registers = 0x1ff,
    .sample_id_all = true,
};

/* Encodes and decodes; `out` holds what the result points to. */
static struct rts_record again(const struct rts_record *record,
                               const struct rts_record_layout *layout, struct rts_buffer *out)
{
    assert_true(rts_record_encode(record, layout, out));
    const struct perf_event_header *header = (const void *)out->data;
    assert_int_equal(header->size, out->size);
    assert_int_equal(out->size % 8, 0);
    struct rts_record decoded;
    assert_int_equal(rts_record_decode(header, layout, &decoded), 0);
    assert_int_equal(decoded.kind, record->kind);
    assert_int_equal(decoded.pid, record->pid);
    assert_int_equal(decoded.tid, record->tid);
    assert_true(decoded.time == record->time);
    assert_true(decoded.time == rts_record_time(header, layout));
    assert_int_equal(decoded.cpu, record->cpu);
    assert_true(decoded.id == record->id);
    return decoded;
}

static struct rts_record base(enum rts_record_kind kind)
{
    return (struct rts_record){
        .kind = kind,
        .pid = 100,
        .tid = 101,
        .time = 123456789012345,
        .cpu = 3,
        .id = 1,
    };
}

static void test_mappings(void **state)
{
    (void)state;
    static const char *const paths[] = {"/usr/lib/libc.so.6", "", "1234567", "12345678", "//anon"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        struct rts_record record = base(RTS_RECORD_MMAP);
        record.mmap = (struct rts_mmap_record){
            .start = 0x7f0000001000,
            .size = 0x2000,
            .offset = 0x3000,
            .has_identity = true,
            .major = 8,
            .minor = 1,
            .inode = 0x123456789,
            .executable = true,
            .path = paths[i],
        };
        struct rts_buffer out = RTS_BUFFER_INIT;
        struct rts_record decoded = again(&record, &chains, &out);
        assert_true(decoded.mmap.start == record.mmap.start);
        assert_true(decoded.mmap.size == record.mmap.size);
        assert_true(decoded.mmap.offset == record.mmap.offset);
        assert_int_equal(decoded.mmap.major, 8);
        assert_int_equal(decoded.mmap.minor, 1);
        assert_true(decoded.mmap.inode == record.mmap.inode);
        assert_true(decoded.mmap.executable);
        assert_string_equal(decoded.mmap.path, paths[i]);
        rts_buffer_finish(&out);
    }
}

static void test_names_and_tasks(void **state)
{
    (void)state;
    struct rts_buffer out = RTS_BUFFER_INIT;
    struct rts_record record = base(RTS_RECORD_COMM);
    record.comm.name = "fifteen_letters";
    record.comm.exec = true;
    struct rts_record decoded = again(&record, &chains, &out);
    assert_string_equal(decoded.comm.name, "fifteen_letters");
    assert_true(decoded.comm.exec);
    static const enum rts_record_kind kinds[] = {RTS_RECORD_FORK, RTS_RECORD_EXIT};
    for (size_t i = 0; i < 2; i++) {
        rts_buffer_clear(&out);
        record = base(kinds[i]);
        record.task.parent_pid = 77;
        record.task.parent_tid = 78;
        decoded = again(&record, &chains, &out);
        assert_int_equal(decoded.task.parent_pid, 77);
        assert_int_equal(decoded.task.parent_tid, 78);
    }
    rts_buffer_finish(&out);
}

static void test_samples(void **state)
{
    (void)state;
    static const uint64_t chain[] = {(uint64_t)PERF_CONTEXT_USER, 0x401000, 0x402000};
    for (int kernel = 0; kernel < 2; kernel++) {
        struct rts_buffer out = RTS_BUFFER_INIT;
        struct rts_record record = base(RTS_RECORD_SAMPLE);
        record.sample.ip = 0x401000;
        record.sample.kernel_mode = kernel;
        record.sample.callchain = chain;
        record.sample.callchain_size = 3;
        struct rts_record decoded = again(&record, &chains, &out);
        assert_true(decoded.sample.ip == 0x401000);
        assert_int_equal(decoded.sample.kernel_mode, kernel);
        assert_int_equal(decoded.sample.callchain_size, 3);
        assert_memory_equal(decoded.sample.callchain, chain, sizeof chain);
        rts_buffer_finish(&out);
    }
}

static void check_stack(size_t asked, size_t copied, size_t expected)
{
    static const uint64_t registers[9] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
    uint8_t *stack = calloc(1, asked + 1);
    assert_non_null(stack);
    memset(stack, 0xa5, copied);
    struct rts_buffer out = RTS_BUFFER_INIT;
    struct rts_record record = base(RTS_RECORD_SAMPLE);
    record.sample.register_abi = PERF_SAMPLE_REGS_ABI_64;
    record.sample.registers = registers;
    record.sample.stack = stack;
    record.sample.stack_asked = asked;
    record.sample.stack_size = copied;
    struct rts_record decoded = again(&record, &stacks, &out);
    assert_int_equal(decoded.sample.register_abi, PERF_SAMPLE_REGS_ABI_64);
    assert_memory_equal(decoded.sample.registers, registers, sizeof registers);
    assert_int_equal(decoded.sample.stack_size, expected);
    if (expected)
        assert_memory_equal(decoded.sample.stack, stack, expected);
    rts_buffer_finish(&out);
    free(stack);
}

static void test_registers_and_stacks(void **state)
{
    (void)state;
    check_stack(0, 0, 0);
    check_stack(8192, 8192, 8192);
    check_stack(8192, 17, 17);
    /* Longer than a record: cut. 7 words of head, 10 of registers, 2 of sizes. */
    check_stack(65528, 65528, 65528 - 19 * 8);
    check_stack(65528, 1000, 1000);
}

static void test_sample_without_a_user_side(void **state)
{
    (void)state;
    struct rts_buffer out = RTS_BUFFER_INIT;
    struct rts_record record = base(RTS_RECORD_SAMPLE);
    struct rts_record decoded = again(&record, &stacks, &out);
    assert_null(decoded.sample.registers);
    assert_int_equal(decoded.sample.stack_size, 0);
    rts_buffer_finish(&out);
}

static void test_the_layouts_of_ptrace(void **state)
{
    (void)state;
    static const uint64_t registers[] = {11, 22, 33};
    static const uint64_t chain[] = {(uint64_t)PERF_CONTEXT_USER, 5, 6};
    static const uint8_t stack[16] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
    struct rts_buffer out = RTS_BUFFER_INIT;
    struct rts_record record = base(RTS_RECORD_SAMPLE);
    record.sample = (struct rts_sample){
        .ip = 0x1234,
        .kernel_mode = true,
        .register_abi = PERF_SAMPLE_REGS_ABI_32,
        .registers = registers,
        .stack = stack,
        .stack_size = 11,
        .stack_asked = 16,
        .callchain = chain,
        .callchain_size = 3,
    };
    struct rts_record decoded = again(&record, &bare_stacks, &out);
    assert_int_equal(decoded.sample.ip, 0x1234);
    assert_true(decoded.sample.kernel_mode);
    assert_int_equal(decoded.sample.register_abi, PERF_SAMPLE_REGS_ABI_32);
    assert_memory_equal(decoded.sample.registers, registers, sizeof registers);
    assert_null(decoded.sample.callchain);
    assert_int_equal(decoded.sample.stack_size, 11);
    assert_int_equal(decoded.sample.stack_asked, 16);
    assert_memory_equal(decoded.sample.stack, stack, sizeof stack);
    rts_buffer_clear(&out);
    decoded = again(&record, &chains_and_registers, &out);
    assert_memory_equal(decoded.sample.registers, registers, sizeof registers);
    assert_null(decoded.sample.stack);
    assert_int_equal(decoded.sample.callchain_size, 3);
    assert_memory_equal(decoded.sample.callchain, chain, sizeof chain);
    rts_buffer_finish(&out);
}

static void test_the_largest_stack(void **state)
{
    (void)state;
    struct rts_record_layout layout = bare_stacks;
    static const uint64_t registers[64];
    static uint8_t stack[RTS_RECORD_STACK_MAX];
    struct rts_buffer out = RTS_BUFFER_INIT;
    struct rts_record record = base(RTS_RECORD_SAMPLE);
    layout.user_registers = UINT64_MAX;
    stack[sizeof stack - 1] = 77;
    record.sample.register_abi = PERF_SAMPLE_REGS_ABI_64;
    record.sample.registers = registers;
    record.sample.stack = stack;
    record.sample.stack_size = record.sample.stack_asked = sizeof stack;
    struct rts_record decoded = again(&record, &layout, &out);
    assert_int_equal(decoded.sample.stack_size, RTS_RECORD_STACK_MAX);
    assert_int_equal(decoded.sample.stack[sizeof stack - 1], 77);
    rts_buffer_finish(&out);
}

static void test_losses_and_no_trailer(void **state)
{
    (void)state;
    struct rts_buffer out = RTS_BUFFER_INIT;
    struct rts_record record = base(RTS_RECORD_LOST), decoded;
    record.lost.records = 17;
    assert_int_equal(again(&record, &bare_stacks, &out).lost.records, 17);
    rts_buffer_clear(&out);
    struct rts_record_layout layout = bare_stacks;
    layout.sample_id_all = false;
    record = base(RTS_RECORD_COMM);
    record.comm.name = "seven77"; /* with its NUL a whole word */
    assert_true(rts_record_encode(&record, &layout, &out));
    const struct perf_event_header *header = (const void *)out.data;
    assert_int_equal(header->size, 8 + 8 + 8);
    assert_int_equal(rts_record_decode(header, &layout, &decoded), 0);
    assert_string_equal(decoded.comm.name, "seven77");
    assert_true(decoded.time == 0);
    rts_buffer_finish(&out);
}

static void test_what_does_not_fit(void **state)
{
    (void)state;
    static const uint64_t chain[8192];
    struct rts_buffer out = RTS_BUFFER_INIT;
    struct rts_record record = base(RTS_RECORD_SAMPLE);
    record.sample.callchain = chain;
    record.sample.callchain_size = 8192;
    assert_false(rts_record_encode(&record, &stacks, &out));
    record = base(RTS_RECORD_THROTTLE);
    assert_false(rts_record_encode(&record, &stacks, &out));
    assert_int_equal(out.size, 0);

    char path[5000];
    memset(path, 'x', sizeof path - 1);
    path[sizeof path - 1] = '\0';
    record = base(RTS_RECORD_MMAP);
    record.mmap.path = path;
    struct rts_record decoded = again(&record, &chains, &out);
    assert_int_equal(strlen(decoded.mmap.path), 4096);
    rts_buffer_finish(&out);
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mappings),
        cmocka_unit_test(test_names_and_tasks),
        cmocka_unit_test(test_samples),
        cmocka_unit_test(test_registers_and_stacks),
        cmocka_unit_test(test_sample_without_a_user_side),
        cmocka_unit_test(test_the_layouts_of_ptrace),
        cmocka_unit_test(test_the_largest_stack),
        cmocka_unit_test(test_losses_and_no_trailer),
        cmocka_unit_test(test_what_does_not_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
