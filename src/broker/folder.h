/* SPDX-License-Identifier: Apache-2.0 */
/* What is in a folder, as a list of names (broker/tree.h). */
#ifndef RTS_BROKER_FOLDER_H
#define RTS_BROKER_FOLDER_H

#include <dirent.h>
#include <stddef.h>

#include "util/buffer.h"

/* The text of one list: some 200,000 names of files. Links can say 4 KiB each. */
#define RTS_FOLDER_TEXT_MAX ((size_t)8 << 20)

enum rts_folder_part {
    RTS_FOLDER_NAMES, /* the names of its entries, but for "." and ".." */
    RTS_FOLDER_LINKS, /* what each of its entries that is a link says */
};

/* Appends that of at most `limit` entries, and closes the folder; what does not fit is left out.
 * Returns how many, or -1 with errno as it is where `folder` is NULL. */
int rts_folder_list(DIR *folder, enum rts_folder_part part, size_t limit, struct rts_buffer *list);

#endif
