/* SPDX-License-Identifier: Apache-2.0 */
#include "target/take_in.h"

#include <errno.h>

#include "capture/advice.h"
#include "util/cleanup.h"
#include "util/log.h"

int rts_target_take_in(struct rts_target *target, int32_t pid, unsigned *unreadable,
                       struct rts_error *error)
{
    struct rts_process *process;
    struct rts_error failure;
    int result = rts_process_attach(target->sampler->processes, pid, &process, &failure);
    process->target = true;
    if (result == 0)
        return 0;
    if (failure.number == ETIME)
        return 0; /* the broker has said so */
    if (failure.failure == RTS_NOT_PERMITTED) {
        if ((*unreadable)++ == 0) {
            const struct rts_proc proc = {.broker = target->broker, .root = "/proc"};
            RTS_FREE char *remedy = rts_capture_access_remedy(&proc, pid, failure.number);
            rts_log("%s; %s", failure.text, remedy);
        }
        return 0;
    }
    if (error)
        *error = failure;
    return -1;
}

bool rts_target_has(const struct rts_target *target, int32_t pid)
{
    const struct rts_process *known = rts_process_find(target->sampler->processes, pid, UINT64_MAX);
    return known && known->target && known->died_ns == UINT64_MAX;
}

bool rts_target_is_limit(const struct rts_error *failure)
{
    return failure->number == EMFILE || failure->number == E2BIG;
}
