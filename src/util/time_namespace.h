/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Time namespaces (time_namespaces(7)): in one of its own a process reads CLOCK_MONOTONIC with an
 * offset, while what the kernel stamps by that clock, as the records of perf events, has none.
 */
#ifndef RTS_UTIL_TIME_NAMESPACE_H
#define RTS_UTIL_TIME_NAMESPACE_H

#include <stdbool.h>
#include <stdint.h>

/* How much more our CLOCK_MONOTONIC reads than the kernel's own, in nanoseconds; negative when it
 * is less. `proc_root` is where proc is mounted. False when there is an offset that cannot be
 * learnt: the kernel tells that of our future children, who may be in another namespace than we. */
bool rts_time_namespace_offset(const char *proc_root, int64_t *offset_ns);

#endif
