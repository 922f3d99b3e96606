/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "broker/broker.h"
#include "broker/memory_window.h"
#include "broker/proc.h"

#include "../suite.h"
#include "util/clock.h"

#define SECOND_NS 1000000000ULL

static char text[RTS_PROC_MEMORY_MAX];

/* A process that has our memory, and a stack that others can read. */
static pid_t start_sleeper(void)
{
    pid_t pid = fork();
    if (pid == 0)
        for (;;)
            pause();
    return pid;
}

static void end(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

/* What is asked for comes, up to where it ends; and so does why it does not. */
static void memory_comes(void **state)
{
    (void)state;
    static char copy[RTS_PROC_MEMORY_MAX];
    int fd;
    uint64_t cpu_ns;
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (char)(i * 7);
    struct rts_memory_window *window = rts_memory_window_create(&fd);
    assert_non_null(window);
    pid_t sleeper = start_sleeper(), worker = fork();
    if (worker == 0) {
        rts_memory_window_serve(rts_memory_window_open(fd), "/proc");
        _exit(7);
    }
    static const size_t sizes[] = {1, 4096, RTS_PROC_MEMORY_MAX};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        memset(copy, 0, sizeof copy);
        rts_memory_window_ask(window, sleeper, (uintptr_t)text, sizes[i]);
        assert_true(rts_memory_window_wait(window, 60 * SECOND_NS));
        assert_int_equal(rts_memory_window_take(window, copy, sizes[i], &cpu_ns), sizes[i]);
        assert_memory_equal(copy, text, sizes[i]);
    }
    rts_memory_window_ask(window, sleeper, 4096, 16);
    assert_true(rts_memory_window_wait(window, 60 * SECOND_NS));
    assert_int_equal(rts_memory_window_take(window, copy, 16, &cpu_ns), 0);
    assert_int_not_equal(errno, 0);
    int status;
    rts_memory_window_leave(window);
    assert_int_equal(waitpid(worker, &status, 0), worker);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 7);
    end(sleeper);
    close(fd);
    rts_memory_window_close(window);
}

/* Nobody answers. */
static void nobody_comes(void **state)
{
    (void)state;
    int fd;
    struct rts_memory_window *window = rts_memory_window_create(&fd);
    assert_non_null(window);
    rts_memory_window_ask(window, getpid(), (uintptr_t)text, 16);
    assert_false(rts_memory_window_wait(window, 1000000));
    rts_memory_window_reset(window);
    assert_true(rts_memory_window_wait(window, 0));
    close(fd);
    rts_memory_window_close(window);
}

/* One who has got into the worker writes what he likes: no more than was asked for is taken. */
static void lies(void **state)
{
    (void)state;
    int fd;
    uint64_t cpu_ns;
    char copy[32];
    struct rts_memory_window *window = rts_memory_window_create(&fd);
    assert_non_null(window);
    off_t size = lseek(fd, 0, SEEK_END);
    assert_true(size > RTS_PROC_MEMORY_MAX);
    /* Whatever is in which word: all of them say 0xffffffff, and more than there is room for. */
    unsigned char *all = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    assert_true(all != MAP_FAILED);
    for (unsigned value = 1; value < 256; value += 127) {
        memset(all, (int)value, (size_t)size);
        assert_true(rts_memory_window_wait(window, 0));
        memset(copy, 0, sizeof copy);
        assert_int_equal(rts_memory_window_take(window, copy, 16, &cpu_ns), 0);
        assert_int_equal(errno, EBADMSG);
        assert_int_equal(copy[0], 0);
    }
    /* Nor can it be cut short under us. */
    assert_int_not_equal(ftruncate(fd, 0), 0);
    munmap(all, (size_t)size);
    close(fd);
    rts_memory_window_close(window);
}

/* And the worker takes no other file for one. */
static void no_window(void **state)
{
    (void)state;
    int file = open("/dev/zero", O_RDWR | O_CLOEXEC);
    int memory = memfd_create("x", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    assert_null(rts_memory_window_open(-1));
    assert_null(rts_memory_window_open(file));
    assert_null(rts_memory_window_open(memory));
    assert_int_equal(fcntl(memory, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW), 0);
    assert_null(rts_memory_window_open(memory));
    assert_int_equal(errno, EBADMSG);
    close(memory);
    close(file);
}

struct late {
    struct rts_broker *broker;
    unsigned times;
    bool drops;
};

static bool be_late(void *context)
{
    struct late *late = context;
    late->times++;
    return late->drops;
}

/* Answers when it has slept for so many ms. */
static void answer_slowly(const char *root, struct rts_question *question, struct rts_reply *answer)
{
    (void)root, (void)answer;
    usleep((useconds_t)question->ask.values[0] * 1000);
}

/* All ways to ask lead to the same, whether the worker is at the window or not, and who holds up
 * others is told that an answer is late. */
static void by_a_broker(void **state)
{
    (void)state;
    struct rts_error error;
    const struct rts_broker_setup setup = {.proc_root = "/proc", .answer = answer_slowly};
    struct late late = {.broker = rts_broker_start(&setup, &error)};
    assert_non_null(late.broker);
    const struct rts_proc proc = {.broker = late.broker, .root = "/proc"};
    pid_t sleeper = start_sleeper();
    char copy[64];
    struct rts_buffer maps = RTS_BUFFER_INIT;
    for (int round = 0; round < 6; round++) {
        if (round == 2)
            rts_broker_on_late(late.broker, 60 * SECOND_NS, be_late, &late);
        if (round != 1)
            assert_true(rts_broker_prepare(late.broker) > 0);
        memset(copy, 0, sizeof copy);
        assert_int_equal(rts_proc_thread_memory(&proc, sleeper, sleeper, (uintptr_t)text, copy, 64),
                         64);
        assert_memory_equal(copy, text, 64);
        rts_buffer_clear(&maps);
        assert_int_equal(rts_proc_read(&proc, sleeper, "maps", 1000, &maps), 0);
        assert_int_equal(maps.size, 1000);
    }
    assert_int_equal(late.times, 0);

    struct rts_ask slow = {.what = RTS_ASK_OTHERS, .values = {300}};
    struct rts_reply answer;
    rts_broker_on_late(late.broker, 20000000, be_late, &late);
    rts_reply_init(&answer);
    assert_int_equal(rts_broker_ask(late.broker, &slow, NULL, 0, -1, 0, &answer), 0);
    assert_true(late.times > 0);
    rts_reply_finish(&answer);

    late.drops = true;
    slow.values[0] = 60000;
    uint64_t begun = rts_clock_monotonic_ns();
    rts_reply_init(&answer);
    assert_int_equal(rts_broker_ask(late.broker, &slow, NULL, 0, -1, 0, &answer), -1);
    assert_int_equal(errno, ETIME);
    assert_true(rts_clock_monotonic_ns() - begun < 50 * SECOND_NS);
    rts_reply_finish(&answer);
    late.drops = false; /* a loaded machine may be late with the window, too */
    assert_true(rts_broker_prepare(late.broker) > 0);
    rts_buffer_finish(&maps);
    rts_broker_destroy(late.broker);
    end(sleeper);
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_comes), cmocka_unit_test(nobody_comes), cmocka_unit_test(lies),
        cmocka_unit_test(no_window),    cmocka_unit_test(by_a_broker),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
