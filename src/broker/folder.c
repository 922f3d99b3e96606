/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/folder.h"

#include <limits.h>
#include <string.h>
#include <unistd.h>

/* The text of an entry, or NULL where it has none. */
static const char *text_of(DIR *folder, const char *name, enum rts_folder_part part,
                           char target[PATH_MAX])
{
    if (part == RTS_FOLDER_NAMES)
        return strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ? NULL : name;
    ssize_t size = readlinkat(dirfd(folder), name, target, PATH_MAX - 1);
    target[size > 0 ? size : 0] = '\0';
    return size > 0 ? target : NULL;
}

int rts_folder_list(DIR *folder, enum rts_folder_part part, size_t limit, struct rts_buffer *list)
{
    char target[PATH_MAX];
    size_t count = 0, room = RTS_FOLDER_TEXT_MAX;
    if (!folder)
        return -1;
    for (struct dirent *entry; count < limit && (entry = readdir(folder));) {
        const char *text = text_of(folder, entry->d_name, part, target);
        if (!text)
            continue;
        size_t size = strlen(text) + 1;
        if (size > room)
            break;
        rts_buffer_append(list, text, size);
        room -= size;
        count++;
    }
    closedir(folder);
    return (int)count;
}
