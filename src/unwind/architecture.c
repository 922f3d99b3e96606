/* SPDX-License-Identifier: Apache-2.0 */
#include "unwind/architecture.h"

#include <elf.h>
#include <string.h>

/* struct ucontext of the kernel, whose address the stack pointer is. The code segment is that of
 * 64-bit programs (0x33; 0xe033 under Xen). */
static const struct rts_signal_frame signal_frame_x86_64 = {
    .offset = {144, 136, 152, 128, 112, 104, 120, 160, 40, 48, 56, 64, 72, 80, 88, 96, 168},
    .check_offset = 184,
    .check_mask = 0xfff,
    .check_value = 0x33,
};

/* struct rt_sigframe: a siginfo of 128 bytes, then struct ucontext with its registers at 184. The
 * lowest bits of pstate are the mode, 0 for 64-bit programs. */
static const struct rts_signal_frame signal_frame_aarch64 = {
    .offset = {312, 320, 328, 336, 344, 352, 360, 368, 376, 384, 392, 400, 408, 416, 424, 432, 440,
               448, 456, 464, 472, 480, 488, 496, 504, 512, 520, 528, 536, 544, 552, 560, 568},
    .check_offset = 576,
    .check_mask = 0x1f,
    .check_value = 0,
};

/* PERF_REG_X86_*: AX BX CX DX SI DI BP SP IP, flags and segments, R8 to R15 from bit 16. */
const struct rts_architecture rts_architecture_x86_64 = {
    .name = "x86_64",
    .elf_machine = EM_X86_64,
    .registers = 17,
    .stack_pointer = 7,
    .frame_pointer = 6,
    .return_address = 16,
    .call_pushes = true,
    .program_counter = 16,
    .inspection = &rts_code_inspection_x86_64,
    .signal_frame = &signal_frame_x86_64,
    .pc_bits = UINT64_MAX,
    .perf_registers = 0xff01ff,
    .callee_saved = 1 << 3 | 1 << 6 | 0xf << 12,
    .kernel_unknown = 1 << 3 | 1 << 6 | 1 << 12 | 1 << 13 | 1 << 14 | 1 << 15,
    .dwarf_of_perf = {0,  3,  2,  1,  4,  5,  6,  7,  16, -1, -1, -1, -1, -1, -1, -1,
                      8,  9,  10, 11, 12, 13, 14, 15, -1, -1, -1, -1, -1, -1, -1, -1,
                      -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
                      -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1},
};

/* PERF_REG_ARM64_*: X0 to X29, LR, SP, PC: the same numbers as DWARF's. */
const struct rts_architecture rts_architecture_aarch64 = {
    .name = "aarch64",
    .elf_machine = EM_AARCH64,
    .registers = 33,
    .stack_pointer = 31,
    .frame_pointer = 29,
    .return_address = 30,
    .program_counter = 32,
    .inspection = &rts_code_inspection_aarch64,
    .signal_frame = &signal_frame_aarch64,
    .pc_bits = (1ULL << 48) - 1, /* user space has 48 bits unless a program asks for more */
    .perf_registers = 0x1ffffffff,
    .callee_saved = 0x7ffULL << 19,
    .dwarf_of_perf = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15,
                      16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31,
                      32, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
                      -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1},
};

const struct rts_architecture *rts_architecture_native(void)
{
#if defined __x86_64__
    return &rts_architecture_x86_64;
#elif defined __aarch64__
    return &rts_architecture_aarch64;
#else
#error "no register table for this architecture: add one here"
#endif
}

void rts_registers_from_perf(const struct rts_architecture *arch, uint64_t set,
                             const uint64_t *words, bool kernel_mode,
                             struct rts_registers *registers)
{
    memset(registers, 0, sizeof *registers);
    size_t next = 0;
    for (unsigned bit = 0; bit < 64; bit++) {
        if (!(set >> bit & 1))
            continue;
        uint64_t value = words[next++];
        int number = arch->dwarf_of_perf[bit];
        if (number < 0)
            continue;
        bool may_be_unknown = kernel_mode && (arch->kernel_unknown >> number & 1);
        if (may_be_unknown && value == UINT64_MAX)
            continue;
        rts_register_set(registers, (unsigned)number, value);
    }
}
