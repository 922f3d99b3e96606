/* SPDX-License-Identifier: Apache-2.0 */
/* Reading /proc/PID/maps (proc_pid_maps(5)). */
#ifndef RTS_PROCESS_MAPS_H
#define RTS_PROCESS_MAPS_H

#include "broker/proc.h"
#include "types.h"
#include "util/error.h"

/* A process may have more mappings than this only when somebody makes them on purpose (the kernel's
 * default limit is 65,530 per process). */
#define RTS_MAPS_LINES_MAX 262144

/* Decodes one line (without its newline) in place. Returns false when it is not one. */
bool rts_maps_parse(char *text, struct rts_maps_line *line);

/* Calls `each` for every line of /proc/PID/maps. Returns the number of lines (0 for a kernel
 * thread or a process that is just ending), or -1. */
int rts_maps_read(const struct rts_proc *proc, int32_t pid,
                  void (*each)(void *context, const struct rts_maps_line *line), void *context,
                  struct rts_error *error);

/* False when /proc/PID/maps is there and may not be read. */
bool rts_maps_permitted(const struct rts_proc *proc, int32_t pid);

#endif
