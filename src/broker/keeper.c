/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "broker/channel.h"
#include "broker/rights.h"
#include "broker/worker.h"
#include "util/cleanup.h"

/* Workers that were killed and hang nevertheless, each some 2 MiB: so many are let hang. The last
 * ones are for root's processes, that others cannot use up all places. */
#define HANGING_MAX        64
#define HANGING_MAX_OTHERS 48

struct keeper {
    const struct rts_broker_setup *setup;
    int socket;
    pid_t worker;     /* 0: none */
    pid_t near;       /* that reads near samples; 0: none */
    unsigned hanging; /* were killed, and have not ended */
};

static void reap(struct keeper *keeper)
{
    for (pid_t pid; (pid = waitpid(-1, NULL, WNOHANG)) > 0;) {
        if (pid == keeper->worker)
            keeper->worker = 0;
        else if (pid == keeper->near)
            keeper->near = 0;
        else
            keeper->hanging--;
    }
}

static void drop(struct keeper *keeper, pid_t *child)
{
    if (*child == 0)
        return;
    kill(*child, SIGKILL);
    *child = 0;
    keeper->hanging++;
}

static _Noreturn void run_child(const struct keeper *keeper, bool near, int socket)
{
    close(keeper->socket);
    if (near)
        keeper->setup->near(socket);
    prctl(PR_SET_NAME, "rtsample-broker");
    rts_worker_run(socket, keeper->setup);
}

/* Returns our end of the new one's socket, or -1. */
static int start(struct keeper *keeper, bool near, pid_t *child)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
        return -1;
    pid_t pid = fork();
    if (pid == 0) {
        close(ends[0]);
        run_child(keeper, near, ends[1]);
    }
    close(ends[1]);
    if (pid < 0) {
        close(ends[0]);
        return -1;
    }
    *child = pid;
    return ends[0];
}

static void give_another(struct keeper *keeper, const struct rts_keeper_ask *ask)
{
    bool near = ask->what == RTS_KEEPER_NEAR;
    pid_t *child = near ? &keeper->near : &keeper->worker;
    drop(keeper, child);
    reap(keeper);
    bool has_place = keeper->hanging < (ask->urgent ? HANGING_MAX : HANGING_MAX_OTHERS) &&
                     (!near || keeper->setup->near);
    RTS_CLOSE int end = has_place ? start(keeper, near, child) : -1;
    struct rts_keeper_told told = {.number = ask->number, .worker = *child};
    const struct rts_message message = {
        .head = &told,
        .head_size = sizeof told,
        .fds = &end,
        .fd_count = end >= 0,
    };
    rts_message_send(keeper->socket, &message);
}

static uint32_t state_of(const char *proc_root, pid_t pid)
{
    char path[256], text[512];
    snprintf(path, sizeof path, "%s/%d/stat", proc_root, (int)pid);
    RTS_FCLOSE FILE *file = fopen(path, "re");
    if (!file || !fgets(text, sizeof text, file))
        return 0;
    const char *end = strrchr(text, ')');
    return end && end[1] == ' ' ? (unsigned char)end[2] : 0;
}

static void look(struct keeper *keeper, const struct rts_keeper_ask *ask)
{
    struct rts_keeper_told told = {.number = ask->number};
    struct rts_rights rights;
    reap(keeper);
    told.worker = keeper->worker;
    if (keeper->worker > 0)
        told.state = state_of(keeper->setup->proc_root, keeper->worker);
    told.owner_known =
        ask->pid > 0 && rts_rights_read(keeper->setup->proc_root, ask->pid, &rights) == 0;
    if (told.owner_known)
        told.owner = rights.uid;
    const struct rts_message message = {.head = &told, .head_size = sizeof told};
    rts_message_send(keeper->socket, &message);
}

void rts_keeper_run(int socket, const struct rts_broker_setup *setup)
{
    struct keeper keeper = {.setup = setup, .socket = socket};
    prctl(PR_SET_NAME, "rtsample-keeper");
    if (setup->seal)
        setup->seal(false);
    /* The first one is there by the time that it is wanted. */
    const struct rts_keeper_ask first = {.what = RTS_KEEPER_ANOTHER};
    give_another(&keeper, &first);
    for (;;) {
        struct rts_keeper_ask ask;
        struct rts_message message = {.head = &ask, .head_size = sizeof ask};
        if (rts_message_receive(socket, &message, 0) <= 0)
            break;
        switch (ask.what) {
        case RTS_KEEPER_NEAR:
        case RTS_KEEPER_ANOTHER: give_another(&keeper, &ask); break;
        case RTS_KEEPER_LOOK: look(&keeper, &ask); break;
        default: break;
        }
    }
    /* At once: we may be killed for being late, and nobody else knows those that hang. */
    drop(&keeper, &keeper.worker);
    drop(&keeper, &keeper.near);
    _exit(0);
}
