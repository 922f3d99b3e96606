/* SPDX-License-Identifier: Apache-2.0 */
/* Attempts to sample by the code that samples. */
#ifndef RTS_DOCTOR_PROBE_SAMPLING_H
#define RTS_DOCTOR_PROBE_SAMPLING_H

#include "capture/capture.h"
#include "doctor/probe.h"

enum rts_probe_method {
    RTS_PROBE_PERF,
    RTS_PROBE_PTRACE
};

/* A capture as a run with default settings makes it; its events are not enabled unless `enabled`.
 * NULL when it is refused, and then *sampling says how. The caller destroys it. */
struct rts_capture *rts_probe_capture_open(struct rts_sampling *sampling,
                                           const struct rts_probe_options *options,
                                           enum rts_probe_method method, bool enabled);

/* Samples the process until some samples are there, or for as long as no working machine takes. */
void rts_probe_capture_sample(struct rts_sampling *sampling, struct rts_capture *capture,
                              int32_t pid);

/* Notes what became of the capture's options, and of a failure. */
void rts_probe_sampling_settle(struct rts_sampling *sampling, const struct rts_capture *capture);
void rts_probe_sampling_failed(struct rts_sampling *sampling, const struct rts_error *error);

#endif
