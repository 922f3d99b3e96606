/* SPDX-License-Identifier: Apache-2.0 */
#include "binary/dwarf_units.h"

#include <dwarf.h>
#include <stdlib.h>

#include "util/memory.h"
#include "util/share.h"

/* Ranges of all units together; a program with a section per function has one for each. */
#define UNIT_RANGES_MAX (4u << 20)
/* Ranges of one unit that are looked through for an address; when there are more, the table of all
 * units is made. */
#define OWN_RANGES_MAX 4096
/* DIEs visited to list the functions of one unit: some second of work. A program linked as one unit
 * may have more; the functions in the rest are then reported without what is inlined in them. */
#define UNIT_DIES_MAX (8u << 20)
/* Ranges of all functions of one unit. */
#define FUNCTION_RANGES_MAX (2u << 20)
/* Namespaces, types and functions inside one another. */
#define NESTING_MAX 48
/* What libdw keeps for a unit: itself, its place in a tree, its abbreviations. */
#define UNIT_BYTES 1024

void rts_dwarf_units_init(struct rts_dwarf_units *units, Dwarf *dwarf, struct rts_splits *splits)
{
    *units = (struct rts_dwarf_units){.dwarf = dwarf, .splits = splits};
}

void rts_dwarf_units_finish(struct rts_dwarf_units *units)
{
    size_t position = 0;
    for (struct rts_dwarf_unit *unit; (unit = rts_table_next(&units->units, &position));) {
        rts_dwarf_ranges_finish(&unit->functions);
        free(unit);
    }
    rts_table_finish(&units->units);
    rts_dwarf_ranges_finish(&units->ranges);
    *units = (struct rts_dwarf_units){0};
}

size_t rts_dwarf_units_bytes(const struct rts_dwarf_units *units)
{
    size_t seen = units->seen > units->units.count ? units->seen : units->units.count;
    return seen * UNIT_BYTES + units->units.count * rts_heap_bytes(sizeof(struct rts_dwarf_unit)) +
           rts_table_bytes(&units->units) + units->range_bytes +
           units->ranges.capacity * sizeof(struct rts_dwarf_range);
}

static bool same_unit(const void *item, const void *key)
{
    return ((const struct rts_dwarf_unit *)item)->offset == *(const uint64_t *)key;
}

static struct rts_dwarf_unit *unit_of(struct rts_dwarf_units *units, Dwarf_Die *die)
{
    uint64_t offset = dwarf_dieoffset(die);
    uint64_t hash = rts_hash_u64(offset);
    struct rts_dwarf_unit *unit = rts_table_find(&units->units, hash, same_unit, &offset);
    if (unit)
        return unit;
    unit = rts_calloc(1, sizeof *unit);
    unit->die = *die;
    unit->offset = offset;
    unit->split = units->splits ? rts_splits_find(units->splits, die) : NULL;
    rts_table_add(&units->units, hash, unit);
    return unit;
}

static bool is_unit(Dwarf_Die *die)
{
    int tag = dwarf_tag(die);
    return tag == DW_TAG_compile_unit || tag == DW_TAG_skeleton_unit;
}

static void list_units(struct rts_dwarf_units *units)
{
    uint64_t budget = UNIT_RANGES_MAX;
    Dwarf_CU *unit = NULL;
    Dwarf_Half version;
    uint8_t type;
    Dwarf_Die die;
    for (units->seen = 0;
         units->seen < RTS_DWARF_UNITS_MAX &&
         dwarf_get_units(units->dwarf, unit, &unit, &version, &type, &die, NULL) == 0;
         units->seen++)
        if (is_unit(&die))
            rts_dwarf_ranges_add(&units->ranges, &die, NULL, dwarf_dieoffset(&die), &budget);
    rts_dwarf_ranges_seal(&units->ranges);
    units->listed = true;
}

struct scan {
    struct rts_dwarf_ranges *functions;
    const struct rts_dwarf_addresses *addresses;
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
            rts_dwarf_ranges_add(scan->functions, &die, scan->addresses, dwarf_dieoffset(&die),
                                 &scan->ranges);
        if (may_hold_functions(tag, scan->depth))
            scan_children(scan, &die, depth + 1);
    } while (dwarf_siblingof(&die, &die) == 0);
}

static const struct rts_dwarf_addresses *addresses_of(const struct rts_dwarf_unit *unit)
{
    return unit->split ? &unit->split->addresses : NULL;
}

static void list_functions(struct rts_dwarf_unit *unit, enum rts_dwarf_scan depth)
{
    unit->scanned = depth;
    rts_dwarf_ranges_finish(&unit->functions);
    struct scan scan = {&unit->functions, addresses_of(unit), depth, UNIT_DIES_MAX,
                        FUNCTION_RANGES_MAX};
    Dwarf_Die die = unit->split ? unit->split->die : unit->die;
    scan_children(&scan, &die, 0);
    rts_dwarf_ranges_seal(&unit->functions);
}

static bool find_function(struct rts_dwarf_units *units, Dwarf_Die *unit_die, uint64_t vaddr,
                          Dwarf_Die *die, const struct rts_dwarf_addresses **addresses)
{
    struct rts_dwarf_unit *unit = unit_of(units, unit_die);
    const struct rts_dwarf_range *range = rts_dwarf_ranges_find(&unit->functions, vaddr);
    while (!range && unit->scanned < RTS_DWARF_SCAN_DEEP) {
        size_t before = unit->functions.capacity;
        list_functions(unit, unit->scanned + 1);
        units->range_bytes += (unit->functions.capacity - before) * sizeof *range;
        range = rts_dwarf_ranges_find(&unit->functions, vaddr);
    }
    *addresses = addresses_of(unit);
    Dwarf *dwarf = unit->split ? unit->split->handle.dwarf : units->dwarf;
    return range && dwarf_offdie(dwarf, range->what, die) != NULL;
}

bool rts_dwarf_units_function(struct rts_dwarf_units *units, uint64_t vaddr, Dwarf_Die *die,
                              const struct rts_dwarf_addresses **addresses)
{
    Dwarf_Die unit;
    if (!units->listed) {
        uint64_t start, end, budget = OWN_RANGES_MAX;
        if (dwarf_addrdie(units->dwarf, vaddr, &unit) && is_unit(&unit)) {
            if (find_function(units, &unit, vaddr, die, addresses))
                return true;
            /* Anything may stand in .debug_aranges: does the unit agree? */
            if (rts_dwarf_die_covers(&unit, NULL, vaddr, &start, &end, &budget))
                return false;
        }
        list_units(units);
    }
    const struct rts_dwarf_range *range = rts_dwarf_ranges_find(&units->ranges, vaddr);
    return range && dwarf_offdie(units->dwarf, range->what, &unit) &&
           find_function(units, &unit, vaddr, die, addresses);
}
