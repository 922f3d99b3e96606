/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The broker as a whole, with workers that hang, crash and lie: who asked gets an error in time,
 * and the next one his answer.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "broker/broker.h"
#include "broker/proc.h"

#include "../oracle.h"
#include "../suite.h"

#define OTHER 23456

/* What the worker is asked to do. */
enum {
    ECHO = RTS_ASK_OTHERS,
    HANG,
    CRASH,
    FILES,   /* the descriptors of the worker, as a list of what they are */
    WHO,     /* its pid */
    GARBAGE, /* an answer that contradicts itself */
    SLOW,    /* one that comes just in time */
    BRIEFLY, /* and so does this when the run has to end */
};

static void answer(const char *proc_root, struct rts_question *question, struct rts_reply *reply)
{
    (void)proc_root;
    char path[64], target[256];
    switch (question->ask.what) {
    case ECHO: rts_buffer_text(&reply->text, question->text); break;
    case HANG:
        for (;;)
            pause();
    case CRASH: raise(SIGKILL); break;
    case FILES:
        for (int fd = 0; fd < 256; fd++) {
            snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
            ssize_t size = readlink(path, target, sizeof target - 1);
            if (size > 0)
                rts_buffer_format(&reply->text, "%.*s\n", (int)size, target);
        }
        break;
    case WHO: reply->told.values[0] = (uint64_t)getpid(); break;
    case SLOW: usleep(900000); break;
    case BRIEFLY: usleep(150000); break;
    case GARBAGE: reply->told.rights.group_count = UINT32_MAX; break;
    default: reply->told.error = ENOTTY;
    }
}

static struct rts_broker *start(void)
{
    const struct rts_broker_setup setup = {.proc_root = "/proc", .answer = answer};
    struct rts_broker *broker = rts_broker_start(&setup, NULL);
    assert_non_null(broker);
    return broker;
}

static int set_up(void **state)
{
    *state = start();
    return 0;
}

static int tear_down(void **state)
{
    rts_broker_destroy(*state);
    /* Nobody is left behind. */
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
    return 0;
}

static int ask_with(struct rts_broker *broker, uint32_t what, int32_t pid, int fd,
                    struct rts_reply *reply)
{
    struct rts_ask question = {.what = what, .pid = pid};
    rts_reply_init(reply);
    return rts_broker_ask(broker, &question, "hello", 6, fd, 1 << 20, reply);
}

static int ask(struct rts_broker *broker, uint32_t what, int32_t pid, struct rts_reply *reply)
{
    return ask_with(broker, what, pid, -1, reply);
}

static int ask_only(struct rts_broker *broker, uint32_t what, int32_t pid)
{
    struct rts_reply reply;
    int result = ask(broker, what, pid, &reply), number = errno;
    rts_reply_finish(&reply);
    errno = number;
    return result;
}

static void assert_is_served(struct rts_broker *broker)
{
    struct rts_reply reply;
    assert_int_equal(ask(broker, ECHO, 0, &reply), 0);
    assert_string_equal(reply.text.data, "hello");
    rts_reply_finish(&reply);
}

static void assert_late(struct rts_broker *broker, uint32_t what, int32_t pid)
{
    assert_int_equal(ask_only(broker, what, pid), -1);
    assert_int_equal(errno, ETIME);
}

static void test_ask(void **state)
{
    struct rts_broker *broker = *state;
    for (int i = 0; i < 100; i++)
        assert_is_served(broker);
    assert_int_equal(ask_only(broker, 31, 0), -1); /* no such question */
    assert_int_equal(errno, ENOSYS);
    assert_int_equal(ask_only(broker, 999, 0), -1); /* one that is answered with an error */
    assert_int_equal(errno, ENOTTY);
    struct rts_broker_counts counts = rts_broker_counts(broker);
    assert_int_equal(counts.asked, 102);
    assert_int_equal(counts.late, 0);
    assert_int_equal(counts.replaced, 0);
}

