/* SPDX-License-Identifier: Apache-2.0 */
#include "naming/own_packages.h"

static struct rts_package find(void *context, const struct rts_object *object, const char *function)
{
    return rts_package_table_find(context, object, function);
}

struct rts_package_source rts_own_packages(struct rts_package_table *table)
{
    return (struct rts_package_source){.context = table, .find = table ? find : NULL};
}
