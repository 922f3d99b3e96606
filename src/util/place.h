/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a path leads, for what writes there. The way is walked by us, component by component: who
 * may write into a folder of it may put a symbolic link there that leads to a file of ours, and
 * open(2) would follow. What was walked is held open, so that nothing can be exchanged behind us.
 */
#ifndef RTS_UTIL_PLACE_H
#define RTS_UTIL_PLACE_H

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

/* Whose symbolic links are followed; ours and those of root are in any case. */
enum rts_links {
    /* Of whom the folder belongs to that they lie in, and anybody's in a folder that not everybody
     * may write into: the rule of the sysctl fs.protected_symlinks, whether it is set or not. */
    RTS_LINKS_OF_OWNERS,
    RTS_LINKS_OF_OURS, /* nobody else's */
};

struct rts_place {
    int folder; /* O_PATH; the folder that `name` lies in */
    char name[NAME_MAX + 1];
    bool exists;
    bool is_magic;       /* a link of /proc to something open, which only the kernel can follow */
    bool is_open_to_all; /* everybody may write into the folder */
    uid_t folder_owner;
    const char *refusal; /* static; why the place is not taken, when it is for whose links they are;
                            NULL otherwise */
};

/* Walks to the place; 0, or -1 with errno and `refusal`. Symbolic links are resolved, also the last
 * one; the file itself need not exist. A path that ends with a slash, or in "." or "..", has to be
 * a folder. */
int rts_place_find(struct rts_place *place, const char *path, enum rts_links links);

/* Closes it, once. */
void rts_place_leave(struct rts_place *place);

#endif
