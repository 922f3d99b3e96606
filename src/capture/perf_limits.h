/* SPDX-License-Identifier: Apache-2.0 */
/* What limits perf events by number: the frequency, and the events that can be had. */
#ifndef RTS_CAPTURE_PERF_LIMITS_H
#define RTS_CAPTURE_PERF_LIMITS_H

#include <stdbool.h>
#include <stdint.h>

#include "util/error.h"

/* kernel.perf_event_max_sample_rate in Hz; UINT_MAX when it cannot be read. */
uint32_t rts_perf_max_frequency(void);

/* Does the kernel (Linux 6.17 and later) count a ring that is mapped a second time against what its
 * user may lock, and never take that back? It is forgotten with the user's last process. */
bool rts_perf_keeps_second_mapping(void);

/* Raises the limit on open files as far as is permitted: there is one event per thread and CPU, and
 * a process of many threads needs many. */
void rts_perf_raise_file_limit(void);

/* Fails with number EMFILE: the threads of `pid` take more files than may be open. -1. */
int rts_perf_too_many_files(int32_t pid, struct rts_error *error);

/* Fails with number E2BIG: whole CPUs can be sampled for less. -1. */
int rts_perf_too_many_events(int32_t pid, struct rts_error *error);

#endif
