/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file of units that were split off: a .dwo file of the compiler, whose sections belong to one
 * unit or a few, or a package of many of them (.dwp), in which an index says which parts of the
 * sections are those of a unit (DWARF 5, 7.3.5; and GNU's version 2 of it). libdw sees each unit as
 * an image of its own:
 *
 *     image 1 | image 2 | … | sections, once for all images
 *
 * where an image is but headers, and its sections lie behind all of them. Untrusted input.
 */
#ifndef RTS_BINARY_SPLIT_FILE_H
#define RTS_BINARY_SPLIT_FILE_H

#include "binary/dwarf_handle.h"
#include "binary/dwarf_image.h"
#include "binary/dwarf_pcs.h"

struct rts_split_part {
    uint64_t at, size; /* in the bytes */
};

struct rts_split_file {
    uint8_t *bytes;
    size_t size;
    struct rts_split_part sections[RTS_DWARF_SECTIONS];
    struct rts_split_part index; /* of a package; empty: all sections belong together */
    size_t images, images_max;
};

/* One unit. */
struct rts_split_unit {
    struct rts_dwarf_handle handle;
    Dwarf_Die die;
    struct rts_dwarf_addresses addresses; /* base and table are for the caller to fill in */
    struct rts_split_part ranges;
};

/* Reads the file, of which nothing is needed afterwards: at most `limit` bytes. What keeps it from
 * being read is told to `unread`; `path` is for that. */
bool rts_split_file_init(struct rts_split_file *file, const struct rts_elf_image *image,
                         const char *path, uint64_t limit, struct rts_unread *unread);
void rts_split_file_finish(struct rts_split_file *file);

/* Opens the unit of that id; false when it is not there. The file must outlive it. */
bool rts_split_file_open_unit(struct rts_split_file *file, uint64_t id,
                              struct rts_split_unit *unit);
void rts_split_unit_close(struct rts_split_unit *unit);

#endif
