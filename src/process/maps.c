/* SPDX-License-Identifier: Apache-2.0 */
#include "process/maps.h"

#include <errno.h>
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

int rts_maps_read(const struct rts_proc *proc, int32_t pid,
                  void (*each)(void *context, const struct rts_maps_line *line), void *context,
                  struct rts_error *error)
{
    struct rts_buffer text = RTS_BUFFER_INIT;
    int lines = 0;
    if (rts_proc_read(proc, pid, "maps", RTS_PROC_TEXT_MAX, &text) < 0) {
        int number = errno;
        rts_buffer_finish(&text);
        return rts_fail_errno(error, number, "cannot read %s/%d/maps", proc->root, (int)pid);
    }
    char *rest = text.data;
    for (char *one; lines < RTS_MAPS_LINES_MAX && (one = strsep(&rest, "\n"));) {
        struct rts_maps_line line;
        if (!rts_maps_parse(one, &line))
            continue;
        each(context, &line);
        lines++;
    }
    rts_buffer_finish(&text);
    return lines;
}

bool rts_maps_permitted(const struct rts_proc *proc, int32_t pid)
{
    return rts_proc_may_read(proc, pid, "maps") == 0 || (errno != EACCES && errno != EPERM);
}
