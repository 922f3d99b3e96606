/* SPDX-License-Identifier: Apache-2.0 */
/* Registers that CFI says are undefined, those of which it says nothing, and those that it says are
 * where nobody looks. libdw does not tell the first two apart. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <dwarf.h>
#include <elf.h>

#include "../suite.h"
#include "binary/object.h"
#include "unwind/method.h"
#include "unwind/step.h"

#define CODE      0x10000
#define CODE_SIZE 64

#define BYTES(...) (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__})

/* A file with one function, whose CFI has no letters of augmentation. */
struct file {
    Elf64_Ehdr header;
    Elf64_Phdr segments[2];
    struct {
        uint8_t version, encodings[3];
        int32_t distance; /* to the entries, from where this stands */
        uint8_t no_count[4];
    } table;
    struct {
        uint32_t length, id;
        uint8_t version, letters, code_align, data_align, return_register, program[15];
    } cie;
    struct __attribute__((packed)) {
        uint32_t length, cie;
        uint64_t start, size;
        uint8_t program[32];
    } fde;
    uint32_t end;
};

struct function {
    struct rts_object *object;
    struct rts_rule_cache *cache;
    const struct rts_rule *rule;
    enum rts_rule_result result;
};

/* Sets up its rule, for the row behind all of `program`. */
static void function_init(struct function *function, uint8_t return_register,
                          const uint8_t *program, size_t size)
{
    struct file file = {
        .header = {.e_type = ET_DYN,
                   .e_machine = EM_X86_64,
                   .e_version = EV_CURRENT,
                   .e_phoff = offsetof(struct file, segments),
                   .e_ehsize = sizeof(Elf64_Ehdr),
                   .e_phentsize = sizeof(Elf64_Phdr),
                   .e_phnum = 2},
        .segments = {{.p_type = PT_LOAD,
                      .p_flags = PF_R | PF_X,
                      .p_filesz = sizeof file,
                      .p_memsz = sizeof file,
                      .p_align = 0x1000},
                     {.p_type = PT_GNU_EH_FRAME,
                      .p_offset = offsetof(struct file, table),
                      .p_vaddr = offsetof(struct file, table),
                      .p_filesz = sizeof file.table,
                      .p_memsz = sizeof file.table}},
        .table = {1,
                  {DW_EH_PE_pcrel | DW_EH_PE_sdata4, DW_EH_PE_omit, DW_EH_PE_omit},
                  offsetof(struct file, cie) - offsetof(struct file, table.distance),
                  {0}},
        .cie = {.length = sizeof file.cie - 4,
                .version = 1,
                .code_align = 1,
                .data_align = 0x78, /* -8 */
                .return_register = return_register,
                .program = {DW_CFA_def_cfa, 7, 8, DW_CFA_offset | 16, 1}},
        .fde = {.length = sizeof file.fde - 4,
                .cie = sizeof file.cie + 4,
                .start = CODE,
                .size = CODE_SIZE},
    };
    memcpy(file.header.e_ident, ELFMAG, SELFMAG);
    file.header.e_ident[EI_CLASS] = ELFCLASS64;
    file.header.e_ident[EI_DATA] = ELFDATA2LSB;
    file.header.e_ident[EI_VERSION] = EV_CURRENT;
    assert_in_range(size, 1, sizeof file.fde.program);
    memcpy(file.fde.program, program, size);
    *function = (struct function){
        .object = rts_object_from_memory(&file, sizeof file, "undefined", NULL),
        .cache = rts_rule_cache_create(&rts_architecture_x86_64),
    };
    assert_non_null(function->object);
    function->result = rts_rule_cache_find(function->cache, function->object, CODE + CODE_SIZE - 1,
                                           true, &function->rule);
}

static void function_finish(struct function *function)
{
    rts_rule_cache_destroy(function->cache);
    rts_object_destroy(function->object);
}

static enum rts_step_result step(const struct function *function)
{
    const uint64_t stack[4] = {0};
    const struct rts_memory memory = {4096, (const uint8_t *)stack, sizeof stack, NULL, NULL};
    struct rts_registers registers = {.known = (1 << 17) - 1};
    uint64_t missing, popped;
    registers.value[7] = memory.address;
    assert_int_equal(function->result, RTS_RULE_FOUND);
    return rts_step_rule(&rts_architecture_x86_64, function->rule, &memory, &registers, &missing,
                         &popped);
}

