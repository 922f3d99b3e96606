/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/ptrace_stop.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/clock.h"

/* An alarm that rings just before the wait begins would be missed: it rings again and again. */
#define ALARM_REPEATS_NS 2000000L

#ifndef PTRACE_EVENT_STOP
#define PTRACE_EVENT_STOP 128
#endif

/* execve() reads the beginning of a program from the disk, and waits for the other threads to end:
 * some ms. Those who have stopped wait as long. */
#define SEIZE_NS 20000000ULL

/* As good as nothing: that a signal came ends a wait. ptrace() does not end then, but begins anew;
 * nothing but the system call is left behind. */
static void ring(int number, siginfo_t *info, void *state)
{
    (void)number, (void)state;
    if (info->si_code != SI_TIMER)
        return;
    struct rts_ptrace_alarm *alarm = info->si_value.sival_ptr;
    if (alarm->jumps)
        siglongjmp(alarm->out, 1);
}

int rts_ptrace_alarm_init(struct rts_ptrace_alarm *alarm)
{
    int number = SIGRTMAX - 1;
    /* Without SA_RESTART: it ends waits. */
    struct sigaction action = {.sa_sigaction = ring, .sa_flags = SA_SIGINFO};
    struct sigevent event = {
        .sigev_notify = SIGEV_THREAD_ID,
        .sigev_signo = number,
        .sigev_value.sival_ptr = alarm,
    };
    alarm->jumps = 0;
    sigset_t set;
    sigemptyset(&action.sa_mask);
    sigemptyset(&set);
    sigaddset(&set, number);
    event._sigev_un._tid = (pid_t)syscall(SYS_gettid);
    if (sigaction(number, &action, NULL) < 0 || pthread_sigmask(SIG_UNBLOCK, &set, NULL) != 0 ||
        timer_create(CLOCK_MONOTONIC, &event, &alarm->timer) < 0)
        return -errno;
    alarm->armed = true;
    return 0;
}

void rts_ptrace_alarm_finish(struct rts_ptrace_alarm *alarm)
{
    if (alarm->armed)
        timer_delete(alarm->timer);
    alarm->armed = false;
}

static void set_alarm(const struct rts_ptrace_alarm *alarm, uint64_t after_ns)
{
    struct itimerspec when = {
        .it_value = rts_timespec_of(after_ns),
        .it_interval = {0, after_ns ? ALARM_REPEATS_NS : 0},
    };
    timer_settime(alarm->timer, 0, &when, NULL);
}

/* Returns 0, or an errno: EINTR when it took too long. */
static int seize(struct rts_ptrace_alarm *alarm, int32_t tid)
{
    if (sigsetjmp(alarm->out, 1) == 0) {
        alarm->jumps = 1;
        set_alarm(alarm, SEIZE_NS);
        int number = ptrace(PTRACE_SEIZE, (pid_t)tid, NULL, NULL) < 0 ? errno : 0;
        alarm->jumps = 0;
        set_alarm(alarm, 0);
        return number;
    }
    alarm->jumps = 0;
    set_alarm(alarm, 0);
    return EINTR;
}

enum rts_ptrace_outcome rts_ptrace_ask(struct rts_ptrace_alarm *alarm, int32_t tid)
{
    int number = seize(alarm, tid);
    if (number != 0 && number != EINTR)
        return number == ESRCH ? RTS_PTRACE_GONE : RTS_PTRACE_REFUSED;
    /* Fails if it has ended: that is waited for. And if it was not seized, which the alarm may just
     * have kept us from hearing. */
    bool asked = ptrace(PTRACE_INTERRUPT, (pid_t)tid, NULL, NULL) == 0;
    return number == 0 || asked ? RTS_PTRACE_PENDING : RTS_PTRACE_LATE;
}

/* Any exit status but that of our own child: WNOWAIT leaves it there. */
static void reap(int32_t tid, bool own_child)
{
    siginfo_t info;
    if (!own_child)
        waitid(P_PID, (id_t)tid, &info, WEXITED | WNOHANG | __WALL | __WNOTHREAD);
}

static enum rts_ptrace_outcome look(int flags, int32_t own_child, int32_t *tid, int *signal)
{
    siginfo_t info = {0};
    *tid = *signal = 0;
    flags |= WSTOPPED | WEXITED | WNOWAIT | __WALL | __WNOTHREAD;
    if (waitid(P_ALL, 0, &info, flags) < 0)
        return errno == EINTR ? RTS_PTRACE_PENDING : RTS_PTRACE_GONE;
    if (info.si_pid == 0)
        return RTS_PTRACE_PENDING;
    *tid = (int32_t)info.si_pid;
    if (info.si_code != CLD_TRAPPED && info.si_code != CLD_STOPPED) {
        reap(*tid, *tid == own_child);
        return RTS_PTRACE_GONE;
    }
    int event = info.si_status >> 8, number = info.si_status & 0x7f;
    if (event == PTRACE_EVENT_STOP)
        return number == SIGTRAP ? RTS_PTRACE_STOPPED : RTS_PTRACE_GROUP_STOPPED;
    if (event == 0)
        *signal = number;
    return RTS_PTRACE_STOPPED;
}

enum rts_ptrace_outcome rts_ptrace_wait(const struct rts_ptrace_alarm *alarm, int32_t own_child,
                                        uint64_t until, int32_t *tid, int *signal)
{
    if (until == 0)
        return look(WNOHANG, own_child, tid, signal);
    uint64_t now = rts_clock_monotonic_ns();
    set_alarm(alarm, until > now ? until - now : 1);
    enum rts_ptrace_outcome outcome;
    do {
        outcome = look(0, own_child, tid, signal);
    } while (outcome == RTS_PTRACE_PENDING && rts_clock_monotonic_ns() < until);
    set_alarm(alarm, 0);
    return outcome;
}

void rts_ptrace_release(int32_t tid, int signal)
{
    ptrace(PTRACE_DETACH, (pid_t)tid, NULL, (void *)(intptr_t)signal);
}
