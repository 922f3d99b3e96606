/* SPDX-License-Identifier: Apache-2.0 */
#include "sampler/sampler.h"

#include <stdlib.h>
#include <string.h>

#include "sampler/container_of.h"
#include "sampler/side_band.h"
#include "util/memory.h"

/* Fills the stack from one sample, by what the question finds. */
static void unwind_sample(struct rts_sampler *sampler, const struct rts_code_question *question,
                          const struct rts_record *record, const struct rts_registers *registers)
{
    const struct rts_sample *sample = &record->sample;
    struct rts_code_question asked = *question;
    const struct rts_code_finder finder = {&asked, rts_code_map_find};
    uint64_t pc = registers->value[sampler->setup.arch->program_counter];
    sampler->unwinding.has_news = false;
    uint64_t sp = registers->value[sampler->setup.arch->stack_pointer];
    if (sample->registers && sample->register_abi != PERF_SAMPLE_REGS_ABI_64) {
        rts_unwind_leaf(&finder, pc, RTS_STOP_ABI, sampler->stack);
    } else if (sampler->call_graph == RTS_CALL_GRAPH_NONE) {
        rts_unwind_leaf(&finder, pc, RTS_STOP_NOT_TAKEN, sampler->stack);
    } else if (sampler->call_graph == RTS_CALL_GRAPH_FP && sample->callchain_size > 0) {
        rts_unwind_chain(sampler->rules, &finder, sample->callchain, sample->callchain_size,
                         sampler->stack);
    } else if (!sample->registers) {
        rts_unwind_leaf(&finder, pc, RTS_STOP_BROKEN_CHAIN, sampler->stack);
    } else {
        struct rts_memory memory = {
            .address = sp,
            .bytes = sample->stack,
            .size = sample->stack_size,
        };
        rts_nearness_extend(&sampler->nearness, &memory, sample);
        struct rts_unwind_task task = {
            .finder = &finder, .registers = registers, .memory = &memory};
        rts_unwinding_do(&sampler->unwinding, &task, sampler->stack);
    }
    if (sampler->stack->count == 0) /* a callchain without a user side */
        rts_unwind_leaf(&finder, pc, RTS_STOP_BROKEN_CHAIN, sampler->stack);
}

/* A pc that nothing is mapped at means that we missed something: a process first heard of by its
 * sample, or records that the kernel lost. Then its maps are read once more. */
static bool missed_mappings(const struct rts_sampler *sampler)
{
    return sampler->stack->kinds[0] == RTS_CODE_NONE || sampler->stack->stop == RTS_STOP_BAD_RETURN;
}

/* A sample that hit inside execve(), after the old image was taken down and before the new one
 * runs: its registers are still the caller's. */
static bool is_inside_exec(const struct rts_sampler *sampler, const struct rts_process *process,
                           const struct rts_record *record)
{
    return record->sample.kernel_mode && record->sample.stack_size == 0 && process->older &&
           process->older->died_ns == process->born_ns && sampler->stack->kinds[0] == RTS_CODE_NONE;
}

/* Unwinds a sample, and once more when it turns out that something was missed: then the question is
 * another one. */
static void unwind_in_process(struct rts_sampler *sampler, struct rts_code_question *question,
                              const struct rts_record *record,
                              const struct rts_registers *registers)
{
    unwind_sample(sampler, question, record, registers);
    if (is_inside_exec(sampler, question->process, record)) {
        question->time = question->process->born_ns - 1;
        question->process = question->process->older;
        unwind_sample(sampler, question, record, registers);
    } else if (missed_mappings(sampler) &&
               rts_process_refresh(sampler->processes, question->process, record->time)) {
        unwind_sample(sampler, question, record, registers);
    }
    /* Nothing can be said of code whose mappings we may not see. */
    if (sampler->stack->stop == RTS_STOP_BAD_RETURN && !question->process->maps_known)
        sampler->stack->stop = RTS_STOP_NO_FILE;
}

