/* SPDX-License-Identifier: Apache-2.0 */
#include "binary/dwarf_units.h"

#include <dwarf.h>
#include <stdlib.h>

#include "util/memory.h"

/* Ranges of all units together; a program with a section per function has one for each. */
#define UNIT_RANGES_MAX (4u << 20)
/* DIEs visited to list the functions of one unit: some second of work. A program linked as one unit
 * may have more; the functions in the rest are then reported without what is inlined in them. */
#define UNIT_DIES_MAX (8u << 20)
/* Ranges of all functions of one unit. */
#define FUNCTION_RANGES_MAX (2u << 20)
/* Namespaces, types and functions inside one another. */
#define NESTING_MAX 48

void rts_dwarf_units_init(struct rts_dwarf_units *units, Dwarf *dwarf)
{
    *units = (struct rts_dwarf_units){.dwarf = dwarf};
    uint64_t budget = UNIT_RANGES_MAX;
    Dwarf_CU *unit = NULL;
    Dwarf_Half version;
    uint8_t type;
    Dwarf_Die die;
    while (units->count < RTS_DWARF_UNITS_MAX &&
           dwarf_get_units(dwarf, unit, &unit, &version, &type, &die, NULL) == 0) {
        if (dwarf_tag(&die) != DW_TAG_compile_unit)
            continue;
        size_t before = units->ranges.count;
        rts_dwarf_ranges_add(&units->ranges, &die, units->count, &budget);
        if (units->ranges.count == before)
            continue;
        units->units = rts_grow(units->units, units->count, &units->capacity, sizeof *units->units);
        units->units[units->count++] = (struct rts_dwarf_unit){.die = die};
    }
    rts_dwarf_ranges_seal(&units->ranges);
}

void rts_dwarf_units_finish(struct rts_dwarf_units *units)
{
    for (size_t i = 0; i < units->count; i++)
        rts_dwarf_ranges_finish(&units->units[i].functions);
    free(units->units);
    rts_dwarf_ranges_finish(&units->ranges);
    *units = (struct rts_dwarf_units){0};
}

struct scan {
    struct rts_dwarf_ranges *functions;
    enum rts_dwarf_scan depth;
    uint64_t dies;
    uint64_t ranges;
};

/* What may hold a function with code of its own. */
static bool may_hold_functions(int tag, enum rts_dwarf_scan depth)
{
    switch (tag) {
    case DW_TAG_namespace:
    case DW_TAG_module: return true;
    case DW_TAG_subprogram:
    case DW_TAG_lexical_block:
    case DW_TAG_class_type:
    case DW_TAG_structure_type:
    case DW_TAG_union_type:
    case DW_TAG_enumeration_type:
    case DW_TAG_interface_type: return depth == RTS_DWARF_SCAN_DEEP;
    default: return false;
    }
}

static void scan_children(struct scan *scan, Dwarf_Die *parent, unsigned int depth)
{
    Dwarf_Die die;
    if (depth >= NESTING_MAX || dwarf_child(parent, &die) != 0)
        return;
    do {
        if (scan->dies == 0)
            return;
        scan->dies--;
        int tag = dwarf_tag(&die);
        if (tag == DW_TAG_subprogram)
            rts_dwarf_ranges_add(scan->functions, &die, dwarf_dieoffset(&die), &scan->ranges);
        if (may_hold_functions(tag, scan->depth))
            scan_children(scan, &die, depth + 1);
    } while (dwarf_siblingof(&die, &die) == 0);
}

static void list_functions(struct rts_dwarf_unit *unit, enum rts_dwarf_scan depth)
{
    unit->scanned = depth;
    rts_dwarf_ranges_finish(&unit->functions);
    struct scan scan = {&unit->functions, depth, UNIT_DIES_MAX, FUNCTION_RANGES_MAX};
    scan_children(&scan, &unit->die, 0);
    rts_dwarf_ranges_seal(&unit->functions);
}

bool rts_dwarf_units_function(struct rts_dwarf_units *units, uint64_t vaddr, Dwarf_Die *die)
{
    const struct rts_dwarf_range *range = rts_dwarf_ranges_find(&units->ranges, vaddr);
    if (!range)
        return false;
    struct rts_dwarf_unit *unit = &units->units[range->what];
    range = rts_dwarf_ranges_find(&unit->functions, vaddr);
    while (!range && unit->scanned < RTS_DWARF_SCAN_DEEP) {
        list_functions(unit, unit->scanned + 1);
        range = rts_dwarf_ranges_find(&unit->functions, vaddr);
    }
    return range && dwarf_offdie(units->dwarf, range->what, die) != NULL;
}
