/* SPDX-License-Identifier: Apache-2.0 */
#include "session/code_map.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "binary/elf_image.h"
#include "process/file_origin.h"
#include "process/maps_query.h"
#include "session/copied_text.h"

/* A file that cannot be opened through one process may be there in another one's view; after this
 * many it is given up. */
#define ATTEMPTS_MAX 8

static bool same_build_id(const struct rts_build_id *a, const struct rts_build_id *b)
{
    return a->size == b->size && memcmp(a->bytes, b->bytes, a->size) == 0;
}

/* The object of what `place` has for `mapping`, if it is the very file that is mapped; then
 * *origins, which was empty, tells where that lies. */
static struct rts_object *open_at(struct rts_code_map *map, const struct rts_mapping *mapping,
                                  enum rts_file_place place, struct rts_file_origins *origins,
                                  bool *no_elf)
{
    struct rts_mapped_file *file = mapping->file;
    bool verified;
    const char *proc_root = rts_process_table_root(map->processes);
    int fd = rts_mapped_file_open(proc_root, map->process->view, mapping, place, &verified, NULL);
    if (fd < 0)
        return NULL;
    /* What is no ELF file at all holds generated code; one that is, and cannot be read, is damaged,
     * or of another machine. */
    if (!rts_is_elf(fd)) {
        *no_elf = verified;
        close(fd);
        return NULL;
    }
    rts_file_origins_find(origins, proc_root, map->process->view, mapping, fd);
    const struct rts_root_view *view = &origins->items[0].view;
    struct rts_debug_search search = {.root_fd = view->own_root ? -1 : view->fd, .enabled = true};
    struct rts_object *object = rts_object_cache_get(map->objects, fd, file->path, &search, NULL);
    if (object && (verified || (file->build_id.size > 0 &&
                                same_build_id(&file->build_id, rts_object_build_id(object)))))
        return object;
    if (object)
        rts_object_cache_unref(map->objects, object);
    rts_file_origins_finish(origins);
    return NULL;
}

static void note_package(const struct rts_code_map *map, const struct rts_object *object,
                         const struct rts_file_origins *origins)
{
    struct rts_package_place places[RTS_FILE_ORIGINS_MAX];
    for (size_t i = 0; i < origins->count; i++) {
        const struct rts_file_origin *origin = &origins->items[i];
        places[i] = (struct rts_package_place){
            .path = origin->path,
            .root_fd = origin->view.own_namespace ? -1 : origin->view.fd,
            .namespace = origin->view.namespace,
            .certain = origin->certain,
        };
    }
    rts_package_table_note(map->packages, object, places, origins->count);
}

/* Of a file that cannot be opened the kernel may know the build-id: what stands for it then. */
static struct rts_object *stand_in(const struct rts_code_map *map,
                                   const struct rts_mapping *mapping)
{
    const struct rts_mapped_file *file = mapping->file;
    struct rts_build_id asked;
    const char *proc_root = rts_process_table_root(map->processes);
    if (file->build_id.size > 0)
        return rts_object_bare(&file->build_id, file->path);
    if (!proc_root || !rts_maps_query_build_id(proc_root, map->process->view, mapping, &asked))
        return NULL;
    return rts_object_bare(&asked, file->path);
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
    struct rts_file_origins origins = {.count = 0};
    for (int place = 0; !file->object && !file->no_elf && place < RTS_PLACE_COUNT; place++)
        file->object = open_at(map, mapping, (enum rts_file_place)place, &origins, &file->no_elf);
    if (file->object && map->packages)
        note_package(map, file->object, &origins);
    rts_file_origins_finish(&origins);
    if (!file->object && !file->no_elf && !file->bare)
        file->bare = stand_in(map, mapping);
}

static struct rts_code in_object(struct rts_mapping *mapping, struct rts_object *object)
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
    rts_object_see(object);
    return (struct rts_code){
        .kind = RTS_CODE_OBJECT,
        .object = object,
        .bias = mapping->bias,
        .load_base = mapping->load_base,
    };
}

/* The place in a file that cannot be opened. */
static void in_bare(struct rts_mapping *mapping, struct rts_code *code)
{
    code->object = mapping->file->bare;
    code->bias = code->load_base = mapping->bias = mapping->load_base =
        mapping->start - mapping->offset;
}

struct rts_object *rts_code_map_object(struct rts_code_map *map, const struct rts_mapping *mapping)
{
    struct rts_mapped_file *file = mapping->file;
    bool try_again = file->resolved && !map->finder && !file->object && !file->no_elf &&
                     file->attempts < ATTEMPTS_MAX &&
                     file->tried_instance != map->process->instance;
    if (!file->resolved || try_again)
        resolve(map, mapping);
    return file->object;
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
            code = in_object(mapping, vdso);
            rts_object_cache_unref(map->objects, vdso); /* it is kept for the whole run */
            return code;
        }
    }
    struct rts_mapped_file *file = mapping->file;
    struct rts_object *object = file ? rts_code_map_object(map, mapping) : NULL;
    if (object)
        return in_object(mapping, object);
    code.kind = file && !file->no_elf ? RTS_CODE_NO_FILE : RTS_CODE_ANONYMOUS;
    if (code.kind == RTS_CODE_NO_FILE && file->bare)
        in_bare(mapping, &code);
    else if (mapping->kind == RTS_MAPPING_FILE || mapping->kind == RTS_MAPPING_ANONYMOUS)
        rts_copied_text_find(map, mapping, pc, &code);
    return code;
}
