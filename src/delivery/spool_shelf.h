/* SPDX-License-Identifier: Apache-2.0 */
/* The directory of a spool as a shelf of single files: what is done with one of them, and what is
 * said about those that are not as they should be. */
#ifndef RTS_DELIVERY_SPOOL_SHELF_H
#define RTS_DELIVERY_SPOOL_SHELF_H

#include <stdbool.h>
#include <stdint.h>

#include "delivery/batch.h"
#include "util/error.h"

/* A file as a whole: the largest body, and what comes before it. */
#define RTS_SPOOL_FILE_MAX (RTS_BATCH_CONTENT_MAX + 65536u)

struct rts_spool_shelf {
    char *path;
    int directory;
    int rejected, quarantine; /* -1: not opened yet */
    unsigned complaints;      /* about single files; bounded, see rts_spool_shelf_complain() */
};

/* Opens the directory, which is made if need be. Also after a failure there is something to close.
 */
int rts_spool_shelf_open(struct rts_spool_shelf *shelf, const char *path, struct rts_error *error);
void rts_spool_shelf_close(struct rts_spool_shelf *shelf);

/* What a file of `size` bytes takes on a disk. */
uint64_t rts_spool_disk_bytes(uint64_t size);

/* Says something about one file on stderr; after some of these there is silence. */
void rts_spool_shelf_complain(struct rts_spool_shelf *shelf, const char *name, const char *text);

/* Moves a file out of the way; when that fails, it is at least not looked at again. */
void rts_spool_shelf_quarantine(struct rts_spool_shelf *shelf, const char *name,
                                const char *reason);

/* Reads and checks the file of a batch. *damaged says, on failure, that trying again would not
 * help. */
struct rts_batch *rts_spool_shelf_load(const struct rts_spool_shelf *shelf,
                                       const struct rts_batch_id *id, bool *damaged,
                                       struct rts_error *error);

/* Removes the file of a batch, if it is there. */
void rts_spool_shelf_remove(struct rts_spool_shelf *shelf, const struct rts_batch_id *id);

/* The descriptor of rejected/, made when it is first needed; -1: it cannot be had. */
int rts_spool_shelf_rejected(struct rts_spool_shelf *shelf, struct rts_error *error);

#endif
