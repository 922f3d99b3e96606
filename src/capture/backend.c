/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/backend.h"

void rts_capture_destroy(struct rts_capture *capture)
{
    if (capture)
        capture->backend->destroy(capture);
}

int rts_capture_add_process(struct rts_capture *capture, int32_t pid, struct rts_error *error)
{
    return capture->backend->add_process(capture, pid, error);
}

int rts_capture_add_again(struct rts_capture *capture, int32_t pid, struct rts_error *error)
{
    return capture->backend->add_again(capture, pid, error);
}

int rts_capture_add_cpus(struct rts_capture *capture, struct rts_error *error)
{
    return capture->backend->add_cpus(capture, error);
}

int rts_capture_add_group(struct rts_capture *capture, int folder, struct rts_error *error)
{
    return capture->backend->add_group(capture, folder, error);
}

int rts_capture_turn_to_cpus(struct rts_capture *capture, struct rts_error *error)
{
    return capture->backend->turn_to_cpus(capture, error);
}

int rts_capture_near(struct rts_capture *capture, int32_t pid, const struct rts_near_plan *plan,
                     struct rts_error *error)
{
    return capture->backend->near(capture, pid, plan, error);
}

void rts_capture_leave_near(struct rts_capture *capture, int32_t pid)
{
    capture->backend->leave_near(capture, pid);
}

void rts_capture_close_events(struct rts_capture *capture)
{
    capture->backend->close_events(capture);
}

const struct rts_capture_facts *rts_capture_facts(const struct rts_capture *capture)
{
    return &capture->facts;
}

int rts_capture_set_frequency(struct rts_capture *capture, uint32_t frequency,
                              struct rts_error *error)
{
    return capture->backend->set_frequency(capture, frequency, error);
}

int rts_capture_interval_ms(const struct rts_capture *capture)
{
    return capture->backend->interval_ms(capture);
}

size_t rts_capture_poll_fds(const struct rts_capture *capture, struct pollfd *fds, size_t capacity)
{
    return capture->backend->poll_fds(capture, fds, capacity);
}

void rts_capture_stop(struct rts_capture *capture)
{
    capture->backend->stop(capture);
}

void rts_capture_mark_end(struct rts_capture *capture)
{
    capture->backend->mark_end(capture);
}

void rts_capture_drain(struct rts_capture *capture, const struct rts_capture_sink *sink)
{
    capture->backend->drain(capture, sink);
}
