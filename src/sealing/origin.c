/* SPDX-License-Identifier: Apache-2.0 */
#include "sealing/origin.h"

#include <sys/prctl.h>

#include "sealing/filter.h"

void rts_origin_leave(struct rts_origin *origin)
{
    *origin = (struct rts_origin){.dumpable = prctl(PR_GET_DUMPABLE, 0, 0, 0, 0)};
    origin->known =
        getrlimit(RLIMIT_CORE, &origin->core) == 0 && getrlimit(RLIMIT_NOFILE, &origin->files) == 0;
    const struct rlimit none = {0, origin->core.rlim_max};
    if (origin->known)
        setrlimit(RLIMIT_CORE, &none);
    rts_origin_hide();
    rts_filter_prepare();
}

void rts_core_forbid(void)
{
    static const struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
}

void rts_origin_show(const struct rts_origin *origin)
{
    /* 2 cannot be set, and permits to others no more than 0. */
    if (origin->known && origin->dumpable == 1)
        prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
}

void rts_origin_hide(void)
{
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

void rts_origin_return(const struct rts_origin *origin)
{
    if (!origin->known)
        return;
    setrlimit(RLIMIT_CORE, &origin->core);
    setrlimit(RLIMIT_NOFILE, &origin->files);
}
