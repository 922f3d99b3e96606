/* SPDX-License-Identifier: Apache-2.0 */
/* What a kernel answers is its own matter (tests/e2e/neighbours.py has an oracle): here, that the
 * answer is the same each time, and that nothing is left behind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "../suite.h"
#include "capture/flag_leak.h"

static unsigned open_files(void)
{
    DIR *directory = opendir("/proc/self/fd");
    unsigned count = 0;
    while (directory && readdir(directory))
        count++;
    closedir(directory);
    return count;
}

static unsigned mappings(void)
{
    FILE *file = fopen("/proc/self/maps", "re");
    char line[512];
    unsigned count = 0;
    while (file && fgets(line, sizeof line, file))
        count += strstr(line, "memfd:") || strstr(line, "perf_event");
    if (file)
        fclose(file);
    return count;
}

static void is_steady_and_leaves_nothing(void **state)
{
    (void)state;
    unsigned files = open_files();
    enum rts_flag_leak first = rts_flag_leak_try();
    for (int i = 0; i < 20; i++)
        assert_int_equal(rts_flag_leak_try(), first);
    assert_int_equal(open_files(), files);
    assert_int_equal(mappings(), 0);
    print_message("this kernel: %d\n", (int)first);
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_steady_and_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
