/* SPDX-License-Identifier: Apache-2.0 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "symbols/demangle.h"

#include <stddef.h>

#ifdef HAVE_LIBIBERTY

#include <setjmp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#ifdef HAVE_DEMANGLE_H
#include <demangle.h>
#else
#include <libiberty/demangle.h>
#endif

#include "util/buffer.h"
#include "util/memory.h"

/* Longer names are left as they are: the library needs stack in proportion to the length. */
#define NAME_MAX_BYTES 4096

/* Back references let a short name expand without bound; nobody reads more than this. */
#define TEXT_MAX_BYTES 16384

#define PLT_SUFFIX "@plt"

struct output {
    struct rts_buffer text;
    jmp_buf too_long;
};

/* The library has no way to be told to stop, and ignoring its output would still leave it busy for
 * as long as the name wants; its state is on the stack, so jumping out leaks nothing but, for a
 * punycode identifier, one small array. */
static void collect(const char *bytes, size_t size, void *opaque)
{
    struct output *output = opaque;
    if (output->text.size + size > TEXT_MAX_BYTES)
        longjmp(output->too_long, 1);
    rts_buffer_append(&output->text, bytes, size);
}

typedef int (*demangler)(const char *name, int options, demangle_callbackref callback,
                         void *opaque);

static bool demangle_with(demangler demangle, const char *name, struct output *output)
{
    rts_buffer_clear(&output->text);
    if (setjmp(output->too_long))
        return false;
    return demangle(name, DMGL_PARAMS | DMGL_ANSI, collect, output) && output->text.size > 0;
}

/* Rust first: its older scheme is also a well-formed C++ name, with the hash as a last component.
 */
static bool demangle_any(const char *name, struct output *output)
{
#ifndef HAVE_RUST_NAMES
    if (strncmp(name, "_R", 2) == 0)
        return false;
#endif
    return demangle_with(rust_demangle_callback, name, output) ||
           demangle_with(cplus_demangle_v3_callback, name, output);
}

char *rts_demangle(const char *name)
{
    size_t size = strnlen(name, NAME_MAX_BYTES + 1);
    if (size > NAME_MAX_BYTES || name[0] != '_')
        return NULL;
    size_t suffix = strlen(PLT_SUFFIX);
    bool plt = size > suffix && strcmp(name + size - suffix, PLT_SUFFIX) == 0;
    char *mangled = rts_strdup(name);
    if (plt)
        mangled[size - suffix] = '\0';

    struct output output = {.text = RTS_BUFFER_INIT};
    bool known = demangle_any(mangled, &output);
    free(mangled);
    if (!known) {
        rts_buffer_finish(&output.text);
        return NULL;
    }
    if (plt)
        rts_buffer_text(&output.text, PLT_SUFFIX);
    return output.text.data;
}

#else

char *rts_demangle(const char *name)
{
    (void)name;
    return NULL;
}

#endif
