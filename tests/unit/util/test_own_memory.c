/* SPDX-License-Identifier: Apache-2.0 */
#include "util/own_memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "../suite.h"

#define MUCH (64u << 20)

static void use_much(void)
{
    char *bytes =
        mmap(NULL, MUCH, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    assert_ptr_not_equal(bytes, MAP_FAILED);
    memset(bytes, 1, MUCH);
    munmap(bytes, MUCH);
}

static void the_peak_stays(void **state)
{
    (void)state;
    struct rts_own_memory before, after;
    rts_own_memory_read(&before);
    assert_true(before.rss_kib > 0);
    use_much();
    rts_own_memory_read(&after);
    assert_true(after.peak_rss_kib >= MUCH / 1024);
    assert_true(after.peak_rss_kib >= after.rss_kib + MUCH / 2048);
}

/* The program that this one became before had much more than this one ever has. */
static void what_executed_us_does_not_count(void **state)
{
    (void)state;
    struct rts_own_memory memory;
    rts_own_memory_read(&memory);
    assert_true(memory.peak_rss_kib > 0 && memory.peak_rss_kib < MUCH / 1024);
}

RTS_SUITE_WITH(argc, argv)
{
    const struct CMUnitTest executed[] = {cmocka_unit_test(what_executed_us_does_not_count)};
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_peak_stays)};
    if (argc > 1 && strcmp(argv[1], "executed") == 0)
        return cmocka_run_group_tests(executed, NULL, NULL);
    if (cmocka_run_group_tests(tests, NULL, NULL) != 0)
        return 1;
    execl("/proc/self/exe", "unit", argv[0], "executed", (char *)NULL);
    perror("execl");
    return 1;
}
