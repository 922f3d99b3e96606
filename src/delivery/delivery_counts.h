/* SPDX-License-Identifier: Apache-2.0 */
/* What a delivery tells of itself: how many events went where, and how things stand. */
#ifndef RTS_DELIVERY_DELIVERY_COUNTS_H
#define RTS_DELIVERY_DELIVERY_COUNTS_H

#include <stdbool.h>
#include <stdint.h>

/* In events. submitted = accepted + spooled + rejected + dropped + waiting in memory; the last is 0
 * in the end. Of those found in a spool at the start (`earlier`) nobody knows how many they are:
 * submitted and spooled are 0. */
struct rts_delivery_events {
    uint64_t submitted;
    uint64_t accepted; /* 202 */
    uint64_t spooled;  /* on the disk, for a later run */
    uint64_t rejected; /* refused by the server; with a spool they are in rejected/ */
    uint64_t dropped;  /* lost: no spool, or no room, too old, damaged */
};

struct rts_delivery_counts {
    struct rts_delivery_events own;     /* submitted in this run */
    struct rts_delivery_events earlier; /* found in the spool */
    uint64_t batches;                   /* made in this run */
    uint64_t retries;                   /* requests that were sent again */
    uint64_t left;                      /* batches that remain in the spool, of either kind */
};

/* How things stand, for those that wait for the end. */
struct rts_delivery_state {
    bool idle;         /* nothing waits, in memory or in the spool, and nothing is being sent */
    bool put_aside;    /* what waits is put aside for minutes: it failed while others passed, or
                        * cannot be read */
    bool needs_help;   /* the last attempt failed in a way that will not pass by itself */
    unsigned failures; /* attempts that failed in a row; 0 when the last one succeeded */
    uint64_t memory_bytes;
    char text[400]; /* of the last failure; "" when there was none */
};

#endif
