/* SPDX-License-Identifier: Apache-2.0 */
#include "package/merged_usr.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* Top folders that a merged /usr has twice. */
static const char *const folders[RTS_MERGED_FOLDERS] = {"/bin",   "/sbin",  "/lib",
                                                        "/lib32", "/lib64", "/libx32"};

/* Is `folder` another name of its namesake below /usr? */
static bool is_merged(struct rts_reading *reading, const char *folder)
{
    char merged[32];
    struct rts_file_status one, other;
    snprintf(merged, sizeof merged, "/usr%s", folder);
    return rts_tree_status(&reading->tree, folder, &one) == 0 &&
           rts_tree_status(&reading->tree, merged, &other) == 0 && S_ISDIR(one.mode) &&
           one.device == other.device && one.inode == other.inode;
}

void rts_merged_usr_read(struct rts_reading *reading, struct rts_merged_usr *usr)
{
    for (size_t i = 0; i < RTS_MERGED_FOLDERS; i++)
        usr->merged[i] = is_merged(reading, folders[i]);
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
