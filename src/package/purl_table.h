/* SPDX-License-Identifier: Apache-2.0 */
/* The texts of purls, each kept once however many files are of that package. */
#ifndef RTS_PACKAGE_PURL_TABLE_H
#define RTS_PACKAGE_PURL_TABLE_H

#include "util/share.h"
#include "util/table.h"

/* All zero: empty. */
struct rts_purl_table {
    struct rts_table texts;
};

/* The table's own copy of `text`, which is freed, with a reference more; counted in `share` while
 * it is there. NULL: NULL. */
const char *rts_purl_table_take(struct rts_purl_table *table, struct rts_share *share, char *text);

/* Gives a reference back. Accepts NULL. */
void rts_purl_table_release(struct rts_purl_table *table, struct rts_share *share,
                            const char *text);

/* Frees all. */
void rts_purl_table_finish(struct rts_purl_table *table);

#endif
