/* SPDX-License-Identifier: Apache-2.0 */
#include "doctor/check.h"

#include "util/json.h"

/* Of each check all keys are there, also those without a value. */
static void text_or_null(struct rts_buffer *buffer, const char *key, const char *text)
{
    rts_buffer_format(buffer, ",\"%s\":", key);
    if (text && *text)
        rts_json_string(buffer, text);
    else
        rts_buffer_text(buffer, "null");
}

static void write_check(const struct rts_check *check, struct rts_buffer *buffer)
{
    rts_json_string(buffer, check->key);
    rts_buffer_format(buffer, ":{\"state\":\"%s\"", rts_check_state_word(check->state));
    text_or_null(buffer, "found", check->found);
    text_or_null(buffer, "cause", check->cause);
    text_or_null(buffer, "because", check->because);
    text_or_null(buffer, "lost", check->lost);
    rts_buffer_text(buffer, ",\"fix\":[");
    for (size_t i = 0; i < check->fix_count; i++) {
        if (i > 0)
            rts_buffer_text(buffer, ",");
        rts_json_string(buffer, check->fixes[i]);
    }
    rts_buffer_text(buffer, "]}");
}

void rts_report_write_json(const struct rts_report *report, struct rts_buffer *buffer)
{
    rts_buffer_format(buffer, "{\"version\":1,\"works\":%s,\"status\":%d",
                      report->status == 0 ? "true" : "false", report->status);
    text_or_null(buffer, "method", report->method);
    text_or_null(buffer, "verdict", report->verdict);
    text_or_null(buffer, "fix", report->fix);
    text_or_null(buffer, "kernel", report->kernel);
    text_or_null(buffer, "place", rts_where_word(report->where));
    rts_buffer_format(buffer, ",\"user\":%u,\"pid\":", report->user);
    if (report->pid > 0)
        rts_buffer_format(buffer, "%d", report->pid);
    else
        rts_buffer_text(buffer, "null");
    rts_buffer_text(buffer, ",\"checks\":{");
    for (size_t i = 0; i < report->count; i++) {
        if (i > 0)
            rts_buffer_text(buffer, ",");
        write_check(&report->checks[i], buffer);
    }
    rts_buffer_text(buffer, "}}\n");
}
