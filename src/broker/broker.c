/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/broker.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "broker/given_up.h"
#include "broker/keeper_link.h"
#include "broker/memory_window.h"
#include "util/cleanup.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/memory.h"

#define MS_NS 1000000ULL

/* A worker that runs, or waits for a CPU, is waited for longer: the machine is busy. */
#define BUSY_NS (5000 * MS_NS)

/* When the run has to end: how long one answer is waited for, that of a worker that is busy too,
 * and how long all those together that never come. What is answered at once is asked as before: a
 * busy machine is no reason to leave code unnamed. */
#define LAST_NS      (200 * MS_NS)
#define LAST_BUSY_NS (1000 * MS_NS)
#define LAST_ALL_NS  (600 * MS_NS)

/* What an answer in time may take for nothing; and who has used up his time is given up for one
 * that takes so long. */
#define FREE_NS MS_NS
#define SLOW_NS (20 * MS_NS)

/* While a signal is pending, it is looked for others so often. */
#define TURN_MS 50

/* At the end: the keeper only has to kill its worker, but may have to wait for a CPU. */
#define GOODBYE_NS (1000 * MS_NS)

/* Processes that are named when they are given up; the others are counted. */
#define SAID_MAX 8

struct rts_broker {
    struct rts_keeper_link keeper;
    int worker_fd; /* -1: none */
    pid_t worker;
    pid_t near;       /* reads near samples; 0: there is none */
    uint32_t number;  /* of the last question */
    int signals;      /* -1: not watched */
    bool hurried;     /* the run has to end */
    uint64_t lost_ns; /* to answers that did not come since then */
    const char *loses;
    uint64_t late_ns; /* 0: nobody is to be told */
    bool (*late)(void *context);
    void *late_context;
    struct rts_memory_window *window; /* NULL: not made yet */
    int window_fd;                    /* -1: likewise */
    bool at_window;                   /* the worker takes no messages */
    bool no_window;                   /* it cannot be had */
    struct rts_given_up given_up;
    unsigned said;
    uint64_t worker_cpu_ns, past_cpu_ns;
    struct rts_broker_counts counts;
};

/* ---- the worker ---- */

struct rts_broker *rts_broker_start(const struct rts_broker_setup *setup, struct rts_error *error)
{
    struct rts_keeper_link keeper;
    if (rts_keeper_link_open(&keeper, setup, error) < 0)
        return NULL;
    struct rts_broker *broker = rts_calloc(1, sizeof *broker);
    *broker = (struct rts_broker){
        .keeper = keeper,
        .worker_fd = -1,
        .signals = -1,
        .window_fd = -1,
        .loses = setup->loses ? setup->loses : "its code stays unnamed",
    };
    return broker;
}

static void drop_worker(struct rts_broker *broker)
{
    if (broker->worker_fd >= 0)
        close(broker->worker_fd);
    broker->worker_fd = -1;
    broker->worker = 0;
    broker->at_window = false;
    broker->past_cpu_ns += broker->worker_cpu_ns;
    broker->worker_cpu_ns = 0;
}

/* What the worker is doing, and whose process `pid` is; all zero when the keeper does not say. */
static struct rts_keeper_told look_at(struct rts_broker *broker, int32_t pid)
{
    return rts_keeper_link_look(&broker->keeper, pid);
}

/* Is the question about nobody, or about a process of root's? */
static bool is_roots(struct rts_broker *broker, int32_t pid)
{
    if (pid <= 0)
        return true;
    struct rts_keeper_told told = look_at(broker, pid);
    return told.owner_known && told.owner == 0;
}

/* Sees to it that there is a worker, for a question about `pid`. */
static int need_worker(struct rts_broker *broker, int32_t pid)
{
    if (broker->worker_fd >= 0)
        return 0;
    int fd = rts_keeper_link_another(&broker->keeper, false, &broker->worker), number = errno;
    /* So many hang that the last places are for root's. */
    if (fd < 0 && number == ETIME && is_roots(broker, pid)) {
        fd = rts_keeper_link_another(&broker->keeper, true, &broker->worker);
        number = errno;
    }
    broker->worker_fd = fd;
    errno = number;
    return fd < 0 ? -1 : 0;
}

