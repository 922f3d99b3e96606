/* SPDX-License-Identifier: Apache-2.0 */
#include "opinion.h"
#include "util/table.h"

/* Registers point a terabyte apart, so that no offset leads from one to where another points; files
 * are linked far below the first of them. */
#define REGISTER_SHIFT 40

/* User space, of either architecture. */
#define ADDRESS_BITS ((1ULL << 47) - 1)

void synthetic_registers(const struct rts_architecture *arch, uint64_t vaddr,
                         struct rts_registers *registers)
{
    *registers = (struct rts_registers){0};
    for (unsigned number = 0; number < arch->registers; number++)
        rts_register_set(registers, number, (number + 1ULL) << REGISTER_SHIFT | number << 4);
    rts_register_set(registers, arch->program_counter, vaddr);
}

static uint64_t aligned_word(uint64_t address)
{
    return (rts_hash_u64(address) & ADDRESS_BITS) | 1;
}

/* Of whole words, so that a reader who takes bytes one by one sees the same. */
uint64_t synthetic_word(uint64_t address)
{
    unsigned shift = (unsigned)(address & 7) * 8;
    uint64_t low = aligned_word(address & ~7ULL);
    if (shift == 0)
        return low;
    return low >> shift | aligned_word((address & ~7ULL) + 8) << (64 - shift);
}
