/* SPDX-License-Identifier: Apache-2.0 */
/* The process that keeps workers, and what it is asked. */
#ifndef RTS_BROKER_KEEPER_H
#define RTS_BROKER_KEEPER_H

#include "broker/setup.h"

enum rts_keeper_what {
    RTS_KEEPER_ANOTHER = 1, /* another worker in place of the current one, which is killed */
    RTS_KEEPER_LOOK,        /* what that one is doing */
    RTS_KEEPER_NEAR,        /* a near reader in place of the one before, which is killed */
};

struct rts_keeper_ask {
    uint32_t what;
    uint32_t number;
    int32_t pid; /* LOOK: tell the owner of this process as well */
    bool urgent; /* ANOTHER: the last places are for such */
};

struct rts_keeper_told {
    uint32_t number;
    int32_t worker; /* its pid; 0: there is none, too many hang; with ANOTHER its socket goes along;
                       with NEAR that of the near reader, likewise */
    uint32_t state; /* LOOK: as in /proc/PID/stat; 0: not known */
    uint32_t owner_known;
    uint32_t owner; /* the effective user id */
};

/* The process's life: never returns. `socket` is its end. */
_Noreturn void rts_keeper_run(int socket, const struct rts_broker_setup *setup);

#endif