/* Where whole CPUs are sampled, nothing is to be known of others. One that nobody has told of may
 * be the target's all the same, when records were lost. */
static bool is_other(const struct rts_sampler *sampler, const struct rts_process *process,
                     int32_t pid)
{
    if (process || sampler->reach != RTS_REACH_CPUS)
        return process && !process->target;
    return sampler->setup.account->lost_records == 0 ||
           !rts_process_descends(sampler->processes, pid);
}

/* NULL: it is none of the target. */
static struct rts_process *process_of(struct rts_sampler *sampler, const struct rts_record *record)
{
    struct rts_process *process = rts_process_find(sampler->processes, record->pid, record->time);
    if (is_other(sampler, process, record->pid))
        return NULL;
    if (!process) {
        rts_process_attach(sampler->processes, record->pid, &process, NULL);
        process->target = true;
    } else if (!process->maps_known)
        rts_process_refresh(sampler->processes, process, record->time);
    process->sampled_ns = record->time;
    if (process->leader_exited)
        process->view = record->tid; /* which was there a moment ago */
    return process;
}

/* The user side of a sample; false: it has none. Traces of perf may have the pc only. */
static bool read_registers(const struct rts_sampler *sampler, const struct rts_sample *sample,
                           struct rts_registers *registers)
{
    uint64_t pc = 0;
    const uint64_t needed = 1ULL << sampler->setup.arch->program_counter;
    memset(registers, 0, sizeof *registers);
    if (sample->registers)
        rts_registers_from_perf(sampler->setup.arch, sample->register_set, sample->registers,
                                sample->kernel_mode, registers);
    if (registers->known & needed || !sampler->setup.pc_is_enough)
        return sample->registers;
    bool user = true;
    for (size_t i = 0; i < sample->callchain_size && pc == 0; i++) {
        uint64_t entry = sample->callchain[i];
        if (entry >= (uint64_t)PERF_CONTEXT_MAX)
            user = entry == (uint64_t)PERF_CONTEXT_USER;
        else if (user)
            pc = entry;
    }
    if (pc == 0 && !sample->kernel_mode)
        pc = sample->ip;
    rts_register_set(registers, sampler->setup.arch->program_counter, pc);
    return pc != 0;
}

/* The process of a sample that is used; NULL: the sample is none of the target's, or of nobody. */
static struct rts_process *admit(struct rts_sampler *sampler, const struct rts_record *record,
                                 struct rts_registers *registers)
{
    struct rts_account *account = sampler->setup.account;
    enum rts_drop reason;
    if (rts_self_is(sampler->setup.self, record->pid)) {
        account->own++;
        return NULL;
    }
    if (record->pid <= 0 || !read_registers(sampler, &record->sample, registers)) {
        account->no_user_side++;
        return NULL;
    }
    struct rts_process *process = process_of(sampler, record);
    if (!process) {
        account->other++;
        return NULL;
    }
    if (sampler->lives)
        rts_lives_sampled(sampler->lives, record->pid, record->tid);
    if (rts_pace_admit(&sampler->pace, process->instance, record->time, &reason))
        return process;
    account->dropped[reason]++;
    return NULL;
}

/* A sample of the probe, which counts for nobody. */
static void take_probe(struct rts_sampler *sampler, const struct rts_record *record)
{
    const struct rts_sample *sample = &record->sample;
    struct rts_process *process = rts_process_find(sampler->processes, record->pid, record->time);
    struct rts_registers registers;
    if (!sample->registers || !read_registers(sampler, sample, &registers))
        return;
    if (!process)
        rts_process_attach(sampler->processes, record->pid, &process, NULL);
    else if (!process->maps_known)
        rts_process_refresh(sampler->processes, process, record->time);
    process->target = false;
    struct rts_code_question question = {&sampler->code_map, process, record->time};
    const struct rts_code_finder finder = {&question, rts_code_map_find};
    const struct rts_memory memory = {
        .address = registers.value[sampler->setup.arch->stack_pointer],
        .bytes = sample->stack,
        .size = sample->stack_size,
    };
    const struct rts_unwind_task task = {
        .finder = &finder, .registers = &registers, .memory = &memory};
    sampler->probe.take(sampler->probe.context, &task, record->time);
}

