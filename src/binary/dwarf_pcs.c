/* SPDX-License-Identifier: Apache-2.0 */
#include "binary/dwarf_pcs.h"

#include <dwarf.h>

#include "util/cursor.h"

/* Entries of a list of version 5 that are not ranges, in a row. */
#define BASES_MAX 4096

void rts_dwarf_pcs_init(struct rts_dwarf_pcs *pcs, Dwarf_Die *die,
                        const struct rts_dwarf_addresses *addresses)
{
    *pcs = (struct rts_dwarf_pcs){.die = die, .addresses = addresses};
    if (addresses)
        pcs->base = addresses->base;
}

static bool indexed(const struct rts_dwarf_addresses *addresses, uint64_t index, uint64_t *address)
{
    if (index >= addresses->table_size / sizeof *address)
        return false;
    memcpy(address, addresses->table + index * sizeof *address, sizeof *address);
    return true;
}

/* The index that an attribute holds, in one of the forms for that. */
static bool read_index(const struct rts_dwarf_addresses *addresses,
                       const Dwarf_Attribute *attribute, uint64_t *index)
{
    struct rts_cursor reader = {attribute->valp, addresses->end, false};
    switch (attribute->form) {
    case DW_FORM_addrx:
    case DW_FORM_rnglistx:
    case DW_FORM_GNU_addr_index: *index = rts_cursor_uleb(&reader); break;
    case DW_FORM_addrx1: *index = rts_cursor_fixed(&reader, 1); break;
    case DW_FORM_addrx2: *index = rts_cursor_fixed(&reader, 2); break;
    case DW_FORM_addrx3:
        *index = rts_cursor_fixed(&reader, 2);
        *index |= rts_cursor_fixed(&reader, 1) << 16;
        break;
    case DW_FORM_addrx4: *index = rts_cursor_fixed(&reader, 4); break;
    default: return false;
    }
    return !reader.failed;
}

static bool read_address(const struct rts_dwarf_addresses *addresses, Dwarf_Attribute *attribute,
                         uint64_t *address)
{
    uint64_t index;
    if (attribute->form == DW_FORM_addr)
        return dwarf_formaddr(attribute, address) == 0;
    return attribute->form != DW_FORM_rnglistx && read_index(addresses, attribute, &index) &&
           indexed(addresses, index, address);
}

/* DW_AT_low_pc and DW_AT_high_pc, of which the latter may be a length. */
static bool read_pair(const struct rts_dwarf_pcs *pcs, uint64_t *start, uint64_t *end)
{
    Dwarf_Attribute low, high;
    uint64_t length;
    if (!dwarf_attr(pcs->die, DW_AT_low_pc, &low) || !read_address(pcs->addresses, &low, start) ||
        !dwarf_attr(pcs->die, DW_AT_high_pc, &high))
        return false;
    if (read_address(pcs->addresses, &high, end))
        return true;
    if (dwarf_formudata(&high, &length) != 0)
        return false;
    *end = *start + length;
    return *end >= *start;
}

/* Where the offsets in .debug_rnglists stand, and how many of what size there are. */
static bool read_offsets(const struct rts_dwarf_addresses *addresses, uint64_t index,
                         uint64_t *offset)
{
    struct rts_cursor reader = {addresses->ranges, addresses->ranges + addresses->ranges_size,
                                false};
    size_t width = 4;
    if (rts_cursor_fixed(&reader, 4) == 0xffffffff) {
        width = 8;
        rts_cursor_skip(&reader, 8);
    }
    rts_cursor_skip(&reader, 4); /* version, sizes of an address and of a segment selector */
    uint64_t count = rts_cursor_fixed(&reader, 4);
    uint64_t base = (uint64_t)(reader.at - addresses->ranges);
    if (reader.failed || index >= count)
        return false;
    rts_cursor_skip(&reader, index * width);
    *offset = base + rts_cursor_fixed(&reader, width);
    return !reader.failed;
}

