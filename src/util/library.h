/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shared libraries that are loaded when they are needed: a run that needs none of them is spared
 * their memory, and that of all that they are linked with. The dynamic linker looks for them as for
 * those that the program is linked with. They are loaded where a run begins, not where it ends:
 * what is missing is then said at once.
 */
#ifndef RTS_UTIL_LIBRARY_H
#define RTS_UTIL_LIBRARY_H

#include <stddef.h>

#include "util/error.h"

/* All texts are static. */
struct rts_library {
    const char *name;    /* "libcurl" */
    const char *soname;  /* "libcurl.so.4" */
    const char *purpose; /* what takes it: "sending facts" */
    const char *package; /* Debian's, for the user to install */
};

/* A function, and where in the caller's table of functions its pointer is. */
struct rts_library_function {
    const char *name;
    size_t offset;
};

/*
 * Loads the library, or takes what is loaded already, and fills `table` with its functions. It
 * stays loaded until the program ends, for threads and handlers of its own may outlive its use; the
 * handle only has to be given back. RTS_FAILED, with what the dynamic linker says, when it is not
 * there, cannot be loaded or lacks a function. Any thread may call it.
 */
void *rts_library_open(const struct rts_library *library,
                       const struct rts_library_function *functions, size_t count, void *table,
                       struct rts_error *error);

/* Gives the handle back. Accepts NULL. */
void rts_library_close(void *handle);

#endif
