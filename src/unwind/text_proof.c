/* SPDX-License-Identifier: Apache-2.0 */
#include "unwind/text_proof.h"

#include <string.h>

#include "binary/object.h"

bool rts_text_after_call(const struct rts_architecture *arch, struct rts_object *object,
                         uint64_t vaddr)
{
    uint8_t text[RTS_CALL_BYTES];
    return rts_object_read_text(object, vaddr - sizeof text, text, sizeof text) == sizeof text &&
           arch->inspection->ends_in_call(text);
}

bool rts_text_in_epilogue(const struct rts_architecture *arch, struct rts_object *object,
                          uint64_t vaddr)
{
    uint8_t text[RTS_EPILOGUE_BYTES];
    size_t size = rts_object_read_text(object, vaddr, text, sizeof text);
    return arch->inspection->is_epilogue(text, size);
}

bool rts_text_has_frame_pointer(const struct rts_architecture *arch, struct rts_object *object,
                                uint64_t vaddr)
{
    uint8_t text[RTS_PROLOGUE_BYTES];
    struct rts_function functions[RTS_INLINE_DEPTH_MAX + 1];
    size_t count =
        rts_object_functions(object, vaddr, functions, sizeof functions / sizeof *functions);
    uint64_t size = count > 0 ? vaddr - functions[count - 1].start : sizeof text / 4;
    /* The start of a long function is what matters. */
    uint64_t start = size <= vaddr ? vaddr - size : 0;
    if (size > sizeof text)
        size = sizeof text;
    return rts_object_read_text(object, start, text, (size_t)size) == size &&
           arch->inspection->sets_frame_pointer(text, (size_t)size);
}

bool rts_text_is_signal_return(const struct rts_architecture *arch, struct rts_object *object,
                               uint64_t vaddr, bool exact)
{
    uint8_t text[2 * RTS_SIGNAL_RETURN_BYTES] = {0};
    uint8_t *at = text + RTS_SIGNAL_RETURN_BYTES;
    size_t size = rts_object_read_text(object, vaddr, at, RTS_SIGNAL_RETURN_BYTES);
    if (arch->inspection->signal_return(at, size) > 0)
        return true;
    if (!exact || rts_object_read_text(object, vaddr - RTS_SIGNAL_RETURN_BYTES, text,
                                       RTS_SIGNAL_RETURN_BYTES) != RTS_SIGNAL_RETURN_BYTES)
        return false;
    for (size_t back = 1; back < RTS_SIGNAL_RETURN_BYTES; back++)
        if (arch->inspection->signal_return(at - back, back + size) > back)
            return true;
    return false;
}

/* A library may have an entry point that means nothing. */
static bool is_entry_function(struct rts_object *object, uint64_t lookup)
{
    uint64_t start, end;
    return rts_object_is_program(object) && rts_object_fde_bounds(object, lookup, &start, &end) &&
           start == rts_object_entry(object);
}

bool rts_text_is_outermost(const struct rts_architecture *arch, struct rts_object *object,
                           uint64_t vaddr, bool exact)
{
    uint8_t text[RTS_ENTRY_BYTES], before[RTS_THREAD_BYTES], after[RTS_THREAD_BYTES] = {0};
    if (rts_object_machine(object) != arch->elf_machine)
        return false;
    uint64_t entry = rts_object_entry(object);
    if (entry != 0 && vaddr >= entry && vaddr - entry <= sizeof text) {
        size_t size = rts_object_read_text(object, entry, text, sizeof text);
        if (arch->inspection->in_entry(text, size, vaddr - entry, exact))
            return true;
    }
    const uint64_t lookup = exact ? vaddr : vaddr - 1;
    uint32_t unused;
    if ((entry != 0 && is_entry_function(object, lookup)) ||
        rts_object_go_frame(object, lookup, &unused) == RTS_GO_FRAME_OUTERMOST)
        return true;
    return !exact &&
           rts_object_read_text(object, vaddr - sizeof before, before, sizeof before) ==
               sizeof before &&
           rts_object_read_text(object, vaddr, after, sizeof after) >= RTS_THREAD_BYTES / 2 &&
           arch->inspection->starts_thread(before, after);
}

static bool is_plain_leaf(const struct rts_architecture *arch, struct rts_object *object,
                          uint64_t vaddr)
{
    struct rts_function functions[RTS_INLINE_DEPTH_MAX + 1];
    size_t count =
        rts_object_functions(object, vaddr, functions, sizeof functions / sizeof *functions);
    if (count == 0 || functions[count - 1].size == 0 || functions[count - 1].size > RTS_LEAF_BYTES)
        return false;
    uint8_t text[RTS_LEAF_BYTES];
    size_t size = (size_t)functions[count - 1].size;
    return rts_object_read_text(object, functions[count - 1].start, text, size) == size &&
           arch->inspection->is_plain_leaf(text, size);
}

bool rts_text_words_pushed(const struct rts_architecture *arch, struct rts_object *object,
                           uint64_t vaddr, unsigned *words, unsigned *or_more)
{
    struct rts_linkage_slot slot;
    *words = *or_more = 0;
    if (!rts_object_linkage_slot(object, vaddr, &slot))
        return arch->inspection->is_plain_leaf && is_plain_leaf(arch, object, vaddr);
    uint8_t text[RTS_SLOT_BYTES];
    return slot.size <= sizeof text &&
           rts_object_read_text(object, slot.start, text, slot.size) == slot.size &&
           arch->inspection->words_pushed(text, slot.size, (size_t)(vaddr - slot.start),
                                          slot.pushed, words, or_more);
}
