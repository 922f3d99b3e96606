/* SPDX-License-Identifier: Apache-2.0 */
/*
 * This program unwinds itself, from its own registers over a copy of its own stack, and compares
 * what comes out with what the compiler's runtime (_Unwind_Backtrace) finds at the same moment.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <linux/perf_event.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unwind.h>

#include "../suite.h"
#include "own_code.h"

#define STACK_MAX ((size_t)1 << 20)
#define DEPTH_MAX 1024

/* What was seen at one moment, by both. */
struct moment {
    struct rts_registers registers;
    uint8_t *bytes;
    size_t size;
    struct {
        uint64_t pc;
        bool exact; /* execution is at the pc; else it is a return address */
    } expected[DEPTH_MAX];
    size_t count;
};

static struct moment moment;

static _Unwind_Reason_Code take_expected(struct _Unwind_Context *context, void *argument)
{
    (void)argument;
    int exact = 0;
    uint64_t pc = _Unwind_GetIPInfo(context, &exact);
    if (pc == 0 || moment.count == DEPTH_MAX)
        return _URC_END_OF_STACK;
    moment.expected[moment.count].pc = pc;
    moment.expected[moment.count++].exact = exact;
    return _URC_NO_REASON;
}

#if defined __x86_64__

#define BREAKPOINT() __asm__ volatile("int3" ::: "memory")

static void take_registers(const ucontext_t *context)
{
    static const struct {
        int from, to;
    } order[] = {
        {REG_RAX, 0},  {REG_RDX, 1},  {REG_RCX, 2},  {REG_RBX, 3},  {REG_RSI, 4},  {REG_RDI, 5},
        {REG_RBP, 6},  {REG_RSP, 7},  {REG_R8, 8},   {REG_R9, 9},   {REG_R10, 10}, {REG_R11, 11},
        {REG_R12, 12}, {REG_R13, 13}, {REG_R14, 14}, {REG_R15, 15}, {REG_RIP, 16},
    };
    for (size_t i = 0; i < sizeof order / sizeof *order; i++)
        rts_register_set(&moment.registers, (unsigned)order[i].to,
                         (uint64_t)context->uc_mcontext.gregs[order[i].from]);
}

#elif defined __aarch64__

#define BREAKPOINT() raise(SIGTRAP)

static void take_registers(const ucontext_t *context)
{
    for (unsigned i = 0; i < 31; i++)
        rts_register_set(&moment.registers, i, context->uc_mcontext.regs[i]);
    rts_register_set(&moment.registers, 31, context->uc_mcontext.sp);
    rts_register_set(&moment.registers, 32, context->uc_mcontext.pc);
}

#endif

static uint64_t stack_pointer(void)
{
    return moment.registers.value[rts_architecture_native()->stack_pointer];
}

/* Takes the moment: registers and stack of this very frame, then the runtime's view of it. The
 * stack is read through /proc, where no sanitizer looks over our shoulder. */
static __attribute__((noinline)) void take_moment(void)
{
    ucontext_t context;
    assert_int_equal(getcontext(&context), 0);
    moment.registers.known = 0;
    take_registers(&context);
    int memory = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
    ssize_t size = pread(memory, moment.bytes, STACK_MAX, (off_t)stack_pointer());
    close(memory);
    assert_true(size > 0);
    moment.size = (size_t)size;
    moment.count = 0;
    _Unwind_Backtrace(take_expected, NULL);
}

static void unwind(struct own_code *own, const struct rts_unwind_method *method, size_t size)
{
    /* Exactly these bytes, so that a sanitizer sees what is read outside. */
    uint8_t *bytes = malloc(size);
    assert_non_null(bytes);
    memcpy(bytes, moment.bytes, size);
    struct rts_memory memory = {.address = stack_pointer(), .bytes = bytes, .size = size};
    own_code_unwind_by(own, method, &moment.registers, &memory);
    free(bytes);
}

static void check_frames(const struct rts_stack *stack)
{
    /* The leaf is the same function at another instruction. */
    for (uint32_t i = 1; i < stack->count; i++) {
        uint64_t ours = own_code_address(&stack->frames[i]);
        uint64_t theirs = moment.expected[i].pc;
        if (ours != theirs) /* a signal trampoline is looked up by its pc */
            assert_int_equal(ours, moment.expected[i].exact ? theirs : theirs - 1);
        assert_int_equal(stack->frames[i].unwinder, RTS_UNWINDER_CFI);
        assert_int_equal(stack->kinds[i], RTS_CODE_OBJECT);
    }
    assert_int_equal(stack->frames[0].unwinder, RTS_UNWINDER_REGISTERS);
}

