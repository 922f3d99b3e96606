/* SPDX-License-Identifier: Apache-2.0 */
#include "delivery/spool_shelf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "delivery/spool_directory.h"
#include "delivery/spool_file.h"
#include "util/log.h"
#include "util/memory.h"

#define BLOCK_SIZE     4096u
#define COMPLAINTS_MAX 10

uint64_t rts_spool_disk_bytes(uint64_t size)
{
    return (size + BLOCK_SIZE - 1) / BLOCK_SIZE * BLOCK_SIZE;
}

int rts_spool_shelf_open(struct rts_spool_shelf *shelf, const char *path, struct rts_error *error)
{
    *shelf = (struct rts_spool_shelf){.path = rts_strdup(path), .rejected = -1, .quarantine = -1};
    shelf->directory = rts_spool_directory_open(AT_FDCWD, path, path, error);
    return shelf->directory < 0 ? -1 : 0;
}

void rts_spool_shelf_close(struct rts_spool_shelf *shelf)
{
    int descriptors[] = {shelf->rejected, shelf->quarantine, shelf->directory};
    for (size_t i = 0; i < sizeof descriptors / sizeof *descriptors; i++)
        if (descriptors[i] >= 0)
            close(descriptors[i]);
    free(shelf->path);
}

void rts_spool_shelf_complain(struct rts_spool_shelf *shelf, const char *name, const char *text)
{
    if (shelf->complaints++ < COMPLAINTS_MAX)
        rts_log("spool %s: %s: %s", shelf->path, name, text);
    else if (shelf->complaints == COMPLAINTS_MAX + 1)
        rts_log("spool %s: more files are not as they should be", shelf->path);
}

/* The descriptor of a directory in the spool, opened when it is first needed. */
static int sub_directory(const struct rts_spool_shelf *shelf, int *fd, const char *name,
                         struct rts_error *error)
{
    if (*fd < 0) {
        struct rts_buffer path = RTS_BUFFER_INIT;
        rts_buffer_format(&path, "%s/%s", shelf->path, name);
        *fd = rts_spool_directory_open(shelf->directory, name, path.data, error);
        rts_buffer_finish(&path);
    }
    return *fd;
}

int rts_spool_shelf_rejected(struct rts_spool_shelf *shelf, struct rts_error *error)
{
    return sub_directory(shelf, &shelf->rejected, "rejected", error);
}

void rts_spool_shelf_quarantine(struct rts_spool_shelf *shelf, const char *name, const char *reason)
{
    char text[sizeof((struct rts_error *)0)->text + 100];
    struct rts_error error;
    int target = sub_directory(shelf, &shelf->quarantine, "quarantine", &error);
    if (target >= 0 && rts_spool_directory_move(shelf->directory, name, target, &error) == 0)
        snprintf(text, sizeof text, "%s; moved to quarantine/", reason);
    else
        snprintf(text, sizeof text, "%s, and is passed over: %s", reason, error.text);
    rts_spool_shelf_complain(shelf, name, text);
}

/* Says the error of a file that it will never be a batch? Others are the disk's or the machine's,
 * and may pass. 0: the content is wrong. */
static bool is_final(int number)
{
    static const int numbers[] = {0, ENOENT, EACCES, EPERM, ELOOP, ENXIO, ENODEV};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (numbers[i] == number)
            return true;
    return false;
}

struct rts_batch *rts_spool_shelf_load(const struct rts_spool_shelf *shelf,
                                       const struct rts_batch_id *id, bool *damaged,
                                       struct rts_error *error)
{
    char name[RTS_SPOOL_NAME_SIZE];
    struct rts_buffer content = RTS_BUFFER_INIT;
    struct rts_error own;
    error = error ? error : &own;
    rts_spool_file_name(id, name);
    struct rts_batch *batch = NULL;
    *damaged = true;
    if (rts_spool_directory_read(shelf->directory, name, RTS_SPOOL_FILE_MAX, &content, error) == 0)
        batch = rts_spool_file_read(id, content.data, content.size, error);
    else
        *damaged = is_final(error->number);
    rts_buffer_finish(&content);
    return batch;
}

void rts_spool_shelf_remove(struct rts_spool_shelf *shelf, const struct rts_batch_id *id)
{
    char name[RTS_SPOOL_NAME_SIZE];
    rts_spool_file_name(id, name);
    if (unlinkat(shelf->directory, name, 0) != 0 && errno != ENOENT)
        rts_spool_shelf_complain(shelf, name,
                                 "it cannot be removed, and will be sent again next time");
}
