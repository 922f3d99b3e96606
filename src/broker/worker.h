/* SPDX-License-Identifier: Apache-2.0 */
/* The process that answers questions. */
#ifndef RTS_BROKER_WORKER_H
#define RTS_BROKER_WORKER_H

#include "broker/setup.h"

/* The process's life: never returns. `socket` is its end. */
_Noreturn void rts_worker_run(int socket, const struct rts_broker_setup *setup);

/* Answers one question; what answers a question of its own kind. Fuzzed by itself. */
void rts_worker_answer(const struct rts_broker_setup *setup, struct rts_question *question,
                       struct rts_reply *answer);

#endif
