/* SPDX-License-Identifier: Apache-2.0 */
#include "package/rpm_source.h"

#include <stdio.h>
#include <unistd.h>

static const struct rts_rpm_format formats[] = {
    {"sqlite", {"rpmdb.sqlite", "rpmdb.sqlite-wal"}},
    {"ndb", {"Packages.db", "Index.db"}},
    {"bdb_ro", {"Packages", NULL}},
};
#define FORMATS (sizeof formats / sizeof *formats)

static const char *const folders[] = {
    "/usr/lib/sysimage/rpm",
    "/var/lib/rpm",
    "/usr/share/rpm",
};
#define FOLDERS (sizeof folders / sizeof *folders)

const struct rts_rpm_format *rts_rpm_format(size_t number)
{
    return number < FORMATS ? &formats[number] : NULL;
}

static int open_in(const struct rts_tree *tree, const char *folder, const char *name)
{
    char path[64];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return rts_tree_open(tree, path);
}

bool rts_rpm_source_open(struct rts_rpm_source *source, const struct rts_tree *tree)
{
    for (size_t i = 0; i < FOLDERS; i++) {
        for (size_t j = 0; j < FORMATS; j++) {
            const char *const *files = formats[j].files;
            int fd = open_in(tree, folders[i], files[0]);
            if (fd < 0)
                continue;
            *source = (struct rts_rpm_source){
                .format = (unsigned)j,
                .fds = {fd, files[1] ? open_in(tree, folders[i], files[1]) : -1},
            };
            return true;
        }
    }
    return false;
}

void rts_rpm_source_close(struct rts_rpm_source *source)
{
    for (size_t i = 0; i < RTS_RPM_FILES; i++) {
        if (source->fds[i] >= 0)
            close(source->fds[i]);
        source->fds[i] = -1;
    }
}
