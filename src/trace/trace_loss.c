/* SPDX-License-Identifier: Apache-2.0 */
/* Where the reading of a trace ended, and what was not read. */
#include "trace/trace_state.h"

#include <stdarg.h>
#include <stdio.h>

void rts_trace_stop(struct rts_trace *trace, uint64_t offset, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(trace->loss.reason, sizeof trace->loss.reason, format, arguments);
    va_end(arguments);
    trace->loss.offset = offset;
    trace->loss.bytes = trace->input.offset + rts_trace_input_left(&trace->input) - offset;
    trace->ended = true;
}

void rts_trace_loss(const struct rts_trace *trace, struct rts_trace_loss *loss)
{
    *loss = trace->loss;
    loss->late = trace->order.late;
    loss->all = trace->loss.reason[0] && trace->number == 0;
}
