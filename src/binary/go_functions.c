/* SPDX-License-Identifier: Apache-2.0 */
#include "binary/go_functions.h"

#include <stdlib.h>

void rts_go_functions_add(struct rts_symbols *symbols, const struct rts_go_table *table)
{
    char *names = malloc(table->names_size + 1);
    if (!names || !rts_go_table_read(table, table->names, names, table->names_size)) {
        free(names);
        return;
    }
    names[table->names_size] = '\0';
    rts_symbols_allow_names(symbols, table->names_size);
    for (size_t i = 0; i < table->count && symbols->count < RTS_SYMBOLS_MAX; i++) {
        const struct rts_go_entry *entry = &table->entries[i];
        struct rts_go_description description;
        if (entry[1].start > entry->start && rts_go_table_describe(table, i, &description))
            rts_symbols_add_function(symbols, entry->start, entry[1].start - entry->start,
                                     names + description.name, table->image, RTS_SYMBOL_GO_TABLE);
    }
    free(names);
}
