/* SPDX-License-Identifier: Apache-2.0 */
/* What facts say of a process beside its name: found out once, so that it can be recorded. */
#include "session.h"

#include <string.h>

/* A server opens its socket some time after its start; one that has none after so many windows is
 * none. */
#define SOCKET_LOOKS_MAX 5

void rts_session_find_container(const struct rts_session *session, struct rts_process *process)
{
    struct rts_container container;
    if (session->replay)
        return; /* this machine knows nothing of it */
    if (rts_container_read(rts_process_table_root(session->processes), process->view, &container) <
        0)
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
    rts_socket_listening(rts_process_table_root(session->processes), process->view,
                         process->socket);
}