/* What functions leave alone is kept, unless it is said that it is not. */
static void test_registers(void **state)
{
    (void)state;
    struct function function;
    function_init(&function, 16, BYTES(DW_CFA_nop));
    assert_int_equal(function.result, RTS_RULE_FOUND);
    for (unsigned number = 0; number < 16; number++)
        if (number != 7)
            assert_int_equal(function.rule->kind[number],
                             rts_architecture_x86_64.callee_saved >> number & 1
                                 ? RTS_RULE_SAME
                                 : RTS_RULE_UNDEFINED);
    function_finish(&function);

    static const uint8_t kept[] = {3, 6, 12, 13, 14, 15};
    for (size_t i = 0; i < sizeof kept; i++) {
        function_init(&function, 16, BYTES(DW_CFA_advance_loc | 8, DW_CFA_undefined, kept[i]));
        assert_int_equal(function.result, RTS_RULE_FOUND);
        for (size_t j = 0; j < sizeof kept; j++)
            assert_int_equal(function.rule->kind[kept[j]],
                             i == j ? RTS_RULE_UNDEFINED : RTS_RULE_SAME);
        assert_int_equal(step(&function), RTS_STEP_DONE);
        function_finish(&function);
    }

    /* Said once, and then something else. */
    function_init(&function, 16,
                  BYTES(DW_CFA_undefined, 3, DW_CFA_undefined, 6, DW_CFA_advance_loc | 8,
                        DW_CFA_same_value, 3, DW_CFA_offset | 6, 2));
    assert_int_equal(function.result, RTS_RULE_FOUND);
    assert_int_equal(function.rule->kind[3], RTS_RULE_SAME);
    assert_int_equal(function.rule->kind[6], RTS_RULE_AT_CFA);
    function_finish(&function);
}

/* The outermost frame says so itself. */
static void test_return_address(void **state)
{
    (void)state;
    struct function function;
    function_init(&function, 16, BYTES(DW_CFA_undefined, 16));
    assert_int_equal(step(&function), RTS_STEP_ROOT);
    function_finish(&function);
    function_init(&function, 16, BYTES(DW_CFA_nop));
    assert_int_equal(step(&function), RTS_STEP_DONE);
    function_finish(&function);

    /* Another column of which nothing is said, or that is said to be lost, or to be on the stack. */
    function_init(&function, 11, BYTES(DW_CFA_undefined, 16));
    assert_int_equal(function.result, RTS_RULE_BAD_CFI);
    function_finish(&function);
    function_init(&function, 11, BYTES(DW_CFA_undefined, 11));
    assert_int_equal(step(&function), RTS_STEP_ROOT);
    function_finish(&function);
    function_init(&function, 11, BYTES(DW_CFA_offset | 11, 1));
    assert_int_equal(step(&function), RTS_STEP_DONE);
    function_finish(&function);
}

/* A return address in xmm0, mm0 or register 64, none of which is followed, is no root either. */
static void test_other_places(void **state)
{
    (void)state;
    struct function function;
    static const uint8_t numbers[] = {17, 41, 64, 80};
    for (size_t i = 0; i < sizeof numbers; i++) {
        function_init(&function, 16, BYTES(DW_CFA_register, 16, numbers[i]));
        assert_int_equal(step(&function), RTS_STEP_NO_REGISTER);
        function_finish(&function);
    }
    function_init(&function, 16, BYTES(DW_CFA_register, 16, 11));
    assert_int_equal(step(&function), RTS_STEP_DONE);
    function_finish(&function);
}

static struct rts_code find_code(void *context, uint64_t pc)
{
    const struct function *function = context;
    bool inside = pc >= CODE && pc < CODE + CODE_SIZE;
    return (struct rts_code){.kind = inside ? RTS_CODE_OBJECT : RTS_CODE_NONE,
                             .object = inside ? function->object : NULL};
}

/* libunwind is not given one either: it would read behind the end of a table of its own. Nor what hides
 * one, since it takes the operands of an instruction that it does not know for the next ones. */
static void test_libunwind(void **state)
{
    (void)state;
    static const uint8_t programs[][4] = {
        {DW_CFA_register, 16, 17},
        {DW_CFA_register, 16, 41},
        {DW_CFA_register, 16, 100},
        {DW_CFA_val_offset, DW_CFA_register, 16, DW_CFA_advance_loc | 36},
        {DW_CFA_val_offset_sf, DW_CFA_register, 16, DW_CFA_advance_loc | 1},
    };
    struct rts_stack *stack = calloc(1, sizeof *stack);
    for (size_t i = 0; i < sizeof programs / sizeof *programs; i++) {
        struct function function;
        struct rts_registers registers = {.known = (1 << 17) - 1};
        const struct rts_memory memory = {0};
        function_init(&function, 16, programs[i], sizeof programs[i]);
        const struct rts_code_finder finder = {&function, find_code};
        const struct rts_unwind_task task = {
            .finder = &finder, .registers = &registers, .memory = &memory};
        registers.value[16] = CODE + CODE_SIZE - 1;
        registers.value[7] = 4096;
        void *method = rts_unwind_libunwind.open(&rts_architecture_x86_64, function.cache, NULL);
        if (!method) {
            function_finish(&function);
            free(stack);
            print_message("libunwind cannot be loaded\n");
            skip();
        }
        rts_unwind_libunwind.unwind(method, &task, stack);
        assert_int_equal(stack->count, 1);
        assert_int_equal(stack->stop, RTS_STOP_LOST_REGISTER);
        rts_unwind_libunwind.close(method);
        function_finish(&function);
    }
    free(stack);
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_registers),
        cmocka_unit_test(test_return_address),
        cmocka_unit_test(test_other_places),
        cmocka_unit_test(test_libunwind),
    };
    /* libdw's table is that of the machine it runs on. */
    if (rts_architecture_native() != &rts_architecture_x86_64)
        return 77;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
