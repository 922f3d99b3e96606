/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RTS_BINARY_VDSO_H
#define RTS_BINARY_VDSO_H

#include "binary/object.h"

/* The vDSO that the kernel mapped into this process, the same as in every other one of its
 * architecture, as a new object named "[vdso]". NULL when there is none. */
struct rts_object *rts_vdso_open(void);

#endif
