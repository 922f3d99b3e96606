/* SPDX-License-Identifier: Apache-2.0 */
#include "doctor/probe.h"

#include <errno.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include "doctor/probe_sampling.h"

/* The child is killed afterwards, so that there is nothing to let go of. */
static int seize_child(void)
{
    int32_t child = rts_probe_child_start();
    if (child < 0)
        return RTS_NOT_TRIED;
    int number = ptrace(PTRACE_SEIZE, (pid_t)child, NULL, NULL) < 0 ? errno : 0;
    rts_probe_child_stop(child);
    return number;
}

void rts_probe_ptrace(struct rts_ptrace_findings *ptrace, const struct rts_probe_options *options)
{
    ptrace->child = seize_child();
    int32_t child = rts_probe_child_start();
    struct rts_capture *capture =
        rts_probe_capture_open(&ptrace->sampling, options, RTS_PROBE_PTRACE, true);
    if (child > 0)
        rts_probe_capture_sample(&ptrace->sampling, capture, child);
    else
        ptrace->sampling.number = EAGAIN;
    rts_capture_destroy(capture);
    rts_probe_child_stop(child);
}
