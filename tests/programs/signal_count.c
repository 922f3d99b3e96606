/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counts the queued signals that it gets while it uses the CPU, and says so when it has as many as
 * its argument says.
 *
 * BUILD signal-count: $CC -O2 -o $OUT $SRC
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

static volatile sig_atomic_t count;

static void take(int number)
{
    (void)number;
    count++;
}

int main(int argc, char **argv)
{
    struct sigaction action = {.sa_handler = take};
    int wanted = argc > 1 ? atoi(argv[1]) : 1;
    sigaction(SIGRTMIN, &action, NULL);
    puts("ready");
    fflush(stdout);
    for (volatile unsigned long work = 0; count < wanted;)
        work = work + 1;
    puts("all");
    fflush(stdout);
    for (volatile unsigned long work = 0;;)
        work = work + 1;
}
