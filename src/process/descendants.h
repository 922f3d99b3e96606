/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RTS_PROCESS_DESCENDANTS_H
#define RTS_PROCESS_DESCENDANTS_H

#include <stddef.h>
#include <stdint.h>

#include "broker/proc.h"

/* All processes in /proc, or, with `ancestor` > 0, those that descend from it (without
 * itself). A snapshot: what starts or ends meanwhile may be missing or gone. Returns an array that
 * the caller frees; its length goes to *count. Never NULL. */
int32_t *rts_process_list(const struct rts_proc *proc, int32_t ancestor, size_t *count);

/* The same for those that descend from any of `roots`, which are not among them unless they descend
 * from one another. */
int32_t *rts_process_descendants(const struct rts_proc *proc, const int32_t *roots,
                                 size_t root_count, size_t *count);

#endif
