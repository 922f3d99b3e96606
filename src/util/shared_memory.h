/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that two processes share by a descriptor, of a size that neither can change: who reads
 * beyond the end of a file is killed. To be unmapped with munmap(2). */
#ifndef RTS_UTIL_SHARED_MEMORY_H
#define RTS_UTIL_SHARED_MEMORY_H

#include <stddef.h>

/* Makes `size` bytes of zeros, called `name` in /proc. Returns them, and the descriptor for the other
 * side in *fd, the caller's to close; NULL with errno. */
void *rts_shared_memory_create(const char *name, size_t size, int *fd);

/* Maps what the other side has made; `fd` stays the caller's. NULL with errno: EBADMSG: it is not
 * of that size, or could be changed in size. */
void *rts_shared_memory_open(int fd, size_t size);

#endif
