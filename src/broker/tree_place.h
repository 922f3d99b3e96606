/* SPDX-License-Identifier: Apache-2.0 */
/* Below which root directory, and with whose rights, files are opened; and what is said of them. */
#ifndef RTS_BROKER_TREE_PLACE_H
#define RTS_BROKER_TREE_PLACE_H

#include <stdint.h>

#include "broker/rights.h"

struct rts_broker; /* broker/broker.h */

struct rts_tree {
    struct rts_broker *broker; /* opens in our place; NULL: we do it ourselves, and may have to
                                  wait */
    int root_fd;               /* O_PATH, borrowed; -1: our own root */
    struct rts_rights rights;
};

/* Our own root, with our own rights, opened by ourselves. */
#define RTS_TREE_OURS                                                                              \
    (struct rts_tree)                                                                              \
    {                                                                                              \
        .root_fd = -1                                                                              \
    }

/* What stat(2) says, as far as it is needed. Times are wall times in ns. */
struct rts_file_status {
    uint64_t device, inode, size;
    int64_t modified_ns, changed_ns;
    uint32_t mode; /* with the type, as st_mode */
    uint32_t links;
};

/* Files that are opened with one question, at most. */
#define RTS_TREE_BATCH 64

#endif
