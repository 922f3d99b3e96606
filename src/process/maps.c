/* SPDX-License-Identifier: Apache-2.0 */
#include "process/maps.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "util/cleanup.h"

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

int rts_maps_read(const char *proc_root, int32_t pid,
                  void (*each)(void *context, const struct rts_maps_line *line), void *context,
                  struct rts_error *error)
{
    char name[256];
    snprintf(name, sizeof name, "%s/%d/maps", proc_root, (int)pid);
    RTS_FCLOSE FILE *file = fopen(name, "re");
    if (!file)
        return rts_fail_errno(error, errno, "cannot open %s", name);
    RTS_FREE char *text = NULL;
    size_t capacity = 0;
    int lines = 0;
    for (ssize_t length;
         lines < RTS_MAPS_LINES_MAX && (length = getline(&text, &capacity, file)) > 0;) {
        if (text[length - 1] == '\n')
            text[length - 1] = '\0';
        struct rts_maps_line line;
        if (!rts_maps_parse(text, &line))
            continue;
        each(context, &line);
        lines++;
    }
    if (ferror(file))
        return rts_fail_errno(error, errno, "cannot read %s", name);
    return lines;
}

bool rts_maps_permitted(const char *proc_root, int32_t pid)
{
    char name[256];
    snprintf(name, sizeof name, "%s/%d/maps", proc_root, (int)pid);
    RTS_CLOSE int fd = open(name, O_RDONLY | O_CLOEXEC);
    return fd >= 0 || (errno != EACCES && errno != EPERM);
}
