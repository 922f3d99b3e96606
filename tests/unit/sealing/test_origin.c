/* SPDX-License-Identifier: Apache-2.0 */
/* What a process leaves of itself behind, and gives back to a child. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "../suite.h"
#include "sealing/origin.h"

static int in_child(int (*function)(void))
{
    pid_t child = fork();
    if (child == 0)
        _exit(function());
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static bool same(const struct rlimit *a, const struct rlimit *b)
{
    return a->rlim_cur == b->rlim_cur && a->rlim_max == b->rlim_max;
}

static int leave_and_return(void)
{
    struct rlimit core = {1000, 4096}, files = {64, 128}, now;
    if (setrlimit(RLIMIT_CORE, &core) < 0 || setrlimit(RLIMIT_NOFILE, &files) < 0)
        return 1;
    prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
    struct rts_origin origin;
    rts_origin_leave(&origin);
    getrlimit(RLIMIT_CORE, &now);
    if (now.rlim_cur != 0 || prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0)
        return 2;
    const struct rlimit more = {128, 128};
    setrlimit(RLIMIT_NOFILE, &more);
    rts_origin_show(&origin);
    if (prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 1)
        return 3;
    rts_origin_hide();
    rts_origin_return(&origin);
    getrlimit(RLIMIT_CORE, &now);
    if (!same(&now, &core))
        return 4;
    getrlimit(RLIMIT_NOFILE, &now);
    return same(&now, &files) ? 0 : 5;
}

/* One that was not dumpable, as a program with capabilities of its file, stays so. */
static int hidden_before(void)
{
    struct rts_origin origin;
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    rts_origin_leave(&origin);
    rts_origin_show(&origin);
    return prctl(PR_GET_DUMPABLE, 0, 0, 0, 0);
}

static int forbid(void)
{
    struct rlimit core;
    rts_core_forbid();
    getrlimit(RLIMIT_CORE, &core);
    return core.rlim_cur != 0 || core.rlim_max != 0;
}

static int nothing_kept(void)
{
    static const struct rts_origin none;
    struct rlimit core, now;
    getrlimit(RLIMIT_CORE, &core);
    rts_origin_return(&none);
    getrlimit(RLIMIT_CORE, &now);
    return !same(&core, &now);
}

static void test_origin(void **state)
{
    (void)state;
    assert_int_equal(in_child(leave_and_return), 0);
    assert_int_equal(in_child(hidden_before), 0);
    assert_int_equal(in_child(forbid), 0);
    assert_int_equal(in_child(nothing_kept), 0);
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_origin)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