static void test_proc(void **state)
{
    const struct rts_proc asked = {.broker = *state, .root = "/nowhere"}, own = {.root = "/proc"};
    struct rts_buffer left = RTS_BUFFER_INIT, right = RTS_BUFFER_INIT;
    char target[256], expected[256], bytes[16];
    int32_t pid = getpid();
    assert_int_equal(rts_proc_read(&asked, pid, "cmdline", 4096, &left), 0);
    assert_int_equal(rts_proc_read(&own, pid, "cmdline", 4096, &right), 0);
    assert_int_equal(left.size, right.size);
    assert_memory_equal(left.data, right.data, left.size);
    rts_buffer_clear(&left);
    assert_int_equal(rts_proc_read(&asked, pid, "cmdline", 3, &left), 0);
    assert_int_equal(left.size, 3);
    rts_buffer_clear(&left);
    rts_buffer_clear(&right);
    assert_int_equal(rts_proc_list(&asked, pid, "task", 100, &left),
                     rts_proc_list(&own, pid, "task", 100, &right));
    assert_int_equal(left.size, right.size);
    assert_memory_equal(left.data, right.data, left.size);
    rts_buffer_clear(&left);
    assert_in_range(rts_proc_links(&asked, pid, "fd", 100, &left), 3, 100);
    ssize_t size = rts_proc_link(&asked, pid, "exe", target, sizeof target);
    assert_int_equal(size, readlink("/proc/self/exe", expected, sizeof expected));
    assert_memory_equal(target, expected, (size_t)size);
    assert_int_equal(rts_proc_link(&asked, pid, "exe", target, 5), 4);
    assert_int_equal(strlen(target), 4);
    assert_int_equal(rts_proc_may_read(&asked, pid, "maps"), 0);
    assert_int_equal(rts_proc_may_read(&asked, pid, "nothing"), -1);
    assert_int_equal(errno, ENOENT);
    prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
    const char here[] = "in memory";
    size_t have = rts_proc_memory(&asked, pid, (uintptr_t)here, bytes, sizeof here);
    if (have > 0) /* else somebody does not let processes of one user look at each other */
        assert_string_equal(bytes, here);
    assert_int_equal(rts_proc_memory(&asked, pid, 1, bytes, sizeof bytes), 0);
    rts_buffer_finish(&left);
    rts_buffer_finish(&right);
}

/* A name leads nowhere but below the folder of the process, and is not cut off. */
static void test_names_below_proc(void **state)
{
    struct rts_buffer text = RTS_BUFFER_INIT;
    static const char *const names[] = {
        "../../etc/passwd", "..", "task/../../1/stat", "fd/../../../etc/passwd", "ns/..",
    };
    char padded[5000] = "status", target[64];
    for (size_t i = strlen(padded); i < sizeof padded - 1; i++)
        padded[i] = '/';
    for (int by_broker = 0; by_broker < 2; by_broker++) {
        const struct rts_proc proc = {.broker = by_broker ? *state : NULL, .root = "/proc"};
        int32_t pid = getpid();
        for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
            assert_int_equal(rts_proc_read(&proc, pid, names[i], 100, &text), -1);
            assert_int_equal(errno, EINVAL);
            assert_int_equal(rts_proc_list(&proc, pid, names[i], 100, &text), -1);
            assert_int_equal(rts_proc_links(&proc, pid, names[i], 100, &text), -1);
            assert_int_equal(rts_proc_may_read(&proc, pid, names[i]), -1);
            assert_int_equal(rts_proc_link(&proc, pid, names[i], target, sizeof target), -1);
        }
        assert_int_equal(rts_proc_read(&proc, pid, padded, 100, &text), -1);
        assert_int_equal(errno, ENAMETOOLONG);
        assert_int_equal(text.size, 0);
        /* Two dots in a name are no way up. */
        assert_int_equal(rts_proc_may_read(&proc, pid, "..x"), -1);
        assert_int_equal(errno, ENOENT);
    }
    rts_buffer_finish(&text);
}

static void test_hang(void **state)
{
    struct rts_broker *broker = *state;
    pid_t other = getppid();
    assert_is_served(broker);
    assert_late(broker, HANG, getpid());
    assert_true(rts_broker_gave_up(broker, getpid()));
    assert_false(rts_broker_gave_up(broker, other));
    assert_is_served(broker);
    assert_int_equal(ask_only(broker, ECHO, other), 0);
    /* It is not asked about any more, and costs nobody a wait. */
    uint64_t asked = rts_broker_counts(broker).asked;
    assert_late(broker, HANG, getpid());
    assert_int_equal(rts_broker_counts(broker).asked, asked);
    assert_int_equal(rts_broker_counts(broker).refused, 1);
    assert_int_equal(rts_broker_counts(broker).late, 1);
    assert_int_equal(rts_broker_counts(broker).replaced, 1);
    /* Until its number is another's. */
    rts_broker_forget(broker, getpid());
    assert_int_equal(ask_only(broker, ECHO, getpid()), 0);
}

