/* SPDX-License-Identifier: Apache-2.0 */
#include "sampler/mapped_object.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "binary/build_id.h"
#include "binary/elf_image.h"
#include "binary/object_content.h"
#include "process/look.h"
#include "util/cleanup.h"
#include "util/clock.h"

/* A file that cannot be opened through one process may be there in another one's view; after this
 * many of one owner's it is given up for those. */
#define ATTEMPTS_MAX 8

/* The times of files advance by ticks, of 10 ms at most. */
#define TICK_NS 10000000

/* How often it is looked whether a mapped file was overwritten, by the times of samples. */
#define CHECKED_EACH_NS 10000000

/* A wall time by the clock of mappings; 0: before it began, or it cannot be told. A time to come is
 * none: the file was given it, or the clock was set. */
static uint64_t by_our_clock(const struct rts_code_map *map, int64_t wall_ns)
{
    int64_t offset = rts_clock_wall_offset_ns();
    int64_t time = wall_ns - offset;
    bool known = map->monotonic && wall_ns > 0 && time > 0 &&
                 wall_ns <= (int64_t)rts_clock_monotonic_ns() + offset;
    return known ? (uint64_t)time : 0;
}

/* Notes that the file was overwritten, if it was, and when can be told. */
static void note_change(const struct rts_code_map *map, struct rts_mapped_file *file,
                        int64_t modified_ns)
{
    file->until_ns = modified_ns == file->modified_ns ? 0 : by_our_clock(map, modified_ns);
    file->outdated = file->until_ns > 0;
    if (file->of && file->outdated) { /* for everybody, whoever sees it */
        file->of->until_ns = file->until_ns;
        file->of->outdated = true;
    }
}

/* Notes what was found, and whether it is what was found before. */
static bool is_as_before(const struct rts_code_map *map, struct rts_mapped_file *file,
                         int64_t modified_ns)
{
    if (file->modified_ns == 0) {
        file->modified_ns = modified_ns;
        file->from_ns = by_our_clock(map, modified_ns);
    }
    note_change(map, file, modified_ns);
    return !file->outdated;
}

static bool is_file_of(const struct rts_object *object, const struct rts_file_status *status)
{
    struct stat own;
    return fstat(rts_object_fd(object), &own) == 0 && own.st_dev == status->device &&
           own.st_ino == status->inode;
}

/* A copy in memory stays what it is, and the times of its file are those of another machine's
 * clock, or of whoever serves it. */
static bool has_own_times(const struct rts_look *look)
{
    return !look->found.copied && rts_file_has_own_times(look->fd);
}

/* Where a file lies, and the rights that what lies beside it is read with. */
struct origins {
    struct rts_file_origins found;
    struct rts_rights rights;
    bool of_root; /* the file is root's, on a file system where a read ends */
};

/* Everybody maps the files that root has installed, and it must not matter for them whether the
 * process that they were met in first is still there, or was given up. */
static bool is_of_root(const struct rts_look *look)
{
    struct stat status;
    return !look->found.copied && fstat(look->fd, &status) == 0 && status.st_uid == 0;
}

static struct rts_tree tree_of(const struct rts_code_map *map, int root_fd,
                               const struct origins *origins)
{
    struct rts_tree tree = {
        .broker = rts_process_table_proc(map->processes)->broker,
        .root_fd = root_fd,
        .rights = origins->rights,
    };
    if (root_fd < 0 && origins->of_root)
        tree.rights.pid = 0;
    return tree;
}

static unsigned owner_of(const struct rts_code_question *question)
{
    return rts_process_owner(question->map->processes, question->process);
}

/* The object of what `place` has for `mapping`, if it is the very file that is mapped; then
 * *origins, which was empty, tells where that lies. */
