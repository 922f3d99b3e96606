/* SPDX-License-Identifier: Apache-2.0 */
#include "difference.h"

#include <stdio.h>

uint64_t difference_registers(const struct rts_architecture *arch)
{
    return arch->callee_saved | 1ULL << arch->stack_pointer | 1ULL << arch->program_counter;
}

static char letter_of(const struct row *row, unsigned number, int unwinder)
{
    const struct opinion *opinion = &row->opinion[unwinder];
    char letter = 'a';
    if (opinion->outcome != STEPPED)
        return '.';
    if (!rts_register_known(&opinion->caller, number))
        return '-';
    /* Earlier ones, each value once, in the order of their letters. */
    for (int other = 0; other < unwinder; other++) {
        char theirs = letter_of(row, number, other);
        if (theirs < 'a')
            continue;
        if (row->opinion[other].caller.value[number] == opinion->caller.value[number])
            return theirs;
        if (theirs >= letter)
            letter = (char)(theirs + 1);
    }
    return letter;
}

static bool differ(const char *says)
{
    char first = 0;
    for (; *says; says++) {
        if (*says == '.')
            continue;
        if (first && *says != first)
            return true;
        first = *says;
    }
    return false;
}

size_t differences_of(const struct row *row, const struct rts_architecture *arch,
                      struct difference differences[SUBJECT_OUTCOME + 1])
{
    static const char outcomes[] = {[STEPPED] = 's', [ENDED] = 'e', [FAILED] = 'f'};
    size_t count = 0;
    for (unsigned subject = 0; subject <= SUBJECT_OUTCOME; subject++) {
        struct difference *next = &differences[count];
        if (subject < SUBJECT_OUTCOME && !(difference_registers(arch) >> subject & 1))
            continue;
        *next = (struct difference){.subject = subject};
        for (int i = 0; i < UNWINDERS; i++)
            next->says[i] = subject == SUBJECT_OUTCOME ? outcomes[row->opinion[i].outcome]
                                                       : letter_of(row, subject, i);
        count += differ(next->says);
    }
    return count;
}

const char *subject_name(const struct rts_architecture *arch, unsigned subject)
{
    static const char *const x86_64[] = {"rax", "rdx", "rcx", "rbx", "rsi", "rdi",
                                         "rbp", "rsp", "r8",  "r9",  "r10", "r11",
                                         "r12", "r13", "r14", "r15", "rip"};
    static const char *const numbers[] = {
        "r0",  "r1",  "r2",  "r3",  "r4",  "r5",  "r6",  "r7",  "r8",  "r9",  "r10",
        "r11", "r12", "r13", "r14", "r15", "r16", "r17", "r18", "r19", "r20", "r21",
        "r22", "r23", "r24", "r25", "r26", "r27", "r28", "r29", "r30", "r31", "r32"};
    if (subject == SUBJECT_OUTCOME)
        return "outcome";
    return arch == &rts_architecture_x86_64 ? x86_64[subject] : numbers[subject];
}
