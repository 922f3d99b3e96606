/* SPDX-License-Identifier: Apache-2.0 */
/* One run of rtsample-rpm, from its start to its end. */
#ifndef RTS_PACKAGE_RPM_RUN_H
#define RTS_PACKAGE_RPM_RUN_H

#include "package/rpm_starter.h"

/* Starts `lister`, the path of rtsample-rpm, for the job and waits for its end, which comes by
 * force when the time is over. The folder is nobody's meanwhile, whom the program becomes, where we
 * are root. Returns its exit status, or -1. */
int rts_rpm_run(const char *lister, const struct rts_rpm_job *job);

#endif
