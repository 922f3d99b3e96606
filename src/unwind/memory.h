/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The memory that a stack is unwound over: the bytes that were copied when the sample was taken,
 * and where there is one, somebody who has more of it: what was read near the sample, or a thread
 * that is stopped.
 */
#ifndef RTS_UNWIND_MEMORY_H
#define RTS_UNWIND_MEMORY_H

#include <string.h>

#include "types.h"

struct rts_memory {
    uint64_t address;     /* in the target, of the first byte */
    const uint8_t *bytes; /* NULL when there are none */
    size_t size;          /* bytes that are there */
    /* Reads a word that the copy does not have; false: nobody has. NULL: there is no more. */
    bool (*more)(void *context, uint64_t address, uint64_t *word);
    void *context;
};

/* Reads one native 64-bit word at any alignment. False when it is not all there. */
static inline bool rts_memory_word(const struct rts_memory *memory, uint64_t address,
                                   uint64_t *word)
{
    uint64_t offset = address - memory->address;
    if (address < memory->address || memory->size < sizeof *word ||
        offset > memory->size - sizeof *word)
        return memory->more && memory->more(memory->context, address, word);
    memcpy(word, memory->bytes + offset, sizeof *word);
    return true;
}

/* Does a stack at `address` lie in what there is? */
static inline bool rts_memory_holds_stack(const struct rts_memory *memory, uint64_t address)
{
    uint64_t word;
    return (address >= memory->address && address - memory->address <= memory->size) ||
           (memory->more && memory->more(memory->context, address, &word));
}

/* Why the word at `address` is not there. `other_stack`: a signal's handler was left for a stack
 * that was not copied. */
static inline enum rts_stop rts_memory_why_missing(const struct rts_memory *memory,
                                                   uint64_t address, bool other_stack)
{
    if (other_stack)
        return RTS_STOP_ALT_STACK;
    if (memory->size == 0)
        return RTS_STOP_NO_STACK;
    return address >= memory->address ? RTS_STOP_STACK_SHORT : RTS_STOP_BAD_MEMORY;
}

#endif
