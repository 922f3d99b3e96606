/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tells the service manager how we are, as sd_notify(3) does: one datagram of "KEY=value" lines to
 * the socket that the environment variable NOTIFY_SOCKET names. Nothing happens, and no socket is
 * opened, when it is not set.
 */
#ifndef RTS_UTIL_NOTIFY_H
#define RTS_UTIL_NOTIFY_H

/* Sends `state`, such as "READY=1" or "STOPPING=1\nSTATUS=writing the account". Returns 1 when it
 * was sent, 0 when nobody wants to know, -errno when it could not be sent: of no consequence here,
 * the manager has a timeout of its own. Does not wait. */
int rts_notify(const char *state);

#endif
