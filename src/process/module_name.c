/* SPDX-License-Identifier: Apache-2.0 */
#include "process/module_name.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "util/memory.h"

static bool within_character(char byte)
{
    return ((unsigned char)byte & 0xc0) == 0x80;
}

char *rts_module_name(const char *path)
{
    static const char deleted[] = " (deleted)";
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    size_t size = strlen(name), mark = sizeof deleted - 1;
    if (size > mark && strcmp(name + size - mark, deleted) == 0)
        size -= mark;
    if (size > RTS_MODULE_NAME_MAX) {
        size = RTS_MODULE_NAME_MAX;
        while (size > 0 && within_character(name[size]))
            size--;
    }
    if (size == 0)
        return NULL;
    char *copy = rts_calloc(size + 1, 1);
    memcpy(copy, name, size);
    return copy;
}
