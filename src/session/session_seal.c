/* SPDX-License-Identifier: Apache-2.0 */
/* All is open: what the run does not need any more is given up. */
#include "session/session.h"

#include <stdlib.h>

#include "sealing/seal.h"

static unsigned needs(const struct rts_session *session)
{
    return (session->receipt.taken == RTS_RUNG_PTRACE ? RTS_SEAL_NEED_PTRACE : 0u) |
           (getenv("NOTIFY_SOCKET") ? RTS_SEAL_NEED_NOTIFY : 0u);
}

void rts_session_seal(const struct rts_session *session)
{
    if (session->replay)
        rts_seal(RTS_SEAL_REPLAY, 0, NULL);
    else
        rts_seal(RTS_SEAL_MAIN, needs(session), NULL);
}
