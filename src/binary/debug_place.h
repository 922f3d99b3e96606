/* SPDX-License-Identifier: Apache-2.0 */
/* Where the files are looked for that the debug information of a file refers to. */
#ifndef RTS_BINARY_DEBUG_PLACE_H
#define RTS_BINARY_DEBUG_PLACE_H

#include "binary/unread.h"
#include "broker/tree.h"

struct rts_debug_place {
    const char *path; /* of the file that has the debug information, absolute and as the target has
                         it; NULL: not known */
    const char *mapped;          /* of the file that is mapped, likewise */
    const struct rts_tree *tree; /* that paths are resolved in */
    bool enabled;                /* look for anything at all? */
    struct rts_unread *unread;   /* is told what is missing; NULL: nobody */
};

#endif
