/* SPDX-License-Identifier: Apache-2.0 */
#include "package/rpm_keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "broker/channel.h"
#include "package/rpm_run.h"
#include "sealing/seal.h"
#include "util/clock.h"

/* How often it is looked whether one has ended, while there are any. */
#define TURN_MS 5

/* At the end, for those that were killed. */
#define GOODBYE_MS 50

/* Those that were killed and hang nevertheless, in a disk that does not answer: so many are let
 * hang. */
#define HANGING_MAX 16

struct job {
    uint32_t number; /* 0: none */
    uint64_t late_ns;
    bool killed;
    struct rts_rpm_run run;
};

struct keeper {
    int socket;
    const char *lister;
    struct job jobs[RTS_RPM_JOBS_MAX];
    unsigned hanging;
};

static void answer(const struct keeper *keeper, uint32_t number, enum rts_rpm_end end, int list)
{
    struct rts_rpm_answer head = {.number = number, .end = (uint32_t)end};
    const struct rts_message message = {
        .head = &head,
        .head_size = sizeof head,
        .fds = &list,
        .fd_count = end == RTS_RPM_LISTED,
    };
    rts_message_send(keeper->socket, &message);
}

static void close_job(struct job *job)
{
    rts_rpm_run_finish(&job->run);
    job->number = 0;
}

static void finish(const struct keeper *keeper, struct job *job, int status)
{
    enum rts_rpm_end end = rts_rpm_run_end(&job->run, status);
    answer(keeper, job->number, end, job->run.list);
    close_job(job);
}

static void reap(struct keeper *keeper)
{
    int status;
    for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
        size_t i = 0;
        while (i < RTS_RPM_JOBS_MAX &&
               (keeper->jobs[i].number == 0 || keeper->jobs[i].run.pid != pid))
            i++;
        if (i < RTS_RPM_JOBS_MAX)
            finish(keeper, &keeper->jobs[i], status);
        else
            keeper->hanging--;
    }
}

/* It is not waited for. */
static void kill_job(struct keeper *keeper, struct job *job)
{
    kill(job->run.pid, SIGKILL);
    keeper->hanging++;
    close_job(job);
}

static void kill_late(struct keeper *keeper)
{
    uint64_t now = rts_clock_monotonic_ns();
    for (size_t i = 0; i < RTS_RPM_JOBS_MAX; i++) {
        struct job *job = &keeper->jobs[i];
        if (job->number == 0 || now < job->late_ns)
            continue;
        answer(keeper, job->number, RTS_RPM_LATE, -1);
        kill_job(keeper, job);
    }
}

static struct job *find_job(struct keeper *keeper, uint32_t number)
{
    for (size_t i = 0; i < RTS_RPM_JOBS_MAX; i++)
        if (keeper->jobs[i].number == number)
            return &keeper->jobs[i];
    return NULL;
}

static void start(struct keeper *keeper, const struct rts_rpm_order *order,
                  const int fds[RTS_RPM_FILES])
{
    struct job *job = find_job(keeper, 0);
    const struct rts_rpm_job wanted = {
        .source = {.format = order->format, .fds = {fds[0], fds[1]}},
        .bytes_max = order->bytes_max,
        .wait_ms = order->wait_ms,
    };
    if (!job || keeper->hanging >= HANGING_MAX || fds[0] < 0 || !rts_rpm_format(order->format) ||
        rts_rpm_run_start(&job->run, keeper->lister, &wanted) < 0) {
        answer(keeper, order->number, RTS_RPM_UNSTARTED, -1);
        return;
    }
    job->number = order->number;
    job->late_ns = rts_clock_monotonic_ns() + order->wait_ms * RTS_NS_PER_MS;
}

/* False: nobody is there any more. */
static bool take_order(struct keeper *keeper)
{
    struct rts_rpm_order order;
    int fds[RTS_RPM_FILES] = {-1, -1};
    struct rts_message message = {
        .head = &order, .head_size = sizeof order, .fds = fds, .fd_count = RTS_RPM_FILES};
    int result = rts_message_receive(keeper->socket, &message, MSG_DONTWAIT);
    if (result <= 0)
        return result < 0 && (errno == EAGAIN || errno == EBADMSG || errno == EMFILE);
    if (order.number != 0 && !order.dropped) {
        start(keeper, &order, fds);
    } else if (order.number != 0) {
        struct job *job = find_job(keeper, order.number);
        if (job)
            kill_job(keeper, job);
    }
    for (size_t i = 0; i < message.fd_count; i++)
        close(fds[i]);
    return true;
}

/* A process that hangs must not keep a pipe of ours open. */
static void let_go_of_outputs(void)
{
    int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int fd = 0; nothing >= 0 && fd <= STDERR_FILENO; fd++)
        (void)!dup2(nothing, fd);
}

static void end_all(struct keeper *keeper)
{
    for (size_t i = 0; i < RTS_RPM_JOBS_MAX; i++)
        if (keeper->jobs[i].number != 0)
            kill_job(keeper, &keeper->jobs[i]);
    for (int i = 0; keeper->hanging > 0 && i < GOODBYE_MS; i++) {
        reap(keeper);
        if (keeper->hanging > 0)
            poll(NULL, 0, 1);
    }
}

static void keep_signals(void)
{
    static const int ours[] = {SIGINT, SIGQUIT, SIGTERM, SIGHUP};
    sigset_t blocked;
    sigemptyset(&blocked);
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        sigaddset(&blocked, ours[i]);
    sigprocmask(SIG_BLOCK, &blocked, NULL);
}

_Noreturn void rts_rpm_keeper_run(int socket, const char *lister)
{
    struct keeper keeper = {.socket = socket, .lister = lister};
    prctl(PR_SET_NAME, "rtsample-starter");
    keep_signals();
    let_go_of_outputs();
    rts_seal(RTS_SEAL_RPM_STARTER, 0, NULL);
    for (bool over = false; !over;) {
        bool busy = keeper.hanging > 0;
        for (size_t i = 0; i < RTS_RPM_JOBS_MAX; i++)
            busy = busy || keeper.jobs[i].number != 0;
        struct pollfd event = {.fd = socket, .events = POLLIN};
        if (poll(&event, 1, busy ? TURN_MS : -1) > 0)
            over = !take_order(&keeper);
        reap(&keeper);
        kill_late(&keeper);
    }
    end_all(&keeper);
    _exit(0);
}
