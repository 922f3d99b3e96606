/* SPDX-License-Identifier: Apache-2.0 */
/* Where outlets write. */
#ifndef RTS_OUTLETS_OUTLET_PLACES_H
#define RTS_OUTLETS_OUTLET_PLACES_H

#include <stdbool.h>

#include "settings/settings.h"

/* Is anything written, while sampling, where we only come by our capabilities? */
bool rts_outlet_places_take_capabilities(const struct rts_settings *settings);

#endif