static bool begin_list(struct rts_dwarf_pcs *pcs)
{
    const struct rts_dwarf_addresses *addresses = pcs->addresses;
    Dwarf_Attribute attribute;
    uint64_t index, offset;
    if (!dwarf_attr(pcs->die, DW_AT_ranges, &attribute))
        return false;
    struct rts_cursor reader = {attribute.valp, addresses->end, false};
    if (attribute.form == DW_FORM_rnglistx) {
        if (!read_index(addresses, &attribute, &index) || !read_offsets(addresses, index, &offset))
            return false;
    } else if (attribute.form == DW_FORM_sec_offset || attribute.form == DW_FORM_data4) {
        offset = rts_cursor_fixed(&reader, 4);
    } else {
        return false;
    }
    if (reader.failed || offset >= addresses->ranges_size)
        return false;
    pcs->at = addresses->ranges + offset;
    return true;
}

/* Of .debug_ranges: pairs of offsets from the base. */
static bool next_pair(struct rts_dwarf_pcs *pcs, struct rts_cursor *reader, uint64_t *start,
                      uint64_t *end)
{
    for (unsigned bases = 0; bases < BASES_MAX; bases++) {
        *start = rts_cursor_fixed(reader, 8);
        *end = rts_cursor_fixed(reader, 8);
        if (reader->failed || (*start == 0 && *end == 0))
            return false;
        if (*start != UINT64_MAX) {
            *start += pcs->base;
            *end += pcs->base;
            return true;
        }
        pcs->base = *end;
    }
    return false;
}

/* Of .debug_rnglists. */
static bool next_entry(struct rts_dwarf_pcs *pcs, struct rts_cursor *reader, uint64_t *start,
                       uint64_t *end)
{
    const struct rts_dwarf_addresses *addresses = pcs->addresses;
    for (unsigned bases = 0; bases < BASES_MAX && !reader->failed; bases++) {
        switch (rts_cursor_fixed(reader, 1)) {
        case DW_RLE_base_addressx:
            if (!indexed(addresses, rts_cursor_uleb(reader), &pcs->base))
                return false;
            break;
        case DW_RLE_base_address: pcs->base = rts_cursor_fixed(reader, 8); break;
        case DW_RLE_startx_endx:
            return indexed(addresses, rts_cursor_uleb(reader), start) &&
                   indexed(addresses, rts_cursor_uleb(reader), end) && !reader->failed;
        case DW_RLE_startx_length:
            if (!indexed(addresses, rts_cursor_uleb(reader), start))
                return false;
            *end = *start + rts_cursor_uleb(reader);
            return !reader->failed;
        case DW_RLE_offset_pair:
            *start = pcs->base + rts_cursor_uleb(reader);
            *end = pcs->base + rts_cursor_uleb(reader);
            return !reader->failed;
        case DW_RLE_start_end:
            *start = rts_cursor_fixed(reader, 8);
            *end = rts_cursor_fixed(reader, 8);
            return !reader->failed;
        case DW_RLE_start_length:
            *start = rts_cursor_fixed(reader, 8);
            *end = *start + rts_cursor_uleb(reader);
            return !reader->failed;
        default: return false;
        }
    }
    return false;
}

static bool next_of_split(struct rts_dwarf_pcs *pcs, uint64_t *start, uint64_t *end)
{
    const struct rts_dwarf_addresses *addresses = pcs->addresses;
    if (!pcs->begun) {
        pcs->begun = true;
        if (read_pair(pcs, start, end))
            return true;
        if (!begin_list(pcs))
            return false;
    }
    if (!pcs->at)
        return false;
    struct rts_cursor reader = {pcs->at, addresses->ranges + addresses->ranges_size, false};
    bool more = addresses->version < 5 ? next_pair(pcs, &reader, start, end)
                                       : next_entry(pcs, &reader, start, end);
    pcs->at = more ? reader.at : NULL;
    return more;
}

bool rts_dwarf_pcs_next(struct rts_dwarf_pcs *pcs, uint64_t *start, uint64_t *end)
{
    if (pcs->addresses)
        return next_of_split(pcs, start, end);
    Dwarf_Addr first, last;
    pcs->state = dwarf_ranges(pcs->die, pcs->state, &pcs->base, &first, &last);
    if (pcs->state <= 0)
        return false;
    *start = first;
    *end = last;
    return true;
}
