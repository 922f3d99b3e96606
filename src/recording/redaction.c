/* SPDX-License-Identifier: Apache-2.0 */
#include "recording/redaction.h"

bool rts_redaction_keeps_process(const struct rts_redaction *redaction)
{
    return !redaction->on || redaction->keep_process;
}

bool rts_redaction_hides_addresses(const struct rts_redaction *redaction)
{
    return redaction->on && !redaction->keep_addresses;
}

int32_t rts_redaction_pid(const struct rts_redaction *redaction, const struct rts_process *process)
{
    return rts_redaction_keeps_process(redaction) ? process->pid
                                                  : (int32_t)(process->instance & INT32_MAX);
}
