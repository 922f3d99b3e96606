/* SPDX-License-Identifier: Apache-2.0 */
/* What came of the self-test, by the form of the stack and by who unwound it. */
#ifndef RTS_FACTS_SELFTEST_FACTS_H
#define RTS_FACTS_SELFTEST_FACTS_H

#include <stdint.h>

/* What is on the stack; rts_form_name() gives the word in --stats. */
enum rts_form {
    RTS_FORM_DEEP,             /* a hundred calls of one function */
    RTS_FORM_RECURSIVE,        /* two functions that call each other */
    RTS_FORM_SIGNAL,           /* a signal's handler */
    RTS_FORM_ALTERNATE_STACK,  /* one on a stack of its own */
    RTS_FORM_NO_FRAME_POINTER, /* functions that use the frame pointer for something else */
    RTS_FORM_VDSO,             /* code that the kernel provides */
    RTS_FORM_LINKAGE,          /* calls through the table of the dynamic linker */
    RTS_FORM_NORETURN,         /* a call that is the last thing in its function */
    RTS_FORM_TAIL_CALL,        /* a function that has left its frame to the next one */
    RTS_FORM_COUNT
};

/* Who unwound. */
enum rts_selftest_by {
    RTS_SELFTEST_RULES,
    RTS_SELFTEST_LIBUNWIND,
    RTS_SELFTEST_BY_COUNT
};

struct rts_selftest_form {
    uint64_t samples;                       /* of all rounds */
    uint64_t failed[RTS_SELFTEST_BY_COUNT]; /* stacks that are not what they are known to be */
};

struct rts_selftest_facts {
    uint64_t rounds; /* that were begun */
    uint64_t cpu_ms; /* that they took */
    struct rts_selftest_form forms[RTS_FORM_COUNT];
};

const char *rts_form_name(enum rts_form form);

/* Forms of which a stack was wrong, whoever unwound it. */
unsigned rts_selftest_failed(const struct rts_selftest_facts *facts);

#endif
