/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Has rtsample-rpm (rpm/main.c) started. A run does not do so itself: that takes the right to
 * execute programs and to become somebody else, which it gives up once all is open. So a small
 * process of ours is forked before (package/rpm_keeper.h), which does nothing but start that
 * program when it is asked to. Nothing here waits for it.
 */
#ifndef RTS_PACKAGE_RPM_STARTER_H
#define RTS_PACKAGE_RPM_STARTER_H

#include <stdbool.h>
#include <stdint.h>

#include "package/rpm_run.h"
#include "util/error.h"

struct rts_rpm_starter;

/* Forks the process, with what it needs alone (sealing/seal.h); none where there is no rtsample-rpm
 * now. To be called while there is one thread and little is open. NULL: it failed. */
struct rts_rpm_starter *rts_rpm_starter_create(struct rts_error *error);

/* The same with `lister`, borrowed, as rtsample-rpm. */
struct rts_rpm_starter *rts_rpm_starter_create_for(const char *lister, struct rts_error *error);

/* Ends what is under way, and the process. Accepts NULL. */
void rts_rpm_starter_destroy(struct rts_rpm_starter *starter);

/* Its process; 0: there is none. NULL: none. */
int32_t rts_rpm_starter_pid(const struct rts_rpm_starter *starter);

/* Has the job begun; what is borrowed may be closed then. Returns its number; 0: it is not begun,
 * for there is no process, or it does not take anything more. */
uint32_t rts_rpm_starter_begin(struct rts_rpm_starter *starter, const struct rts_rpm_job *job);

/* Has this job ended? Then it is forgotten, and *end says how, with RTS_RPM_LISTED also *list, to
 * be closed by the caller. When the process itself says nothing for long after the time of the job,
 * the job is dropped: RTS_RPM_UNSTARTED, as when the process is gone. */
bool rts_rpm_starter_take(struct rts_rpm_starter *starter, uint32_t number, enum rts_rpm_end *end,
                          int *list);

/* Is there a process that takes jobs? */
bool rts_rpm_starter_is_there(const struct rts_rpm_starter *starter);

/* Ends and forgets this job. */
void rts_rpm_starter_drop(struct rts_rpm_starter *starter, uint32_t number);

/* Waits for any answer, so long at most. */
void rts_rpm_starter_wait(const struct rts_rpm_starter *starter, int wait_ms);

#endif
