/* SPDX-License-Identifier: Apache-2.0 */
/* Records in: a sample becomes a stack that is counted, the rest tells about processes. */
#include "session/session.h"

#include <string.h>

/* Fills the session's stack from one sample. */
static void unwind_sample(struct rts_session *session, const struct rts_record *record,
                          const struct rts_registers *registers)
{
    const struct rts_sample *sample = &record->sample;
    const struct rts_code_finder finder = {&session->code_map, rts_code_map_find};
    uint64_t pc = registers->value[session->arch->program_counter];
    uint64_t sp = registers->value[session->arch->stack_pointer];
    if (sample->registers && sample->register_abi != PERF_SAMPLE_REGS_ABI_64) {
        rts_unwind_leaf(&finder, pc, RTS_STOP_ABI, session->stack);
    } else if (session->call_graph == RTS_CALL_GRAPH_NONE) {
        rts_unwind_leaf(&finder, pc, RTS_STOP_NOT_TAKEN, session->stack);
    } else if (session->call_graph == RTS_CALL_GRAPH_FP && sample->callchain_size > 0) {
        rts_unwind_chain(session->rules, &finder, sample->callchain, sample->callchain_size,
                         session->stack);
    } else if (!sample->registers) {
        rts_unwind_leaf(&finder, pc, RTS_STOP_BROKEN_CHAIN, session->stack);
    } else {
        struct rts_memory memory = {
            .address = sp,
            .bytes = sample->stack,
            .size = sample->stack_size,
        };
        rts_unwind_stack(session->arch, session->rules, &finder, registers, &memory,
                         session->stack);
    }
    if (session->stack->count == 0) /* a callchain without a user side */
        rts_unwind_leaf(&finder, pc, RTS_STOP_BROKEN_CHAIN, session->stack);
}

/* A pc that nothing is mapped at means that we missed something: a process first heard of by its
 * sample, or records that the kernel lost. Then its maps are read once more. */
static bool missed_mappings(const struct rts_session *session)
{
    return session->stack->kinds[0] == RTS_CODE_NONE || session->stack->stop == RTS_STOP_BAD_RETURN;
}

/* A sample that hit inside execve(), after the old image was taken down and before the new one
 * runs: its registers are still the caller's. */
static bool is_inside_exec(const struct rts_session *session, const struct rts_record *record)
{
    const struct rts_process *process = session->code_map.process;
    return record->sample.kernel_mode && record->sample.stack_size == 0 && process->older &&
           process->older->died_ns == process->born_ns && session->stack->kinds[0] == RTS_CODE_NONE;
}

/* Unwinds a sample of session->code_map.process, and once more when it turns out that something was
 * missed. */
static void unwind_in_process(struct rts_session *session, const struct rts_record *record,
                              const struct rts_registers *registers)
{
    struct rts_code_map *map = &session->code_map;
    unwind_sample(session, record, registers);
    if (is_inside_exec(session, record)) {
        map->time = map->process->born_ns - 1;
        map->process = map->process->older;
        unwind_sample(session, record, registers);
    } else if (missed_mappings(session) &&
               rts_process_refresh(session->processes, map->process, record->time)) {
        unwind_sample(session, record, registers);
    }
    /* Nothing can be said of code whose mappings we may not see. */
    if (session->stack->stop == RTS_STOP_BAD_RETURN && !map->process->maps_known)
        session->stack->stop = RTS_STOP_NO_FILE;
}

/* Where whole CPUs are sampled, nothing is to be known of others. One that nobody has told of may
 * be the target's all the same, when records were lost. */
static bool is_other(const struct rts_session *session, const struct rts_process *process,
                     int32_t pid)
{
    if (process || !session->whole_cpus)
        return process && !process->target;
    return session->account.lost_records == 0 || !rts_process_descends(session->processes, pid);
}

/* NULL: it is none of the target. */
static struct rts_process *process_of(struct rts_session *session, const struct rts_record *record)
{
    struct rts_process *process = rts_process_find(session->processes, record->pid, record->time);
    if (is_other(session, process, record->pid))
        return NULL;
    if (!process) {
        rts_process_attach(session->processes, record->pid, &process, NULL);
        process->target = true;
    } else if (!process->maps_known)
        rts_process_refresh(session->processes, process, record->time);
    process->sampled_ns = record->time;
    if (process->leader_exited)
        process->view = record->tid; /* which was there a moment ago */
    return process;
}

static void account_stack(struct rts_session *session)
{
    const struct rts_stack *stack = session->stack;
    struct rts_account *account = &session->account;
    account->stops[stack->stop]++;
    for (uint32_t i = 0; i < stack->count; i++) {
        account->frames_by_unwinder[stack->frames[i].unwinder]++;
        account->copied_same += stack->frames[i].text == RTS_FRAME_COPY;
        account->copied_different += stack->frames[i].text == RTS_FRAME_DIFFERENT;
        if (stack->kinds[i] == RTS_CODE_ANONYMOUS)
            account->unnamed_anonymous++;
        else if (stack->kinds[i] != RTS_CODE_OBJECT)
            account->unnamed_no_file++;
    }
}

/* The user side of a sample; false: it has none. Traces of perf may have the pc only. */
static bool read_registers(const struct rts_session *session, const struct rts_sample *sample,
                           struct rts_registers *registers)
{
    uint64_t pc = 0;
    const uint64_t needed = 1ULL << session->arch->program_counter;
    memset(registers, 0, sizeof *registers);
    if (sample->registers)
        rts_registers_from_perf(session->arch, sample->register_set, sample->registers,
                                sample->kernel_mode, registers);
    if (registers->known & needed || !session->replay)
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
    rts_register_set(registers, session->arch->program_counter, pc);
    return pc != 0;
}

