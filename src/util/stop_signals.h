/* SPDX-License-Identifier: Apache-2.0 */
/* The signals that end a run: blocked and read from a descriptor, so that nothing is interrupted.
 */
#ifndef RTS_UTIL_STOP_SIGNALS_H
#define RTS_UTIL_STOP_SIGNALS_H

#include <stdbool.h>

/* Blocks SIGINT, SIGTERM, SIGCHLD, and SIGHUP unless it is ignored, and returns a signalfd of them,
 * which does not block; -1: errno says why. SIGPIPE and SIGXFSZ are ignored from now on: a closed
 * output and a file size limit are errors to report. */
int rts_stop_signals_open(void);

/* Has SIGINT or SIGTERM come that nobody has taken yet? */
bool rts_stop_signals_pending(void);

/* From now on SIGINT and SIGTERM interrupt a wait, and do nothing else. */
void rts_stop_signals_interrupt(void);

#endif
