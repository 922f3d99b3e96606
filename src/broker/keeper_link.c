/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/keeper_link.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "broker/channel.h"
#include "util/clock.h"

/* The keeper waits for nobody. Who does not get an answer from it in that time has a machine that
 * does not run us at all. */
#define KEEPER_MS 10000

/* Lets go of everything that we hold: a worker that hangs must not keep a pipe of ours open. */
static void close_all_but(int socket)
{
    int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int fd = 0; fd <= STDERR_FILENO; fd++)
        if (nothing < 0 || dup2(nothing, fd) < 0)
            close(fd);
    long limit = sysconf(_SC_OPEN_MAX);
#ifdef SYS_close_range
    if (socket > STDERR_FILENO + 1)
        syscall(SYS_close_range, STDERR_FILENO + 1, socket - 1, 0);
    if (syscall(SYS_close_range, socket + 1, ~0U, 0) == 0)
        return;
#endif
    for (int fd = STDERR_FILENO + 1; fd < limit; fd++)
        if (fd != socket)
            close(fd);
}

int rts_keeper_link_open(struct rts_keeper_link *link, const struct rts_broker_setup *setup,
                         struct rts_error *error)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
        return rts_fail_errno(error, errno, "cannot make a socket for the broker");
    pid_t pid = fork();
    if (pid == 0) {
        close_all_but(ends[1]);
        rts_keeper_run(ends[1], setup);
    }
    close(ends[1]);
    if (pid < 0) {
        rts_fail_errno(error, errno, "cannot start the broker");
        close(ends[0]);
        return -1;
    }
    *link = (struct rts_keeper_link){.fd = ends[0], .pid = pid};
    return 0;
}

/* Waits for what the keeper says to question `number`; 0: of itself. *fd is -1 where no descriptor
 * came along. Returns 0, or -1 when there is no keeper any more. */
static int hear(struct rts_keeper_link *link, uint32_t number, struct rts_keeper_told *told,
                int *fd)
{
    for (;;) {
        struct rts_message answer = {
            .head = told, .head_size = sizeof *told, .fds = fd, .fd_count = 1};
        struct pollfd wait = {.fd = link->fd, .events = POLLIN};
        *fd = -1;
        int ready = poll(&wait, 1, KEEPER_MS);
        if (ready < 0 && errno == EINTR)
            continue;
        if (ready <= 0 || rts_message_receive(link->fd, &answer, MSG_DONTWAIT) <= 0)
            return -1;
        if (answer.fd_count == 0)
            *fd = -1;
        if (told->number == number)
            return 0;
        if (*fd >= 0)
            close(*fd);
    }
}

static int ask(struct rts_keeper_link *link, struct rts_keeper_ask *question,
               struct rts_keeper_told *told, int *fd)
{
    question->number = ++link->number;
    *fd = -1;
    const struct rts_message message = {.head = question, .head_size = sizeof *question};
    if (rts_message_send(link->fd, &message) < 0)
        return -1;
    return hear(link, question->number, told, fd);
}

int rts_keeper_link_another(struct rts_keeper_link *link, bool urgent, pid_t *worker)
{
    struct rts_keeper_ask question = {.what = RTS_KEEPER_ANOTHER, .urgent = urgent};
    struct rts_keeper_told told;
    int fd = -1, heard = -1;
    if (link->fd >= 0)
        heard = link->begun ? ask(link, &question, &told, &fd) : hear(link, 0, &told, &fd);
    link->begun = true;
    if (heard < 0 || fd < 0) {
        errno = heard < 0 ? EPIPE : ETIME;
        return -1;
    }
    *worker = told.worker;
    return fd;
}

int rts_keeper_link_near(struct rts_keeper_link *link, pid_t *reader)
{
    struct rts_keeper_ask question = {.what = RTS_KEEPER_NEAR};
    struct rts_keeper_told told;
    int fd = -1, heard = link->fd >= 0 ? ask(link, &question, &told, &fd) : -1;
    if (heard < 0 || fd < 0) {
        errno = heard < 0 ? EPIPE : ETIME;
        return -1;
    }
    *reader = told.worker;
    return fd;
}

struct rts_keeper_told rts_keeper_link_look(struct rts_keeper_link *link, int32_t pid)
{
    struct rts_keeper_ask question = {.what = RTS_KEEPER_LOOK, .pid = pid};
    struct rts_keeper_told told;
    int fd;
    if (ask(link, &question, &told, &fd) < 0)
        told = (struct rts_keeper_told){0};
    if (fd >= 0)
        close(fd);
    return told;
}

void rts_keeper_link_leave(struct rts_keeper_link *link)
{
    if (link->fd >= 0)
        close(link->fd);
    link->fd = -1;
}

void rts_keeper_link_close(struct rts_keeper_link *link, uint64_t until_ns)
{
    pid_t ended;
    while ((ended = waitpid(link->pid, NULL, WNOHANG)) == 0 || (ended < 0 && errno == EINTR)) {
        if (rts_clock_monotonic_ns() >= until_ns) {
            kill(link->pid, SIGKILL);
            waitpid(link->pid, NULL, 0);
            break;
        }
        poll(NULL, 0, 1);
    }
}
