/* SPDX-License-Identifier: Apache-2.0 */
/* What facts say of a process beside its name: found out once, so that it can be recorded. */
#include "session/session.h"

#include <string.h>

#include "process/look.h"

/* A server opens its socket some time after its start; one that has none after so many windows is
 * none. */
#define SOCKET_LOOKS_MAX 5

/* What the group of the sample tells is true of a process that is gone, too. Where that is nothing,
 * /proc is asked, whose names are cut in a control group namespace of our own. */
static bool find_container(const struct rts_session *session, const struct rts_process *process,
                           const struct rts_record *record, struct rts_container *container)
{
    const struct rts_container *known =
        rts_cgroup_ids_find(session->cgroups, record->sample.cgroup, record->time);
    const struct rts_proc *proc = rts_process_table_proc(session->processes);
    if (known) {
        *container = *known;
        return true;
    }
    if (session->replay)
        return false; /* this machine knows nothing of it */
    int found = rts_container_read(proc, process->view, container);
    if (found == 0 && record->sample.cgroup == 0 &&
        rts_container_mounts_are_known(proc, process->view)) {
        struct rts_root_view view;
        rts_look_root(proc, process->view, &view);
        const struct rts_tree tree = {.root_fd = view.fd};
        known = rts_cgroup_ids_find(session->cgroups,
                                    rts_cgroup_ids_of_root(session->cgroups, &tree), record->time);
        rts_root_view_finish(&view);
        if (known)
            *container = *known;
    }
    return found >= 0;
}

void rts_session_find_container(const struct rts_session *session, struct rts_process *process,
                                const struct rts_record *record)
{
    struct rts_container container;
    if (session->replay && session->replay->has_notes)
        return; /* which tell it */
    if (!find_container(session, process, record, &container))
        return; /* it is gone: its parent's is the best that is known */
    if (session->settings->hash_container_ids && container.id[0]) {
        uint8_t digest[RTS_SHA256_SIZE];
        rts_sha256_bytes(container.id, strlen(container.id), digest);
        rts_sha256_hex(digest, container.id);
    }
    process->container = container;
}

void rts_session_find_socket(const struct rts_session *session, struct rts_process *process)
{
    if (session->replay || !session->settings->emit_socket || process->socket[0] ||
        process->socket_looks == SOCKET_LOOKS_MAX)
        return;
    process->socket_looks++;
    rts_socket_listening(rts_process_table_proc(session->processes), process->view,
                         process->socket);
}
