/* SPDX-License-Identifier: Apache-2.0 */
/* A filter of system calls for the calling thread, and for what it starts. */
#ifndef RTS_SEALING_FILTER_H
#define RTS_SEALING_FILTER_H

/* Finds out what filters this kernel takes, and keeps that: to be called once, while there are no
 * other threads. */
void rts_filter_prepare(void);

/* Sets one that lets through the groups `calls` (enum rts_seal_calls). Takes no_new_privs, or
 * CAP_SYS_ADMIN. Dangerous calls beyond these end the process (SIGSYS); others, which a libc of
 * later days may try first, fail with ENOSYS. It comes on top of those that are there. Returns 0,
 * or a negative errno: -ENOTSUP when this was built without libseccomp. */
int rts_filter_set(unsigned calls);

#endif
