/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From an address to the DIE of the function around it. The unit is found by .debug_aranges where
 * that is there and right; else by the table of all units, made from the units themselves when it
 * is first needed: it reads a DIE of each, which takes longer than all the rest. The table of the
 * functions of a unit is made when an address in it is first asked for.
 */
#ifndef RTS_BINARY_DWARF_UNITS_H
#define RTS_BINARY_DWARF_UNITS_H

#include <elfutils/libdw.h>

#include "binary/dwarf_handle.h"
#include "binary/dwarf_ranges.h"
#include "binary/splits.h"
#include "util/table.h"

/* How far the functions of a unit have been listed. Nearly all of them stand in the unit itself or
 * in a namespace; those in types and in other functions are looked for when an address is in none
 * of the others, since the bodies of functions are most of a unit. */
enum rts_dwarf_scan {
    RTS_DWARF_SCAN_NONE,
    RTS_DWARF_SCAN_SHALLOW,
    RTS_DWARF_SCAN_DEEP,
};

struct rts_dwarf_unit {
    Dwarf_Die die;
    const struct rts_split_unit *split; /* what its functions are in; NULL: the unit itself */
    uint64_t offset;                    /* of the DIE */
    enum rts_dwarf_scan scanned;
    struct rts_dwarf_ranges functions; /* -> offsets of DIEs */
};

struct rts_dwarf_units {
    Dwarf *dwarf;              /* not owned */
    struct rts_splits *splits; /* likewise; NULL: units that were split off are not looked for */
    struct rts_table units;    /* those that were asked for, by offset */
    struct rts_dwarf_ranges ranges; /* of all units, once `listed` -> offsets of their DIEs */
    bool listed;
    size_t seen;        /* units that libdw has been made to read */
    size_t range_bytes; /* of the functions of all units */
};

void rts_dwarf_units_init(struct rts_dwarf_units *units, Dwarf *dwarf, struct rts_splits *splits);
void rts_dwarf_units_finish(struct rts_dwarf_units *units);

/* The memory that it takes, with what libdw keeps for each unit. */
size_t rts_dwarf_units_bytes(const struct rts_dwarf_units *units);

/* The innermost subprogram that covers `vaddr`, and what its addresses need (NULL: nothing); false
 * when there is none. */
bool rts_dwarf_units_function(struct rts_dwarf_units *units, uint64_t vaddr, Dwarf_Die *die,
                              const struct rts_dwarf_addresses **addresses);

#endif
