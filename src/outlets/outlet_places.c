/* SPDX-License-Identifier: Apache-2.0 */
#include "outlets/outlet_places.h"

#include <libgen.h>

#include "sealing/reach.h"
#include "util/cleanup.h"
#include "util/memory.h"

static bool takes_files(const char *folder)
{
    return rts_reach_takes_capabilities(folder, true);
}

/* The same of the folder that the file `path` is in; NULL: there is none. */
static bool place_takes_files(const char *path)
{
    RTS_FREE char *copy = path ? rts_strdup(path) : NULL;
    return copy && takes_files(dirname(copy));
}

bool rts_outlet_places_take_capabilities(const struct rts_settings *settings)
{
    return takes_files(settings->cas_directory) || takes_files(settings->cache_path) ||
           takes_files(settings->spool.directory) || place_takes_files(settings->metrics_path) ||
           place_takes_files(settings->union_path) || place_takes_files(settings->record_path);
}
