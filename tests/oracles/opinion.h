/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One step out of a synthetic frame, as three unwinders take it that know nothing of each other: our
 * rules, libunwind, and libdw's own unwinder of frames (libdwfl). Each is used directly; the walks of
 * src/unwind/ would filter what they say.
 *
 * The frame: every register has a value of its own, and every word of memory is a function of its
 * address. Whoever takes a register from another place than the others gets another value.
 */
#ifndef RTS_TESTS_OPINION_H
#define RTS_TESTS_OPINION_H

#include "binary/object.h"
#include "module.h"
#include "unwind/rule_cache.h"

enum unwinder {
    RULES,
    LIBUNWIND,
    LIBDW,
    UNWINDERS
};

enum outcome {
    STEPPED,
    ENDED, /* it says that there is no caller */
    FAILED,
};

struct opinion {
    enum outcome outcome;
    const char *why;             /* FAILED: in its own words, never freed */
    struct rts_registers caller; /* STEPPED: as far as it says what they are */
};

/* The registers of the frame at `vaddr`, all of which are known. */
void synthetic_registers(const struct rts_architecture *arch, uint64_t vaddr,
                         struct rts_registers *registers);

/* Eight bytes at any alignment. They may be taken for an address in user space, outside of the file
 * and of what the registers point to. */
uint64_t synthetic_word(uint64_t address);

/* *rule is the one that was applied, until the next call; NULL: there was none. */
void rules_say(struct rts_rule_cache *cache, const struct rts_architecture *arch,
               struct rts_object *object, uint64_t vaddr, const struct rts_rule **rule,
               struct opinion *opinion);

/* libunwind, with an address space whose accessors read the synthetic frame. NULL: it cannot be
 * loaded; the error says why. */
struct libunwind *libunwind_open(const struct rts_architecture *arch, struct rts_error *error);
void libunwind_close(struct libunwind *guest);
void libunwind_says(struct libunwind *guest, struct rts_object *object, uint64_t vaddr,
                    struct opinion *opinion);

/* Does this libdw tell registers of frames? Before elfutils 0.188 it had the pc only. */
bool libdw_gives_registers(void);

/* Has frames in the module unwound by libdwfl; false: it does not want to, dwfl_errmsg() says why. */
bool libdw_attach(struct module *module);
void libdw_says(struct module *module, const struct rts_architecture *arch, uint64_t vaddr,
                struct opinion *opinion);

#endif
