/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a source of records has to offer, behind the functions of capture.h: each member does what
 * the function rts_capture_<member>() there says. A backend's own struct begins with struct
 * rts_capture.
 */
#ifndef RTS_CAPTURE_BACKEND_H
#define RTS_CAPTURE_BACKEND_H

#include "capture/capture.h"

struct rts_capture_backend {
    void (*destroy)(struct rts_capture *capture);
    int (*add_process)(struct rts_capture *capture, int32_t pid, struct rts_error *error);
    int (*add_again)(struct rts_capture *capture, int32_t pid, struct rts_error *error);
    int (*add_cpus)(struct rts_capture *capture, struct rts_error *error);
    int (*add_group)(struct rts_capture *capture, int folder, struct rts_error *error);
    int (*turn_to_cpus)(struct rts_capture *capture, struct rts_error *error);
    int (*near)(struct rts_capture *capture, int32_t pid, const struct rts_near_plan *plan,
                struct rts_error *error);
    void (*leave_near)(struct rts_capture *capture, int32_t pid);
    void (*close_events)(struct rts_capture *capture);
    int (*set_frequency)(struct rts_capture *capture, uint32_t frequency, struct rts_error *error);
    int (*interval_ms)(const struct rts_capture *capture);
    size_t (*poll_fds)(const struct rts_capture *capture, struct pollfd *fds, size_t capacity);
    void (*stop)(struct rts_capture *capture);
    void (*mark_end)(struct rts_capture *capture);
    void (*drain)(struct rts_capture *capture, const struct rts_capture_sink *sink);
};

struct rts_capture {
    const struct rts_capture_backend *backend;
    struct rts_capture_facts facts;
};

#endif