void rts_session_keep_stack(struct rts_session *session, struct rts_process *process,
                            const struct rts_record *record)
{
    session->account.samples_kept++;
    session->account.kernel_side += record->sample.kernel_mode;
    if (!process->counted) {
        process->counted = true;
        rts_session_find_container(session, process, record);
        session->account.processes++;
    }
    account_stack(session);
    rts_stack_table_add(session->stacks, process->instance, record->time, session->stack->frames,
                        session->stack->count);
    rts_session_record_sample(session, record);
    rts_session_bound_memory(session);
}

void rts_session_take_sample(void *context, const struct rts_record *record)
{
    struct rts_session *session = context;
    if (rts_session_is_own(session, record->pid)) {
        session->account.own++;
        return;
    }
    struct rts_registers registers;
    if (record->pid <= 0 || !read_registers(session, &record->sample, &registers)) {
        session->account.no_user_side++;
        return;
    }
    session->code_map.process = process_of(session, record);
    if (!session->code_map.process) {
        session->account.other++;
        return;
    }
    if (session->lives)
        rts_lives_sampled(session->lives, record->pid, record->tid);
    int reason =
        rts_session_guard_sample(session, session->code_map.process->instance, record->time);
    if (reason >= 0) {
        session->account.dropped[reason]++;
        return;
    }
    session->code_map.time = record->time;
    unwind_in_process(session, record, &registers);
    rts_session_keep_stack(session, session->code_map.process, record);
}

static void account_throttled(struct rts_session *session, uint64_t since, uint64_t until)
{
    rts_account_throttled(&session->account, since, until,
                          rts_capture_facts(session->capture)->frequency);
}

static void take_throttle(struct rts_session *session, const struct rts_record *record)
{
    if (record->cpu >= session->cpu_count)
        return;
    uint64_t *since = &session->throttled_since[record->cpu];
    if (record->kind == RTS_RECORD_THROTTLE) {
        if (*since == 0)
            *since = record->time;
    } else if (*since != 0) {
        account_throttled(session, *since, record->time);
        *since = 0;
    }
}

static void take_mmap(struct rts_session *session, const struct rts_record *record)
{
    const struct rts_mmap_record *map = &record->mmap;
    if (!map->executable || map->start + map->size < map->start)
        return;
    struct rts_mapping mapping = {
        .start = map->start,
        .end = map->start + map->size,
        .offset = map->offset,
    };
    struct rts_mapped_file file = {
        .path = (char *)(uintptr_t)map->path, /* copied, never written to */
        .has_identity = map->has_identity,
        .major = map->major,
        .minor = map->minor,
        .inode = map->inode,
        .build_id = map->build_id,
    };
    rts_process_mapped(session->processes, record->pid, record->time, &mapping, &file);
}

void rts_session_take_side_band(void *context, const struct rts_record *record)
{
    struct rts_session *session = context;
    bool is_new = record->kind == RTS_RECORD_MMAP || record->kind == RTS_RECORD_COMM ||
                  record->kind == RTS_RECORD_FORK;
    if (is_new && record->pid <= 0)
        return; /* outside of our pid namespace, where nobody has an id */
    switch (record->kind) {
    case RTS_RECORD_MMAP:
        take_mmap(session, record);
        rts_session_bound_processes(session);
        break;
    case RTS_RECORD_COMM:
        /* A thread's name is not its process's. */
        if (record->comm.exec || record->pid == record->tid)
            rts_process_renamed(session->processes, record->pid, record->time, record->comm.name,
                                record->comm.exec);
        break;
    case RTS_RECORD_FORK:
        rts_process_forked(session->processes, record->task.parent_pid, record->pid, record->time);
        if (session->lives && !session->whole_cpus)
            rts_lives_born(session->lives, record->pid, record->tid);
        break;
    case RTS_RECORD_EXIT:
        if (session->lives && !session->whole_cpus)
            rts_lives_ended(session->lives, record->pid, record->tid);
        rts_process_thread_exited(session->processes, record->pid, record->tid, record->time);
        session->exit_seen = true;
        break;
    case RTS_RECORD_LOST:
        /* The kernel does not say of which kind they were: that no sample is missing unsaid, each
         * counts as one. */
        session->account.dropped[RTS_DROP_KERNEL_LOST] += record->lost.records;
        session->account.lost_records += record->lost.records;
        break;
    case RTS_RECORD_CGROUP:
        rts_cgroup_ids_add(session->cgroups, record->cgroup.id, record->cgroup.path);
        break;
    case RTS_RECORD_THROTTLE:
    case RTS_RECORD_UNTHROTTLE: take_throttle(session, record); break;
    default: break;
    }
    if (record->kind == RTS_RECORD_COMM || record->kind == RTS_RECORD_FORK ||
        record->kind == RTS_RECORD_EXIT)
        rts_session_record_side_band(session, record);
}

void rts_session_take_malformed(void *context, enum rts_record_kind kind)
{
    struct rts_session *session = context;
    if (kind == RTS_RECORD_SAMPLE)
        session->account.dropped[RTS_DROP_MALFORMED]++;
    else
        session->account.malformed_side_band++;
}

void rts_session_end_throttling(struct rts_session *session, uint64_t now)
{
    for (unsigned cpu = 0; cpu < session->cpu_count; cpu++)
        if (session->throttled_since[cpu])
            account_throttled(session, session->throttled_since[cpu], now);
}
