/* SPDX-License-Identifier: Apache-2.0 */
/* A sample that is used, with its stack: what goes from the sampler, or from a trace, down the
 * line. */
#ifndef RTS_SAMPLER_KEPT_H
#define RTS_SAMPLER_KEPT_H

#include "capture/record.h"
#include "process/process.h"
#include "sampler/unwinding.h"
#include "unwind/unwind.h"

/* Borrowed for the call that it is passed in. */
struct rts_kept {
    const struct rts_record *record;
    struct rts_process *process; /* in which the stack was found */
    uint64_t time; /* at which it was looked for: that of the record, or just before an exec */
    const struct rts_stack *stack;
    const struct rts_disagreement *disagreement; /* the first one in a binary; NULL: none */
};

#endif
