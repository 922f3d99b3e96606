/* SPDX-License-Identifier: Apache-2.0 */
/* The directory of what is kept for later runs: the hashes of files. */
#include "session/session.h"

#include "util/log.h"

int rts_session_open_cache(struct rts_session *session, struct rts_error *error)
{
    const char *directory = session->settings->cache_path;
    if (!directory)
        return 0;
    session->hashes = rts_hash_cache_open(directory, error);
    rts_object_cache_use_hashes(session->objects, session->hashes);
    return session->hashes ? 0 : -1;
}

void rts_session_close_cache(struct rts_session *session)
{
    struct rts_error failure;
    if (rts_hash_cache_close(session->hashes, &failure) < 0)
        rts_log("what was found out is not kept for later runs: %s", failure.text);
    session->hashes = NULL;
}
