/* SPDX-License-Identifier: Apache-2.0 */
#include "process/look.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "broker/broker.h"
#include "broker/file_system.h"
#include "process/look_state.h"
#include "process/maps_query.h"
#include "util/cleanup.h"

/* Two paths of trees are all that an answer has to say. */
#define TEXT_MAX (3 * PATH_MAX)

static struct rts_ask question_of(enum rts_look_what what, int32_t view,
                                  const struct rts_mapping *mapping, unsigned place)
{
    const struct rts_mapped_file *file = mapping->file;
    return (struct rts_ask){
        .what = what,
        .pid = view,
        .flags = place | (file->has_identity ? RTS_LOOK_HAS_IDENTITY : 0),
        .values =
            {
                [RTS_LOOK_START] = mapping->start,
                [RTS_LOOK_END] = mapping->end,
                [RTS_LOOK_OFFSET] = mapping->offset,
                [RTS_LOOK_DEVICE] = (uint64_t)file->major << 32 | file->minor,
                [RTS_LOOK_INODE] = file->inode,
            },
    };
}

static int ask(const struct rts_proc *proc, struct rts_ask *question, const char *path,
               struct rts_reply *answer)
{
    rts_reply_init(answer);
    return rts_broker_ask(proc->broker, question, path, path ? strlen(path) + 1 : 0, -1, TEXT_MAX,
                          answer);
}

static int look_directly(const struct rts_proc *proc, int32_t view,
                         const struct rts_mapping *mapping, enum rts_file_place place,
                         struct rts_look *look)
{
    rts_rights_read(proc->root, view, &look->rights);
    look->fd =
        rts_mapped_file_open(proc->root, view, mapping, place, &look->rights, &look->found, NULL);
    return look->fd < 0 ? -1 : 0;
}

static int look_at(const struct rts_proc *proc, struct rts_ask *question, const char *path,
                   struct rts_look *look)
{
    struct rts_reply answer;
    int result = ask(proc, question, path, &answer), number = errno;
    if (result == 0) {
        look->found = (struct rts_mapped_found){
            .verified = answer.told.flags & RTS_LOOK_VERIFIED,
            .copied = answer.told.flags & RTS_LOOK_COPIED,
            .status = answer.told.status,
        };
        look->rights = answer.told.rights;
        look->fd = rts_reply_take(&answer, 0);
    }
    rts_reply_finish(&answer);
    errno = number;
    return result;
}

int rts_look_open(const struct rts_proc *proc, int32_t view, const struct rts_mapping *mapping,
                  enum rts_file_place place, struct rts_look *look)
{
    *look = (struct rts_look){.fd = -1};
    if (!proc->broker)
        return look_directly(proc, view, mapping, place, look);
    struct rts_ask question = question_of(RTS_LOOK_OPEN, view, mapping, place);
    if (look_at(proc, &question, mapping->file->path, look) < 0)
        return -1;
    if (rts_file_is_plain(look->fd))
        return 0;
    if (look->fd >= 0)
        close(look->fd);
    look->fd = -1;
    errno = EBADF;
    return -1;
}

/* The tree at `index` of an answer; *path is where its path begins in the text, and ends up behind
 * it. */
static bool take_view(struct rts_reply *answer, size_t index, size_t *path, size_t *fd,
                      struct rts_root_view *view, bool *certain)
{
    const uint64_t *values = &answer->told.values[2 * index];
    *view = (struct rts_root_view){
        .fd = -1,
        .namespace = values[0],
        .own_root = values[1] & RTS_LOOK_TREE_OWN_ROOT,
        .our_namespace = values[1] & RTS_LOOK_TREE_OUR_NAMESPACE,
        .own_namespace = values[1] & RTS_LOOK_TREE_OWN_NAMESPACE,
    };
    *certain = values[1] & RTS_LOOK_TREE_CERTAIN;
    if (*path >= answer->text.size)
        return false;
    snprintf(view->path, sizeof view->path, "%s", answer->text.data + *path);
    *path += strlen(answer->text.data + *path) + 1;
    if (!(values[1] & RTS_LOOK_TREE_HAS_FD))
        return true;
    view->fd = rts_reply_take(answer, (*fd)++);
    return view->fd >= 0;
}

