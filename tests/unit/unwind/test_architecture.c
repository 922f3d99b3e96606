/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <elf.h>

#include "../suite.h"
#include "unwind/architecture.h"

static const struct rts_architecture *const all[] = {&rts_architecture_x86_64,
                                                     &rts_architecture_aarch64};

/* Every register that is followed comes from exactly one bit of the mask that is asked for. */
static void test_tables_agree(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        const struct rts_architecture *arch = all[i];
        uint64_t filled = 0;
        for (unsigned bit = 0; bit < 64; bit++) {
            int number = arch->dwarf_of_perf[bit];
            assert_int_equal(number >= 0, arch->perf_registers >> bit & 1);
            if (number < 0)
                continue;
            assert_in_range(number, 0, arch->registers - 1);
            assert_false(filled >> number & 1);
            filled |= 1ULL << number;
        }
        assert_int_equal(filled, (1ULL << arch->registers) - 1);
        assert_int_equal(__builtin_popcountll(arch->perf_registers), arch->registers);
        assert_in_range(arch->registers, 1, RTS_REGISTERS_MAX);
        assert_in_range(arch->stack_pointer, 0, arch->registers - 1);
        assert_in_range(arch->frame_pointer, 0, arch->registers - 1);
        assert_in_range(arch->program_counter, 0, arch->registers - 1);
        uint64_t essential = 1ULL << arch->stack_pointer | 1ULL << arch->program_counter;
        assert_false(arch->kernel_unknown & essential);
    }
    assert_int_equal(rts_architecture_x86_64.elf_machine, EM_X86_64);
    assert_int_equal(rts_architecture_aarch64.elf_machine, EM_AARCH64);
}

/* linux/asm/perf_regs.h and the ABIs' DWARF numbers, register by register. */
static void test_known_numbers(void **state)
{
    (void)state;
    static const int8_t x86[24] = {0,  3,  2,  1,  4, 5, 6,  7,  16, -1, -1, -1,
                                   -1, -1, -1, -1, 8, 9, 10, 11, 12, 13, 14, 15};
    for (unsigned bit = 0; bit < 24; bit++)
        assert_int_equal(rts_architecture_x86_64.dwarf_of_perf[bit], x86[bit]);
    for (unsigned bit = 0; bit < 33; bit++)
        assert_int_equal(rts_architecture_aarch64.dwarf_of_perf[bit], bit);
    /* rbx, rbp and r12 to r15: older kernels do not have them when a system call is under way. */
    assert_int_equal(rts_architecture_x86_64.kernel_unknown,
                     1 << 3 | 1 << 6 | 1 << 12 | 1 << 13 | 1 << 14 | 1 << 15);
}

static void test_registers_from_perf(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        const struct rts_architecture *arch = all[i];
        uint64_t words[64];
        struct rts_registers registers;
        for (uint64_t word = 0; word < arch->registers; word++)
            words[word] = 1000 + word;
        rts_registers_from_perf(arch, arch->perf_registers, words, false, &registers);
        unsigned word = 0;
        for (unsigned bit = 0; bit < 64; bit++)
            if (arch->perf_registers >> bit & 1)
                assert_int_equal(registers.value[arch->dwarf_of_perf[bit]], 1000 + word++);
        assert_int_equal(registers.known, (1ULL << arch->registers) - 1);

        /* All ones mean "not known" for some registers of kernel-mode samples only. */
        memset(words, 0xff, sizeof words);
        rts_registers_from_perf(arch, arch->perf_registers, words, false, &registers);
        assert_int_equal(registers.known, (1ULL << arch->registers) - 1);
        rts_registers_from_perf(arch, arch->perf_registers, words, true, &registers);
        assert_int_equal(registers.known, ((1ULL << arch->registers) - 1) & ~arch->kernel_unknown);
        assert_false(rts_register_known(&registers, RTS_REGISTERS_MAX));
        assert_false(rts_register_known(&registers, UINT32_MAX));
    }
}

/* The bytes before a return address, as an assembler writes them; the last one is right-aligned. */
static void test_calls_x86_64(void **state)
{
    (void)state;
    static const struct {
        uint8_t length, bytes[8];
        bool call;
    } texts[] = {
        {5, {0xe8, 1, 2, 3, 4}, true},             /* call rel32 */
        {2, {0xff, 0xd0}, true},                   /* call *%rax */
        {3, {0x41, 0xff, 0xd4}, true},             /* call *%r12 */
        {2, {0xff, 0x10}, true},                   /* call *(%rax) */
        {3, {0xff, 0x14, 0xc8}, true},             /* call *(%rax,%rcx,8) */
        {3, {0xff, 0x50, 0x18}, true},             /* call *0x18(%rax) */
        {4, {0xff, 0x54, 0x24, 0x08}, true},       /* call *8(%rsp) */
        {6, {0xff, 0x15, 1, 2, 3, 4}, true},       /* call *x(%rip) */
        {6, {0xff, 0x90, 1, 2, 3, 4}, true},       /* call *x(%rax) */
        {7, {0xff, 0x94, 0xc3, 1, 2, 3, 4}, true}, /* call *x(%rbx,%rax,8) */
        {7, {0xff, 0x14, 0xc5, 1, 2, 3, 4}, true}, /* call *x(,%rax,8) */
        {5, {0xe9, 1, 2, 3, 4}, false},            /* jmp rel32 */
        {2, {0xff, 0xe0}, false},                  /* jmp *%rax */
        {6, {0xff, 0x25, 1, 2, 3, 4}, false},      /* jmp *x(%rip) */
        {3, {0x48, 0x89, 0xe5}, false},            /* mov %rsp,%rbp */
        {1, {0xc3}, false},                        /* ret */
        {6, {0xff, 0x35, 1, 2, 3, 4}, false},      /* push x(%rip) */
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        uint8_t bytes[RTS_CALL_BYTES];
        memset(bytes, 0x90, sizeof bytes);
        memcpy(bytes + RTS_CALL_BYTES - texts[i].length, texts[i].bytes, texts[i].length);
        assert_int_equal(rts_code_inspection_x86_64.ends_in_call(bytes), texts[i].call);
    }
}

