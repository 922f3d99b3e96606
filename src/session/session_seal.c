/* SPDX-License-Identifier: Apache-2.0 */
/* All is open: what the run does not need any more is given up. */
#include "session/session.h"

#include <libgen.h>
#include <stdlib.h>
#include <time.h>

#include <jansson.h>

#include "sealing/reach.h"
#include "sealing/seal.h"
#include "util/cleanup.h"
#include "util/memory.h"
#include "util/sha256.h"

static bool takes_files(const char *folder)
{
    return rts_reach_takes_capabilities(folder, true);
}

/* The same of the folder that the file `path` is in; NULL: there is none. */
static bool place_takes_files(const char *path)
{
    RTS_FREE char *copy = path ? rts_strdup(path) : NULL;
    return copy && takes_files(dirname(copy));
}

/* Is anything written where we only come by our capabilities? */
static bool needs_files(const struct rts_settings *settings)
{
    return takes_files(settings->cas_directory) || takes_files(settings->cache_path) ||
           takes_files(settings->spool.directory) || place_takes_files(settings->metrics_path) ||
           place_takes_files(settings->union_path) || place_takes_files(settings->record_path);
}

static unsigned needs(const struct rts_session *session)
{
    return (session->receipt.taken == RTS_RUNG_PTRACE ? RTS_SEAL_NEED_PTRACE : 0u) |
           (session->settings->target == RTS_TARGET_CGROUP ||
                    session->settings->target == RTS_TARGET_CONTAINER
                ? RTS_SEAL_NEED_GROUP
                : 0u) |
           (needs_files(session->settings) ? RTS_SEAL_NEED_FILES : 0u) |
           (getenv("NOTIFY_SOCKET") ? RTS_SEAL_NEED_NOTIFY : 0u);
}

/* What is opened when it is used for the first time: the settings of libcrypto, the local time,
 * random numbers for libjansson, our own mappings for the vDSO. */
static void use_once(struct rts_session *session)
{
    uint8_t digest[RTS_SHA256_SIZE];
    rts_sha256_bytes("", 0, digest);
    tzset();
    json_object_seed(0);
    struct rts_object *vdso = rts_object_cache_vdso(session->objects);
    if (vdso)
        rts_object_cache_unref(session->objects, vdso);
}

void rts_session_seal(struct rts_session *session)
{
    if (session->replay) {
        rts_seal(RTS_SEAL_REPLAY, 0, NULL);
        return;
    }
    use_once(session);
    rts_seal(RTS_SEAL_MAIN, needs(session), NULL);
}
