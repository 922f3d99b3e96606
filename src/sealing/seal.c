/* SPDX-License-Identifier: Apache-2.0 */
#include "sealing/seal.h"

#include <errno.h>
#include <sys/prctl.h>

#include "sealing/capabilities.h"
#include "sealing/filter.h"
#include "sealing/origin.h"

void rts_seal(enum rts_seal_kind kind, unsigned needs, struct rts_sealed *sealed)
{
    struct rts_sealed result = {0};
    rts_core_forbid();
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        result.privileges = errno;
    uint64_t permitted = rts_capabilities_permitted();
    if (rts_capabilities_keep(rts_seal_kind_capabilities(kind, needs, permitted),
                              rts_seal_kind_at_rest(kind)) < 0)
        result.capabilities = errno;
    result.filter = -rts_filter_set(rts_seal_kind_calls(kind, needs));
    if (sealed)
        *sealed = result;
}
