/* SPDX-License-Identifier: Apache-2.0 */
#include "unwind/libunwind_library.h"

#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include <stddef.h>

#include "unwind/method.h"
#include "util/library.h"

#define TEXT(words)  #words
#define NAME(symbol) TEXT(symbol)

const char *const rts_libunwind_version = NAME(UNW_VERSION_MAJOR) "." NAME(UNW_VERSION_MINOR);

int rts_libunwind_open(struct rts_libunwind *library, struct rts_error *error)
{
    static const struct rts_library described = {
        .name = "libunwind",
        .soname = UNWIND_SONAME,
        .purpose = "the unwinder of that name",
        .package = "libunwind8",
    };
#define FUNCTION(name) {NAME(UNW_OBJ(name)), offsetof(struct rts_libunwind, name)},
    static const struct rts_library_function functions[] = {RTS_LIBUNWIND_FUNCTIONS(FUNCTION)};
#undef FUNCTION
    void *handle = rts_library_open(&described, functions, sizeof functions / sizeof *functions,
                                    library, error);
    if (!handle)
        return -1;
    library->handle = handle;
    return 0;
}

void rts_libunwind_close(struct rts_libunwind *library)
{
    rts_library_close(library->handle);
    *library = (struct rts_libunwind){0};
}
