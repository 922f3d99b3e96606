/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Debug information that is there and cannot be read. It is said once per file, for whatever comes
 * first: names are missing then, and somebody can do something about it.
 */
#ifndef RTS_BINARY_UNREAD_H
#define RTS_BINARY_UNREAD_H

#include "binary/elf_image.h"

enum rts_unread_cause {
    RTS_UNREAD_ZSTD,      /* compressed with zstd, and this program was built without it */
    RTS_UNREAD_PACKING,   /* compressed in an unknown way */
    RTS_UNREAD_DAMAGED,   /* a section contradicts itself */
    RTS_UNREAD_TOO_LARGE, /* beyond a limit of ours */
    RTS_UNREAD_NO_ROOM,   /* others need the memory */
    RTS_UNREAD_VERSION,   /* of DWARF */
    RTS_UNREAD_NO_SPLIT,  /* a .dwo file is not there, or is of another build; nor is a .dwp */
    RTS_UNREAD_NO_COMMON, /* the file that dwz moved things to is not there, or is another one */
    RTS_UNREAD_COUNT
};

/* Files of which it is said; of more than that, that there are more. */
#define RTS_UNREAD_FILES_MAX 16

struct rts_unread {
    const char *path; /* of the file, for the message; owned by somebody else; may be NULL */
    unsigned *files;  /* of which it was said so far, of many objects; NULL: just of this one */
    bool said;
    bool said_overwritten;
};

/* Says, if nothing was said yet, that `what` (a section, a file, a number; the target's, and made
 * harmless here) cannot be read, and what would help. `unread` may be NULL. */
void rts_unread_say(struct rts_unread *unread, enum rts_unread_cause cause, const char *what);

/* Says, once, that `what` ("it", "its debug file") was overwritten since it was opened, and what
 * comes of it. */
void rts_unread_say_overwritten(struct rts_unread *unread, const char *what, const char *effect);

/* Says so of a section that is there, if its headers tell that it cannot be read. */
void rts_unread_section(struct rts_unread *unread, const struct rts_elf_image *image,
                        const struct rts_section *section);

#endif