/* ---- waiting ---- */

/* Is a signal pending that tells us to end? */
static bool must_end(void)
{
    sigset_t pending;
    return sigpending(&pending) == 0 &&
           (sigismember(&pending, SIGINT) == 1 || sigismember(&pending, SIGTERM) == 1 ||
            sigismember(&pending, SIGHUP) == 1);
}

static uint64_t patience_of(const struct rts_broker *broker)
{
    uint64_t patience = rts_given_up_patience(&broker->given_up);
    return broker->hurried && patience > LAST_NS ? LAST_NS : patience;
}

/* Waits for the worker to say something, so long as we are patient from `start` on. A signal that
 * is pending and of no interest keeps the descriptor readable: then it is looked at in turns.
 * *dropped: nobody wants the answer any more. */
static bool wait_for_worker(struct rts_broker *broker, uint64_t start, bool *dropped)
{
    uint64_t tell = broker->late_ns > 0 ? start + broker->late_ns : UINT64_MAX;
    for (int signals = broker->signals;;) {
        if (signals < 0 && broker->signals >= 0 && must_end())
            broker->hurried = true;
        uint64_t now = rts_clock_monotonic_ns(), until = start + patience_of(broker);
        struct pollfd fds[2] = {
            {.fd = broker->worker_fd, .events = POLLIN},
            {.fd = signals, .events = POLLIN},
        };
        bool tells = tell < until;
        if (tells)
            until = tell;
        uint64_t left = now < until ? (until - now + MS_NS - 1) / MS_NS : 0;
        uint64_t turn = signals < 0 && broker->signals >= 0 && left > TURN_MS ? TURN_MS : left;
        int ready = poll(fds, 2, (int)turn);
        if (ready < 0 && errno != EINTR)
            return false;
        if (ready > 0 && fds[0].revents)
            return true;
        if (ready == 0 && turn == left) {
            *dropped = broker->late_ns > 0 && broker->late(broker->late_context);
            if (*dropped || !tells)
                return false;
            tell = rts_clock_monotonic_ns() + broker->late_ns;
        }
        if (ready > 0)
            signals = -1;
    }
}

/* Does the worker do something, or wait for a CPU? */
static bool is_busy(struct rts_broker *broker, int32_t pid, struct rts_keeper_told *told)
{
    *told = look_at(broker, pid);
    return told->state == 'R';
}

static void say_late(struct rts_broker *broker, int32_t pid, const struct rts_keeper_told *told,
                     const char *why)
{
    /* Our own user is us: nobody else's processes have to wait while we wait for his. */
    bool own = told->owner == geteuid();
    const uint32_t *owner = told->owner_known && !own ? &told->owner : NULL;
    bool all = rts_given_up_add(&broker->given_up, pid, owner, rts_clock_monotonic_ns());
    broker->counts.late++;
    if (pid > 0 && broker->said < SAID_MAX)
        rts_log("process %d cannot be looked into (%s): it is given up, and %s%s", (int)pid, why,
                broker->loses, all ? "; so are, for a while, all others of its user" : "");
    else if (broker->said == SAID_MAX)
        rts_log("more processes cannot be looked into; see unreadable.late in --stats");
    broker->said++;
}

/* The worker is left to its fate: it hangs, or is too slow for us, which says nothing about
 * anybody.
 */
static void give_up(struct rts_broker *broker, int32_t pid, const struct rts_keeper_told *told,
                    bool hangs)
{
    if (hangs)
        say_late(broker, pid, told, "no answer in time");
    broker->counts.replaced++;
    drop_worker(broker);
}

