/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "../suite.h"
#include "util/notify.h"

/* A socket of a service manager. */
static int listen_at(const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t length = strlen(name);
    memcpy(address.sun_path, name, length);
    if (name[0] == '@')
        address.sun_path[0] = '\0';
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
    return fd;
}

static void arrives(const char *name)
{
    char text[64] = "";
    int fd = listen_at(name);
    setenv("NOTIFY_SOCKET", name, 1);
    assert_int_equal(rts_notify("READY=1\nSTATUS=here"), 1);
    assert_int_equal(recv(fd, text, sizeof text - 1, 0), strlen("READY=1\nSTATUS=here"));
    assert_string_equal(text, "READY=1\nSTATUS=here");
    assert_int_equal(recv(fd, text, sizeof text, 0), -1); /* once */
    close(fd);
}

static void test_path(void **state)
{
    (void)state;
    char folder[] = "/tmp/rtsample-test-XXXXXX", name[64];
    assert_non_null(mkdtemp(folder));
    snprintf(name, sizeof name, "%s/notify", folder);
    arrives(name);
    unlink(name);
    assert_int_equal(rts_notify("READY=1"), -ENOENT);
    rmdir(folder);
}

static void test_abstract(void **state)
{
    (void)state;
    char name[64];
    snprintf(name, sizeof name, "@rtsample-test-%d", (int)getpid());
    arrives(name);
    assert_int_equal(rts_notify("READY=1"), -ECONNREFUSED);
}

/* Nobody listens: no socket is even made. */
static void test_nobody(void **state)
{
    (void)state;
    int before = dup(0);
    close(before);
    unsetenv("NOTIFY_SOCKET");
    assert_int_equal(rts_notify("READY=1"), 0);
    setenv("NOTIFY_SOCKET", "", 1);
    assert_int_equal(rts_notify("READY=1"), 0);
    int after = dup(0);
    close(after);
    assert_int_equal(before, after); /* nothing is left open */
}

static void test_bad_names(void **state)
{
    (void)state;
    char name[200];
    setenv("NOTIFY_SOCKET", "vsock:2:1234", 1);
    assert_int_equal(rts_notify("READY=1"), -EAFNOSUPPORT);
    memset(name, 'x', sizeof name - 1);
    name[0] = '/';
    name[sizeof name - 1] = '\0';
    setenv("NOTIFY_SOCKET", name, 1);
    assert_int_equal(rts_notify("READY=1"), -ENAMETOOLONG);
}

/* A manager that does not read must not stop us. */
static void test_full(void **state)
{
    (void)state;
    char name[64];
    snprintf(name, sizeof name, "@rtsample-test-full-%d", (int)getpid());
    int fd = listen_at(name), result = 1;
    setenv("NOTIFY_SOCKET", name, 1);
    for (int i = 0; i < 100000 && result == 1; i++)
        result = rts_notify("STATUS=again");
    assert_int_equal(result, -EAGAIN);
    close(fd);
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_path),   cmocka_unit_test(test_abstract),
        cmocka_unit_test(test_nobody), cmocka_unit_test(test_bad_names),
        cmocka_unit_test(test_full),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