static void test_epilogues_x86_64(void **state)
{
    (void)state;
    static const struct {
        uint8_t length, bytes[12];
        bool epilogue;
    } texts[] = {
        {1, {0xc3}, true},
        {3, {0x5b, 0x5d, 0xc3}, true},             /* pop %rbx; pop %rbp; ret */
        {5, {0x41, 0x5c, 0x41, 0x5d, 0xc3}, true}, /* pop %r12; pop %r13; ret */
        {2, {0xf3, 0xc3}, true},                   /* rep ret */
        {3, {0xc2, 8, 0}, true},                   /* ret $8 */
        {6, {0x5b, 0xe9, 1, 2, 3, 4}, true},       /* pop %rbx; jmp */
        {4, {0x48, 0x83, 0xc4, 0x08}, false},      /* add $8,%rsp: not yet */
        {2, {0x5b, 0x90}, false},
        {1, {0x5b}, false}, /* the text ends here */
        {1, {0x41}, false},
        {2, {0x41, 0xc3}, true},
        {3, {0x53, 0x5b, 0xc3}, false}, /* push first */
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        uint8_t *bytes = malloc(texts[i].length);
        memcpy(bytes, texts[i].bytes, texts[i].length);
        assert_int_equal(rts_code_inspection_x86_64.is_epilogue(bytes, texts[i].length),
                         texts[i].epilogue);
        free(bytes);
    }
    assert_false(rts_code_inspection_x86_64.is_epilogue(NULL, 0));
}

static void put(uint8_t *bytes, uint32_t instruction)
{
    for (int i = 0; i < 4; i++)
        bytes[i] = (uint8_t)(instruction >> (8 * i));
}

/* Encodings as GNU as writes them. */
static void test_aarch64(void **state)
{
    (void)state;
    static const struct {
        uint32_t instruction;
        bool call, leaves, sets;
    } texts[] = {
        {0x94000010, true, false, false},  /* bl */
        {0x97fffff0, true, false, false},  /* bl back */
        {0xd63f0000, true, false, false},  /* blr x0 */
        {0xd63f03c0, true, false, false},  /* blr x30 */
        {0xd73f0801, true, false, false},  /* blraa x0, x1 */
        {0xd63f081f, true, false, false},  /* blraaz x0 */
        {0xd63f0c1f, true, false, false},  /* blrabz x0 */
        {0x14000010, false, false, false}, /* b */
        {0xd61f0000, false, false, false}, /* br x0 */
        {0xd65f03c0, false, true, false},  /* ret */
        {0xd65f0bff, false, true, false},  /* retaa */
        {0xd65f0fff, false, true, false},  /* retab */
        {0x910003fd, false, false, true},  /* mov x29, sp */
        {0x910043fd, false, false, true},  /* add x29, sp, #16 */
        {0xa9bf7bfd, false, false, false}, /* stp x29, x30, [sp, #-16]! */
        {0x910043ff, false, false, false}, /* add sp, sp, #16 */
        {0xd503201f, false, false, false}, /* nop */
    };
    const struct rts_code_inspection *code = &rts_code_inspection_aarch64;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        uint8_t bytes[RTS_CALL_BYTES];
        put(bytes, 0xd503201f);
        put(bytes + 4, texts[i].instruction);
        assert_int_equal(code->ends_in_call(bytes), texts[i].call);
        assert_int_equal(code->is_epilogue(bytes + 4, 4), texts[i].leaves);
        assert_int_equal(code->sets_frame_pointer(bytes, sizeof bytes), texts[i].sets);
        assert_false(code->is_epilogue(bytes + 4, 3));
        assert_false(code->sets_frame_pointer(bytes + 4, 3));
    }
}

/* Any bytes at any size: nothing is read outside. */
static void test_random_text(void **state)
{
    (void)state;
    srandom(11);
    for (int round = 0; round < 100000; round++) {
        size_t size = (size_t)random() % 48;
        uint8_t *bytes = malloc(size), call[RTS_CALL_BYTES];
        for (size_t i = 0; i < size; i++)
            bytes[i] = random() % 4 ? (uint8_t)random() : 0x5b;
        for (size_t i = 0; i < sizeof call; i++)
            call[i] = random() % 3 ? (uint8_t)random() : 0xff;
        for (size_t i = 0; i < 2; i++) {
            all[i]->inspection->is_epilogue(bytes, size);
            all[i]->inspection->sets_frame_pointer(bytes, size);
            all[i]->inspection->ends_in_call(call);
        }
        free(bytes);
    }
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tables_agree),        cmocka_unit_test(test_known_numbers),
        cmocka_unit_test(test_registers_from_perf), cmocka_unit_test(test_calls_x86_64),
        cmocka_unit_test(test_epilogues_x86_64),    cmocka_unit_test(test_aarch64),
        cmocka_unit_test(test_random_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
