/* SPDX-License-Identifier: Apache-2.0 */
#include "package/components.h"

#include "package/cargo_auditable.h"
#include "package/go_build_info.h"
#include "util/memory.h"

struct rts_components *rts_components_read(const struct rts_object *object)
{
    struct rts_components *components = rts_calloc(1, sizeof *components);
    bool known =
        rts_go_build_info_read(object, components) || rts_cargo_auditable_read(object, components);
    if (!known || !rts_object_is_intact(object)) {
        rts_components_destroy(components);
        return NULL;
    }
    rts_components_complete(components);
    return components;
}

const char *rts_components_purl(const struct rts_components *components, const char *function)
{
    return components->purl_of(components, function);
}
