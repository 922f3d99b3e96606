/* SPDX-License-Identifier: Apache-2.0 */
/* Between spool.c and spool_scan.c. */
#ifndef RTS_DELIVERY_SPOOL_STATE_H
#define RTS_DELIVERY_SPOOL_STATE_H

#include "delivery/spool.h"
#include "delivery/spool_index.h"

/* A file as a whole: the largest body, and what comes before it. */
#define RTS_SPOOL_FILE_MAX (RTS_BATCH_CONTENT_MAX + 65536u)

struct rts_spool {
    char *path;
    int directory, lock;
    int rejected, quarantine; /* -1: not opened yet */
    uint64_t max_bytes;
    int64_t max_age_ns;
    uint64_t last_sequence;
    struct rts_spool_index index;
    unsigned complaints; /* about single files; bounded, see rts_spool_complain() */
};

/* What a file takes on a disk. */
uint64_t rts_spool_disk_bytes(uint64_t size);

/* Says something about one file on stderr; after some of these there is silence. */
void rts_spool_complain(struct rts_spool *spool, const char *name, const char *text);

/* Moves a file of the spool out of the way; when that fails, it is at least not looked at again. */
void rts_spool_quarantine(struct rts_spool *spool, const char *name, const char *reason);

/* Reads and checks the file of an entry. *damaged says, on failure, that trying again would not
 * help. */
struct rts_batch *rts_spool_load(struct rts_spool *spool, const struct rts_batch_id *id,
                                 bool *damaged, struct rts_error *error);

/* Is this directory a spool, or empty? Fails when it is full of other things. */
int rts_spool_check_directory(const struct rts_spool *spool, struct rts_error *error);

/* Fills the index with what lies in the directory, and tidies up what a crash has left. */
int rts_spool_scan(struct rts_spool *spool, struct rts_error *error);

#endif
