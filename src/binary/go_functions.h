/* SPDX-License-Identifier: Apache-2.0 */
/* The functions of a Go program, by its own table of them. */
#ifndef RTS_BINARY_GO_FUNCTIONS_H
#define RTS_BINARY_GO_FUNCTIONS_H

#include "binary/go_table.h"
#include "binary/symbols.h"

/* Adds what the table has. */
void rts_go_functions_add(struct rts_symbols *symbols, const struct rts_go_table *table);

#endif
