/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages for people, on stderr: "rtsample: <text>\n", one line each whatever the text is of, for
 * it goes through the gate of util/visible.h. stdout carries data only. When a status line is being
 * refreshed on a terminal, the message erases it first; the next refresh draws it again.
 */
#ifndef RTS_UTIL_LOG_H
#define RTS_UTIL_LOG_H

void rts_log(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
