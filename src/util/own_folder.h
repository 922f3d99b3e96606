/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one rule for folders that we keep things in, from one run to the next: those who may write
 * there could plant what a later run believes, or links that it follows. So a folder is taken when
 * it belongs to us or to root and nobody else may write into it, and the way to it has no symbolic
 * link of anybody else. Root takes no other user's folder.
 */
#ifndef RTS_UTIL_OWN_FOLDER_H
#define RTS_UTIL_OWN_FOLDER_H

#include "util/error.h"

/* Opens the folder, made with mode 0700 if it is not there. One that is ours and empty and that
 * others may write into, as orchestrators give to containers, is closed to them; not one whose
 * sticky bit says that it is meant for all. `parent` is the descriptor of a folder that was taken
 * and `name` a name in it, which is then not a link; or AT_FDCWD and any path. `path` is for
 * messages, and so is `what` ("the spool"). Returns a descriptor that can be listed, or -1. */
int rts_own_folder_open(int parent, const char *name, const char *path, const char *what,
                        struct rts_error *error);

#endif
