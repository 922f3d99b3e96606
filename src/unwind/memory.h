/* SPDX-License-Identifier: Apache-2.0 */
/* The memory that a stack is unwound over: the bytes that were copied when the sample was taken. */
#ifndef RTS_UNWIND_MEMORY_H
#define RTS_UNWIND_MEMORY_H

#include <string.h>

#include "types.h"

struct rts_memory {
    uint64_t address;     /* in the target, of the first byte */
    const uint8_t *bytes; /* NULL when there are none */
    size_t size;          /* bytes that are there */
};

/* Reads one native 64-bit word at any alignment. False when it is not all there. */
static inline bool rts_memory_word(const struct rts_memory *memory, uint64_t address,
                                   uint64_t *word)
{
    uint64_t offset = address - memory->address;
    if (address < memory->address || memory->size < sizeof *word ||
        offset > memory->size - sizeof *word)
        return false;
    memcpy(word, memory->bytes + offset, sizeof *word);
    return true;
}

#endif