static void test_crash(void **state)
{
    struct rts_broker *broker = *state;
    assert_late(broker, CRASH, getpid());
    assert_true(rts_broker_gave_up(broker, getpid()));
    assert_is_served(broker);
    assert_int_equal(rts_broker_counts(broker).replaced, 1);
}

static void test_garbage(void **state)
{
    struct rts_broker *broker = *state;
    assert_late(broker, GARBAGE, getpid());
    assert_is_served(broker);
    assert_int_equal(rts_broker_counts(broker).replaced, 1);
}

/* Somebody ends the worker while nobody asks; then it was nobody's doing who is asked about. */
static void test_worker_ended(void **state)
{
    struct rts_broker *broker = *state;
    struct rts_reply reply;
    assert_int_equal(ask(broker, WHO, 0, &reply), 0);
    pid_t worker = (pid_t)reply.told.values[0];
    rts_reply_finish(&reply);
    assert_true(rts_broker_is_own(broker, worker));
    assert_false(rts_broker_is_own(broker, 0));
    assert_false(rts_broker_is_own(broker, getpid()));
    kill(worker, SIGKILL);
    ask_only(broker, ECHO, 0);
    assert_is_served(broker);
    assert_int_equal(ask(broker, WHO, 0, &reply), 0);
    assert_int_not_equal(reply.told.values[0], (uint64_t)worker);
    rts_reply_finish(&reply);
}

/* When the run has to end little is waited for; who answers is asked nevertheless, until others
 * have cost too much. */
static void assert_hurries(struct rts_broker *broker)
{
    int hanging = 0;
    for (; hanging < 10 && ask_only(broker, ECHO, 0) == 0; hanging++)
        assert_late(broker, HANG, 0);
    assert_int_equal(errno, ETIME);
    assert_in_range(hanging, 0, 3);
}

static void test_hurry(void **state)
{
    struct rts_broker *broker = *state;
    rts_broker_hurry(broker);
    assert_hurries(broker);
}

static void test_signals(void **state)
{
    struct rts_broker *broker = *state;
    sigset_t set, before;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, &before);
    int signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    rts_broker_watch(broker, signals);
    /* One that is of no interest changes nothing. */
    raise(SIGUSR1);
    for (int i = 0; i < 4; i++) {
        assert_late(broker, HANG, 0);
        assert_is_served(broker);
    }
    raise(SIGTERM);
    assert_late(broker, HANG, getppid());
    assert_hurries(broker);
    struct signalfd_siginfo taken;
    while (read(signals, &taken, sizeof taken) > 0)
        continue;
    close(signals);
    sigprocmask(SIG_SETMASK, &before, NULL);
}

