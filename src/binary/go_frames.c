/* SPDX-License-Identifier: Apache-2.0 */
#include "binary/go_frames.h"

#include <string.h>

#include "util/cursor.h"

/* A frame beyond this cannot be on a stack whose copy is smaller. */
#define FRAME_MAX (1 << 30)
/* Numbers of one function: two bytes or more for each change of the stack pointer, of which some
 * have hundreds. */
#define NUMBERS_MAX 16384
/* Longer names than this are none of those looked for. */
#define NAME_MAX_HERE 32

/* Where Go's own stacks begin. */
static const char *const outermost[] = {"runtime.goexit",      "runtime.mstart",
                                        "runtime.rt0_go",      "runtime.goexit.abi0",
                                        "runtime.mstart.abi0", "runtime.rt0_go.abi0"};

static bool reads_as(const char *name, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(name, list[i]) == 0)
            return true;
    return false;
}

/* Before Go 1.18 one cannot be sure that the table says which functions switch stacks. They are
 * assembly of the runtime, so only that function of it is trusted which the main stack goes
 * through. */
static enum rts_go_frame by_name(const struct rts_go_table *table,
                                 const struct rts_go_description *description)
{
    static const char *const trusted[] = {"runtime.main"};
    char name[NAME_MAX_HERE + 1] = "";
    uint64_t left = table->names_size - description->name;
    size_t size = left < NAME_MAX_HERE ? (size_t)left : NAME_MAX_HERE;
    if (!rts_go_table_read(table, table->names + description->name, name, size) || name[0] == '\0')
        return RTS_GO_FRAME_UNKNOWN;
    if (reads_as(name, outermost, sizeof outermost / sizeof *outermost))
        return RTS_GO_FRAME_OUTERMOST;
    bool is_of_runtime = strncmp(name, "runtime", 7) == 0 || !strchr(name, '.');
    return is_of_runtime && !reads_as(name, trusted, 1) ? RTS_GO_FRAME_UNKNOWN : RTS_GO_FRAME_SIZED;
}

static enum rts_go_frame kind_of(const struct rts_go_table *table,
                                 const struct rts_go_description *description)
{
    if (description->is_outermost)
        return RTS_GO_FRAME_OUTERMOST;
    if (description->moves_stack || description->frame_sizes == 0)
        return RTS_GO_FRAME_UNKNOWN;
    return description->flags_are_known ? RTS_GO_FRAME_SIZED : by_name(table, description);
}

/* Pairs of a difference of the number and one of the pc up to which it holds, until a difference of
 * zero, which only the first pair may have. */
static bool size_at(const struct rts_go_table *table, uint32_t place, uint64_t pc, uint32_t *size)
{
    uint8_t bytes[NUMBERS_MAX];
    uint64_t at = table->numbers + place;
    uint64_t available = at < table->size ? table->size - at : 0;
    if (available > sizeof bytes)
        available = sizeof bytes;
    if (available == 0 || !rts_go_table_read(table, at, bytes, (size_t)available))
        return false;
    struct rts_cursor reader = {bytes, bytes + available, false};
    uint64_t end = 0;
    int64_t value = -1;
    for (bool first = true; !reader.failed; first = false) {
        uint64_t folded = rts_cursor_uleb(&reader);
        if (reader.failed || folded > UINT32_MAX || (folded == 0 && !first))
            return false;
        value += folded & 1 ? -(int64_t)(folded >> 1) - 1 : (int64_t)(folded >> 1);
        uint64_t length = rts_cursor_uleb(&reader);
        if (reader.failed || length > UINT32_MAX)
            return false;
        end += length * table->quantum;
        if (pc < end) {
            *size = (uint32_t)value;
            return value >= 0 && value <= FRAME_MAX && value % (int64_t)sizeof(uint64_t) == 0;
        }
    }
    return false;
}

enum rts_go_frame rts_go_frames_at(const struct rts_go_table *table, uint64_t vaddr, uint32_t *size)
{
    size_t index;
    struct rts_go_description description;
    if (!rts_go_table_find(table, vaddr, &index))
        return RTS_GO_FRAME_NONE;
    if (!rts_go_table_describe(table, index, &description))
        return RTS_GO_FRAME_UNKNOWN;
    enum rts_go_frame kind = kind_of(table, &description);
    if (kind == RTS_GO_FRAME_SIZED &&
        !size_at(table, description.frame_sizes, vaddr - table->entries[index].start, size))
        return RTS_GO_FRAME_UNKNOWN;
    return kind;
}
