/* SPDX-License-Identifier: Apache-2.0 */
/* In which container a process is that was sampled. */
#ifndef RTS_SAMPLER_CONTAINER_OF_H
#define RTS_SAMPLER_CONTAINER_OF_H

#include "capture/record.h"
#include "process/cgroup_ids.h"
#include "process/process.h"

/* Finds out and puts it into process->container; soon, for the process may end. When that is not to
 * be found out, what is there stays. `hash`: an id is replaced by its SHA-256. */
void rts_container_of(const struct rts_process_table *processes, struct rts_cgroup_ids *cgroups,
                      struct rts_process *process, const struct rts_record *record, bool hash);

#endif
