/* SPDX-License-Identifier: Apache-2.0 */
#include "package/rpm_starter.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "broker/channel.h"
#include "package/rpm_keeper.h"
#include "util/cleanup.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/memory.h"

#define MS_NS 1000000ULL

/* Beyond the time of a job, which the process itself keeps: then it is the process that is late. */
#define GRACE_MS 5000

/* At the end, until it is killed, and until it is left alone. */
#define GOODBYE_MS 200

struct job {
    uint32_t number; /* 0: none */
    uint64_t late_ns;
    bool ended;
    enum rts_rpm_end end;
    int list; /* -1: none */
};

struct rts_rpm_starter {
    pid_t pid;  /* 0: none */
    int socket; /* -1: none, or it is not to be used any more */
    uint32_t last;
    struct job jobs[RTS_RPM_JOBS_MAX];
};

static bool fork_keeper(struct rts_rpm_starter *starter, const char *lister)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
        return false;
    starter->pid = fork();
    if (starter->pid == 0) {
        close(ends[0]);
        rts_rpm_keeper_run(ends[1], lister);
    }
    int number = errno;
    close(ends[1]);
    starter->socket = ends[0];
    errno = number;
    /* Who does not take an order is not waited for. */
    return starter->pid > 0 && fcntl(starter->socket, F_SETFL, O_NONBLOCK) == 0;
}

struct rts_rpm_starter *rts_rpm_starter_create_for(const char *lister, struct rts_error *error)
{
    struct rts_rpm_starter *starter = rts_calloc(1, sizeof *starter);
    starter->socket = -1;
    if (fork_keeper(starter, lister))
        return starter;
    rts_fail_errno(error, errno, "cannot start a process for rtsample-rpm");
    rts_rpm_starter_destroy(starter);
    return NULL;
}

struct rts_rpm_starter *rts_rpm_starter_create(struct rts_error *error)
{
    char lister[PATH_MAX];
    if (rts_rpm_lister_find(lister))
        return rts_rpm_starter_create_for(lister, error);
    struct rts_rpm_starter *starter = rts_calloc(1, sizeof *starter);
    starter->socket = -1;
    return starter;
}

static bool has_ended(pid_t pid)
{
    for (int i = 0; i < GOODBYE_MS; i++) {
        pid_t ended = waitpid(pid, NULL, WNOHANG);
        if (ended == pid || (ended < 0 && errno != EINTR))
            return true;
        poll(NULL, 0, 1);
    }
    return false;
}

static void forget(struct job *job)
{
    if (job->number != 0 && job->list >= 0)
        close(job->list);
    *job = (struct job){.list = -1};
}

void rts_rpm_starter_destroy(struct rts_rpm_starter *starter)
{
    if (!starter)
        return;
    for (size_t i = 0; i < RTS_RPM_JOBS_MAX; i++)
        forget(&starter->jobs[i]);
    /* A command that has not begun yet, a child of ours, holds our end too. */
    if (starter->socket >= 0) {
        shutdown(starter->socket, SHUT_RDWR);
        close(starter->socket);
    }
    if (starter->pid > 0 && !has_ended(starter->pid)) {
        kill(starter->pid, SIGKILL);
        has_ended(starter->pid);
    }
    free(starter);
}

int32_t rts_rpm_starter_pid(const struct rts_rpm_starter *starter)
{
    return starter ? (int32_t)starter->pid : 0;
}

bool rts_rpm_starter_is_there(const struct rts_rpm_starter *starter)
{
    return starter && starter->socket >= 0;
}

static struct job *find_job(struct rts_rpm_starter *starter, uint32_t number)
{
    for (size_t i = 0; i < RTS_RPM_JOBS_MAX; i++)
        if (starter->jobs[i].number == number)
            return &starter->jobs[i];
    return NULL;
}

