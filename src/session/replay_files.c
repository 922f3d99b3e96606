/* SPDX-License-Identifier: Apache-2.0 */
/* Where a replay has the files from that the processes of a trace had mapped. */
#include "session/replay.h"

static struct rts_object *find_wanted(struct rts_replay *replay, struct rts_wanted_file *wanted,
                                      bool *no_elf)
{
    const struct rts_build_id *known =
        rts_trace_build_ids_find(rts_trace_build_ids(replay->trace), wanted->path);
    if (wanted->build_id.size == 0 && known)
        wanted->build_id = *known;
    return rts_file_search_find(replay->files, wanted,
                                rts_trace_features(replay->trace)->os_release, no_elf);
}

static struct rts_object *find_file(void *context, const struct rts_mapping *mapping, bool *no_elf)
{
    struct rts_replay *replay = context;
    const struct rts_mapped_file *file = mapping->file;
    struct rts_wanted_file wanted = {
        /* Where a trace has build-ids, a file without one had none, or was never looked into. */
        .by_path = !rts_trace_build_ids(replay->trace)->any && !replay->has_build_ids,
        .offset = mapping->offset,
        .size = mapping->end - mapping->start,
        .path = file->path,
        .build_id = file->build_id,
        .has_identity = file->has_identity,
        .major = file->major,
        .minor = file->minor,
        .inode = file->inode,
    };
    return find_wanted(replay, &wanted, no_elf);
}

static struct rts_object *find_vdso(void *context)
{
    struct rts_replay *replay = context;
    struct rts_wanted_file wanted = {.path = "[vdso]"};
    bool no_elf;
    if (!replay->vdso_tried)
        replay->vdso = find_wanted(replay, &wanted, &no_elf);
    replay->vdso_tried = true;
    return replay->vdso;
}

void rts_replay_open_finder(struct rts_replay *replay)
{
    replay->finder = (struct rts_file_finder){replay, find_file, find_vdso};
}
