/* SPDX-License-Identifier: Apache-2.0 */
/* Tables of address ranges as DWARF gives them: each leads to a DIE or a unit. */
#ifndef RTS_BINARY_DWARF_RANGES_H
#define RTS_BINARY_DWARF_RANGES_H

#include <elfutils/libdw.h>

#include "binary/dwarf_pcs.h"

struct rts_dwarf_range {
    uint64_t start;
    uint64_t end;
    uint64_t reach; /* the furthest end of this and all earlier ranges; set by the sort */
    uint64_t what;  /* what the table is about: an index, or the offset of a DIE */
};

struct rts_dwarf_ranges {
    struct rts_dwarf_range *items;
    size_t count;
    size_t capacity;
};

/* Adds the ranges of a DIE, of which `addresses` has what is elsewhere (dwarf_pcs.h). Takes one
 * from *budget for each range read, and stops at 0: lists may be shared by many DIEs of a file that
 * wants to keep us busy. */
void rts_dwarf_ranges_add(struct rts_dwarf_ranges *ranges, Dwarf_Die *die,
                          const struct rts_dwarf_addresses *addresses, uint64_t what,
                          uint64_t *budget);

/* Sorts; lookups work from here on. */
void rts_dwarf_ranges_seal(struct rts_dwarf_ranges *ranges);
void rts_dwarf_ranges_finish(struct rts_dwarf_ranges *ranges);

/* The range with the nearest start that holds `vaddr`, or NULL. */
const struct rts_dwarf_range *rts_dwarf_ranges_find(const struct rts_dwarf_ranges *ranges,
                                                    uint64_t vaddr);

/* Whether a DIE's ranges hold `vaddr`, and in which of them it lies. */
bool rts_dwarf_die_covers(Dwarf_Die *die, const struct rts_dwarf_addresses *addresses,
                          uint64_t vaddr, uint64_t *start, uint64_t *end, uint64_t *budget);

#endif
