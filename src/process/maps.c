/* SPDX-License-Identifier: Apache-2.0 */
#include "process/maps.h"

#include <errno.h>

#include "process/look.h"

static int read_text(const struct rts_proc *proc, int32_t pid, const struct rts_maps_wanted *wanted,
                     struct rts_maps_text *text)
{
    return proc->broker ? rts_look_maps(proc, pid, wanted, text)
                        : rts_maps_text_read(proc->root, pid, wanted, text);
}

int rts_maps_read_part(const struct rts_proc *proc, int32_t pid,
                       const struct rts_maps_wanted *wanted,
                       void (*each)(void *context, const struct rts_maps_line *line), void *context,
                       bool *cut, struct rts_error *error)
{
    struct rts_maps_text text = {.read = 0};
    if (read_text(proc, pid, wanted, &text) < 0) {
        int number = errno;
        rts_maps_text_finish(&text);
        return rts_fail_errno(error, number, "cannot read %s/%d/maps", proc->root, (int)pid);
    }
    rts_maps_text_each(&text, each, context);
    int lines = text.read < RTS_MAPS_LINES_MAX ? (int)text.read : RTS_MAPS_LINES_MAX;
    if (cut)
        *cut = text.cut;
    rts_maps_text_finish(&text);
    return lines;
}

int rts_maps_read(const struct rts_proc *proc, int32_t pid,
                  void (*each)(void *context, const struct rts_maps_line *line), void *context,
                  struct rts_error *error)
{
    const struct rts_maps_wanted code = {.part = RTS_MAPS_CODE};
    return rts_maps_read_part(proc, pid, &code, each, context, NULL, error);
}

bool rts_maps_permitted(const struct rts_proc *proc, int32_t pid)
{
    return rts_proc_may_read(proc, pid, "maps") == 0 || (errno != EACCES && errno != EPERM);
}
