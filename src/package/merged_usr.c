/* SPDX-License-Identifier: Apache-2.0 */
#include "package/merged_usr.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "util/cleanup.h"
#include "util/open_below.h"

/* Top folders that a merged /usr has twice. */
static const char *const folders[RTS_MERGED_FOLDERS] = {"/bin",   "/sbin",  "/lib",
                                                        "/lib32", "/lib64", "/libx32"};

/* Is `folder` another name of its namesake below /usr? */
static bool is_merged(int root_fd, const char *folder)
{
    char merged[32];
    struct stat one, other;
    snprintf(merged, sizeof merged, "/usr%s", folder);
    RTS_CLOSE int first = rts_open_directory_below(root_fd, folder);
    RTS_CLOSE int second = rts_open_directory_below(root_fd, merged);
    return first >= 0 && second >= 0 && fstat(first, &one) == 0 && fstat(second, &other) == 0 &&
           one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

void rts_merged_usr_read(int root_fd, struct rts_merged_usr *usr)
{
    for (size_t i = 0; i < RTS_MERGED_FOLDERS; i++)
        usr->merged[i] = is_merged(root_fd, folders[i]);
}

bool rts_merged_usr_other(const struct rts_merged_usr *usr, const char *path, char other[PATH_MAX])
{
    bool below_usr = strncmp(path, "/usr/", 5) == 0;
    const char *top = below_usr ? path + 4 : path;
    for (size_t i = 0; i < RTS_MERGED_FOLDERS; i++) {
        size_t size = strlen(folders[i]);
        if (!usr->merged[i] || strncmp(top, folders[i], size) != 0 || top[size] != '/')
            continue;
        int length = snprintf(other, PATH_MAX, "%s%s", below_usr ? "" : "/usr", top);
        return length < PATH_MAX;
    }
    return false;
}