/* A process of another user, that waits. */
static pid_t start_other(void)
{
    int ready[2];
    char byte;
    assert_int_equal(pipe(ready), 0);
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (setresuid(OTHER, OTHER, OTHER) < 0 || write(ready[1], "", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    close(ready[1]);
    return pid;
}

/* After three of a user's processes, his others are not asked about; those of others are. */
static void test_owner(void **state)
{
    struct rts_broker *broker = *state;
    pid_t theirs[4];
    if (geteuid() != 0)
        skip();
    for (int i = 0; i < 4; i++)
        theirs[i] = start_other();
    for (int i = 0; i < 3; i++) {
        assert_int_equal(ask_only(broker, ECHO, theirs[3]), 0);
        assert_late(broker, HANG, theirs[i]);
    }
    assert_late(broker, ECHO, theirs[3]);
    assert_false(rts_broker_gave_up(broker, theirs[3]));
    assert_int_equal(ask_only(broker, ECHO, getpid()), 0);
    assert_is_served(broker);
    assert_int_equal(rts_broker_counts(broker).late, 3);
    assert_int_equal(rts_broker_counts(broker).refused, 1);
    for (int i = 0; i < 4; i++) {
        kill(theirs[i], SIGKILL);
        waitpid(theirs[i], NULL, 0);
    }
}

/* Answers in time, of which each takes nearly as long as is waited for: he has three seconds of
 * that. Then who keeps us waiting is given up; others of his are not as long as they answer at
 * once. */
static void test_slow(void **state)
{
    struct rts_broker *broker = *state;
    if (geteuid() != 0)
        skip();
    pid_t theirs[2] = {start_other(), start_other()};
    for (int i = 0; i < 4; i++) {
        assert_int_equal(ask_only(broker, SLOW, getpid()), 0);
        assert_int_equal(rts_broker_counts(broker).late, 0);
        assert_int_equal(ask_only(broker, SLOW, theirs[0]), 0);
    }
    assert_true(rts_broker_gave_up(broker, theirs[0]));
    assert_int_equal(rts_broker_counts(broker).late, 1);
    assert_int_equal(rts_broker_counts(broker).replaced, 0);
    assert_late(broker, ECHO, theirs[0]);
    assert_int_equal(ask_only(broker, ECHO, theirs[1]), 0);
    assert_false(rts_broker_gave_up(broker, theirs[1]));
    assert_is_served(broker);
    for (int i = 0; i < 2; i++) {
        kill(theirs[i], SIGKILL);
        waitpid(theirs[i], NULL, 0);
    }
}

/* At the end not even those are waited for who answer in time, one after the other. */
static void test_slow_at_the_end(void **state)
{
    struct rts_broker *broker = *state;
    int slow = 0;
    rts_broker_hurry(broker);
    while (slow < 20 && ask_only(broker, BRIEFLY, 0) == 0)
        slow++;
    assert_int_equal(errno, ETIME);
    assert_in_range(slow, 1, 6);
}

/* The worker holds none of what we had open when it was started. */
static void test_descriptors(void **state)
{
    struct rts_broker *broker = *state;
    char path[] = "/tmp/rtsample-test-XXXXXX";
    int held[3] = {mkstemp(path), memfd_create("ours", 0), dup(STDIN_FILENO)}, ends[2];
    assert_int_equal(pipe(ends), 0);
    unlink(path);
    struct rts_broker *later = start();
    struct rts_reply reply;
    /* One that hangs keeps no pipe open. */
    close(ends[1]);
    assert_int_equal(ask(later, FILES, 0, &reply), 0);
    char byte;
    assert_int_equal(read(ends[0], &byte, 1), 0);
    unsigned sockets = 0;
    for (char *line = strtok(reply.text.data, "\n"); line; line = strtok(NULL, "\n")) {
        bool socket = strncmp(line, "socket:", 7) == 0;
        sockets += socket;
        const char *name = strrchr(line, '/');
        bool own = name && strcmp(name, "/schedstat") == 0;
        if (!socket && !own && strcmp(line, "/dev/null") != 0)
            fail_msg("the worker holds %s", line);
    }
    assert_int_equal(sockets, 1);
    rts_reply_finish(&reply);
    rts_broker_destroy(later);
    for (int i = 0; i < 3; i++)
        close(held[i]);
    close(ends[0]);
    assert_is_served(broker);
}

/* At the end one that hangs is killed. It holds the other end of a pipe as long as it lives. */
static void test_destroyed_while_it_hangs(void **state)
{
    struct rts_broker *broker = *state, *other = start();
    struct rts_reply reply;
    int ends[2];
    char byte;
    assert_int_equal(pipe(ends), 0);
    rts_broker_hurry(other);
    assert_int_equal(ask_with(other, HANG, 0, ends[1], &reply), -1);
    assert_int_equal(errno, ETIME);
    rts_reply_finish(&reply);
    close(ends[1]);
    rts_broker_destroy(other);
    assert_int_equal(read(ends[0], &byte, 1), 0);
    close(ends[0]);
    assert_is_served(broker);
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_ask, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_proc, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_names_below_proc, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_hang, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_crash, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_garbage, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_worker_ended, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_hurry, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_signals, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_owner, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_slow, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_slow_at_the_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_descriptors, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_destroyed_while_it_hangs, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
