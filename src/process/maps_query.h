/* SPDX-License-Identifier: Apache-2.0 */
/* Asking the kernel about one mapping: PROCMAP_QUERY on /proc/PID/maps (Linux 6.11,
 * proc_pid_maps(5)), which tells the build-id of files that may not be opened. */
#ifndef RTS_PROCESS_MAPS_QUERY_H
#define RTS_PROCESS_MAPS_QUERY_H

#include "process/mapping.h"

/* Fills *build_id with that of the file of `mapping`, as the kernel reads it for the process that
 * /proc shows as `view`. False when the kernel cannot be asked, may not tell, finds none, or has
 * something else mapped there by now. */
bool rts_maps_query_build_id(const char *proc_root, int32_t view, const struct rts_mapping *mapping,
                             struct rts_build_id *build_id);

#endif
