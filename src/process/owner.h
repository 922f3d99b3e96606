/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose a process is: what is known of its files and functions takes room of its owner's share
 * (util/ledger.h). Owners are users, by the uid that counts for files, and go by small numbers; to
 * people they are a digest.
 */
#ifndef RTS_PROCESS_OWNER_H
#define RTS_PROCESS_OWNER_H

#include <stdint.h>

#include "broker/proc.h"

#include "util/ledger.h"

#define RTS_OWNER_KEY_MAX     64
#define RTS_OWNER_DIGEST_SIZE 9 /* eight hex digits and the NUL; or a word */

struct rts_owners {
    uint32_t uids[RTS_OWNERS_MAX]; /* by number */
    unsigned count;                /* of those that are in use, from 0 on */
    char key[RTS_OWNER_KEY_MAX];   /* what digests are made with beside the uid */
};

/* Root alone. The key is that of this machine, so that its administrator can tell whose a digest
 * is: that of /etc/machine-id, or one that holds for this run. */
void rts_owners_init(struct rts_owners *owners);

/* The number of a user. Those beyond RTS_OWNERS_MAX are one. */
unsigned rts_owners_find(struct rts_owners *owners, uint32_t uid);

/* Is that root, or the user who runs us? */
bool rts_owners_is_ours(const struct rts_owners *owners, unsigned owner);

/* Who that is, for people: "root", "others", or the beginning of the SHA-256 of "rtsample owner ",
 * the key, a blank and the uid. */
void rts_owners_digest(const struct rts_owners *owners, unsigned owner,
                       char digest[RTS_OWNER_DIGEST_SIZE]);

/* The uid of a process that counts for files (broker/rights.h). -1: it is gone. */
int rts_process_uid_read(const struct rts_proc *proc, int32_t pid, uint32_t *uid);

#endif