/* Waits for the answer to the current question. Returns 0, or -1 with errno. */
static int wait_for_answer(struct rts_broker *broker, int32_t pid, size_t limit,
                           struct rts_reply *answer)
{
    struct rts_keeper_told told = {0};
    uint64_t start = rts_clock_monotonic_ns(), turn = start;
    bool dropped = false;
    while (!wait_for_worker(broker, turn, &dropped)) {
        turn = rts_clock_monotonic_ns();
        bool soon = turn - start < (broker->hurried ? LAST_BUSY_NS : BUSY_NS);
        bool busy = soon && is_busy(broker, pid, &told);
        if (busy && !dropped)
            continue;
        if (broker->hurried)
            broker->lost_ns += turn - start;
        give_up(broker, pid, &told, !busy);
        errno = ETIME;
        return -1;
    }
    int result = rts_reply_receive(broker->worker_fd, answer, limit);
    if (result > 0 && answer->told.number == broker->number)
        return 0;
    if (result < 0 && errno == EMFILE)
        return -1;
    /* It has ended, which only a process that it looked at can have brought about. */
    told = look_at(broker, pid);
    give_up(broker, pid, &told, true);
    errno = ETIME;
    return -1;
}

/* An answer about `pid` came in time: the owner of the process pays for what it took. We do not:
 * who samples his own processes keeps nobody else waiting. */
static void charge(struct rts_broker *broker, int32_t pid, uint64_t taken_ns)
{
    if (taken_ns > BUSY_NS) /* it says so, but nothing is waited for that long */
        taken_ns = BUSY_NS;
    if (broker->hurried && taken_ns >= SLOW_NS)
        broker->lost_ns += taken_ns;
    if (pid <= 0 || taken_ns < FREE_NS)
        return;
    struct rts_keeper_told told = look_at(broker, pid);
    if (told.owner_known && told.owner != geteuid() &&
        rts_given_up_pay(&broker->given_up, told.owner, rts_clock_monotonic_ns(), taken_ns) &&
        taken_ns >= SLOW_NS)
        say_late(broker, pid, &told, "its user's answers take too long, all together");
}

/* What the kernel answers without any lock of the process's. It tells whether that still lives, also
 * of one that was given up. */
static bool never_waits(const struct rts_ask *ask, const char *text)
{
    return ask->what == RTS_ASK_PROC_READ && strcmp(text, "stat") == 0;
}

static bool is_refused(struct rts_broker *broker, int32_t pid)
{
    if (pid <= 0)
        return false;
    if (rts_given_up_has(&broker->given_up, pid))
        return true;
    uint64_t now = rts_clock_monotonic_ns();
    if (!rts_given_up_has_owners(&broker->given_up, now))
        return false;
    struct rts_keeper_told told = look_at(broker, pid);
    return told.owner_known && rts_given_up_owner(&broker->given_up, told.owner, now);
}

/* From the window to its messages. */
static void call_back(struct rts_broker *broker)
{
    if (broker->at_window)
        rts_memory_window_leave(broker->window);
    broker->at_window = false;
}

int rts_broker_ask(struct rts_broker *broker, struct rts_ask *ask, const char *text,
                   size_t text_size, int fd, size_t limit, struct rts_reply *answer)
{
    if ((!never_waits(ask, text) && is_refused(broker, ask->pid)) ||
        broker->lost_ns >= LAST_ALL_NS) {
        broker->counts.refused++;
        errno = ETIME;
        return -1;
    }
    if (need_worker(broker, ask->pid) < 0)
        return -1;
    call_back(broker);
    broker->counts.asked++;
    ask->number = ++broker->number;
    ask->text_size = (uint32_t)text_size;
    if (rts_question_send(broker->worker_fd, ask, text, fd) < 0 && errno != EPIPE)
        return -1;
    if (wait_for_answer(broker, ask->pid, limit, answer) < 0)
        return -1;
    broker->worker_cpu_ns = answer->told.cpu_ns;
    charge(broker, ask->pid, answer->told.taken_ns);
    errno = answer->told.error;
    return answer->told.error ? -1 : 0;
}

/* ---- the rest ---- */

void rts_broker_hurry(struct rts_broker *broker)
{
    broker->hurried = true;
}

