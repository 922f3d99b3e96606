/* SPDX-License-Identifier: Apache-2.0 */
/* Reading /proc/PID/maps (proc_pid_maps(5)). */
#ifndef RTS_PROCESS_MAPS_H
#define RTS_PROCESS_MAPS_H

#include "broker/proc.h"
#include "process/maps_line.h"
#include "process/maps_text.h"
#include "types.h"
#include "util/error.h"

/* Calls `each` for every line of /proc/PID/maps that is wanted. Returns how many lines there were
 * in all (0 for a kernel thread or a process that is just ending), or -1. *cut, which may be NULL:
 * some that are wanted were left out (maps_text.h). */
int rts_maps_read_part(const struct rts_proc *proc, int32_t pid,
                       const struct rts_maps_wanted *wanted,
                       void (*each)(void *context, const struct rts_maps_line *line), void *context,
                       bool *cut, struct rts_error *error);

/* The same for what may be executed. */
int rts_maps_read(const struct rts_proc *proc, int32_t pid,
                  void (*each)(void *context, const struct rts_maps_line *line), void *context,
                  struct rts_error *error);

/* False when /proc/PID/maps is there and may not be read. */
bool rts_maps_permitted(const struct rts_proc *proc, int32_t pid);

#endif
