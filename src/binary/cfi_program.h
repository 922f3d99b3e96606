/* SPDX-License-Identifier: Apache-2.0 */
/* Vets the instructions of a CIE or FDE; see cfi_entry.h for why and for the limits. */
#ifndef RTS_BINARY_CFI_PROGRAM_H
#define RTS_BINARY_CFI_PROGRAM_H

#include "types.h"

/* Whether every instruction in [at, end) is known and its operands are inside and within the
 * limits. `address_size`: bytes of an address as DW_CFA_set_loc takes it. */
bool rts_cfi_program_is_sound(const uint8_t *at, const uint8_t *end, size_t address_size);

#endif
