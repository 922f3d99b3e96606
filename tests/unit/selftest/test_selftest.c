/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every form of the self-test: its process is stopped by ptrace, and its stack unwound. It has to be
 * right by each of the unwinders, and wrong by one that finds all it loads eight bytes too far out.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../suite.h"
#include "../unwind/own_code.h"
#include "capture/ptrace_state.h"
#include "selftest/judge.h"
#include "selftest/subject.h"
#include "util/clock.h"

#define STACK_BYTES 65536
#define ROUNDS      5
#define SETTLES_NS  ((uint64_t)5 * RTS_NS_PER_MS)

static struct rts_subject subject;
static uint8_t stack_bytes[STACK_BYTES];

static int take_bias(struct dl_phdr_info *info, size_t size, void *bias)
{
    (void)size;
    *(uint64_t *)bias = info->dlpi_addr;
    return 1;
}

static uint64_t own_bias(void)
{
    uint64_t bias = 0;
    dl_iterate_phdr(take_bias, &bias);
    return bias;
}

/* By CPU time: the machine may be busy. */
static void let_it_settle(enum rts_form form)
{
    while (rts_subject_settled_ns(&subject, form) == 0)
        usleep(1000);
    const uint64_t used_ns = rts_subject_cpu_ns(&subject);
    while (rts_subject_cpu_ns(&subject) < used_ns + SETTLES_NS)
        usleep(1000);
}

/* Stops it, and takes registers and stack. */
static void take_state(struct rts_registers *registers, struct rts_memory *memory)
{
    const struct rts_architecture *arch = rts_architecture_native();
    struct rts_ptrace_state stopped = {.stack = stack_bytes};
    struct rts_ptrace_reader reader = {
        .proc = {.root = "/proc"}, .pid = (int32_t)subject.pid, .direct = true};
    int status;
    assert_int_equal(ptrace(PTRACE_ATTACH, subject.pid, NULL, NULL), 0);
    assert_int_equal(waitpid(subject.pid, &status, __WALL), subject.pid);
    assert_true(rts_ptrace_state_read((int32_t)subject.pid, arch->perf_registers, &stopped));
    rts_ptrace_state_read_stack(&reader, (int32_t)subject.pid, STACK_BYTES, &stopped);
    ptrace(PTRACE_DETACH, subject.pid, NULL, NULL);
    rts_registers_from_perf(arch, arch->perf_registers, stopped.registers, false, registers);
    *memory = (struct rts_memory){
        .address = stopped.sp, .bytes = stack_bytes, .size = stopped.stack_size};
    assert_true(memory->size > 0);
}

static void check_form(struct own_code *own, enum rts_form form)
{
    struct rts_registers registers;
    struct rts_memory memory;
    let_it_settle(form);
    take_state(&registers, &memory);
    const struct rts_unwind_method *methods[] = {&rts_unwind_rules, &rts_unwind_libunwind};
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        own_code_unwind_by(own, methods[i], &registers, &memory);
        const char *wrong = rts_selftest_judge(form, own_bias(), own->stack);
        if (wrong)
            print_message("%s by %s: %s, %u frames, %s\n", rts_form_name(form), methods[i]->name,
                          wrong, own->stack->count, rts_stop_name(own->stack->stop));
        assert_null(wrong);
        /* What is loaded comes from eight bytes further out. */
        struct rts_memory off = memory;
        off.address -= 8;
        own_code_unwind_by(own, methods[i], &registers, &off);
        assert_non_null(rts_selftest_judge(form, own_bias(), own->stack));
    }
}

static void every_form_is_known(void **state)
{
    (void)state;
    struct rts_error error;
    const struct rts_origin origin = {.known = true, .dumpable = 1};
    struct own_code own;
    own_code_init(&own);
    assert_int_equal(rts_subject_start(&subject, &origin, &error), 0);
    for (int round = 0; round < ROUNDS; round++)
        for (int form = 0; form < RTS_FORM_COUNT; form++) {
            rts_subject_run(&subject, form);
            check_form(&own, form);
        }
    rts_subject_end(&subject);
    assert_int_equal(subject.pid, 0);
    own_code_finish(&own);
}

static void counts_forms_that_failed(void **state)
{
    (void)state;
    struct rts_selftest_facts facts = {0};
    assert_int_equal(rts_selftest_failed(&facts), 0);
    facts.forms[RTS_FORM_DEEP].failed[RTS_SELFTEST_RULES] = 3;
    facts.forms[RTS_FORM_DEEP].failed[RTS_SELFTEST_LIBUNWIND] = 1;
    facts.forms[RTS_FORM_VDSO].failed[RTS_SELFTEST_LIBUNWIND] = 1;
    assert_int_equal(rts_selftest_failed(&facts), 2);
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_form_is_known),
        cmocka_unit_test(counts_forms_that_failed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
