/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RTS_PROCESS_MAPS_LINE_H
#define RTS_PROCESS_MAPS_LINE_H

#include <stdbool.h>

#include "types.h"

/* Decodes one line of /proc/PID/maps (without its newline) in place. Returns false when it is not
 * one. */
bool rts_maps_parse(char *text, struct rts_maps_line *line);

#endif
