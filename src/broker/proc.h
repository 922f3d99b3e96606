/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What proc(5) tells of processes. Some of its files make their reader wait for the process that
 * they tell of: its owner can see to it that this never ends. So whoever has a broker asks that.
 *
 * A pid of 0 means the top of proc. Names are those below the process's folder: "maps", "task",
 * "fd", "ns/mnt"; EINVAL where one leads out of it.
 */
#ifndef RTS_BROKER_PROC_H
#define RTS_BROKER_PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "broker/proc_limits.h"
#include "util/buffer.h"

struct rts_broker; /* broker/broker.h */

struct rts_proc {
    struct rts_broker *broker; /* NULL: read by ourselves */
    const char *root;          /* where proc is mounted; borrowed. The broker has its own */
};

/* Appends the text of the file, at most `limit` bytes. Returns 0, or -1 with errno: ETIME when it
 * did not come in time, or the process was given up before, and those of open(2) and read(2). */
int rts_proc_read(const struct rts_proc *proc, int32_t pid, const char *name, size_t limit,
                  struct rts_buffer *text);

/* Appends the names in the folder as rts_tree_list() does. Returns how many, or -1 with errno. */
int rts_proc_list(const struct rts_proc *proc, int32_t pid, const char *name, size_t limit,
                  struct rts_buffer *names);

/* What the link says: its size, at most `size` - 1, with a NUL behind it; or -1 with errno. */
ssize_t rts_proc_link(const struct rts_proc *proc, int32_t pid, const char *name, char *target,
                      size_t size);

/* What all links in the folder say, one behind the other as names in a list. Returns how many, or
 * -1 with errno. */
int rts_proc_links(const struct rts_proc *proc, int32_t pid, const char *name, size_t limit,
                   struct rts_buffer *targets);

/* Can the file be opened for reading? 0, or -1 with errno. */
int rts_proc_may_read(const struct rts_proc *proc, int32_t pid, const char *name);

/* Copies memory of the process; returns how many bytes of it, 0 at worst, with errno: of open(2)
 * and read(2), or ETIME as above. At most RTS_PROC_MEMORY_MAX at once. */
size_t rts_proc_memory(const struct rts_proc *proc, int32_t pid, uint64_t address, void *bytes,
                       size_t size);

/* The same by way of one of its threads: the process's own file has nothing once its first thread
 * has ended. */
size_t rts_proc_thread_memory(const struct rts_proc *proc, int32_t pid, int32_t tid,
                              uint64_t address, void *bytes, size_t size);

#endif