static struct rts_object *open_at(const struct rts_code_question *question,
                                  const struct rts_mapping *mapping, enum rts_file_place place,
                                  struct origins *origins, bool *no_elf)
{
    struct rts_mapped_file *file = mapping->file;
    const struct rts_proc *proc = rts_process_table_proc(question->map->processes);
    struct rts_error cause = {.number = 0};
    struct rts_look look;
    int looked = rts_look_open(proc, question->process->view, mapping, place, &look);
    question->map->files_refused += looked < 0 && rts_is_short_of_files(errno);
    if (looked < 0)
        return NULL;
    RTS_CLOSE int fd = look.fd;
    const struct rts_file_status *status = &look.found.status;
    bool verified = look.found.verified;
    if (verified && has_own_times(&look) && !is_as_before(question->map, file, status->modified_ns))
        return NULL;
    /* What is no ELF file at all holds generated code; one that is, and cannot be read, is damaged,
     * or of another machine. */
    if (!rts_is_elf(fd)) {
        *no_elf = verified;
        return NULL;
    }
    rts_look_origins(proc, question->process->view, mapping, status, &origins->found);
    origins->rights = look.rights;
    origins->of_root = is_of_root(&look);
    const struct rts_root_view *view = &origins->found.items[0].view;
    struct rts_debug_search search = {
        .tree = tree_of(question->map, view->own_root ? -1 : view->fd, origins),
        .namespace = view->our_namespace ? 0 : view->namespace,
        .owner = owner_of(question),
        .enabled = true,
    };
    struct rts_object *object =
        rts_object_cache_get(question->map->objects, rts_take_fd(&fd), file->path, &search, &cause);
    question->map->files_refused += !object && rts_is_short_of_files(cause.number);
    file->copied = object && !is_file_of(object, status);
    file->in_memory = look.found.copied;
    if (object && (verified || (file->build_id.size > 0 &&
                                rts_build_id_same(&file->build_id, rts_object_build_id(object)))))
        return object;
    if (object)
        rts_object_cache_unref(question->map->objects, object);
    rts_file_origins_finish(&origins->found);
    return NULL;
}

static void note_package(const struct rts_code_map *map, struct rts_object *object,
                         const struct origins *origins)
{
    struct rts_package_place places[RTS_FILE_ORIGINS_MAX];
    for (size_t i = 0; i < origins->found.count; i++) {
        const struct rts_file_origin *origin = &origins->found.items[i];
        places[i] = (struct rts_package_place){
            .path = origin->path,
            .tree = tree_of(map, origin->view.own_namespace ? -1 : origin->view.fd, origins),
            .namespace = origin->view.namespace,
            .certain = origin->certain,
        };
    }
    rts_package_table_note(map->packages, object, places, origins->found.count);
}

/* Of a file that cannot be opened the kernel may know the build-id: what stands for it then. */
static struct rts_object *stand_in(const struct rts_code_question *question,
                                   const struct rts_mapping *mapping)
{
    const struct rts_mapped_file *file = mapping->file;
    struct rts_build_id asked;
    const struct rts_proc *proc = rts_process_table_proc(question->map->processes);
    if (file->build_id.size > 0)
        return rts_object_bare(&file->build_id, file->path);
    if (!proc->root || !rts_look_build_id(proc, question->process->view, mapping, &asked))
        return NULL;
    return rts_object_bare(&asked, file->path);
}

/* What was found is true of those only who see it where it was found. */
static void keep_as_seen(const struct rts_code_question *question, struct rts_mapped_file *file,
                         const struct rts_root_view *view)
{
    struct stat root;
    struct rts_file_view key = {.namespace = view->namespace};
    if (view->own_namespace)
        return;
    if (view->fd >= 0 && fstat(view->fd, &root) == 0) {
        key.device = root.st_dev;
        key.inode = root.st_ino;
    }
    struct rts_mapped_file *seen =
        rts_process_table_divide(question->map->processes, question->process, file, &key);
    if (seen->object)
        rts_object_cache_unref(question->map->objects, seen->object);
    seen->object = file->object;
    seen->copied = file->copied;
    seen->in_memory = file->in_memory;
    file->object = NULL;
    file->resolved = false;
    rts_mapped_file_forget_attempts(file);
}