void rts_broker_on_late(struct rts_broker *broker, uint64_t every_ns, bool (*late)(void *context),
                        void *context)
{
    broker->late_ns = every_ns;
    broker->late = late;
    broker->late_context = context;
}

static void send_to_window(struct rts_broker *broker)
{
    struct rts_ask question = {.what = RTS_ASK_WINDOW};
    struct rts_reply answer;
    if (!broker->window)
        broker->window = rts_memory_window_create(&broker->window_fd);
    broker->no_window = !broker->window;
    if (broker->no_window)
        return;
    rts_memory_window_reset(broker->window);
    rts_reply_init(&answer);
    broker->at_window =
        rts_broker_ask(broker, &question, NULL, 0, broker->window_fd, 0, &answer) == 0;
    broker->no_window = !broker->at_window && errno != ETIME;
    rts_reply_finish(&answer);
}

int32_t rts_broker_prepare(struct rts_broker *broker)
{
    if (need_worker(broker, 0) < 0)
        return 0;
    if (broker->late_ns > 0 && !broker->at_window && !broker->no_window)
        send_to_window(broker);
    return (int32_t)broker->worker;
}

ssize_t rts_broker_memory(struct rts_broker *broker, int32_t pid, int32_t tid, uint64_t address,
                          void *bytes, size_t size)
{
    struct rts_keeper_told told;
    uint64_t cpu_ns;
    if (!broker->at_window)
        return -1;
    if (is_refused(broker, pid)) {
        broker->counts.refused++;
        errno = ETIME;
        return 0;
    }
    broker->counts.asked++;
    rts_memory_window_ask(broker->window, tid, address, size);
    if (!rts_memory_window_wait(broker->window, broker->late_ns)) {
        /* Whoever waits for memory waits no longer than that. */
        broker->late(broker->late_context);
        bool busy = is_busy(broker, pid, &told);
        give_up(broker, pid, &told, !busy);
        errno = ETIME;
        return 0;
    }
    size_t have = rts_memory_window_take(broker->window, bytes, size, &cpu_ns);
    if (cpu_ns > broker->worker_cpu_ns)
        broker->worker_cpu_ns = cpu_ns;
    return (ssize_t)have;
}

int rts_broker_near(struct rts_broker *broker, int32_t *pid)
{
    if (need_worker(broker, 0) < 0)
        return -1;
    int fd = rts_keeper_link_near(&broker->keeper, &broker->near);
    *pid = (int32_t)broker->near;
    return fd;
}

void rts_broker_watch(struct rts_broker *broker, int signals)
{
    broker->signals = signals;
}

void rts_broker_forget(struct rts_broker *broker, int32_t pid)
{
    rts_given_up_forget(&broker->given_up, pid);
}

bool rts_broker_gave_up(const struct rts_broker *broker, int32_t pid)
{
    return rts_given_up_has(&broker->given_up, pid);
}

bool rts_broker_is_own(const struct rts_broker *broker, int32_t pid)
{
    return pid == broker->keeper.pid ||
           (pid != 0 && (pid == broker->worker || pid == broker->near));
}

struct rts_broker_counts rts_broker_counts(const struct rts_broker *broker)
{
    struct rts_broker_counts counts = broker->counts;
    counts.cpu_ms = (broker->past_cpu_ns + broker->worker_cpu_ns) / MS_NS;
    return counts;
}

void rts_broker_leave(struct rts_broker *broker)
{
    if (!broker)
        return;
    call_back(broker);
    drop_worker(broker);
    rts_keeper_link_leave(&broker->keeper);
}

void rts_broker_destroy(struct rts_broker *broker)
{
    if (!broker)
        return;
    rts_broker_leave(broker);
    rts_keeper_link_close(&broker->keeper, rts_clock_monotonic_ns() + GOODBYE_NS);
    rts_given_up_finish(&broker->given_up);
    rts_memory_window_close(broker->window);
    if (broker->window_fd >= 0)
        close(broker->window_fd);
    free(broker);
}