/* It is gone: nothing comes of what is under way. */
static void give_up(struct rts_rpm_starter *starter)
{
    rts_log("packages of rpm stay unknown: the process that starts rtsample-rpm is gone");
    close(starter->socket);
    starter->socket = -1;
    for (size_t i = 0; i < RTS_RPM_JOBS_MAX; i++) {
        struct job *job = &starter->jobs[i];
        if (job->number == 0 || job->ended)
            continue;
        job->ended = true;
        job->end = RTS_RPM_UNSTARTED;
    }
}

uint32_t rts_rpm_starter_begin(struct rts_rpm_starter *starter, const struct rts_rpm_job *job)
{
    struct job *place = starter ? find_job(starter, 0) : NULL;
    if (!place || starter->socket < 0)
        return 0;
    if (++starter->last == 0)
        starter->last = 1;
    struct rts_rpm_order order = {
        .number = starter->last,
        .format = job->source.format,
        .bytes_max = job->bytes_max,
        .wait_ms = job->wait_ms,
    };
    int fds[RTS_RPM_FILES] = {job->source.fds[0], job->source.fds[1]};
    const struct rts_message message = {
        .head = &order,
        .head_size = sizeof order,
        .fds = fds,
        .fd_count = fds[1] >= 0 ? 2 : 1,
    };
    if (rts_message_send(starter->socket, &message) < 0)
        return 0;
    *place = (struct job){
        .number = order.number,
        .late_ns = rts_clock_monotonic_ns() + (job->wait_ms + GRACE_MS) * MS_NS,
        .list = -1,
    };
    return order.number;
}

/* False: there is nothing more. */
static bool take_answer(struct rts_rpm_starter *starter)
{
    struct rts_rpm_answer answer;
    int list = -1;
    struct rts_message message = {
        .head = &answer, .head_size = sizeof answer, .fds = &list, .fd_count = 1};
    int result = rts_message_receive(starter->socket, &message, MSG_DONTWAIT);
    if (result < 0 && errno == EAGAIN)
        return false;
    if (result == 0 || (result < 0 && errno != EMFILE)) {
        give_up(starter);
        return false;
    }
    if (message.fd_count == 0) /* with EMFILE there was one, but no room for it here */
        list = -1;
    struct job *job = answer.number != 0 ? find_job(starter, answer.number) : NULL;
    if (!job || job->ended) { /* nobody wants it any more */
        if (list >= 0)
            close(list);
        return true;
    }
    job->ended = true;
    job->end = answer.end < RTS_RPM_ENDS ? (enum rts_rpm_end)answer.end : RTS_RPM_UNSTARTED;
    if (job->end == RTS_RPM_LISTED && list < 0)
        job->end = RTS_RPM_UNSTARTED;
    job->list = list;
    return true;
}

void rts_rpm_starter_drop(struct rts_rpm_starter *starter, uint32_t number)
{
    struct job *job = starter && number != 0 ? find_job(starter, number) : NULL;
    if (!job)
        return;
    struct rts_rpm_order order = {.number = number, .dropped = 1};
    const struct rts_message message = {.head = &order, .head_size = sizeof order};
    if (!job->ended && starter->socket >= 0)
        rts_message_send(starter->socket, &message);
    forget(job);
}

bool rts_rpm_starter_take(struct rts_rpm_starter *starter, uint32_t number, enum rts_rpm_end *end,
                          int *list)
{
    *list = -1;
    *end = RTS_RPM_UNSTARTED;
    while (starter->socket >= 0 && take_answer(starter))
        continue;
    struct job *job = number != 0 ? find_job(starter, number) : NULL;
    if (!job)
        return true;
    if (!job->ended && rts_clock_monotonic_ns() >= job->late_ns) {
        rts_rpm_starter_drop(starter, number);
        return true;
    }
    if (!job->ended)
        return false;
    *end = job->end;
    if (*end == RTS_RPM_LISTED)
        *list = rts_take_fd(&job->list);
    forget(job);
    return true;
}

void rts_rpm_starter_wait(const struct rts_rpm_starter *starter, int wait_ms)
{
    struct pollfd event = {.fd = starter ? starter->socket : -1, .events = POLLIN};
    poll(&event, 1, wait_ms);
}
