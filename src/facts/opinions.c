/* SPDX-License-Identifier: Apache-2.0 */
#include "facts/opinions.h"

#include <stdlib.h>
#include <string.h>

#include "util/memory.h"

static struct rts_opinion_binary *find(struct rts_opinions *opinions, uint32_t serial)
{
    if (opinions->last < opinions->count && opinions->binaries[opinions->last].serial == serial)
        return &opinions->binaries[opinions->last];
    for (size_t i = 0; i < opinions->count; i++)
        if (opinions->binaries[i].serial == serial) {
            opinions->last = i;
            return &opinions->binaries[i];
        }
    return NULL;
}

struct rts_opinion_binary *rts_opinions_of(struct rts_opinions *opinions, uint32_t serial,
                                           const char *module, const struct rts_build_id *build_id)
{
    struct rts_opinion_binary *binary = find(opinions, serial);
    if (binary || opinions->count == RTS_OPINIONS_BINARIES_MAX)
        return binary;
    if (!opinions->binaries)
        opinions->binaries = rts_calloc(RTS_OPINIONS_BINARIES_MAX, sizeof *opinions->binaries);
    opinions->last = opinions->count++;
    binary = &opinions->binaries[opinions->last];
    binary->serial = serial;
    binary->module = rts_strdup(module ? module : "");
    binary->build_id = *build_id;
    return binary;
}

uint64_t rts_opinion_differences(const struct rts_opinion_binary *binary)
{
    uint64_t sum = 0;
    for (unsigned i = RTS_DIFFERENCE_NONE + 1; i < RTS_DIFFERENCE_COUNT; i++)
        sum += binary->differ[i];
    return sum;
}

static int compare(const void *left, const void *right)
{
    const struct rts_opinion_binary *a = left, *b = right;
    uint64_t differ_a = rts_opinion_differences(a), differ_b = rts_opinion_differences(b);
    if (differ_a != differ_b)
        return differ_a < differ_b ? 1 : -1;
    if (a->alike != b->alike)
        return a->alike < b->alike ? 1 : -1;
    return strcmp(a->module, b->module);
}

void rts_opinions_sort(struct rts_opinions *opinions)
{
    if (opinions->count > 0)
        qsort(opinions->binaries, opinions->count, sizeof *opinions->binaries, compare);
}

void rts_opinions_finish(struct rts_opinions *opinions)
{
    for (size_t i = 0; i < opinions->count; i++)
        free(opinions->binaries[i].module);
    free(opinions->binaries);
    *opinions = (struct rts_opinions){0};
}