static void be_of_ours(struct rts_file_origins *origins, const char *path)
{
    origins->count = 1;
    origins->items[0] = (struct rts_file_origin){.view = RTS_ROOT_VIEW_OURS, .path = path};
}

void rts_look_origins(const struct rts_proc *proc, int32_t view, const struct rts_mapping *mapping,
                      const struct rts_file_status *file, struct rts_file_origins *origins)
{
    struct rts_ask question = question_of(RTS_LOOK_ORIGINS, view, mapping, 0);
    struct rts_reply answer;
    size_t path = 0, fd = 0;
    if (!proc->broker) {
        rts_file_origins_find(origins, proc->root, view, mapping, file);
        return;
    }
    question.values[RTS_LOOK_FILE_DEVICE] = file->device;
    question.values[RTS_LOOK_FILE_INODE] = file->inode;
    origins->count = 0;
    int result = ask(proc, &question, mapping->file->path, &answer);
    for (size_t i = 0; result == 0 && i < answer.told.flags && i < RTS_FILE_ORIGINS_MAX; i++) {
        struct rts_file_origin *origin = &origins->items[i];
        if (!take_view(&answer, i, &path, &fd, &origin->view, &origin->certain))
            break;
        origin->path = rts_root_view_path(&origin->view, mapping->file->path);
        origins->count++;
    }
    rts_reply_finish(&answer);
    if (origins->count == 0)
        be_of_ours(origins, mapping->file->path);
}

bool rts_look_build_id(const struct rts_proc *proc, int32_t view, const struct rts_mapping *mapping,
                       struct rts_build_id *build_id)
{
    struct rts_ask question = question_of(RTS_LOOK_BUILD_ID, view, mapping, 0);
    struct rts_reply answer;
    if (!proc->broker)
        return rts_maps_query_build_id(proc->root, view, mapping, build_id);
    build_id->size = 0;
    if (ask(proc, &question, mapping->file->path, &answer) == 0 &&
        answer.text.size <= sizeof build_id->bytes && answer.text.size > 0) {
        build_id->size = (uint8_t)answer.text.size;
        memcpy(build_id->bytes, answer.text.data, answer.text.size);
    }
    rts_reply_finish(&answer);
    return build_id->size > 0;
}

int rts_look_maps(const struct rts_proc *proc, int32_t view, const struct rts_maps_wanted *wanted,
                  struct rts_maps_text *text)
{
    struct rts_ask question = {
        .what = RTS_LOOK_MAPS,
        .pid = view,
        .flags = wanted->part,
        .values = {[RTS_LOOK_START] = wanted->address},
    };
    struct rts_reply answer;
    rts_reply_init(&answer);
    int result = rts_broker_ask(proc->broker, &question, NULL, 0, -1, RTS_MAPS_TEXT_MAX, &answer);
    int number = errno;
    if (result == 0) {
        text->lines = answer.text;
        text->read = answer.told.values[0];
        text->cut = answer.told.flags & RTS_LOOK_CUT;
        answer.text = (struct rts_buffer)RTS_BUFFER_INIT;
    }
    rts_reply_finish(&answer);
    errno = number;
    return result;
}

void rts_look_root(const struct rts_proc *proc, int32_t view, struct rts_root_view *root)
{
    struct rts_ask question = {.what = RTS_LOOK_ROOT, .pid = view};
    struct rts_reply answer;
    size_t path = 0, fd = 0;
    bool certain;
    if (!proc->broker) {
        rts_root_view_open(root, proc->root, view);
        return;
    }
    if (ask(proc, &question, NULL, &answer) < 0 || answer.told.flags != 1 ||
        !take_view(&answer, 0, &path, &fd, root, &certain))
        *root = RTS_ROOT_VIEW_OURS;
    rts_reply_finish(&answer);
}
