/* SPDX-License-Identifier: Apache-2.0 */
#include "target/command.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/clock.h"
#include "util/log.h"

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static void child(int go, int exec_error, char *const *argv, const struct rts_origin *origin)
{
    sigset_t none;
    if (origin)
        rts_origin_return(origin);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    signal(SIGXFSZ, SIG_DFL);
    char byte;
    if (read(go, &byte, 1) == 1) {
        execvp(argv[0], argv);
        int number = errno;
        if (write(exec_error, &number, sizeof number) < 0)
            _exit(126);
    }
    _exit(127);
}

int rts_command_start(struct rts_command *command, char *const *argv,
                      const struct rts_origin *origin, struct rts_error *error)
{
    int go[2], exec_error[2];
    if (pipe2(go, O_CLOEXEC) < 0)
        return rts_fail_errno(error, errno, "cannot start %s: pipe", argv[0]);
    if (pipe2(exec_error, O_CLOEXEC) < 0) {
        int number = errno;
        close(go[0]);
        close(go[1]);
        return rts_fail_errno(error, number, "cannot start %s: pipe", argv[0]);
    }
    signal(SIGCHLD, SIG_DFL); /* whoever started us may ignore it: then there is no exit status */
    if (origin)
        rts_origin_show(origin); /* its events are opened before it runs */
    pid_t pid = fork();
    if (pid == 0) {
        close(go[1]); /* else our own copy would keep the pipe open when the parent dies */
        child(go[0], exec_error[1], argv, origin);
    }
    int number = errno;
    if (origin)
        rts_origin_hide();
    close(go[0]);
    close(exec_error[1]);
    if (pid < 0) {
        close(go[1]);
        close(exec_error[0]);
        return rts_fail_errno(error, number, "cannot start %s: fork", argv[0]);
    }
    *command = (struct rts_command){.pid = pid, .go = go[1], .exec_error = exec_error[0]};
    return 0;
}

int rts_command_release(struct rts_command *command, const char *name, struct rts_error *error)
{
    int number = 0;
    if (write(command->go, "", 1) != 1)
        number = errno;
    close_fd(&command->go);
    /* The pipe closes by itself at a successful exec. */
    ssize_t size;
    do {
        size = read(command->exec_error, &number, sizeof number);
    } while (size < 0 && errno == EINTR);
    close_fd(&command->exec_error);
    if (size <= 0 && number == 0)
        return 0;
    waitpid(command->pid, NULL, 0);
    command->pid = 0;
    rts_fail_errno(error, number, "cannot run %s", name);
    if (error && number == ENOENT)
        error->failure = RTS_NOT_FOUND;
    return -1;
}

static uint64_t nanoseconds(struct timeval time)
{
    return (uint64_t)time.tv_sec * RTS_NS_PER_S + (uint64_t)time.tv_usec * 1000;
}

bool rts_command_poll(struct rts_command *command)
{
    int status;
    struct rusage usage;
    siginfo_t info = {0};
    if (command->pid <= 0 || command->ended)
        return command->ended;
    /* Only looked at first: a stop by ptrace shows here too, and is another thread's to take. */
    if (waitid(P_PID, (id_t)command->pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0 ||
        info.si_pid == 0 || info.si_code == CLD_TRAPPED || info.si_code == CLD_STOPPED)
        return false;
    if (wait4(command->pid, &status, WNOHANG, &usage) == command->pid) {
        command->cpu_ns = nanoseconds(usage.ru_utime) + nanoseconds(usage.ru_stime);
        command->ended = true;
        command->status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    }
    return command->ended;
}

void rts_command_end(struct rts_command *command, unsigned wait_ms)
{
    if (command->pid <= 0 || rts_command_poll(command))
        return;
    command->asked = true;
    kill(command->pid, SIGTERM);
    kill(command->pid, SIGCONT); /* a stopped one could not end */
    for (unsigned waited = 0; waited < wait_ms && !rts_command_poll(command); waited += 10)
        usleep(10000);
}

void rts_command_finish(struct rts_command *command)
{
    bool released = command->go < 0;
    close_fd(&command->go);
    close_fd(&command->exec_error);
    if (command->pid > 0 && !released && !command->ended)
        waitpid(command->pid, NULL, 0);
    command->pid = 0;
}

void rts_command_say_end(const struct rts_command *command)
{
    const char *asked = command->asked ? ", asked to by rtsample when sampling was over" : "";
    if (!command->ended)
        rts_log("the command still runs as process %d, although it was asked to end (SIGTERM)",
                (int)command->pid);
    else if (command->status > 128)
        rts_log("the command was ended by signal %d (%s)%s", command->status - 128,
                strsignal(command->status - 128), asked);
    else
        rts_log("the command ended with exit status %d%s", command->status, asked);
}