/* Finds the file of `mapping` and keeps its object. */
static void resolve(const struct rts_code_question *question, const struct rts_mapping *mapping)
{
    struct rts_mapped_file *file = mapping->file;
    file->resolved = true;
    file->tried_instance = question->process->instance;
    if (question->map->finder) {
        file->object =
            question->map->finder->find(question->map->finder->context, mapping, &file->no_elf);
        return;
    }
    struct origins origins = {.found = {.count = 0}};
    uint64_t refused = question->map->files_refused;
    for (int place = 0; !file->object && !file->no_elf && place < RTS_PLACE_COUNT; place++)
        file->object =
            open_at(question, mapping, (enum rts_file_place)place, &origins, &file->no_elf);
    if (file->object && question->map->packages)
        note_package(question->map, file->object, &origins);
    const bool found = file->object != NULL;
    if (found)
        keep_as_seen(question, file, &origins.found.items[0].view);
    rts_file_origins_finish(&origins.found);
    if (found)
        return;
    if (!file->object && question->map->files_refused > refused) {
        file->resolved = false; /* that is no fault of the file */
        return;
    }
    rts_mapped_file_failed(file, owner_of(question));
    if (!file->object && !file->no_elf && !file->bare && !file->outdated)
        file->bare = stand_in(question, mapping);
}

/* The last change of what is mapped, whose object is of another file. */
static int64_t modified_now(const struct rts_code_question *question,
                            const struct rts_mapping *mapping)
{
    const struct rts_proc *proc = rts_process_table_proc(question->map->processes);
    for (int place = 0; place < RTS_PLACE_COUNT; place++) {
        struct rts_look look;
        if (rts_look_open(proc, question->process->view, mapping, (enum rts_file_place)place,
                          &look) < 0)
            continue;
        RTS_CLOSE int fd = look.fd;
        if (look.found.verified && has_own_times(&look))
            return look.found.status.modified_ns;
    }
    return mapping->file->modified_ns;
}

/* Looks whether the file was overwritten. */
static void check_content(const struct rts_code_question *question,
                          const struct rts_mapping *mapping, struct rts_mapped_file *file)
{
    int64_t modified_ns = file->modified_ns;
    file->checked_ns = question->time;
    if (file->in_memory)
        return;
    if (file->copied)
        modified_ns = modified_now(question, mapping);
    else if (!rts_object_is_intact(file->object))
        modified_ns = rts_object_modified_ns(file->object);
    else
        return;
    note_change(question->map, file, modified_ns);
}

/* The file as the process sees it. */
static struct rts_mapped_file *seen_by(const struct rts_code_question *question,
                                       struct rts_mapped_file *file)
{
    return file->object ? file
                        : rts_process_table_seen(question->map->processes, question->process, file);
}

struct rts_mapped_file *rts_mapped_object_file(const struct rts_code_question *question,
                                               struct rts_mapping *mapping)
{
    if (question->map->finder)
        return mapping->file;
    struct rts_mapped_file *file = seen_by(question, mapping->file);
    if (file->object && !file->outdated &&
        (!mapping->placed || question->time > file->checked_ns + CHECKED_EACH_NS))
        check_content(question, mapping, file);
    /* One that is known by its build-id has no other entry. */
    if (file->outdated && question->time >= file->until_ns && file->has_identity)
        rts_process_table_renew_file(question->map->processes, mapping);
    return mapping->file;
}

bool rts_mapped_object_is_of_time(const struct rts_code_question *question,
                                  const struct rts_mapped_file *file)
{
    return question->time + TICK_NS >= file->from_ns &&
           !(file->outdated && question->time >= file->until_ns);
}

struct rts_object *rts_mapped_object_find(const struct rts_code_question *question,
                                          const struct rts_mapping *mapping)
{
    struct rts_mapped_file *file = seen_by(question, mapping->file);
    bool try_again = file->resolved && !question->map->finder && !file->object && !file->no_elf &&
                     file->tried_instance != question->process->instance &&
                     rts_mapped_file_attempts(file, owner_of(question)) < ATTEMPTS_MAX;
    if (!file->of && !file->outdated && (!file->resolved || try_again)) {
        resolve(question, mapping);
        file = seen_by(question, file);
    }
    return rts_mapped_object_is_of_time(question, file) ? file->object : NULL;
}
