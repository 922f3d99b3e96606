/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory that rtsample shares with a worker, to hand over the memory of a thread that stands still
 * meanwhile: a third of the time of a message. While the worker is at the window it takes no
 * messages. Neither side believes what the other has written there: it is read once, and checked.
 */
#ifndef RTS_BROKER_MEMORY_WINDOW_H
#define RTS_BROKER_MEMORY_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rts_memory_window;

/* Makes one, and the descriptor of it for the worker, which the caller closes. NULL with errno. */
struct rts_memory_window *rts_memory_window_create(int *fd);

/* The same memory in the worker. NULL with errno: EBADMSG when it is none. */
struct rts_memory_window *rts_memory_window_open(int fd);

/* Unmaps it. Accepts NULL. */
void rts_memory_window_close(struct rts_memory_window *window);

/* Nobody has asked anything yet: before a worker is sent there. */
void rts_memory_window_reset(struct rts_memory_window *window);

/* Asks for `size` bytes, RTS_PROC_MEMORY_MAX at most, of the memory of thread `tid`. */
void rts_memory_window_ask(struct rts_memory_window *window, int32_t tid, uint64_t address,
                           size_t size);

/* Waits for that, at most `timeout_ns`. */
bool rts_memory_window_wait(struct rts_memory_window *window, uint64_t timeout_ns);

/* What came: how many bytes (`size` at most) were copied to `bytes`; 0 with errno. *cpu_ns: what
 * the worker has used. */
size_t rts_memory_window_take(struct rts_memory_window *window, void *bytes, size_t size,
                              uint64_t *cpu_ns);

/* Has the worker go back to its messages. */
void rts_memory_window_leave(struct rts_memory_window *window);

/* In the worker: answers until it is to leave. */
void rts_memory_window_serve(struct rts_memory_window *window, const char *proc_root);

/* CPU time that the calling process has used. */
uint64_t rts_memory_window_own_cpu_ns(void);

#endif
