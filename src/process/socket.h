/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a process listens, from the sockets that it has open and the tables of its own network
 * namespace (/proc/PID/net). Of several sockets one is chosen by this fixed rule: TCP before UDP;
 * an address other machines can reach before a loopback one; the lower port; IPv4 before IPv6; the
 * order of the texts.
 */
#ifndef RTS_PROCESS_SOCKET_H
#define RTS_PROCESS_SOCKET_H

#include <stdbool.h>
#include <stdint.h>

#include "broker/proc.h"

/* "[" 39 digits and colons "]:65535" and the NUL. */
#define RTS_SOCKET_TEXT_SIZE 64

/* Writes "10.0.0.5:8443" or "[::1]:53"; false when it listens nowhere, or may not be looked into.
 */
bool rts_socket_listening(const struct rts_proc *proc, int32_t pid,
                          char text[RTS_SOCKET_TEXT_SIZE]);

#endif
