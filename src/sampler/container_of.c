/* SPDX-License-Identifier: Apache-2.0 */
#include "sampler/container_of.h"

#include <string.h>

#include "process/cgroup.h"
#include "process/look.h"
#include "util/sha256.h"

/* The group that the root of its cgroup2 mount is, by the mounts of the process. */
static const struct rts_container *
by_mounts(const struct rts_proc *proc, struct rts_cgroup_ids *cgroups, int32_t view, uint64_t time)
{
    struct rts_root_view root;
    rts_look_root(proc, view, &root);
    const struct rts_tree tree = {.root_fd = root.fd};
    uint64_t group = rts_cgroup_ids_of_root(cgroups, &tree);
    rts_root_view_finish(&root);
    return rts_cgroup_ids_find(cgroups, group, time);
}

/* What the group of the sample tells is true of a process that is gone, too. Where that is nothing,
 * /proc is asked, whose names are cut in a control group namespace of our own. */
static bool find(const struct rts_proc *proc, struct rts_cgroup_ids *cgroups, int32_t view,
                 const struct rts_record *record, struct rts_container *container)
{
    const struct rts_container *known =
        rts_cgroup_ids_find(cgroups, record->sample.cgroup, record->time);
    if (known) {
        *container = *known;
        return true;
    }
    if (!proc->root)
        return false; /* of a trace, of whose processes this machine knows nothing */
    int found = rts_container_read(proc, RTS_CGROUP_ROOT, view, container);
    if (found == 0 && record->sample.cgroup == 0 && rts_container_mounts_are_known(proc, view))
        known = by_mounts(proc, cgroups, view, record->time);
    if (known)
        *container = *known;
    return found >= 0;
}

void rts_container_of(const struct rts_process_table *processes, struct rts_cgroup_ids *cgroups,
                      struct rts_process *process, const struct rts_record *record, bool hash)
{
    struct rts_container container;
    const struct rts_proc *proc = rts_process_table_proc(processes);
    if (!find(proc, cgroups, process->view, record, &container))
        return; /* it is gone: its parent's is the best that is known */
    if (hash && container.id[0]) {
        uint8_t digest[RTS_SHA256_SIZE];
        rts_sha256_bytes(container.id, strlen(container.id), digest);
        rts_sha256_hex(digest, container.id);
    }
    process->container = container;
}
