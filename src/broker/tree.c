/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/tree.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "broker/broker.h"
#include "broker/file_system.h"
#include "broker/folder.h"
#include "broker/tree_direct.h"
#include "util/cleanup.h"

static int ask(const struct rts_tree *tree, struct rts_ask *ask, const char *text, size_t size,
               struct rts_reply *answer)
{
    ask->pid = tree->rights.foreign ? tree->rights.pid : 0;
    ask->rights = tree->rights;
    return rts_broker_ask(tree->broker, ask, text, size, tree->root_fd, RTS_FOLDER_TEXT_MAX,
                          answer);
}

/* Takes what is said to be a regular file, if it is one. */
static int take_file(struct rts_reply *answer, size_t index)
{
    RTS_CLOSE int fd = rts_reply_take(answer, index);
    if (rts_file_is_plain(fd))
        return rts_take_fd(&fd);
    errno = EBADF;
    return -1;
}

int rts_tree_open(const struct rts_tree *tree, const char *path)
{
    struct rts_ask question = {.what = RTS_ASK_FILE};
    struct rts_reply answer;
    if (!tree->broker)
        return rts_tree_open_direct(tree, path);
    rts_reply_init(&answer);
    int fd = ask(tree, &question, path, strlen(path) + 1, &answer) < 0 ? -1 : take_file(&answer, 0);
    int number = errno;
    rts_reply_finish(&answer);
    errno = number;
    return fd;
}

int rts_tree_status(const struct rts_tree *tree, const char *path, struct rts_file_status *status)
{
    struct rts_ask question = {.what = RTS_ASK_STATUS};
    struct rts_reply answer;
    if (!tree->broker)
        return rts_tree_status_direct(tree, path, status);
    rts_reply_init(&answer);
    int result = ask(tree, &question, path, strlen(path) + 1, &answer), number = errno;
    *status = answer.told.status;
    rts_reply_finish(&answer);
    errno = number;
    return result;
}

int rts_tree_list(const struct rts_tree *tree, const char *path, size_t limit,
                  struct rts_buffer *names)
{
    struct rts_ask question = {.what = RTS_ASK_LIST, .values = {limit}};
    struct rts_reply answer;
    if (!tree->broker)
        return rts_tree_list_direct(tree, path, limit, names);
    rts_reply_init(&answer);
    int count = ask(tree, &question, path, strlen(path) + 1, &answer);
    if (count == 0)
        count = rts_reply_names(&answer, limit, names);
    int number = errno;
    rts_reply_finish(&answer);
    errno = number;
    return count;
}

/* Takes the files that bit by bit were opened. */
static size_t take_files(struct rts_reply *answer, size_t count, int *fds)
{
    size_t opened = 0;
    for (size_t i = 0, index = 0; i < count; i++) {
        if (!(answer->told.values[0] >> i & 1))
            continue;
        fds[i] = take_file(answer, index++);
        opened += fds[i] >= 0;
    }
    return opened;
}

size_t rts_tree_open_each(const struct rts_tree *tree, const char *folder, const char *const *names,
                          size_t count, int *fds)
{
    struct rts_ask question = {.what = RTS_ASK_FILES};
    struct rts_buffer text = RTS_BUFFER_INIT;
    struct rts_reply answer;
    size_t opened = 0;
    if (count > RTS_TREE_BATCH)
        count = RTS_TREE_BATCH;
    if (!tree->broker)
        return rts_tree_open_each_direct(tree, folder, names, count, fds);
    rts_buffer_append(&text, folder, strlen(folder) + 1);
    for (size_t i = 0; i < count; i++) {
        rts_buffer_append(&text, names[i], strlen(names[i]) + 1);
        fds[i] = -1;
    }
    rts_reply_init(&answer);
    if (ask(tree, &question, text.data, text.size, &answer) == 0)
        opened = take_files(&answer, count, fds);
    rts_reply_finish(&answer);
    rts_buffer_finish(&text);
    return opened;
}

const char *rts_tree_next_name(const struct rts_buffer *names, const char *name)
{
    const char *next = name ? name + strlen(name) + 1 : names->data;
    return names->size > 0 && next < names->data + names->size ? next : NULL;
}
