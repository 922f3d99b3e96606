/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The record that Go's runtime keeps of its program (runtime.moduledata), found in the program's
 * data by what must be in it, since its layout changes between versions. It begins with the address
 * of the table of functions, and some words later come
 *
 *     minpc, maxpc   where the first function begins and the last one ends
 *     text, etext    what the offsets in the table count from, and the end of that
 *
 * so that maxpc - minpc must be the distance of those two in the table, and minpc - text that of
 * the first one. The words are as the file has them or as its relocations make them.
 */
#ifndef RTS_BINARY_GO_MODULE_H
#define RTS_BINARY_GO_MODULE_H

#include "binary/elf_image.h"

/* Places that look like a table and are looked at. */
#define RTS_GO_TABLES_MAX 4

struct rts_go_bounds {
    uint64_t table;      /* link-time address of it */
    bool is_relative;    /* the next two are offsets from the text */
    uint64_t first, end; /* of the first function, and where the last one ends */
};

/* The link-time address of the text that belongs to the table; false when no record proves it. */
bool rts_go_module_find_text(const struct rts_elf_image *image, const struct rts_go_bounds *bounds,
                             uint64_t *text);

/* Link-time addresses in loaded data where a table may begin; how many there are. */
size_t rts_go_module_find_tables(const struct rts_elf_image *image,
                                 uint64_t candidates[RTS_GO_TABLES_MAX]);

#endif
