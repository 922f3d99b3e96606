/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The differences that were looked into, on x86-64 with elfutils 0.188 and libunwind 1.6.2: of each how
 * it is told, who is right, and by what that was decided. tests/oracles/odd_rows.s has a function for
 * each. In the files that the test goes through only the first two occur.
 */
#include <string.h>

#include "difference.h"

#define RBX 3
#define RBP 6

static bool outcomes_are(const struct difference *difference, const char *says)
{
    return difference->subject == SUBJECT_OUTCOME && strcmp(difference->says, says) == 0;
}

/* libunwind alone has another value of it. */
static bool libunwind_is_apart(const struct difference *difference)
{
    return difference->subject < SUBJECT_OUTCOME && strcmp(difference->says, "aba") == 0;
}

static bool failed_for(const struct opinion *opinion, const char *why)
{
    return opinion->outcome == FAILED && strcmp(opinion->why, why) == 0;
}

/*
 * elfutils, backends/x86_64_cfi.c: its table of what the ABI has a function keep begins with register
 * 0, which the comment there calls %rbx. rbx is 3; 0 is rax. In the disassembly rbx was not written
 * yet in such a row, or is back. gdb has the caller's rbx as it is: set it at the first instruction of
 * puts(), and `up` shows that value.
 */
static bool libdw_rbx(const struct row *row, const struct difference *difference)
{
    return difference->subject == RBX && row->rule && row->rule->kind[RBX] == RTS_RULE_SAME &&
           difference->says[RULES] == 'a' && difference->says[LIBUNWIND] != 'b' &&
           difference->says[LIBUNWIND] != '-' && difference->says[LIBDW] == '-';
}

/*
 * The last instructions of longjmp(), in libc, ld.so and libitm, and of setcontext(): CFI has the
 * caller's stack pointer in a register, or in memory, and the code goes on to load it from there
 * (`mov %r8,%rsp`). libunwind has the CFA as the caller's stack pointer whatever the row says of it.
 * gdb, stopped at __longjmp+51, has r8 as the rsp of the caller, and that is what it then is.
 */
static bool libunwind_rsp(const struct row *row, const struct difference *difference)
{
    const unsigned rsp = rts_architecture_x86_64.stack_pointer;
    return libunwind_is_apart(difference) && difference->subject == rsp && row->rule &&
           (row->rule->kind[rsp] == RTS_RULE_AT_CFA || row->rule->kind[rsp] == RTS_RULE_REGISTER ||
            row->rule->kind[rsp] == RTS_RULE_AT_EXPRESSION ||
            row->rule->kind[rsp] == RTS_RULE_IS_EXPRESSION);
}

/* A function without a frame pointer to give back still has a return address, by its row; the psABI's
 * mark of the outermost frame is a frame pointer of zero, not one that is unknown. */
static bool libunwind_rbp(const struct row *row, const struct difference *difference)
{
    return outcomes_are(difference, "ses") && row->rule &&
           row->rule->kind[RBP] == RTS_RULE_UNDEFINED;
}

/* Functions of the Microsoft ABI, in libffi and CPython's trampolines, save xmm6 to xmm15: registers
 * 23 to 32. What is said of them is nothing to the others. */
static bool libunwind_vectors(const struct row *row, const struct difference *difference)
{
    return outcomes_are(difference, "sfs") && row->rule &&
           failed_for(&row->opinion[LIBUNWIND], "bad register");
}

/* DWARF 5, 6.4.1: a rule is about the values in this frame. libunwind takes one of the caller's where
 * it has that one already: those of lower numbers. */
static bool libunwind_register(const struct row *row, const struct difference *difference)
{
    const unsigned subject = difference->subject;
    return libunwind_is_apart(difference) && row->rule &&
           row->rule->kind[subject] == RTS_RULE_REGISTER &&
           row->rule->offset[subject] < (int32_t)subject;
}

/* Is it the CFA, or that far from it? */
static bool is_value(const struct row *row, unsigned number)
{
    return row->rule && number != rts_architecture_x86_64.stack_pointer &&
           row->rule->kind[number] == RTS_RULE_IS_CFA;
}

/* DW_CFA_val_offset and DW_CFA_val_offset_sf. libunwind 1.6.2 does not know them, and takes their
 * operands for the next instructions: what comes of it, if anything, depends on them. */
static bool libunwind_values(const struct row *row, const struct difference *difference)
{
    bool any = false;
    for (unsigned number = 0; number < rts_architecture_x86_64.registers; number++)
        any = any || is_value(row, number);
    return (libunwind_is_apart(difference) && is_value(row, difference->subject)) ||
           (outcomes_are(difference, "sfs") && any &&
            failed_for(&row->opinion[LIBUNWIND], "invalid"));
}

/*
 * DW_CFA_def_cfa_register where the CFA was an expression, which DWARF does not allow: in libgcrypt's
 * ChaCha20 for AVX2, where the assembler still knew the offset of before. libunwind takes that offset,
 * and there it is the right one, by the six pops that follow. By the row it is a guess.
 */
static bool no_cfa(const struct row *row, const struct difference *difference)
{
    return outcomes_are(difference, "fse") && !row->cfi.has_cfa &&
           failed_for(&row->opinion[RULES], "bad CFI");
}

/* No instruction says where the return address is, in a column that is not a register which functions
 * keep. libunwind takes what is in that register now. libdw has no word for "nothing is said". Neither
 * is a proof: that there is no caller is said by DW_CFA_undefined. */
static bool no_return_address(const struct row *row, const struct difference *difference)
{
    return outcomes_are(difference, "fse") && row->cfi.has_cfa &&
           failed_for(&row->opinion[RULES], "bad CFI");
}

/* The return address is in a register that is not followed. libunwind is not asked: it reads behind
 * the end of its table then (with register 100 the caller's pc was an address of our own stack). */
static bool unknown_register(const struct row *row, const struct difference *difference)
{
    return outcomes_are(difference, "ffe") && row->rule &&
           row->rule->kind[row->rule->return_column] == RTS_RULE_REGISTER &&
           failed_for(&row->opinion[RULES], "no register");
}

static const struct kind kinds[] = {
    {"libdw-rbx", libdw_rbx,
     "libdw does not know rbx where nothing is said of it: its table of the ABI has rax in that "
     "place. The other two are right"},
    {"libunwind-rsp", libunwind_rsp,
     "libunwind has the CFA as the caller's stack pointer where the row says something else. The "
     "other two are right"},
    {"libunwind-rbp", libunwind_rbp,
     "libunwind ends where the caller's rbp is undefined. The other two are right: the row has a "
     "return address"},
    {"libunwind-vectors", libunwind_vectors,
     "libunwind refuses CFI that speaks of registers above 16. The other two are right"},
    {"libunwind-register", libunwind_register,
     "libunwind takes a register of the caller's for one of the frame's. The other two are right"},
    {"libunwind-values", libunwind_values,
     "libunwind does not know DW_CFA_val_offset. The other two are right"},
    {"no-cfa", no_cfa,
     "the row does not say where the CFA is; libunwind takes an older offset. Our rules say so, "
     "and "
     "libdw says that there is no caller"},
    {"unknown-register", unknown_register,
     "the return address is in a register that is not followed. Our rules say so, and libdw says "
     "that "
     "there is no caller"},
    {"no-return-address", no_return_address,
     "the row does not say where the return address is; libunwind takes its column's register. Our "
     "rules say so, and libdw says that there is no caller"},
};

const struct kind *kind_of(const struct row *row, const struct difference *difference)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (kinds[i].is(row, difference))
            return &kinds[i];
    return NULL;
}
