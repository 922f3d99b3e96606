/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One run, from the first record to the closing account:
 *
 *     live.c     its records come from a capture      \
 *                                                      line.c -> closing.c
 *     replay.c   its records come from a trace        /
 *
 * The only folder that knows all others; none knows it.
 */
#ifndef RTS_SESSION_SESSION_H
#define RTS_SESSION_SESSION_H

#include "settings/settings.h"

/* Runs `settings` to the end. Returns the exit status; a failure is in *error and is not printed
 * yet. The closing account and --stats are written in every case once sampling has begun. */
int rts_session_run(const struct rts_settings *settings, struct rts_error *error);

/* Replays the trace at `path` ("-": standard input, or the name of a bundle) in the same way. */
int rts_session_replay(const struct rts_settings *settings, const char *path,
                       struct rts_error *error);

#endif
