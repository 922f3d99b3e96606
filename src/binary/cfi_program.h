/* SPDX-License-Identifier: Apache-2.0 */
/* Vets the instructions of a CIE or FDE; cfi_entry.h says why. */
#ifndef RTS_BINARY_CFI_PROGRAM_H
#define RTS_BINARY_CFI_PROGRAM_H

#include "types.h"

/* DWARF register numbers in use end at 130 (x86-64) and 128 (aarch64). */
#define RTS_CFI_REGISTER_MAX 255
/* Compilers nest remembered states once or twice. */
#define RTS_CFI_REMEMBER_MAX 64
/* Expressions of real programs are under 100 bytes (PLT, signal trampolines). */
#define RTS_CFI_EXPRESSION_MAX 4096

/* Whether every instruction in [at, end) is known and its operands are inside and within the
 * limits. `address_size`: bytes of an address as DW_CFA_set_loc takes it. */
bool rts_cfi_program_is_sound(const uint8_t *at, const uint8_t *end, size_t address_size);

/* What libdw does not tell of a program, in any of its rows. */
struct rts_cfi_mentions {
    uint64_t undefined; /* the registers below 64 that it says are so, a bit each */
    uint64_t place;     /* the highest register that it says another one is in; 0: there is none */
    bool values;        /* it has a register that is the CFA, or some bytes from it */
};

/* Adds what a sound program mentions. */
void rts_cfi_program_mentions(const uint8_t *at, const uint8_t *end, size_t address_size,
                              struct rts_cfi_mentions *mentions);

#endif
