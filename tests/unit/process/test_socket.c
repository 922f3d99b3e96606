/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "process/socket.h"

#include "../oracle.h"
#include "../suite.h"

/* A fake proc with one process, 7. */
struct world {
    char root[64];
    int files;
};

static int setup(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    strcpy(world->root, "/tmp/rtsample-test-XXXXXX");
    assert_non_null(mkdtemp(world->root));
    free(oracle_ask("mkdir -p %s/7/fd %s/7/net && echo", world->root, world->root));
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;
    free(oracle_ask("rm -r %s && echo", world->root));
    free(world);
    return 0;
}

static void opens(struct world *world, const char *target)
{
    char path[128];
    snprintf(path, sizeof path, "%s/7/fd/%d", world->root, world->files++);
    assert_int_equal(symlink(target, path), 0);
}

static void table(const struct world *world, const char *name, const char *lines)
{
    char path[128];
    snprintf(path, sizeof path, "%s/7/net/%s", world->root, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fprintf(file, "  sl  local_address rem_address   st\n%s", lines);
    fclose(file);
}

/* sl local remote st queues timer retransmits uid timeout inode */
#define LINE(local, state, inode)                                                                  \
    "   0: " local " 00000000:0000 " state                                                         \
    " 00000000:00000000 00:00000000 00000000  1000 0 " inode " 1\n"
#define ANY6 "00000000000000000000000000000000"
#define ONE6 "00000000000000000000000001000000"

static void expect(const struct world *world, const char *wanted)
{
    char text[RTS_SOCKET_TEXT_SIZE] = "";
    assert_int_equal(rts_socket_listening(&(struct rts_proc){.root = world->root}, 7, text),
                     *wanted != '\0');
    assert_string_equal(text, wanted);
}

/* Each better one is added behind the worse ones. */
static void test_choice(void **state)
{
    struct world *world = *state;
    opens(world, "/dev/null");
    opens(world, "pipe:[5]");
    table(world, "udp", LINE("00000000:0035", "07", "30"));
    expect(world, "");
    for (int inode = 10; inode < 40; inode++) {
        char target[32];
        snprintf(target, sizeof target, "socket:[%d]", inode);
        opens(world, target);
    }
    expect(world, "0.0.0.0:53");
    table(world, "tcp6", LINE(ONE6 ":0050", "0A", "21"));
    expect(world, "[::1]:80");
    table(world, "tcp", LINE("0100007F:0050", "0A", "20"));
    expect(world, "127.0.0.1:80");
    table(world, "tcp6", LINE(ONE6 ":0050", "0A", "21") LINE(ANY6 ":1F90", "0A", "22"));
    expect(world, "[::]:8080");
    table(world, "tcp", LINE("00000000:1F90", "0A", "20") LINE("00000000:0050", "01", "23"));
    expect(world, "0.0.0.0:8080"); /* the other one does not listen */
    table(world, "tcp", LINE("00000000:1F90", "0A", "20") LINE("0500000A:20FB", "0A", "24"));
    expect(world, "0.0.0.0:8080");
    table(world, "tcp", LINE("0500000A:01BB", "0A", "24") LINE("00000000:0016", "0A", "99"));
    expect(world, "10.0.0.5:443"); /* the other one is somebody else's */
}

static void test_damaged(void **state)
{
    struct world *world = *state;
    opens(world, "socket:[10]");
    opens(world, "socket:[");
    opens(world, "socket:[-3]");
    table(world, "tcp",
          LINE("0:1F90", "0A", "10") LINE("000000000:1F90", "0A", "10")
              LINE("00000000:1FFFF", "0A", "10") LINE("zzzzzzzz:0050", "0A", "10") "garbage\n");
    expect(world, "");
    free(oracle_ask("rm -r %s/7/fd && echo", world->root));
    expect(world, "");
}

/* A socket of our own, in the real /proc. */
static void test_real(void **state)
{
    (void)state;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    char text[RTS_SOCKET_TEXT_SIZE], wanted[64];
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || listen(fd, 1) < 0 ||
        access("/proc/self/net/tcp", R_OK) < 0)
        skip();
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    snprintf(wanted, sizeof wanted, "127.0.0.1:%u", ntohs(address.sin_port));
    assert_true(rts_socket_listening(&(struct rts_proc){.root = "/proc"}, getpid(), text));
    assert_string_equal(text, wanted);
    close(fd);
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_choice, setup, teardown),
        cmocka_unit_test_setup_teardown(test_damaged, setup, teardown),
        cmocka_unit_test(test_real),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
