/* SPDX-License-Identifier: Apache-2.0 */
#include "sampler/copied_text.h"

#include <string.h>

#include "binary/object.h"
#include "process/neighbours.h"

/* Read and compared at once: a function, and what it calls nearby. */
#define BLOCK_SIZE (16 * RTS_TEXT_PAGE)

/* Where the text of a neighbouring file may belong. Segments that share a page of the file make
 * more than one of it. */
struct candidates {
    struct rts_text_copy places[4];
    size_t count, same;
    struct rts_text_copy *best; /* the last one that the memory bears out, else the last one */
};

/* Reads memory of the target; returns how many bytes of it. */
static size_t read_memory(const struct rts_code_question *question, uint64_t address,
                          uint8_t *bytes, size_t size)
{
    const struct rts_proc *proc = rts_process_table_proc(question->map->processes);
    size_t have = 0;
    /* In one piece where that is permitted at once. */
    while (have < size) {
        size_t got = rts_proc_memory(proc, question->process->view, address + have, bytes + have,
                                     size - have);
        if (got == 0)
            break;
        have += got;
    }
    return have;
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* The part of a place in the unit of `size` bytes, a power of two, around `pc`. */
static uint64_t part_around(const struct rts_text_copy *place, uint64_t pc, uint64_t size,
                            uint64_t *start)
{
    uint64_t from = pc & ~(size - 1), last = smaller(from | (size - 1), place->end - 1);
    *start = from > place->start ? from : place->start;
    return last - *start + 1;
}

/* Compares the block around `pc` with the file, page by page. A page at the edge of the text counts
 * as far as it is text. */
static void compare_block(const struct rts_code_question *question, struct rts_text_copy *copy,
                          struct rts_object *object, uint64_t pc)
{
    uint8_t memory[BLOCK_SIZE], text[BLOCK_SIZE];
    uint64_t start, wanted = part_around(copy, pc, BLOCK_SIZE, &start);
    size_t have = read_memory(question, start, memory, (size_t)wanted);
    if (have == 0 || rts_object_read_text(object, start - copy->bias, text, have) != have)
        return;
    for (uint64_t done = 0, page, size; done < have; done += size) {
        size = part_around(copy, start + done, RTS_TEXT_PAGE, &page);
        if (size > have - done)
            return;
        bool same = memcmp(memory + done, text + done, (size_t)size) == 0;
        *rts_text_copy_page(copy, page) = same ? RTS_PAGE_SAME : RTS_PAGE_DIFFERENT;
    }
}

/* What is known of the page of `pc`, which lies in the copy. */
static enum rts_page_text page_text(const struct rts_code_question *question,
                                    struct rts_text_copy *copy, struct rts_object *object,
                                    uint64_t pc)
{
    const uint8_t *page = rts_text_copy_page(copy, pc);
    rts_text_copy_age(copy, question->time);
    if (*page == RTS_PAGE_UNKNOWN || (*page & RTS_PAGE_STALE))
        compare_block(question, copy, object, pc);
    return (enum rts_page_text)(*page & ~RTS_PAGE_STALE);
}

static bool is_known(const struct candidates *candidates, const struct rts_text_copy *place)
{
    for (size_t i = 0; i < candidates->count; i++)
        if (candidates->places[i].bias == place->bias &&
            candidates->places[i].anchor.file == place->anchor.file)
            return true;
    return false;
}

/* Does the page of `pc` equal what the file would have there? */
static bool bears_out(const struct rts_code_question *question, const struct rts_text_copy *place,
                      struct rts_object *object, uint64_t pc)
{
    uint8_t memory[RTS_TEXT_PAGE], text[RTS_TEXT_PAGE];
    uint64_t start;
    size_t size = (size_t)part_around(place, pc, RTS_TEXT_PAGE, &start);
    return read_memory(question, start, memory, size) == size &&
           rts_object_read_text(object, start - place->bias, text, size) == size &&
           memcmp(memory, text, size) == 0;
}

/* Can `other`, where it is a mapping of the same file, be there too with this bias? */
static bool agrees(struct rts_object *object, const struct rts_mapping *anchor,
                   const struct rts_mapping *other, uint64_t bias, uint64_t pc)
{
    struct rts_text_place text;
    if (anchor->file != other->file)
        return true;
    for (size_t i = 0; rts_object_text_place(object, other->start, other->offset, pc, i, &text);
         i++)
        if (text.bias == bias)
            return true;
    return false;
}

/* Where the text of the file at `anchor` may belong, such that it is at `pc`, as far as `other`,
 * the other neighbour, agrees. */
static void add_candidates(const struct rts_code_question *question,
                           const struct rts_mapping *anchor, const struct rts_mapping *other,
                           const struct rts_mapping *mapping, uint64_t pc,
                           struct candidates *candidates)
{
    const size_t limit = sizeof candidates->places / sizeof *candidates->places;
    struct rts_text_place text;
    struct rts_object *object = rts_mapped_object_find(question, anchor);
    for (size_t i = 0; object && candidates->count < limit &&
                       rts_object_text_place(object, anchor->start, anchor->offset, pc, i, &text);
         i++) {
        struct rts_text_copy place = {.bias = text.bias, .anchor = *anchor};
        place.start = text.start > mapping->start ? text.start : mapping->start;
        place.end = smaller(text.end, mapping->end);
        place.offset = text.offset + (place.start - text.start);
        if (pc < place.start || pc >= place.end || is_known(candidates, &place) ||
            !agrees(object, anchor, other, text.bias, pc))
            continue;
        struct rts_text_copy *added = &candidates->places[candidates->count++];
        *added = place;
        bool same = bears_out(question, &place, object, pc);
        candidates->same += same;
        if (same || candidates->same == 0)
            candidates->best = added;
    }
}

/* Looks at the files around `pc`, once per mapping. A place that the memory does not bear out is
 * kept too where it is the only one: a copy may be met while it is being made. */
static void search(const struct rts_code_question *question, struct rts_mapping *mapping,
                   uint64_t pc)
{
    struct rts_process *process = question->process;
    struct rts_mapping anchors[RTS_NEIGHBOURS_MAX];
    struct candidates candidates = {.count = 0};
    int count =
        rts_process_neighbours(question->map->processes, process, pc, question->time, anchors);
    for (int i = 0; i < count; i++)
        add_candidates(question, &anchors[i], &anchors[count - 1 - i], mapping, pc, &candidates);
    bool certain = candidates.same == 1 || (candidates.same == 0 && candidates.count == 1);
    mapping->searched = count >= 0 && (certain || candidates.count == 0 || candidates.same > 1);
    if (certain) {
        rts_mapped_file_ref(candidates.best->anchor.file);
        rts_process_add_text_copy(process, mapping, candidates.best);
        process->search_wait_ns = 0;
    }
    for (int i = 0; i < count; i++)
        rts_mapped_file_unref(anchors[i].file);
}

void rts_copied_text_find(const struct rts_code_question *question, struct rts_mapping *mapping,
                          uint64_t pc, struct rts_code *code)
{
    if (question->map->finder)
        return; /* a trace has no memory */
    if (!mapping->searched) {
        mapping = rts_process_own_mapping(question->process, mapping);
        search(question, mapping, pc);
    }
    struct rts_text_copy *copy =
        rts_text_copies_find(&question->process->copies, mapping->text_copy);
    if (!copy || pc < copy->start || pc >= copy->end)
        return;
    struct rts_object *object = rts_mapped_object_find(question, &copy->anchor);
    if (!object)
        return;
    switch (page_text(question, copy, object, pc)) {
    case RTS_PAGE_SAME:
        mapping->bias = copy->bias;
        mapping->load_base = copy->bias + rts_object_first_vaddr(object);
        *code = (struct rts_code){
            .kind = RTS_CODE_OBJECT,
            .object = object,
            .bias = mapping->bias,
            .load_base = mapping->load_base,
            .text = RTS_FRAME_COPY,
            .module = copy->anchor.file->module,
        };
        break;
    case RTS_PAGE_DIFFERENT: code->text = RTS_FRAME_DIFFERENT; break;
    case RTS_PAGE_UNKNOWN: break;
    }
}