/* The whole stack, then every shorter copy: it must give the first frames, and say why it ends. */
static void check_moment_by(const struct rts_unwind_method *method, bool other_stack)
{
    struct own_code own;
    own_code_init(&own);
    unwind(&own, method, moment.size);
    assert_int_equal(own.stack->stop, other_stack ? RTS_STOP_ALT_STACK : RTS_STOP_COMPLETE);
    if (!other_stack)
        assert_int_equal(own.stack->count, moment.count);
    assert_in_range(own.stack->count, 3, moment.count);
    check_frames(own.stack);
    uint32_t last = own.stack->count;
    size_t step = moment.size > 8192 ? moment.size / 512 : 8;
    for (size_t size = moment.size; size > step; size -= step) {
        unwind(&own, method, size);
        assert_in_range(own.stack->count, 1, last);
        last = own.stack->count;
        check_frames(own.stack);
        if (own.stack->stop != RTS_STOP_COMPLETE && own.stack->stop != RTS_STOP_ALT_STACK)
            assert_int_equal(own.stack->stop, RTS_STOP_STACK_SHORT);
    }
    unwind(&own, method, 0);
    assert_int_equal(own.stack->stop, RTS_STOP_NO_STACK);
    assert_int_equal(own.stack->count, 1);
    own_code_finish(&own);
}

static void check_moment(bool other_stack)
{
    check_moment_by(&rts_unwind_rules, other_stack);
    check_moment_by(&rts_unwind_libunwind, other_stack);
}

static __attribute__((noinline)) int nest(int depth)
{
    volatile char some[40] = {(char)depth};
    if (depth == 0)
        take_moment();
    return depth == 0 ? some[0] : nest(depth - 1) + some[0];
}

static void test_nested(void **state)
{
    (void)state;
    nest(200);
    assert_true(moment.count > 200);
    check_moment(false);
}

/* Frames whose size the compiler does not know: found through the frame pointer. */
static __attribute__((noinline)) size_t nest_variable(size_t depth, size_t size)
{
    volatile char some[size];
    some[0] = 1;
    if (depth == 0)
        take_moment();
    else
        nest_variable(depth - 1, size + 24);
    return (size_t)some[0];
}

static void test_variable_frames(void **state)
{
    (void)state;
    nest_variable(20, 10);
    check_moment(false);
}

static int compare(const void *left, const void *right)
{
    int a = *(const int *)left, b = *(const int *)right;
    if (moment.count == 0)
        take_moment();
    return (a > b) - (a < b);
}

static void test_through_qsort(void **state)
{
    (void)state;
    int numbers[] = {5, 3, 9, 1, 7};
    moment.count = 0;
    qsort(numbers, 5, sizeof *numbers, compare);
    check_moment(false);
}

static void on_signal(int number)
{
    (void)number;
    nest(3);
}

static void handle(int number, int flags)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = flags};
    assert_int_equal(sigaction(number, &action, NULL), 0);
}

static void test_through_a_signal_handler(void **state)
{
    (void)state;
    handle(SIGUSR1, 0);
    raise(SIGUSR1);
    check_moment(false);
}

/* The signal hits at the first instruction of a function that was reached by a call. */
static void test_through_a_fault(void **state)
{
    (void)state;
    handle(SIGTRAP, 0);
    BREAKPOINT();
    check_moment(false);
}

/* The handler has a stack of its own: what was interrupted lies on one that was not copied. */
static void test_through_an_alternate_stack(void **state)
{
    (void)state;
    size_t size = 256 << 10;
    /* With unmapped pages around it, so that the copy ends with it. */
    uint8_t *area = mmap(NULL, size + 8192, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(area != MAP_FAILED);
    assert_int_equal(mprotect(area + 4096, size, PROT_READ | PROT_WRITE), 0);
    stack_t old, alternate = {.ss_sp = area + 4096, .ss_size = size};
    assert_int_equal(sigaltstack(&alternate, &old), 0);
    handle(SIGUSR2, SA_ONSTACK);
    raise(SIGUSR2);
    check_moment(true);
    assert_int_equal(sigaltstack(&old, NULL), 0);
    munmap(area, size + 8192);
}

static void *thread_main(void *argument)
{
    nest(5);
    return argument;
}

static void test_through_a_thread(void **state)
{
    (void)state;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, thread_main, NULL), 0);
    pthread_join(thread, NULL);
    check_moment(false);
}

