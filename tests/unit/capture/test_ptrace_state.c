/* SPDX-License-Identifier: Apache-2.0 */
/* Who reads the stack of a thread, by what the broker says: this file is the broker. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../suite.h"
#include "broker/broker.h"
#include "capture/ptrace_state.h"

static struct {
    int error;      /* 0: it reads */
    size_t most;    /* bytes that are there */
    unsigned asked; /* questions */
} broker;

ssize_t rts_broker_memory(struct rts_broker *unused, int32_t pid, int32_t tid, uint64_t address,
                          void *bytes, size_t size)
{
    (void)unused, (void)pid, (void)tid, (void)address;
    broker.asked++;
    errno = broker.error;
    if (broker.error)
        return 0;
    size = size < broker.most ? size : broker.most;
    memset(bytes, 'b', size);
    broker.most -= size;
    return (ssize_t)size;
}

int rts_broker_ask(struct rts_broker *unused, struct rts_ask *ask, const char *text,
                   size_t text_size, int fd, size_t limit, struct rts_reply *answer)
{
    (void)unused, (void)ask, (void)text, (void)text_size, (void)fd, (void)limit, (void)answer;
    errno = EPIPE;
    return -1;
}

static char memory[65536]; /* as large as any room below */
static uint8_t stack[65536];

static struct rts_ptrace_reader reader_of(pid_t pid)
{
    memset(memory, 'm', sizeof memory);
    memset(stack, 0, sizeof stack);
    broker.asked = 0;
    broker.error = 0;
    broker.most = sizeof memory;
    return (struct rts_ptrace_reader){
        .proc = {.broker = (struct rts_broker *)&broker, .root = "/proc"}, .pid = pid};
}

static int read_stack(struct rts_ptrace_reader *reader, size_t room, struct rts_ptrace_state *state)
{
    *state = (struct rts_ptrace_state){.sp = (uintptr_t)memory, .stack = stack};
    return rts_ptrace_state_read_stack(reader, reader->pid, room, state);
}

/* The broker reads, in one question what fits into one, up to where the stack ends. */
static void by_the_broker(void **unused)
{
    (void)unused;
    static const struct {
        size_t room, there, size;
        unsigned questions;
    } cases[] = {
        {100, 1000, 100, 1},      {32768, 65528, 32768, 1}, {65528, 65528, 65528, 2},
        {65528, 57344, 57344, 2}, {65528, 500, 500, 1},     {65528, 0, 0, 1},
        {0, 500, 0, 0},
    };
    struct rts_ptrace_state state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rts_ptrace_reader reader = reader_of(getpid());
        broker.most = cases[i].there;
        assert_int_equal(read_stack(&reader, cases[i].room, &state), 0);
        assert_int_equal(state.stack_size, cases[i].size);
        assert_int_equal(broker.asked, cases[i].questions);
        assert_false(reader.direct);
        assert_true(state.stack_size == 0 || state.stack[state.stack_size - 1] == 'b');
    }
}

/* What it may not read we read ourselves, of a process of our own user, and keep to that. */
static void by_ourselves(void **unused)
{
    (void)unused;
    static const int refusals[] = {EPERM, EACCES};
    struct rts_ptrace_state state;
    for (size_t i = 0; i < 2; i++) {
        struct rts_ptrace_reader reader = reader_of(getpid());
        broker.error = refusals[i];
        for (unsigned times = 0; times < 3; times++) {
            assert_int_equal(read_stack(&reader, 4096, &state), 0);
            assert_int_equal(state.stack_size, 4096);
            assert_int_equal(state.stack[4095], 'm');
            assert_true(reader.direct);
            assert_int_equal(broker.asked, 1);
        }
    }
}

/* Nothing else is read by ourselves: not what is not there, not what did not come in time... */
static void by_nobody(void **unused)
{
    (void)unused;
    struct rts_ptrace_state state;
    struct rts_ptrace_reader reader = reader_of(getpid());
    broker.error = EIO;
    assert_int_equal(read_stack(&reader, 4096, &state), 0);
    assert_int_equal(state.stack_size, 0);
    assert_false(reader.direct);
    broker.error = ETIME;
    assert_int_equal(read_stack(&reader, 4096, &state), -1);
    assert_int_equal(state.stack_size, 0);
    assert_false(reader.direct);
}

/* ... and not what is another user's. */
static void not_of_others(void **unused)
{
    (void)unused;
    if (geteuid() != 0)
        skip();
    int ready[2];
    char byte;
    assert_int_equal(pipe(ready), 0);
    pid_t other = fork();
    if (other == 0) {
        if (setgid(65534) < 0 || setuid(65534) < 0 || write(ready[1], "r", 1) < 0)
            _exit(1);
        for (;;)
            pause();
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    struct rts_ptrace_state state;
    struct rts_ptrace_reader reader = reader_of(other);
    broker.error = EPERM;
    assert_int_equal(read_stack(&reader, 4096, &state), 0);
    assert_int_equal(state.stack_size, 0);
    assert_false(reader.direct);
    kill(other, SIGKILL);
    waitpid(other, NULL, 0);
    close(ready[0]);
    close(ready[1]);
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_the_broker),
        cmocka_unit_test(by_ourselves),
        cmocka_unit_test(by_nobody),
        cmocka_unit_test(not_of_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
