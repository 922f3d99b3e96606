/* SPDX-License-Identifier: Apache-2.0 */
#include "sampler/code_map.h"

#include "sampler/copied_text.h"

static struct rts_code in_object(const struct rts_code_question *question,
                                 struct rts_mapping *mapping, struct rts_object *object)
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
    rts_object_see(object, rts_process_owner(question->map->processes, question->process));
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

static struct rts_object *find_vdso(const struct rts_code_map *map)
{
    return map->finder ? map->finder->find_vdso(map->finder->context)
                       : rts_object_cache_vdso(map->objects);
}

struct rts_code rts_code_map_find(void *context, uint64_t pc)
{
    const struct rts_code_question *question = context;
    struct rts_mapping *mapping =
        rts_mapping_set_find(&question->process->mappings, pc, question->time);
    struct rts_code code = {.kind = RTS_CODE_NONE};
    if (!mapping)
        return code;
    if (mapping->kind == RTS_MAPPING_VDSO) {
        struct rts_object *vdso = find_vdso(question->map);
        if (vdso) {
            code = in_object(question, mapping, vdso);
            rts_object_cache_unref(question->map->objects, vdso); /* it is kept for the whole run */
            return code;
        }
    }
    struct rts_mapped_file *file = mapping->file ? rts_mapped_object_file(question, mapping) : NULL;
    struct rts_object *object = file ? rts_mapped_object_find(question, mapping) : NULL;
    if (object)
        return in_object(question, mapping, object);
    code.kind = file && !file->no_elf ? RTS_CODE_NO_FILE : RTS_CODE_ANONYMOUS;
    if (code.kind == RTS_CODE_NO_FILE && file->bare && rts_mapped_object_is_of_time(question, file))
        in_bare(mapping, &code);
    else if (mapping->kind == RTS_MAPPING_FILE || mapping->kind == RTS_MAPPING_ANONYMOUS)
        rts_copied_text_find(question, mapping, pc, &code);
    return code;
}
