/* SPDX-License-Identifier: Apache-2.0 */
#include "selftest/selftest.h"

#include <link.h>
#include <stdlib.h>

#include "selftest/judge.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/memory.h"

/* That the round takes less than 0.2 s, we look at it each tenth of a second at worst. */
#define CPU_MAX_NS ((uint64_t)150 * RTS_NS_PER_MS)

/* Of each form; then the next one is run. */
#define SAMPLES_WANTED 2

/* To come back from asking for the time. */
#define SETTLES_NS 1000

static const struct rts_unwind_method *const methods[RTS_SELFTEST_BY_COUNT] = {
    [RTS_SELFTEST_RULES] = &rts_unwind_rules,
    [RTS_SELFTEST_LIBUNWIND] = &rts_unwind_libunwind,
};

/* The first object is the program. */
static int take_bias(struct dl_phdr_info *info, size_t size, void *bias)
{
    (void)size;
    *(uint64_t *)bias = info->dlpi_addr;
    return 1;
}

int rts_selftest_open(struct rts_selftest *test, const struct rts_architecture *arch,
                      struct rts_rule_cache *rules, struct rts_error *error)
{
    *test = (struct rts_selftest){0};
    for (unsigned i = 0; i < RTS_SELFTEST_BY_COUNT; i++)
        if (!(test->states[i] = methods[i]->open(arch, rules, error))) {
            rts_selftest_close(test);
            return -1;
        }
    test->stack = rts_calloc(1, sizeof *test->stack);
    dl_iterate_phdr(take_bias, &test->bias);
    return 0;
}

static void run(struct rts_selftest *test, enum rts_form form)
{
    test->form = form;
    test->samples = 0;
    test->form_cpu_ns = rts_subject_cpu_ns(&test->subject);
    rts_subject_run(&test->subject, form);
}

int rts_selftest_begin(struct rts_selftest *test, const struct rts_origin *origin,
                       struct rts_error *error)
{
    if (rts_subject_start(&test->subject, origin, error) < 0)
        return -1;
    test->facts.rounds++;
    run(test, 0);
    return 0;
}

void rts_selftest_take(struct rts_selftest *test, const struct rts_unwind_task *task, uint64_t time)
{
    const uint64_t settled_ns = rts_subject_settled_ns(&test->subject, test->form);
    struct rts_selftest_form *form = &test->facts.forms[test->form];
    if (settled_ns == 0 || time <= settled_ns + SETTLES_NS)
        return; /* of the form before, or on its way into this one */
    /* Where not even our own program may be looked into, unwinding is not what is tested. */
    const uint64_t pc = task->registers->value[rts_architecture_native()->program_counter];
    if (task->finder->find(task->finder->context, pc).kind != RTS_CODE_OBJECT)
        return;
    test->samples++;
    form->samples++;
    for (unsigned i = 0; i < RTS_SELFTEST_BY_COUNT; i++) {
        methods[i]->unwind(test->states[i], task, test->stack);
        const char *wrong = rts_selftest_judge(test->form, test->bias, test->stack);
        if (wrong && form->failed[i]++ == 0)
            rts_log("self-test: the stack of form %s, unwound by %s, is wrong: %s",
                    rts_form_name(test->form), methods[i]->name, wrong);
    }
}

bool rts_selftest_turn(struct rts_selftest *test)
{
    if (test->subject.pid <= 0)
        return false;
    const uint64_t used_ns = rts_subject_cpu_ns(&test->subject);
    const bool enough = test->samples >= SAMPLES_WANTED ||
                        used_ns - test->form_cpu_ns >= CPU_MAX_NS / RTS_FORM_COUNT;
    if (!enough)
        return true;
    if (test->form + 1 < RTS_FORM_COUNT && used_ns < CPU_MAX_NS) {
        run(test, test->form + 1);
        return true;
    }
    test->facts.cpu_ms += used_ns / (uint64_t)RTS_NS_PER_MS;
    rts_subject_end(&test->subject);
    return false;
}

void rts_selftest_close(struct rts_selftest *test)
{
    rts_subject_end(&test->subject);
    for (unsigned i = 0; i < RTS_SELFTEST_BY_COUNT; i++) {
        methods[i]->close(test->states[i]);
        test->states[i] = NULL;
    }
    free(test->stack);
    test->stack = NULL;
}
