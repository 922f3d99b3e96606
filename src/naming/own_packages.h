/* SPDX-License-Identifier: Apache-2.0 */
/* The databases of this machine, and of the roots of processes, as a source of packages. */
#ifndef RTS_NAMING_OWN_PACKAGES_H
#define RTS_NAMING_OWN_PACKAGES_H

#include "naming/package_source.h"

/* The source that a table is; the table is borrowed. NULL: nobody knows packages. */
struct rts_package_source rts_own_packages(struct rts_package_table *table);

#endif
