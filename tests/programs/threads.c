/* SPDX-License-Identifier: Apache-2.0 */
/*
 * 300 threads, each busy in a function of its own, thread_000 to thread_299. The first 100 run
 * before "ready", the others are started during the following half second.
 *
 * EXPECT: _ < thread_body
 * BUILD threads: $CC -O2 -pthread -o $OUT $SRC
 */
#include <pthread.h>
#include <sys/resource.h>

#include "program.h"

enum {
    THREADS = 300,
    THREADS_BEFORE = 100
};

#define ONE(n)                                                                                     \
    OWN_FRAME void thread_##n(void)                                                                \
    {                                                                                              \
        while (!program_stop)                                                                      \
            program_counter += 1##n;                                                               \
    }
#define TEN(n)                                                                                     \
    ONE(n##0)                                                                                      \
    ONE(n##1)                                                                                      \
    ONE(n##2)                                                                                      \
    ONE(n##3)                                                                                      \
    ONE(n##4)                                                                                      \
    ONE(n##5)                                                                                      \
    ONE(n##6)                                                                                      \
    ONE(n##7)                                                                                      \
    ONE(n##8)                                                                                      \
    ONE(n##9)
#define HUNDRED(n)                                                                                 \
    TEN(n##0)                                                                                      \
    TEN(n##1)                                                                                      \
    TEN(n##2)                                                                                      \
    TEN(n##3)                                                                                      \
    TEN(n##4)                                                                                      \
    TEN(n##5)                                                                                      \
    TEN(n##6)                                                                                      \
    TEN(n##7)                                                                                      \
    TEN(n##8)                                                                                      \
    TEN(n##9)

HUNDRED(0)
HUNDRED(1)
HUNDRED(2)

#define NAMES_TEN(n)                                                                               \
    thread_##n##0, thread_##n##1, thread_##n##2, thread_##n##3, thread_##n##4, thread_##n##5,      \
        thread_##n##6, thread_##n##7, thread_##n##8, thread_##n##9
#define NAMES_HUNDRED(n)                                                                           \
    NAMES_TEN(n##0), NAMES_TEN(n##1), NAMES_TEN(n##2), NAMES_TEN(n##3), NAMES_TEN(n##4),           \
        NAMES_TEN(n##5), NAMES_TEN(n##6), NAMES_TEN(n##7), NAMES_TEN(n##8), NAMES_TEN(n##9)

static void (*const functions[THREADS])(void) = {NAMES_HUNDRED(0), NAMES_HUNDRED(1),
                                                 NAMES_HUNDRED(2)};

OWN_FRAME void *thread_body(void *argument)
{
    (*(void (*const *)(void))argument)();
    NOT_A_TAIL_CALL();
    return NULL;
}

int main(void)
{
    pthread_t thread;
    pthread_attr_t attributes;

    /* Leaves most of the processors to whoever else needs them, but not all: each has to run. */
    setpriority(PRIO_PROCESS, 0, 10);
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 256 * 1024);
    for (int i = 0; i < THREADS; i++) {
        if (pthread_create(&thread, &attributes, thread_body, (void *)&functions[i]) != 0)
            return 1;
        if (i + 1 == THREADS_BEFORE)
            program_ready();
        if (i + 1 > THREADS_BEFORE)
            usleep(2500);
    }
    pause();
    return 0;
}
