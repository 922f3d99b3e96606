/* SPDX-License-Identifier: Apache-2.0 */
/* What is written is what record.c reads: the decoder, checked against the kernel's own records in
 * other tests, is the oracle. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "capture/attr.h"
#include "capture/record_writer.h"

static const struct rts_record_layout layout = {
    .sample_type = RTS_ATTR_COMMON_TYPE | PERF_SAMPLE_REGS_USER | PERF_SAMPLE_STACK_USER,
    .user_registers = 0x7,
    .sample_id_all = true,
};

static struct rts_record base(enum rts_record_kind kind)
{
    return (struct rts_record){
        .kind = kind, .pid = 41, .tid = 42, .time = 123456789, .cpu = 3, .id = 9};
}

/* Decodes the only record in the buffer. */
static struct rts_record decode(const struct rts_buffer *out,
                                const struct rts_record_layout *expected)
{
    struct rts_record record;
    const struct perf_event_header *header = (const void *)out->data;
    assert_int_equal(header->size, out->size);
    assert_int_equal(rts_record_decode(header, expected, &record), 0);
    assert_int_equal(rts_record_time(header, expected), 123456789);
    assert_int_equal(record.pid, 41);
    assert_int_equal(record.tid, 42);
    assert_int_equal(record.cpu, 3);
    return record;
}

