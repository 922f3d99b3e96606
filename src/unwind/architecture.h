/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What unwinding must know of an instruction set, one table each. Everything else in this folder is
 * written in terms of DWARF register numbers.
 */
#ifndef RTS_UNWIND_ARCHITECTURE_H
#define RTS_UNWIND_ARCHITECTURE_H

#include "types.h"

/* DWARF columns that are followed: x86-64 has 17 (psABI, figure 3.36), AArch64 33 (AADWARF64). */
#define RTS_REGISTERS_MAX 33

/* Register values by DWARF number, with a bit in `known` for each that is known. */
struct rts_registers {
    uint64_t known;
    uint64_t value[RTS_REGISTERS_MAX];
};

struct rts_code_inspection;
struct rts_signal_frame;

struct rts_architecture {
    const char *name;
    uint16_t elf_machine;
    unsigned registers;     /* DWARF columns 0 .. registers-1 are followed */
    unsigned stack_pointer; /* DWARF numbers */
    unsigned frame_pointer;
    unsigned return_address;  /* the column that a return address is in, or stands for it */
    bool call_pushes;         /* a call puts the return address on the stack */
    unsigned program_counter; /* the column that stands for the pc itself */
    uint64_t pc_bits;         /* of a return address; the rest may be a signature (AArch64 PAC) */
    uint64_t perf_registers;  /* PERF_REG_* mask that is asked for */
    const struct rts_code_inspection *inspection;
    uint64_t callee_saved; /* DWARF mask: registers that a function leaves as it found them */
    const struct rts_signal_frame *signal_frame;
    uint64_t kernel_unknown;  /* DWARF mask: registers that the kernel reports as all ones when a
                                 sample hits in kernel mode, since it does not know them */
    int8_t dwarf_of_perf[64]; /* PERF_REG_* bit to DWARF number, -1: not followed */
};

/* What the kernel puts on the stack for a signal's handler, seen from the stack pointer that the
 * handler returns with. */
struct rts_signal_frame {
    int16_t offset[RTS_REGISTERS_MAX]; /* in bytes, of each register by DWARF number */
    /* A word of it that has `check_value` in its bits `check_mask`, in whatever was interrupted. */
    int16_t check_offset;
    uint64_t check_mask, check_value;
};

/* What a pc's surroundings in the program text say (code_*.c). */
struct rts_code_inspection {
    /* Does a call instruction end right before the return address? `bytes` are the RTS_CALL_BYTES
     * before it. */
    bool (*ends_in_call)(const uint8_t *bytes);
    /* Does the text at the pc only restore registers from the stack and then leave the function?
     * `size` bytes from the pc on. */
    bool (*is_epilogue)(const uint8_t *bytes, size_t size);
    /* Has the function made the frame pointer point to its frame? `bytes` are the `size` bytes from
     * its start (or from some way back, when the start is not known) up to the pc. */
    bool (*sets_frame_pointer)(const uint8_t *bytes, size_t size);
    /* How many bytes long is the code at the start of `bytes` that has the kernel take back a
     * signal's frame (rt_sigreturn)? 0: it is other code. */
    size_t (*signal_return)(const uint8_t *bytes, size_t size);
    /* Of the system call that the registers show to be under way, for certain or if it is
     * rt_sigreturn: how many bytes before the pc its instruction begins. 0: they show none. */
    size_t (*system_call)(const struct rts_registers *registers);
    /* How many words lie between the stack pointer and the return address (or where the caller's
     * stack pointer is, if the return address is in a register) at `offset` of an entry of a
     * linkage table, which was entered with `pushed` of them? `bytes` are the entry's. *or_more is
     * how many more it may be. False: the code does not say. */
    bool (*words_pushed)(const uint8_t *bytes, size_t size, size_t offset, unsigned pushed,
                         unsigned *words, unsigned *or_more);
    /* Does the code, a whole function, leave the stack pointer and the register that has the return
     * address alone, and only leave by returning? */
    bool (*is_plain_leaf)(const uint8_t *bytes, size_t size);
    /* `bytes` are the RTS_ENTRY_BYTES from the entry point of a program on (fewer where the text
     * ends). Is `offset` reached from there on a straight line, before the frame was left for good,
     * and is that code made for a stack that has no return address? A caller's offset (`exact` is
     * false) is that of its return address. */
    bool (*in_entry)(const uint8_t *bytes, size_t size, uint64_t offset, bool exact);
    /* Does the code around a return address begin and end a thread: clear the frame pointer after a
     * system call, call, then exit? `before` are the RTS_THREAD_BYTES that end there, `after` those
     * that begin there. */
    bool (*starts_thread)(const uint8_t *before, const uint8_t *after);
};

#define RTS_CALL_BYTES          8
#define RTS_EPILOGUE_BYTES      32
#define RTS_PROLOGUE_BYTES      4096
#define RTS_SIGNAL_RETURN_BYTES 9  /* the longest form */
#define RTS_ENTRY_BYTES         64 /* a few instructions and a call */
#define RTS_THREAD_BYTES        32
#define RTS_SLOT_BYTES          48   /* the longest entry of a linkage table */
#define RTS_LEAF_BYTES          4096 /* longer functions call something */

extern const struct rts_code_inspection rts_code_inspection_x86_64;
extern const struct rts_code_inspection rts_code_inspection_aarch64;
extern const struct rts_architecture rts_architecture_x86_64;
extern const struct rts_architecture rts_architecture_aarch64;

/* The one this program was built for. */
const struct rts_architecture *rts_architecture_native(void);

static inline bool rts_register_known(const struct rts_registers *registers, unsigned number)
{
    return number < RTS_REGISTERS_MAX && (registers->known >> number & 1);
}

static inline void rts_register_set(struct rts_registers *registers, unsigned number,
                                    uint64_t value)
{
    registers->value[number] = value;
    registers->known |= 1ULL << number;
}

/* Puts the words of a sample (one per bit of `set`, which is one of PERF_REG_*, lowest first) in
 * DWARF order. */
void rts_registers_from_perf(const struct rts_architecture *arch, uint64_t set,
                             const uint64_t *words, bool kernel_mode,
                             struct rts_registers *registers);

#endif
