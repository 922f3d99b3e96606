/* SPDX-License-Identifier: Apache-2.0 */
#include "process/maps_line.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* The kernel writes a newline inside a path as \012, and nothing else is escaped. */
static void unescape(char *path)
{
    char *to = path;
    for (const char *from = path; *from;) {
        if (strncmp(from, "\\012", 4) == 0) {
            *to++ = '\n';
            from += 4;
        } else {
            *to++ = *from++;
        }
    }
    *to = '\0';
}

bool rts_maps_parse(char *text, struct rts_maps_line *line)
{
    char flags[5];
    int path_at = 0;
    *line = (struct rts_maps_line){0};
    int fields = sscanf(
        text, "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64 " %" SCNx32 ":%" SCNx32 " %" SCNu64 "%n",
        &line->start, &line->end, flags, &line->offset, &line->major, &line->minor, &line->inode,
        &path_at);
    if (fields != 7 || line->start >= line->end || strlen(flags) != 4)
        return false;
    line->executable = flags[2] == 'x';
    line->path = text + path_at + strspn(text + path_at, " ");
    static const char deleted[] = " (deleted)";
    size_t length = strlen(line->path);
    if (length > strlen(deleted) && strcmp(line->path + length - strlen(deleted), deleted) == 0)
        line->path[length - strlen(deleted)] = '\0';
    unescape(line->path);
    return true;
}
