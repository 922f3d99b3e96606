/* SPDX-License-Identifier: Apache-2.0 */
#include "delivery/spool_rejected.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "delivery/spool_directory.h"
#include "delivery/spool_file.h"
#include "util/cleanup.h"

/* Small files take whole blocks, and too many of them would make this slow. */
#define BLOCK_SIZE 4096u

/* Names are sorted by age. Returns the bytes of all files, and the first name, "" if there is
 * none. */
static uint64_t measure(int directory, char oldest[NAME_MAX + 1])
{
    RTS_CLOSE int fd = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *list = fd >= 0 ? fdopendir(fd) : NULL;
    uint64_t bytes = 0;
    *oldest = '\0';
    if (!list)
        return 0;
    rts_take_fd(&fd);
    for (struct dirent *item; (item = readdir(list));) {
        struct stat status;
        if (fstatat(directory, item->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0 ||
            !S_ISREG(status.st_mode))
            continue;
        bytes += ((uint64_t)status.st_size + BLOCK_SIZE - 1) / BLOCK_SIZE * BLOCK_SIZE;
        if (!*oldest || strcmp(item->d_name, oldest) < 0)
            snprintf(oldest, NAME_MAX + 1, "%s", item->d_name);
    }
    closedir(list);
    return bytes;
}

void rts_spool_rejected_make_room(int directory, uint64_t max_bytes)
{
    char oldest[NAME_MAX + 1];
    while (measure(directory, oldest) >= max_bytes && *oldest)
        if (unlinkat(directory, oldest, 0) != 0)
            break;
}

int rts_spool_rejected_answer(int directory, const char *name, const struct rts_buffer *answer,
                              struct rts_error *error)
{
    char file[RTS_SPOOL_NAME_SIZE + 16];
    struct rts_buffer nothing = RTS_BUFFER_INIT;
    snprintf(file, sizeof file, "%s.answer", name);
    return rts_spool_directory_write(directory, file, answer, &nothing, error);
}
