/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RTS_PROCESS_NEIGHBOURS_H
#define RTS_PROCESS_NEIGHBOURS_H

#include "process/process.h"

#define RTS_NEIGHBOURS_MAX 2

/* Reads from /proc what files are mapped next to `pc`, executable or not: the nearest one below
 * what is mapped there, and the nearest above; fills found[] with those there are, each with a
 * reference to its file, and returns their number. -1: not now. Maps are read no more than once in
 * 100 ms per process, and down to once in 3.2 s unless process->search_wait_ns is set to 0 after
 * what was found was of use. `now`: of the samples. */
int rts_process_neighbours(struct rts_process_table *table, struct rts_process *process,
                           uint64_t pc, uint64_t now, struct rts_mapping found[RTS_NEIGHBOURS_MAX]);

#endif
