/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ranges of addresses that a DIE covers, one after the other. libdw reads those of a file that
 * has everything. A unit that was split off (DWARF 5, 7.3.2; before that GNU's DebugFission) has
 * neither addresses nor the base of its ranges: these are in the file that it was split from, and
 * are put together here.
 */
#ifndef RTS_BINARY_DWARF_PCS_H
#define RTS_BINARY_DWARF_PCS_H

#include <elfutils/libdw.h>

#include "types.h"

/* What a unit that was split off needs of elsewhere. */
struct rts_dwarf_addresses {
    uint64_t base;        /* what ranges count from, unless they say otherwise */
    const uint8_t *table; /* its part of .debug_addr, and what follows */
    uint64_t table_size;
    const uint8_t *ranges; /* version 5: its .debug_rnglists, else its part of .debug_ranges */
    uint64_t ranges_size;
    const uint8_t *end; /* of the bytes that the DIEs of the unit are in */
    uint16_t version;
};

struct rts_dwarf_pcs {
    Dwarf_Die *die;
    const struct rts_dwarf_addresses *addresses; /* NULL: libdw has all */
    ptrdiff_t state;
    uint64_t base;
    const uint8_t *at; /* in a list of ranges; NULL: not in one */
    bool begun;
};

/* `die` and `addresses` must outlive it. */
void rts_dwarf_pcs_init(struct rts_dwarf_pcs *pcs, Dwarf_Die *die,
                        const struct rts_dwarf_addresses *addresses);

/* The next range, which may be empty or begin at 0; false when there is no other, or none that can
 * be read. A list is as long as its bytes allow: the caller bounds how many of them are taken. */
bool rts_dwarf_pcs_next(struct rts_dwarf_pcs *pcs, uint64_t *start, uint64_t *end);

#endif
