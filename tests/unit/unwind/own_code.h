/* SPDX-License-Identifier: Apache-2.0 */
/*
 * This process as the target: its mappings, the files behind them, and rules for their code.
 * Include after cmocka.h.
 */
#ifndef RTS_TESTS_OWN_CODE_H
#define RTS_TESTS_OWN_CODE_H

#include <unistd.h>

#include "sampler/code_map.h"
#include "unwind/unwind.h"

struct own_code {
    struct rts_code_map map;
    struct rts_code_question question;
    struct rts_rule_cache *rules;
    struct rts_code_finder finder;
    struct rts_stack *stack;
};

static inline void own_code_init(struct own_code *own)
{
    own->map = (struct rts_code_map){
        .processes = rts_process_table_create("/proc"),
        .objects = rts_object_cache_create(100),
    };
    own->question = (struct rts_code_question){.map = &own->map, .time = 1};
    assert_int_equal(rts_process_attach(own->map.processes, getpid(), &own->question.process, NULL),
                     0);
    own->rules = rts_rule_cache_create(rts_architecture_native());
    own->finder = (struct rts_code_finder){&own->question, rts_code_map_find};
    own->stack = calloc(1, sizeof *own->stack);
    assert_non_null(own->stack);
}

static inline void own_code_forget(void *context, struct rts_object *object)
{
    if (rts_object_is_bare(object))
        rts_object_destroy(object); /* nobody shares it */
    else
        rts_object_cache_unref(context, object);
}

static inline void own_code_finish(struct own_code *own)
{
    rts_rule_cache_destroy(own->rules);
    rts_process_table_destroy(own->map.processes, own_code_forget, own->map.objects);
    rts_object_cache_destroy(own->map.objects);
    free(own->stack);
}

/* Unwinds into own->stack by one of the methods. */
static inline void own_code_unwind_by(struct own_code *own, const struct rts_unwind_method *method,
                                      const struct rts_registers *registers,
                                      const struct rts_memory *memory)
{
    const struct rts_unwind_task task = {
        .finder = &own->finder, .registers = registers, .memory = memory};
    struct rts_error error;
    void *method_state = method->open(rts_architecture_native(), own->rules, &error);
    assert_non_null(method_state);
    method->unwind(method_state, &task, own->stack);
    method->close(method_state);
}

/* The address in this process that a frame was looked up by. */
static inline uint64_t own_code_address(const struct rts_frame *frame)
{
    return frame->object ? frame->vaddr + frame->load_base - rts_object_first_vaddr(frame->object)
                         : frame->vaddr;
}

#endif
