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

static int access_fpreg(unw_addr_space_t space, unw_regnum_t number, unw_fpreg_t *value, int write,
                        void *context)
{
    (void)space, (void)number, (void)value, (void)write, (void)context;
    return -UNW_EBADREG;
}

static void put_unwind_info(unw_addr_space_t space, unw_proc_info_t *info, void *context)
{
    (void)space, (void)info, (void)context;
}

static int get_dyn_info_list_addr(unw_addr_space_t space, unw_word_t *address, void *context)
{
    (void)space, (void)address, (void)context;
    return -UNW_ENOINFO;
}

static int resume(unw_addr_space_t space, unw_cursor_t *cursor, void *context)
{
    (void)space, (void)cursor, (void)context;
    return -UNW_EINVAL;
}

static int get_proc_name(unw_addr_space_t space, unw_word_t address, char *name, size_t size,
                         unw_word_t *offset, void *context)
{
    (void)space, (void)address, (void)name, (void)size, (void)offset, (void)context;
    return -UNW_ENOINFO;
}

unw_addr_space_t rts_libunwind_space(const struct rts_libunwind *library,
                                     const unw_accessors_t *accessors, struct rts_error *error)
{
    unw_accessors_t all = {
        .find_proc_info = accessors->find_proc_info,
        .put_unwind_info = put_unwind_info,
        .get_dyn_info_list_addr = get_dyn_info_list_addr,
        .access_mem = accessors->access_mem,
        .access_reg = accessors->access_reg,
        .access_fpreg = access_fpreg,
        .resume = resume,
        .get_proc_name = get_proc_name,
    };
    unw_addr_space_t space = library->create_addr_space(&all, 0);
    if (space && library->set_caching_policy(space, UNW_CACHE_NONE) >= 0)
        return space;
    if (space)
        library->destroy_addr_space(space);
    rts_fail(error, RTS_FAILED, "libunwind has no memory for an address space");
    return NULL;
}

void rts_libunwind_close(struct rts_libunwind *library)
{
    rts_library_close(library->handle);
    *library = (struct rts_libunwind){0};
}
