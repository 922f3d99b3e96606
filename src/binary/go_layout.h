/* SPDX-License-Identifier: Apache-2.0 */
/* What the table of functions of a Go program (go_table.h) looks like in each version of Go. */
#ifndef RTS_BINARY_GO_LAYOUT_H
#define RTS_BINARY_GO_LAYOUT_H

#include <stdbool.h>
#include <stdint.h>

/* Words of the longest header, after the eight bytes that all begin with. */
#define RTS_GO_HEADER_WORDS 8

/* Places of words in the header, and of fields in a description. */
struct rts_go_layout {
    uint32_t magic;
    uint8_t header_words;
    uint8_t text;                                   /* index of the word; 0: addresses are whole */
    uint8_t names, compile_units, numbers, functab; /* 0: the beginning of the table */
    uint8_t name_at, sizes_at, flags_at;            /* flags_at 0: there are none */
};

/* What a table begins with. */
struct rts_go_start {
    uint32_t magic;
    uint8_t zero[2];
    uint8_t quantum;
    uint8_t pointer_size;
};

/* The layout of a table that begins so; NULL: none does. */
const struct rts_go_layout *rts_go_layout_of(const struct rts_go_start *start);

#endif
