/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a process was before it changed anything about itself, so that a command which it starts can
 * begin as if nobody had stood in between.
 */
#ifndef RTS_SEALING_ORIGIN_H
#define RTS_SEALING_ORIGIN_H

#include <stdbool.h>
#include <sys/resource.h>

struct rts_origin {
    bool known; /* false: nothing was kept, and nothing is given back */
    int dumpable;
    struct rlimit core, files;
};

/* Keeps what we are now in *origin, then makes a crash leave nothing behind that could be read
 * afterwards, and keeps others of our user out of our memory: no core, not dumpable. The hard limit
 * on cores stays until rts_core_forbid(), which comes after the command. Cannot fail. */
void rts_origin_leave(struct rts_origin *origin);

/* Forbids cores for good, to us and what we start. */
void rts_core_forbid(void);

/* Just before the fork() of a child that others are to look at as if it were not of us, and right
 * after it in the parent: whether one is dumpable is inherited. */
void rts_origin_show(const struct rts_origin *origin);
void rts_origin_hide(void);

/* Between fork() and execve(): gives back what *origin has. Calls nothing that is not safe there.
 */
void rts_origin_return(const struct rts_origin *origin);

#endif
