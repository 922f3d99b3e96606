/* SPDX-License-Identifier: Apache-2.0 */
/* Which distribution a root directory holds: os-release(5). */
#ifndef RTS_PACKAGE_OS_RELEASE_H
#define RTS_PACKAGE_OS_RELEASE_H

#include "package/reading.h"

#define RTS_OS_WORD_SIZE 64

/* Empty strings when unknown. Only letters, digits, ".", "_" and "-" are taken. */
struct rts_os_release {
    char id[RTS_OS_WORD_SIZE];         /* "debian" */
    char version_id[RTS_OS_WORD_SIZE]; /* "12" */
};

/* Reads /etc/os-release, else /usr/lib/os-release, of the tree. */
void rts_os_release_read(struct rts_reading *reading, struct rts_os_release *os);

#endif
