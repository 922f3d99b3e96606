/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RTS_CAPTURE_ADVICE_H
#define RTS_CAPTURE_ADVICE_H

#include <stdint.h>

#include "util/error.h"

/* Turns the errno of a refused perf_event_open() into a message that says what to grant, from what
 * this process may do now (perf_event_paranoid, capabilities, seccomp). `pid` is the target, -1 for
 * whole CPUs. Always returns -1. */
int rts_capture_refused(int number, int32_t pid, struct rts_error *error);

#endif
