/* SPDX-License-Identifier: Apache-2.0 */
/* What broker/proc.h says, done by the calling thread, which waits as long as it takes. */
#ifndef RTS_BROKER_PROC_DIRECT_H
#define RTS_BROKER_PROC_DIRECT_H

#include <stdint.h>
#include <sys/types.h>

#include "broker/proc_limits.h"
#include "util/buffer.h"

int rts_proc_read_direct(const char *root, int32_t pid, const char *name, size_t limit,
                         struct rts_buffer *text);
int rts_proc_list_direct(const char *root, int32_t pid, const char *name, size_t limit,
                         struct rts_buffer *names);
ssize_t rts_proc_link_direct(const char *root, int32_t pid, const char *name, char *target,
                             size_t size);
int rts_proc_links_direct(const char *root, int32_t pid, const char *name, size_t limit,
                          struct rts_buffer *targets);
int rts_proc_may_read_direct(const char *root, int32_t pid, const char *name);
size_t rts_proc_memory_direct(const char *root, int32_t pid, uint64_t address, void *bytes,
                              size_t size);

#endif
