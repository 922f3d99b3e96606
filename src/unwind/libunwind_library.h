/* SPDX-License-Identifier: Apache-2.0 */
/* libunwind's functions, in a library that is loaded when stacks are to be unwound by it
 * (util/library.h). */
#ifndef RTS_UNWIND_LIBUNWIND_LIBRARY_H
#define RTS_UNWIND_LIBUNWIND_LIBRARY_H

#include <libunwind.h>

#include "util/error.h"

/* Not in libunwind's header, but perf(1) relies on it as well: looks up an address in a table of
 * FDEs and decodes the one that covers it, all of it read by the accessors of the address space. */
int UNW_OBJ(dwarf_search_unwind_table)(unw_addr_space_t space, unw_word_t ip, unw_dyn_info_t *table,
                                       unw_proc_info_t *found, int need_unwind_info, void *context);

/* All that is called, without "unw_" before it. */
#define RTS_LIBUNWIND_FUNCTIONS(X)                                                                 \
    X(create_addr_space)                                                                           \
    X(destroy_addr_space)                                                                          \
    X(set_caching_policy)                                                                          \
    X(init_remote)                                                                                 \
    X(step)                                                                                        \
    X(get_reg)                                                                                     \
    X(dwarf_search_unwind_table)

/* library->step() is unw_step(), and so on. */
struct rts_libunwind {
    void *handle;
#define RTS_LIBUNWIND_MEMBER(name) __typeof__(UNW_OBJ(name)) *name;
    RTS_LIBUNWIND_FUNCTIONS(RTS_LIBUNWIND_MEMBER)
#undef RTS_LIBUNWIND_MEMBER
};

/* Loads it; what was opened is to be closed once. On failure there is nothing to close. */
int rts_libunwind_open(struct rts_libunwind *library, struct rts_error *error);

/* An address space without caches, of a thread that is only looked at: the accessors are those that
 * find CFI and read memory and registers, and all others refuse. To be destroyed by the caller.
 * NULL: it failed. */
unw_addr_space_t rts_libunwind_space(const struct rts_libunwind *library,
                                     const unw_accessors_t *accessors, struct rts_error *error);

/* Gives it back. */
void rts_libunwind_close(struct rts_libunwind *library);

#endif
