/* SPDX-License-Identifier: Apache-2.0 */
#include "package/rpm_starter.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "broker/channel.h"
#include "package/rpm_run.h"
#include "sealing/seal.h"
#include "util/cleanup.h"
#include "util/memory.h"

/* Beyond the time of a job, which the process itself keeps, for a busy machine. */
#define GRACE_MS 5000

struct rts_rpm_starter {
    pid_t pid;  /* 0: none */
    int socket; /* -1: none, or it is not to be used any more */
};

/* What is sent, with the descriptor of the list. The answer is the exit status, an int. */
struct order {
    uint64_t wait_ms;
    char backend[16];
    char folder[PATH_MAX];
};

static bool send_order(int socket, struct order *order, int list)
{
    const struct rts_message message = {
        .head = order,
        .head_size = sizeof *order,
        .fds = &list,
        .fd_count = 1,
    };
    return rts_message_send(socket, &message) == 0;
}

/* The descriptor of the list; -1: there is none, or the other end is closed (*over). */
static int receive_order(int socket, struct order *order, bool *over)
{
    int list = -1;
    struct rts_message message = {
        .head = order,
        .head_size = sizeof *order,
        .fds = &list,
        .fd_count = 1,
    };
    int result = rts_message_receive(socket, &message, 0);
    *over = result == 0 || (result < 0 && errno != EBADMSG && errno != EMFILE);
    order->backend[sizeof order->backend - 1] = order->folder[sizeof order->folder - 1] = '\0';
    return result > 0 && message.fd_count == 1 ? list : -1;
}

static void serve(int socket, const char *lister)
{
    struct order order;
    prctl(PR_SET_NAME, "rtsample-starter");
    rts_seal(RTS_SEAL_RPM_STARTER, 0, NULL);
    for (bool over = false; !over;) {
        RTS_CLOSE int list = receive_order(socket, &order, &over);
        const struct rts_rpm_job job = {order.backend, order.folder, list, order.wait_ms};
        int status = list < 0 ? -1 : rts_rpm_run(lister, &job);
        if (!over && send(socket, &status, sizeof status, MSG_NOSIGNAL) < 0)
            break;
    }
    _exit(0);
}

struct rts_rpm_starter *rts_rpm_starter_create(struct rts_error *error)
{
    char lister[PATH_MAX];
    int ends[2];
    struct rts_rpm_starter *starter = rts_calloc(1, sizeof *starter);
    *starter = (struct rts_rpm_starter){.socket = -1};
    if (!rts_rpm_lister_find(lister))
        return starter;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0) {
        starter->pid = fork();
        if (starter->pid == 0) {
            close(ends[0]);
            serve(ends[1], lister);
        }
        int number = errno;
        close(ends[1]);
        starter->socket = ends[0];
        errno = number;
    }
    if (starter->pid > 0)
        return starter;
    rts_fail_errno(error, errno, "cannot start a process for rtsample-rpm");
    rts_rpm_starter_destroy(starter);
    return NULL;
}

void rts_rpm_starter_destroy(struct rts_rpm_starter *starter)
{
    if (!starter)
        return;
    if (starter->socket >= 0)
        close(starter->socket);
    /* Nothing is under way, or it did not answer. It would not see that the socket was closed while
     * a command that has not begun yet, a child of ours, holds it too. */
    if (starter->pid > 0)
        kill(starter->pid, SIGKILL);
    while (starter->pid > 0 && waitpid(starter->pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    free(starter);
}

int32_t rts_rpm_starter_pid(const struct rts_rpm_starter *starter)
{
    return starter ? (int32_t)starter->pid : 0;
}

/* Something is wrong with it: it is left alone until the end. */
static int give_up(struct rts_rpm_starter *starter)
{
    close(starter->socket);
    starter->socket = -1;
    return -1;
}

int rts_rpm_starter_run(struct rts_rpm_starter *starter, const struct rts_rpm_job *job)
{
    char lister[PATH_MAX];
    struct order order = {.wait_ms = job->wait_ms};
    if (!starter)
        return rts_rpm_lister_find(lister) ? rts_rpm_run(lister, job) : -1;
    if (starter->socket < 0 || strlen(job->backend) >= sizeof order.backend ||
        strlen(job->folder) >= sizeof order.folder)
        return -1;
    memcpy(order.backend, job->backend, strlen(job->backend));
    memcpy(order.folder, job->folder, strlen(job->folder));
    if (!send_order(starter->socket, &order, job->list))
        return give_up(starter);
    struct pollfd event = {.fd = starter->socket, .events = POLLIN};
    int ready, status;
    do {
        ready = poll(&event, 1, (int)job->wait_ms + GRACE_MS);
    } while (ready < 0 && errno == EINTR);
    if (ready <= 0 || recv(starter->socket, &status, sizeof status, 0) != (ssize_t)sizeof status)
        return give_up(starter);
    return status;
}
