/* SPDX-License-Identifier: Apache-2.0 */
/* A folder for what a fuzz target has to have as files: in memory, where that is a file system. It
 * goes when the target ends. */
#ifndef RTS_TESTS_FUZZ_FOLDER_H
#define RTS_TESTS_FUZZ_FOLDER_H

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char fuzz_top[64];

static void fuzz_folder_remove(void)
{
    char command[96];
    snprintf(command, sizeof command, "rm -rf %s", fuzz_top);
    if (system(command) != 0)
        perror(fuzz_top);
}

/* Returns an O_PATH descriptor of it; its path is in fuzz_top. */
static int fuzz_folder_make(void)
{
    const char *place = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    snprintf(fuzz_top, sizeof fuzz_top, "%s/rtsample-fuzz-XXXXXX", place);
    if (!mkdtemp(fuzz_top) || chmod(fuzz_top, 0755) < 0)
        abort();
    atexit(fuzz_folder_remove);
    int folder = open(fuzz_top, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        abort();
    return folder;
}

/* Writes a file of it anew. */
static void fuzz_folder_write(int folder, const char *name, const void *bytes, size_t size)
{
    int fd = openat(folder, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0 || write(fd, bytes, size) != (ssize_t)size)
        abort();
    close(fd);
}

#endif
