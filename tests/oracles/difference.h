/* SPDX-License-Identifier: Apache-2.0 */
/* What three unwinders say of one row, and where they part. */
#ifndef RTS_TESTS_DIFFERENCE_H
#define RTS_TESTS_DIFFERENCE_H

#include "opinion.h"

struct row {
    struct cfi_row cfi;          /* as libdw has it; the step is taken at its first address */
    const struct rts_rule *rule; /* of our rules; NULL: there is none */
    struct opinion opinion[UNWINDERS];
};

/* Besides registers by DWARF number. */
#define SUBJECT_OUTCOME RTS_REGISTERS_MAX

/*
 * Of one subject, a letter for each unwinder. A register: 'a' for its value, as the first of them has
 * it, 'b' for another value, 'c' for a third one, '-' where it is said to be unknown, '.' where there
 * was no step. The outcome: 's' stepped, 'e' ended, 'f' failed.
 */
struct difference {
    unsigned subject;
    char says[UNWINDERS + 1];
};

/* Registers that are compared: the pc, the stack pointer, and those that a function leaves as it
 * found them. Of the others only our rules say that they are lost. */
uint64_t difference_registers(const struct rts_architecture *arch);

/* Those of a row; room for one per register and the outcome. Returns how many. */
size_t differences_of(const struct row *row, const struct rts_architecture *arch,
                      struct difference differences[SUBJECT_OUTCOME + 1]);

/* "rbx", "outcome". */
const char *subject_name(const struct rts_architecture *arch, unsigned subject);

/* A kind of difference that was looked into. */
struct kind {
    const char *name;
    bool (*is)(const struct row *row, const struct difference *difference);
    const char *judgement; /* what differs, and who is right */
};

/* NULL: nobody has explained it yet. */
const struct kind *kind_of(const struct row *row, const struct difference *difference);

#endif
