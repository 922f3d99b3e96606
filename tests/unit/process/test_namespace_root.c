/* SPDX-License-Identifier: Apache-2.0 */
/* What the root directory of a process was before chroot(2): the same that a process without one
 * has in that mount namespace, as stat(1) says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../suite.h"
#include "process/namespace_root.h"

#include "../oracle.h"

static pid_t start(void (*prepare)(const char *folder), const char *folder)
{
    int ready[2];
    char byte;
    assert_int_equal(pipe(ready), 0);
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        prepare(folder);
        if (write(ready[1], "", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    close(ready[1]);
    ssize_t size = read(ready[0], &byte, 1);
    close(ready[0]);
    if (size == 1)
        return pid;
    waitpid(pid, NULL, 0);
    return 0;
}

static void end(pid_t pid)
{
    if (pid > 0) {
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
    }
}

/* A root that is mounted upon itself, and something private in the way. */
static void shut_in(const char *folder)
{
    char path[128];
    snprintf(path, sizeof path, "%s/private", folder);
    if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        chmod(path, 0700) < 0)
        _exit(1);
    strcat(path, "/root");
    if (mount(path, path, NULL, MS_BIND, NULL) < 0 || chroot(path) < 0 || chdir("/") < 0)
        _exit(1);
}

static void same_as(int fd, const char *what)
{
    char *expected = oracle_ask("stat -L -c '%%d %%i' %s", what);
    char *found = oracle_ask("stat -L -c '%%d %%i' /proc/%d/fd/%d", (int)getpid(), fd);
    assert_string_equal(found, expected);
    free(expected);
    free(found);
}

static void test_own_root(void **state)
{
    (void)state;
    int fd = rts_namespace_root_open("/proc", getpid());
    assert_true(fd >= 0);
    same_as(fd, "/");
    close(fd);
    assert_int_equal(rts_namespace_root_open("/proc", 0x7ffffff0), -1);
    assert_int_equal(errno, ENOENT);
}

static void test_root_of_another(void **state)
{
    (void)state;
    char folder[] = "/tmp/rtsample-test-XXXXXX", path[128];
    if (geteuid() != 0)
        skip();
    assert_non_null(mkdtemp(folder));
    free(oracle_ask("mkdir -p %s/private/root/deep/er && echo", folder));
    pid_t pid = start(shut_in, folder);
    if (pid == 0) {
        free(oracle_ask("rm -r %s && echo", folder));
        skip();
    }
    int fd = rts_namespace_root_open("/proc", pid);
    assert_true(fd >= 0);
    same_as(fd, "/");
    snprintf(path, sizeof path, "/proc/%d/root", (int)pid);
    struct stat root, found;
    assert_int_equal(stat(path, &root), 0);
    assert_int_equal(fstat(fd, &found), 0);
    assert_true(root.st_ino != found.st_ino || root.st_dev != found.st_dev);
    close(fd);
    end(pid);
    free(oracle_ask("rm -r %s && echo", folder));
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_own_root),
        cmocka_unit_test(test_root_of_another),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
