/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/tree.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "broker/tree_direct.h"

int rts_tree_open(const struct rts_tree *tree, const char *path)
{
    return rts_tree_open_direct(tree, path);
}

int rts_tree_status(const struct rts_tree *tree, const char *path, struct rts_file_status *status)
{
    return rts_tree_status_direct(tree, path, status);
}

int rts_tree_list(const struct rts_tree *tree, const char *path, size_t limit,
                  struct rts_buffer *names)
{
    return rts_tree_list_direct(tree, path, limit, names);
}

size_t rts_tree_open_each(const struct rts_tree *tree, const char *folder, const char *const *names,
                          size_t count, int *fds)
{
    size_t opened = 0;
    char path[PATH_MAX];
    for (size_t i = 0; i < count; i++) {
        fds[i] = -1;
        if (snprintf(path, sizeof path, "%s/%s", folder, names[i]) < (int)sizeof path)
            fds[i] = rts_tree_open_direct(tree, path);
        opened += fds[i] >= 0;
    }
    return opened;
}

const char *rts_tree_next_name(const struct rts_buffer *names, const char *name)
{
    const char *next = name ? name + strlen(name) + 1 : names->data;
    return names->size > 0 && next < names->data + names->size ? next : NULL;
}
