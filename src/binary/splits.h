/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The units of a file that were split off (-gsplit-dwarf): their skeletons name a file, and have an
 * id that must be that of the unit there. For a file that is mapped as PATH they are looked for in
 *
 *     PATH.dwp, /usr/lib/debug/PATH.dwp    a package of all of them; likewise beside a debug file
 *     COMP_DIR/NAME                        where the compiler left it
 *     DIR/NAME, DIR/<last part of NAME>    beside PATH
 *
 * below the root directory of the process that maps the file; the packages in our own too, where
 * the target does not choose the path.
 */
#ifndef RTS_BINARY_SPLITS_H
#define RTS_BINARY_SPLITS_H

#include "binary/debug_place.h"
#include "binary/split_file.h"

struct rts_splits;

/* `main` is the image of the file with the skeletons (dwarf_image.h). It and what `place` points to
 * must outlive the result, which never is NULL. */
struct rts_splits *rts_splits_create(const struct rts_debug_place *place, const uint8_t *main);
void rts_splits_destroy(struct rts_splits *splits); /* accepts NULL */

/* What they take of memory. */
size_t rts_splits_bytes(const struct rts_splits *splits);

/* The unit that belongs to a DIE of a unit; NULL when it is not a skeleton, or there is no such.
 */
const struct rts_split_unit *rts_splits_find(struct rts_splits *splits, Dwarf_Die *skeleton);

#endif
