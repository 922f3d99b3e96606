/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scope cleanup: `RTS_CLOSE int fd = ...` closes at the end of the scope, `RTS_FREE char *p` frees.
 * rts_take_fd() and rts_take_pointer() hand ownership out of the scope: `return rts_take_fd(&fd)`.
 */
#ifndef RTS_UTIL_CLEANUP_H
#define RTS_UTIL_CLEANUP_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static inline void rts_cleanup_close(int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

static inline void rts_cleanup_free(void *pointer)
{
    free(*(void **)pointer);
}

static inline void rts_cleanup_fclose(FILE **file)
{
    if (*file)
        fclose(*file);
}

#define RTS_CLOSE  __attribute__((cleanup(rts_cleanup_close)))
#define RTS_FREE   __attribute__((cleanup(rts_cleanup_free)))
#define RTS_FCLOSE __attribute__((cleanup(rts_cleanup_fclose)))

static inline int rts_take_fd(int *fd)
{
    int taken = *fd;
    *fd = -1;
    return taken;
}

#endif