/* Deeper than anybody reads. */
static void test_too_deep(void **state)
{
    (void)state;
    struct own_code own;
    own_code_init(&own);
    nest(3000);
    unwind(&own, &rts_unwind_rules, moment.size);
    assert_int_equal(own.stack->stop, RTS_STOP_DEPTH);
    assert_int_equal(own.stack->count, RTS_STACK_DEPTH_MAX);
    own_code_finish(&own);
}

/* The kernel's callchain is taken as it is: markers skipped, kernel part left out. */
static void test_chain(void **state)
{
    (void)state;
    struct own_code own;
    own_code_init(&own);
    nest(10);
    uint64_t chain[DEPTH_MAX + 8];
    size_t length = 0;
    chain[length++] = (uint64_t)PERF_CONTEXT_KERNEL;
    chain[length++] = 0xffffffff81000000;
    chain[length++] = (uint64_t)PERF_CONTEXT_USER;
    for (size_t i = 0; i < moment.count; i++)
        chain[length++] = moment.expected[i].pc;
    rts_unwind_chain(own.rules, &own.finder, chain, length, own.stack);
    assert_int_equal(own.stack->stop, RTS_STOP_COMPLETE);
    assert_int_equal(own.stack->count, moment.count);
    for (size_t i = 1; i < moment.count; i++) {
        assert_int_equal(own_code_address(&own.stack->frames[i]), moment.expected[i].pc - 1);
        assert_int_equal(own.stack->frames[i].unwinder, RTS_UNWINDER_FRAME_POINTER);
    }
    assert_int_equal(own_code_address(&own.stack->frames[0]), moment.expected[0].pc);

    rts_unwind_chain(own.rules, &own.finder, chain, length - 1, own.stack);
    assert_int_equal(own.stack->stop, RTS_STOP_BROKEN_CHAIN);
    chain[5] = 0x10; /* no code */
    rts_unwind_chain(own.rules, &own.finder, chain, length, own.stack);
    assert_int_equal(own.stack->stop, RTS_STOP_BROKEN_CHAIN);
    assert_int_equal(own.stack->count, 2);
    rts_unwind_chain(own.rules, &own.finder, chain, 2, own.stack); /* only the kernel's part */
    assert_int_equal(own.stack->count, 0);
    rts_unwind_chain(own.rules, &own.finder, NULL, 0, own.stack);
    assert_int_equal(own.stack->count, 0);
    own_code_finish(&own);
}

static void test_chain_of_hostile_length(void **state)
{
    (void)state;
    struct own_code own;
    own_code_init(&own);
    size_t length = 3 * RTS_STACK_DEPTH_MAX;
    uint64_t *chain = malloc(length * sizeof *chain);
    for (size_t i = 0; i < length; i++)
        chain[i] = (uint64_t)(uintptr_t)nest + 1;
    rts_unwind_chain(own.rules, &own.finder, chain, length, own.stack);
    assert_int_equal(own.stack->stop, RTS_STOP_DEPTH);
    assert_int_equal(own.stack->count, RTS_STACK_DEPTH_MAX);
    free(chain);
    own_code_finish(&own);
}

static void test_leaf(void **state)
{
    (void)state;
    struct own_code own;
    own_code_init(&own);
    uint64_t pc = (uint64_t)(uintptr_t)nest;
    rts_unwind_leaf(&own.finder, pc, RTS_STOP_NOT_TAKEN, own.stack);
    assert_int_equal(own.stack->stop, RTS_STOP_NOT_TAKEN);
    assert_int_equal(own.stack->count, 1);
    assert_int_equal(own_code_address(&own.stack->frames[0]), pc);
    rts_unwind_leaf(&own.finder, 0x10, RTS_STOP_ABI, own.stack);
    assert_int_equal(own.stack->stop, RTS_STOP_ABI);
    assert_int_equal(own.stack->kinds[0], RTS_CODE_NONE);
    assert_int_equal(own.stack->frames[0].vaddr, 0x10);
    own_code_finish(&own);
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nested),
        cmocka_unit_test(test_variable_frames),
        cmocka_unit_test(test_through_qsort),
        cmocka_unit_test(test_through_a_signal_handler),
        cmocka_unit_test(test_through_a_fault),
        cmocka_unit_test(test_through_an_alternate_stack),
        cmocka_unit_test(test_through_a_thread),
        cmocka_unit_test(test_too_deep),
        cmocka_unit_test(test_chain),
        cmocka_unit_test(test_chain_of_hostile_length),
        cmocka_unit_test(test_leaf),
    };
    moment.bytes = malloc(STACK_MAX);
    int failures = cmocka_run_group_tests(tests, NULL, NULL);
    free(moment.bytes);
    return failures;
}
