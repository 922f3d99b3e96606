/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "commands.h"
#include "util/heap.h"

#define ROW(command) {#command, rts_cmd_##command},

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
} commands[] = {RTS_COMMANDS(ROW)};

/* When a standard descriptor is closed, the next file we open would take its place, and be written
 * to. Something that fails in the same way is put there instead. */
static void occupy_standard_descriptors(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0)
            (void)!open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}

int main(int argc, char **argv)
{
    /* A delivery that hangs is left behind when the program ends: its thread may be within TLS, and
     * must not find that torn down by an exit handler. Before anything else uses libcrypto. */
    OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, NULL);
    occupy_standard_descriptors();
    rts_heap_settle();
    for (size_t i = 0; argc > 1 && i < sizeof commands / sizeof *commands; i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    return rts_cmd_sample(argc, argv); /* rtsample alone samples */
}