static void test_sample(void **state)
{
    (void)state;
    static const uint64_t registers[] = {11, 22, 33};
    static const uint8_t stack[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
    struct rts_buffer out = RTS_BUFFER_INIT;
    struct rts_record record = base(RTS_RECORD_SAMPLE);
    record.sample = (struct rts_sample){
        .ip = 0x1234,
        .kernel_mode = true,
        .register_abi = PERF_SAMPLE_REGS_ABI_64,
        .registers = registers,
        .stack = stack,
        .stack_size = sizeof stack, /* no multiple of 8 */
    };
    rts_record_write_sample(&out, &layout, &record);
    struct rts_record read = decode(&out, &layout);
    assert_int_equal(read.sample.ip, 0x1234);
    assert_true(read.sample.kernel_mode);
    assert_int_equal(read.sample.register_abi, PERF_SAMPLE_REGS_ABI_64);
    assert_memory_equal(read.sample.registers, registers, sizeof registers);
    assert_int_equal(read.sample.stack_size, sizeof stack);
    assert_memory_equal(read.sample.stack, stack, sizeof stack);
    rts_buffer_finish(&out);
}

static void test_sample_without_stack(void **state)
{
    (void)state;
    static const uint64_t registers[] = {11, 22, 33};
    struct rts_buffer out = RTS_BUFFER_INIT;
    struct rts_record record = base(RTS_RECORD_SAMPLE);
    record.sample.register_abi = PERF_SAMPLE_REGS_ABI_64;
    record.sample.registers = registers;
    rts_record_write_sample(&out, &layout, &record);
    struct rts_record read = decode(&out, &layout);
    assert_false(read.sample.kernel_mode);
    assert_int_equal(read.sample.stack_size, 0);
    rts_buffer_finish(&out);
}

static void test_largest_sample(void **state)
{
    (void)state;
    static const uint64_t registers[] = {11, 22, 33};
    size_t size = RTS_RECORD_STACK_MAX + 4096;
    uint8_t *stack = calloc(1, size);
    struct rts_buffer out = RTS_BUFFER_INIT;
    struct rts_record record = base(RTS_RECORD_SAMPLE);
    assert_non_null(stack);
    stack[RTS_RECORD_STACK_MAX - 1] = 77;
    record.sample = (struct rts_sample){
        .register_abi = PERF_SAMPLE_REGS_ABI_64,
        .registers = registers,
        .stack = stack,
        .stack_size = size,
    };
    rts_record_write_sample(&out, &layout, &record);
    struct rts_record read = decode(&out, &layout);
    assert_int_equal(read.sample.stack_size, RTS_RECORD_STACK_MAX);
    assert_int_equal(read.sample.stack[RTS_RECORD_STACK_MAX - 1], 77);
    rts_buffer_finish(&out);
    free(stack);
}

static void test_callchain(void **state)
{
    (void)state;
    static const uint64_t registers[] = {11, 22, 33};
    static const uint64_t chain[] = {(uint64_t)PERF_CONTEXT_USER, 5, 6};
    struct rts_record_layout with_chain = layout;
    with_chain.sample_type = RTS_ATTR_COMMON_TYPE | PERF_SAMPLE_REGS_USER | PERF_SAMPLE_CALLCHAIN;
    struct rts_buffer out = RTS_BUFFER_INIT;
    struct rts_record record = base(RTS_RECORD_SAMPLE);
    record.sample = (struct rts_sample){
        .register_abi = PERF_SAMPLE_REGS_ABI_64,
        .registers = registers,
        .callchain = chain,
        .callchain_size = 3,
    };
    rts_record_write_sample(&out, &with_chain, &record);
    struct rts_record read = decode(&out, &with_chain);
    assert_int_equal(read.sample.callchain_size, 3);
    assert_memory_equal(read.sample.callchain, chain, sizeof chain);
    rts_buffer_finish(&out);
}

static void test_mmap(void **state)
{
    (void)state;
    struct rts_buffer out = RTS_BUFFER_INIT;
    struct rts_record record = base(RTS_RECORD_MMAP);
    record.mmap = (struct rts_mmap_record){
        .start = 0x7000,
        .size = 0x2000,
        .offset = 0x1000,
        .major = 8,
        .minor = 1,
        .inode = 1234567890123ULL,
        .executable = true,
        .path = "/usr/lib/libexample.so.1",
    };
    rts_record_write_mmap(&out, &layout, &record);
    struct rts_record read = decode(&out, &layout);
    assert_int_equal(read.kind, RTS_RECORD_MMAP);
    assert_int_equal(read.mmap.start, 0x7000);
    assert_int_equal(read.mmap.size, 0x2000);
    assert_int_equal(read.mmap.offset, 0x1000);
    assert_true(read.mmap.has_identity);
    assert_int_equal(read.mmap.major, 8);
    assert_int_equal(read.mmap.minor, 1);
    assert_int_equal(read.mmap.inode, 1234567890123ULL);
    assert_true(read.mmap.executable);
    assert_string_equal(read.mmap.path, "/usr/lib/libexample.so.1");
    rts_buffer_finish(&out);
}

static void test_long_path(void **state)
{
    (void)state;
    char path[9000];
    memset(path, 'x', sizeof path - 1);
    path[sizeof path - 1] = '\0';
    struct rts_buffer out = RTS_BUFFER_INIT;
    struct rts_record record = base(RTS_RECORD_MMAP);
    record.mmap.path = path;
    rts_record_write_mmap(&out, &layout, &record);
    assert_int_equal(strlen(decode(&out, &layout).mmap.path), 4095);
    rts_buffer_finish(&out);
}

static void test_comm_exit_lost(void **state)
{
    (void)state;
    struct rts_buffer out = RTS_BUFFER_INIT;
    struct rts_record record = base(RTS_RECORD_COMM);
    record.comm.name = "seven77"; /* with its NUL a whole word */
    record.comm.exec = true;
    rts_record_write_comm(&out, &layout, &record);
    struct rts_record read = decode(&out, &layout);
    assert_string_equal(read.comm.name, "seven77");
    assert_true(read.comm.exec);
    rts_buffer_clear(&out);

    record = base(RTS_RECORD_EXIT);
    record.task.parent_pid = 7;
    rts_record_write_exit(&out, &layout, &record);
    read = decode(&out, &layout);
    assert_int_equal(read.kind, RTS_RECORD_EXIT);
    assert_int_equal(read.task.parent_pid, 7);
    rts_buffer_clear(&out);

    record = base(RTS_RECORD_LOST);
    record.lost.records = 17;
    rts_record_write_lost(&out, &layout, &record);
    assert_int_equal(decode(&out, &layout).lost.records, 17);
    rts_buffer_finish(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sample),         cmocka_unit_test(test_sample_without_stack),
        cmocka_unit_test(test_largest_sample), cmocka_unit_test(test_callchain),
        cmocka_unit_test(test_mmap),           cmocka_unit_test(test_long_path),
        cmocka_unit_test(test_comm_exit_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
