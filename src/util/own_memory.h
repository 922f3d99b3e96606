/* SPDX-License-Identifier: Apache-2.0 */
/* How much memory this process has and had. */
#ifndef RTS_UTIL_OWN_MEMORY_H
#define RTS_UTIL_OWN_MEMORY_H

#include <stdint.h>

struct rts_own_memory {
    uint64_t rss_kib;      /* resident now */
    uint64_t peak_rss_kib; /* the most there was, since this program was started */
};

/* The same again and again without opening anything: from a descriptor that was opened once, -1
 * when it could not be. The caller closes it. */
int rts_own_memory_open(void);
void rts_own_memory_read_from(int fd, struct rts_own_memory *memory);

/* Zero where /proc/self/status does not tell. */
void rts_own_memory_read(struct rts_own_memory *memory);

#endif
