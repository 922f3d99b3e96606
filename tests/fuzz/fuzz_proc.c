/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What /proc says of a process, of any content: names and paths in it are the process's own. The
 * first byte of the input chooses the file. tests/fuzz/run builds it with libFuzzer and runs it;
 * tests/fuzz/seeds.py makes what it begins with.
 */
#include <string.h>

#include "fuzz_main.h"
#include "process/container.h"
#include "process/maps.h"
#include "process/module_name.h"

/* Each line of maps: bounds that are some, and a name for what is mapped. */
static void ask_maps(char *text)
{
    for (char *rest = text, *next; (next = strsep(&rest, "\n"));) {
        struct rts_maps_line line;
        if (!rts_maps_parse(next, &line))
            continue;
        if (line.start >= line.end)
            abort();
        char *name = rts_module_name(line.path);
        if (name && (!*name || strchr(name, '/')))
            abort();
        free(name);
    }
}

/* Ids are hexadecimal, whoever wrote the text. */
static void take(bool found, const struct rts_container *container)
{
    if (found && (strlen(container->id) >= sizeof container->id ||
                  strspn(container->id, "0123456789abcdef") != strlen(container->id)))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rts_container container = {0};
    if (size < 1)
        return 0;
    char *text = strndup((const char *)data + 1, size - 1);
    switch (data[0] % 4) {
    case 0: ask_maps(text); break;
    case 1: take(rts_container_from_cgroup(text, &container), &container); break;
    case 2: take(rts_container_from_mountinfo(text, &container), &container); break;
    default: take(rts_container_from_path(text, &container), &container);
    }
    free(text);
    return 0;
}
