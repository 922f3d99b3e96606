/* SPDX-License-Identifier: Apache-2.0 */
#include "session/code_map.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "binary/build_id.h"
#include "binary/elf_image.h"
#include "binary/object_content.h"
#include "process/look.h"
#include "session/copied_text.h"
#include "util/cleanup.h"
#include "util/clock.h"

/* A file that cannot be opened through one process may be there in another one's view; after this
 * many it is given up. */
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

/* The object of what `place` has for `mapping`, if it is the very file that is mapped; then
 * *origins, which was empty, tells where that lies. */
static struct rts_object *open_at(struct rts_code_map *map, const struct rts_mapping *mapping,
                                  enum rts_file_place place, struct origins *origins, bool *no_elf)
{
    struct rts_mapped_file *file = mapping->file;
    const struct rts_proc *proc = rts_process_table_proc(map->processes);
    struct rts_error cause = {.number = 0};
    struct rts_look look;
    int looked = rts_look_open(proc, map->process->view, mapping, place, &look);
    map->files_refused += looked < 0 && rts_is_short_of_files(errno);
    if (looked < 0)
        return NULL;
    RTS_CLOSE int fd = look.fd;
    const struct rts_file_status *status = &look.found.status;
    bool verified = look.found.verified;
    if (verified && has_own_times(&look) && !is_as_before(map, file, status->modified_ns))
        return NULL;
    /* What is no ELF file at all holds generated code; one that is, and cannot be read, is damaged,
     * or of another machine. */
    if (!rts_is_elf(fd)) {
        *no_elf = verified;
        return NULL;
    }
    rts_look_origins(proc, map->process->view, mapping, status, &origins->found);
    origins->rights = look.rights;
    origins->of_root = is_of_root(&look);
    const struct rts_root_view *view = &origins->found.items[0].view;
    struct rts_debug_search search = {
        .tree = tree_of(map, view->own_root ? -1 : view->fd, origins),
        .namespace = view->our_namespace ? 0 : view->namespace,
        .enabled = true,
    };
    struct rts_object *object =
        rts_object_cache_get(map->objects, rts_take_fd(&fd), file->path, &search, &cause);
    map->files_refused += !object && rts_is_short_of_files(cause.number);
    file->copied = object && !is_file_of(object, status);
    file->in_memory = look.found.copied;
    if (object && (verified || (file->build_id.size > 0 &&
                                rts_build_id_same(&file->build_id, rts_object_build_id(object)))))
        return object;
    if (object)
        rts_object_cache_unref(map->objects, object);
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
static struct rts_object *stand_in(const struct rts_code_map *map,
                                   const struct rts_mapping *mapping)
{
    const struct rts_mapped_file *file = mapping->file;
    struct rts_build_id asked;
    const struct rts_proc *proc = rts_process_table_proc(map->processes);
    if (file->build_id.size > 0)
        return rts_object_bare(&file->build_id, file->path);
    if (!proc->root || !rts_look_build_id(proc, map->process->view, mapping, &asked))
        return NULL;
    return rts_object_bare(&asked, file->path);
}

/* What was found is true of those only who see it where it was found. */
static void keep_as_seen(struct rts_code_map *map, struct rts_mapped_file *file,
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
        rts_process_table_divide(map->processes, map->process, file, &key);
    if (seen->object)
        rts_object_cache_unref(map->objects, seen->object);
    seen->object = file->object;
    seen->copied = file->copied;
    seen->in_memory = file->in_memory;
    file->object = NULL;
    file->resolved = false;
    file->attempts = 0;
}

/* Finds the file of `mapping` and keeps its object. */
static void resolve(struct rts_code_map *map, const struct rts_mapping *mapping)
{
    struct rts_mapped_file *file = mapping->file;
    file->resolved = true;
    file->attempts++;
    file->tried_instance = map->process->instance;
    if (map->finder) {
        file->object = map->finder->find(map->finder->context, mapping, &file->no_elf);
        return;
    }
    struct origins origins = {.found = {.count = 0}};
    uint64_t refused = map->files_refused;
    for (int place = 0; !file->object && !file->no_elf && place < RTS_PLACE_COUNT; place++)
        file->object = open_at(map, mapping, (enum rts_file_place)place, &origins, &file->no_elf);
    if (file->object && map->packages)
        note_package(map, file->object, &origins);
    const bool found = file->object != NULL;
    if (found)
        keep_as_seen(map, file, &origins.found.items[0].view);
    rts_file_origins_finish(&origins.found);
    if (found)
        return;
    if (!file->object && map->files_refused > refused) {
        file->resolved = false; /* that is no fault of the file */
        file->attempts--;
        return;
    }
    if (!file->object && !file->no_elf && !file->bare && !file->outdated)
        file->bare = stand_in(map, mapping);
}

/* The last change of what is mapped, whose object is of another file. */
static int64_t modified_now(const struct rts_code_map *map, const struct rts_mapping *mapping)
{
    const struct rts_proc *proc = rts_process_table_proc(map->processes);
    for (int place = 0; place < RTS_PLACE_COUNT; place++) {
        struct rts_look look;
        if (rts_look_open(proc, map->process->view, mapping, (enum rts_file_place)place, &look) < 0)
            continue;
        RTS_CLOSE int fd = look.fd;
        if (look.found.verified && has_own_times(&look))
            return look.found.status.modified_ns;
    }
    return mapping->file->modified_ns;
}

/* Looks whether the file was overwritten. */
static void check_content(const struct rts_code_map *map, const struct rts_mapping *mapping,
                          struct rts_mapped_file *file)
{
    int64_t modified_ns = file->modified_ns;
    file->checked_ns = map->time;
    if (file->in_memory)
        return;
    if (file->copied)
        modified_ns = modified_now(map, mapping);
    else if (!rts_object_is_intact(file->object))
        modified_ns = rts_object_modified_ns(file->object);
    else
        return;
    note_change(map, file, modified_ns);
}

/* The file as the process sees it. */
static struct rts_mapped_file *seen_by(const struct rts_code_map *map, struct rts_mapped_file *file)
{
    return file->object ? file : rts_process_table_seen(map->processes, map->process, file);
}

/* The entry of the mapping's file, as of the sample at hand. Memory shows what is written to a
 * file, so when that is overwritten another one counts from then on. */
static struct rts_mapped_file *file_of(struct rts_code_map *map, struct rts_mapping *mapping)
{
    if (map->finder)
        return mapping->file;
    struct rts_mapped_file *file = seen_by(map, mapping->file);
    if (file->object && !file->outdated &&
        (!mapping->placed || map->time > file->checked_ns + CHECKED_EACH_NS))
        check_content(map, mapping, file);
    /* One that is known by its build-id has no other entry. */
    if (file->outdated && map->time >= file->until_ns && file->has_identity)
        rts_process_table_renew_file(map->processes, mapping);
    return mapping->file;
}

/* Whether what was opened, or could not be, is what was there at the time of the sample. */
static bool is_of_time(const struct rts_code_map *map, const struct rts_mapped_file *file)
{
    return map->time + TICK_NS >= file->from_ns && !(file->outdated && map->time >= file->until_ns);
}

static struct rts_code in_object(struct rts_code_map *map, struct rts_mapping *mapping,
                                 struct rts_object *object)
{
    struct rts_code code = {.kind = RTS_CODE_NO_FILE};
    if (!mapping->placed) {
        uint64_t vaddr;
        uint64_t size = mapping->end - mapping->start;
        if (!rts_object_offset_to_vaddr(object, mapping->offset, &vaddr) ||
            (rts_object_is_by_path(object) && !rts_object_maps_as(object, mapping->offset, size)))
            return code;
        mapping->bias = mapping->start - vaddr;
        mapping->load_base = mapping->bias + rts_object_first_vaddr(object);
        mapping->placed = true;
    }
    rts_object_see(object, rts_process_owner(map->processes, map->process));
    return (struct rts_code){
        .kind = RTS_CODE_OBJECT,
        .object = object,
        .bias = mapping->bias,
        .load_base = mapping->load_base,
        .module = mapping->file ? mapping->file->module : "[vdso]",
    };
}

/* The place in a file that cannot be opened. */
static void in_bare(struct rts_mapping *mapping, struct rts_code *code)
{
    code->object = mapping->file->bare;
    code->module = mapping->file->module;
    code->bias = code->load_base = mapping->bias = mapping->load_base =
        mapping->start - mapping->offset;
}

struct rts_object *rts_code_map_object(struct rts_code_map *map, const struct rts_mapping *mapping)
{
    struct rts_mapped_file *file = seen_by(map, mapping->file);
    bool try_again = file->resolved && !map->finder && !file->object && !file->no_elf &&
                     file->attempts < ATTEMPTS_MAX &&
                     file->tried_instance != map->process->instance;
    if (!file->of && !file->outdated && (!file->resolved || try_again)) {
        resolve(map, mapping);
        file = seen_by(map, file);
    }
    return is_of_time(map, file) ? file->object : NULL;
}

struct rts_code rts_code_map_find(void *context, uint64_t pc)
{
    struct rts_code_map *map = context;
    struct rts_mapping *mapping = rts_mapping_set_find(&map->process->mappings, pc, map->time);
    struct rts_code code = {.kind = RTS_CODE_NONE};
    if (!mapping)
        return code;
    if (mapping->kind == RTS_MAPPING_VDSO) {
        struct rts_object *vdso = map->finder ? map->finder->find_vdso(map->finder->context)
                                              : rts_object_cache_vdso(map->objects);
        if (vdso) {
            code = in_object(map, mapping, vdso);
            rts_object_cache_unref(map->objects, vdso); /* it is kept for the whole run */
            return code;
        }
    }
    struct rts_mapped_file *file = mapping->file ? file_of(map, mapping) : NULL;
    struct rts_object *object = file ? rts_code_map_object(map, mapping) : NULL;
    if (object)
        return in_object(map, mapping, object);
    code.kind = file && !file->no_elf ? RTS_CODE_NO_FILE : RTS_CODE_ANONYMOUS;
    if (code.kind == RTS_CODE_NO_FILE && file->bare && is_of_time(map, file))
        in_bare(mapping, &code);
    else if (mapping->kind == RTS_MAPPING_FILE || mapping->kind == RTS_MAPPING_ANONYMOUS)
        rts_copied_text_find(map, mapping, pc, &code);
    return code;
}
