/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Gives up what is not needed any more, once and for all, so that whoever finds a way into a
 * process through what it was given to read finds little there.
 *
 * Everything but the limit on cores is the calling thread's, and of the threads and processes that
 * it starts from then on: each thread seals itself. Threads share their memory, so that a process
 * is as strong as the strongest of them; what reads files of others is a process of its own for
 * that reason.
 */
#ifndef RTS_SEALING_SEAL_H
#define RTS_SEALING_SEAL_H

#include "sealing/kinds.h"

/* What of it could be had; each is 0, or an errno. */
struct rts_sealed {
    int privileges;   /* no_new_privs */
    int capabilities; /* dropping them */
    int filter;       /* of system calls; ENOTSUP: built without libseccomp */
};

/* Seals the calling thread as one of this kind; `needs` is a set of enum rts_seal_need. To be
 * called when all is open that takes more. `sealed` may be NULL: what cannot be had is done
 * without. */
void rts_seal(enum rts_seal_kind kind, unsigned needs, struct rts_sealed *sealed);

#endif
