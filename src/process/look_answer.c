/* SPDX-License-Identifier: Apache-2.0 */
#include "process/look.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "process/look_state.h"
#include "process/maps_query.h"
#include "util/cleanup.h"

/* A mapping as the question has it; both are the caller's. */
static void take_mapping(struct rts_question *question, struct rts_mapping *mapping,
                         struct rts_mapped_file *file)
{
    const uint64_t *values = question->ask.values;
    *file = (struct rts_mapped_file){
        .path = question->text,
        .has_identity = question->ask.flags & RTS_LOOK_HAS_IDENTITY,
        .major = (uint32_t)(values[RTS_LOOK_DEVICE] >> 32),
        .minor = (uint32_t)values[RTS_LOOK_DEVICE],
        .inode = values[RTS_LOOK_INODE],
    };
    *mapping = (struct rts_mapping){
        .start = values[RTS_LOOK_START],
        .end = values[RTS_LOOK_END],
        .offset = values[RTS_LOOK_OFFSET],
        .kind = RTS_MAPPING_FILE,
        .file = file,
    };
}

static void answer_open(const char *proc_root, struct rts_question *question,
                        struct rts_reply *answer)
{
    struct rts_mapping mapping;
    struct rts_mapped_file file;
    struct rts_mapped_found found = {0};
    struct rts_told *told = &answer->told;
    int32_t view = question->ask.pid;
    take_mapping(question, &mapping, &file);
    /* First the rights: a program that is executed afterwards, with more of them, has not mapped
     * the file any more. */
    rts_rights_read(proc_root, view, &told->rights);
    RTS_CLOSE int fd = rts_mapped_file_open(
        proc_root, view, &mapping, (enum rts_file_place)(question->ask.flags & RTS_LOOK_PLACE),
        &told->rights, &found, NULL);
    if (fd < 0) {
        told->error = errno ? errno : EIO;
        return;
    }
    told->flags = (found.verified ? RTS_LOOK_VERIFIED : 0) | (found.copied ? RTS_LOOK_COPIED : 0);
    told->status = found.status;
    rts_reply_add(answer, rts_take_fd(&fd));
}

/* Puts a view behind those that are there, and takes its descriptor. */
static void put_view(struct rts_reply *answer, struct rts_root_view *view, bool certain)
{
    struct rts_told *told = &answer->told;
    size_t at = 2 * told->flags++;
    told->values[at] = view->namespace;
    told->values[at + 1] = (view->own_root ? RTS_LOOK_TREE_OWN_ROOT : 0) |
                           (view->our_namespace ? RTS_LOOK_TREE_OUR_NAMESPACE : 0) |
                           (view->own_namespace ? RTS_LOOK_TREE_OWN_NAMESPACE : 0) |
                           (certain ? RTS_LOOK_TREE_CERTAIN : 0) |
                           (view->fd >= 0 ? RTS_LOOK_TREE_HAS_FD : 0);
    rts_buffer_append(&answer->text, view->path, strlen(view->path) + 1);
    if (view->fd >= 0)
        rts_reply_add(answer, rts_take_fd(&view->fd));
}

static void answer_origins(const char *proc_root, struct rts_question *question,
                           struct rts_reply *answer)
{
    struct rts_mapping mapping;
    struct rts_mapped_file file;
    struct rts_file_origins origins;
    const struct rts_file_status status = {
        .device = question->ask.values[RTS_LOOK_FILE_DEVICE],
        .inode = question->ask.values[RTS_LOOK_FILE_INODE],
    };
    take_mapping(question, &mapping, &file);
    rts_file_origins_find(&origins, proc_root, question->ask.pid, &mapping, &status);
    for (size_t i = 0; i < origins.count; i++)
        put_view(answer, &origins.items[i].view, origins.items[i].certain);
    rts_file_origins_finish(&origins);
}

static void answer_build_id(const char *proc_root, struct rts_question *question,
                            struct rts_reply *answer)
{
    struct rts_mapping mapping;
    struct rts_mapped_file file;
    struct rts_build_id build_id;
    take_mapping(question, &mapping, &file);
    if (rts_maps_query_build_id(proc_root, question->ask.pid, &mapping, &build_id))
        rts_buffer_append(&answer->text, build_id.bytes, build_id.size);
    else
        answer->told.error = ENOENT;
}

static void answer_root(const char *proc_root, const struct rts_question *question,
                        struct rts_reply *answer)
{
    struct rts_root_view view;
    rts_root_view_open(&view, proc_root, question->ask.pid);
    put_view(answer, &view, false);
}

static void answer_maps(const char *proc_root, const struct rts_question *question,
                        struct rts_reply *answer)
{
    const struct rts_ask *ask = &question->ask;
    const struct rts_maps_wanted wanted = {
        .part = (enum rts_maps_part)ask->flags,
        .address = ask->values[RTS_LOOK_START],
    };
    struct rts_maps_text text = {.read = 0};
    if (rts_maps_text_read(proc_root, ask->pid, &wanted, &text) < 0)
        answer->told.error = errno;
    answer->told.values[0] = text.read;
    answer->told.flags = text.cut ? RTS_LOOK_CUT : 0;
    answer->text = text.lines;
}

void rts_look_answer(const char *proc_root, struct rts_question *question, struct rts_reply *answer)
{
    switch (question->ask.what) {
    case RTS_LOOK_OPEN: answer_open(proc_root, question, answer); break;
    case RTS_LOOK_ORIGINS: answer_origins(proc_root, question, answer); break;
    case RTS_LOOK_BUILD_ID: answer_build_id(proc_root, question, answer); break;
    case RTS_LOOK_ROOT: answer_root(proc_root, question, answer); break;
    case RTS_LOOK_MAPS: answer_maps(proc_root, question, answer); break;
    default: answer->told.error = ENOSYS;
    }
}
