/* SPDX-License-Identifier: Apache-2.0 */
#include "facts/nameless.h"

#include <stdlib.h>
#include <string.h>

#include "util/memory.h"

void rts_nameless_add(struct rts_nameless *nameless, const char *package, uint64_t hits)
{
    size_t i = 0;
    while (i < nameless->count && strcmp(nameless->packages[i].name, package) != 0)
        i++;
    if (i == RTS_NAMELESS_PACKAGES_MAX)
        return;
    if (i == nameless->count) {
        nameless->packages =
            rts_realloc_array(nameless->packages, i + 1, sizeof *nameless->packages);
        nameless->packages[nameless->count++] =
            (struct rts_nameless_package){.name = rts_strdup(package)};
    }
    nameless->packages[i].hits += hits;
}

static int most_first(const void *left, const void *right)
{
    const struct rts_nameless_package *a = left, *b = right;
    if (a->hits != b->hits)
        return a->hits > b->hits ? -1 : 1;
    return strcmp(a->name, b->name);
}

void rts_nameless_sort(struct rts_nameless *nameless)
{
    if (nameless->count > 0)
        qsort(nameless->packages, nameless->count, sizeof *nameless->packages, most_first);
}

void rts_nameless_finish(struct rts_nameless *nameless)
{
    for (size_t i = 0; i < nameless->count; i++)
        free(nameless->packages[i].name);
    free(nameless->packages);
    *nameless = (struct rts_nameless){0};
}