void rts_sampler_take_sample(void *context, const struct rts_record *record)
{
    struct rts_sampler *sampler = context;
    const struct rts_sampler_setup *setup = &sampler->setup;
    struct rts_registers registers;
    if (sampler->probe.pid > 0 && record->pid == sampler->probe.pid) {
        take_probe(sampler, record);
        return;
    }
    struct rts_process *process = admit(sampler, record, &registers);
    if (!process)
        return;
    struct rts_code_question question = {&sampler->code_map, process, record->time};
    sampler->last_ns = record->time;
    unwind_in_process(sampler, &question, record, &registers);
    rts_nearness_see(&sampler->nearness, question.process, record, sampler->stack);
    if (!question.process->counted)
        rts_container_of(sampler->processes, sampler->cgroups, question.process, record,
                         setup->hash_container_ids);
    const struct rts_kept kept = {
        .record = record,
        .process = question.process,
        .time = question.time,
        .stack = sampler->stack,
        .disagreement = sampler->unwinding.has_news ? &sampler->unwinding.news : NULL,
    };
    setup->sink.kept(setup->sink.context, &kept);
}

void rts_sampler_take_malformed(void *context, enum rts_record_kind kind)
{
    struct rts_account *account = ((struct rts_sampler *)context)->setup.account;
    if (kind == RTS_RECORD_SAMPLE)
        account->dropped[RTS_DROP_MALFORMED]++;
    else
        account->malformed_side_band++;
}

void rts_sampler_drain(struct rts_sampler *sampler)
{
    const struct rts_capture_sink sink = {
        .context = sampler,
        .side_band = rts_sampler_take_side_band,
        .sample = rts_sampler_take_sample,
        .malformed = rts_sampler_take_malformed,
    };
    rts_pace_read_cpu(&sampler->pace, false);
    rts_capture_drain(sampler->capture, &sink);
    rts_nearness_settle(&sampler->nearness, sampler->capture);
    rts_pace_read_cpu(&sampler->pace, true);
}

/* ---- beginning and end ---- */

void rts_sampler_init(struct rts_sampler *sampler, const struct rts_sampler_setup *setup)
{
    *sampler = (struct rts_sampler){
        .setup = *setup,
        .processes = rts_process_table_create(setup->proc_root),
        .cgroups = rts_cgroup_ids_create(setup->cgroup_root),
        .rules = rts_rule_cache_create(setup->arch),
        .stack = rts_calloc(1, sizeof *sampler->stack),
        .call_graph = setup->call_graph,
        .nearness.wanted = setup->near,
        .throttled_since = rts_calloc(setup->cpu_count, sizeof *sampler->throttled_since),
    };
    rts_unwinding_init(&sampler->unwinding, setup->arch, sampler->rules, setup->opinions);
    rts_process_table_use_broker(sampler->processes, setup->self->broker);
    sampler->code_map = (struct rts_code_map){
        .processes = sampler->processes,
        .objects = setup->objects,
        .packages = setup->packages,
        .finder = setup->finder,
    };
}

void rts_sampler_finish(struct rts_sampler *sampler,
                        void (*forget)(void *context, struct rts_object *object), void *context)
{
    rts_pace_close(&sampler->pace);
    rts_process_table_destroy(sampler->processes, forget, context);
    rts_lives_destroy(sampler->lives);
    rts_cgroup_ids_destroy(sampler->cgroups);
    rts_unwinding_finish(&sampler->unwinding);
    rts_rule_cache_destroy(sampler->rules);
    free(sampler->throttled_since);
    free(sampler->stack);
}
