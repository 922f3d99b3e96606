/* SPDX-License-Identifier: Apache-2.0 */
#include "util/library.h"

#include <dlfcn.h>
#include <string.h>

static void *fail(const struct rts_library *library, struct rts_error *error)
{
    const char *text = dlerror();
    rts_fail(error, RTS_FAILED,
             "cannot load %s, which %s needs: %s; install it (Debian: %s), or repair what the "
             "dynamic linker finds in its place",
             library->name, library->purpose, text ? text : library->soname, library->package);
    return NULL;
}

void *rts_library_open(const struct rts_library *library,
                       const struct rts_library_function *functions, size_t count, void *table,
                       struct rts_error *error)
{
    void *handle = dlopen(library->soname, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (!handle)
        return fail(library, error);
    for (size_t i = 0; i < count; i++) {
        void *function = dlsym(handle, functions[i].name);
        if (!function) {
            fail(library, error);
            dlclose(handle);
            return NULL;
        }
        memcpy((char *)table + functions[i].offset, &function, sizeof function);
    }
    return handle;
}

void rts_library_close(void *handle)
{
    if (handle)
        dlclose(handle);
}
