/* SPDX-License-Identifier: Apache-2.0 */
/* Files that go away with their last descriptor, however a run ends. */
#ifndef RTS_UTIL_NAMELESS_FILE_H
#define RTS_UTIL_NAMELESS_FILE_H

/* Opens an empty file for reading and writing, which only we may read, in the folder, or where
 * temporary files go when it is NULL. Returns the descriptor, or -1 with errno. */
int rts_nameless_file(const char *folder);

#endif
