/* SPDX-License-Identifier: Apache-2.0 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#ifdef HAVE_LIBARCHIVE

#include "util/archive_library.h"

#include <stddef.h>

#include "util/library.h"

int rts_archive_library_open(struct rts_archive_library *lib, struct rts_error *error)
{
    static const struct rts_library library = {
        .name = "libarchive",
        .soname = ARCHIVE_SONAME,
        .purpose = "reading and writing archives",
        .package = "libarchive13",
    };
#define FUNCTION(name) {"archive_" #name, offsetof(struct rts_archive_library, name)},
    static const struct rts_library_function functions[] = {RTS_ARCHIVE_FUNCTIONS(FUNCTION)};
#undef FUNCTION
    void *handle =
        rts_library_open(&library, functions, sizeof functions / sizeof *functions, lib, error);
    if (!handle)
        return -1;
    lib->handle = handle;
    return 0;
}

int rts_archive_library_check(struct rts_error *error)
{
    RTS_ARCHIVE_LIBRARY struct rts_archive_library lib = {0};
    return rts_archive_library_open(&lib, error);
}

void rts_archive_library_close(struct rts_archive_library *lib)
{
    rts_library_close(lib->handle);
    *lib = (struct rts_archive_library){0};
}

#endif
