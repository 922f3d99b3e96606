/* SPDX-License-Identifier: Apache-2.0 */
/* How look.c and look_answer.c write what they say to each other. */
#ifndef RTS_PROCESS_LOOK_STATE_H
#define RTS_PROCESS_LOOK_STATE_H

#include "broker/wire.h"

enum rts_look_what {
    RTS_LOOK_OPEN = RTS_ASK_OTHERS,
    RTS_LOOK_ORIGINS,
    RTS_LOOK_BUILD_ID,
    RTS_LOOK_ROOT,
    RTS_LOOK_MAPS,
};

/* The places of a mapping in rts_ask.values; the text is its path. Flags: place, and whether it has
 * an identity. */
enum rts_look_value {
    RTS_LOOK_START,
    RTS_LOOK_END,
    RTS_LOOK_OFFSET,
    RTS_LOOK_DEVICE, /* the major number in the upper half */
    RTS_LOOK_INODE,
    RTS_LOOK_FILE_DEVICE, /* ORIGINS: what stat(2) said */
    RTS_LOOK_FILE_INODE,
};
#define RTS_LOOK_HAS_IDENTITY 0x100u
#define RTS_LOOK_PLACE        0x0ffu

/* Of an answer to OPEN. */
#define RTS_LOOK_VERIFIED 1u
#define RTS_LOOK_COPIED   2u

/* Of a tree, in rts_told.values: a namespace, then flags; ROOT has one, ORIGINS as many as
 * rts_told.flags says. A tree that has a descriptor has the next one. The text has their paths. */
#define RTS_LOOK_TREE_OWN_ROOT      1u
#define RTS_LOOK_TREE_OUR_NAMESPACE 2u
#define RTS_LOOK_TREE_OWN_NAMESPACE 4u
#define RTS_LOOK_TREE_CERTAIN       8u
#define RTS_LOOK_TREE_HAS_FD        16u

/* Of a question for MAPS: the part is in the flags, the address is RTS_LOOK_START. Of its answer:
 * the first value is how many lines there were, and the flags whether some are left out. */
#define RTS_LOOK_CUT 1u

#endif
