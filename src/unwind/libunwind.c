/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libunwind as an unwinder of remote threads, by accessors of our own:
 *
 *     find_proc_info   our index finds the FDE; libunwind is given a table with that one entry, and
 *                      decodes FDE and CIE by itself
 *     access_mem       the words of that table, of the CFI, of the stack, and of program text
 *     access_reg       the registers of the sample
 *
 * CFI is at link-time addresses for it, the rest at those of the target. It follows guesses where
 * there is no CFI: those frames are not taken.
 */
#include "unwind/method.h"

#include <stdlib.h>

#include "binary/cfi_entry.h"
#include "binary/object.h"
#include "unwind/libunwind_library.h"
#include "unwind/root.h"
#include "util/memory.h"

/* Where the table with one entry is said to be: in no target's memory. */
#define TABLE_ADDRESS UINT64_C(0xfffffffffffff000)

/* Words that are read for one step. A call frame program takes some hundred; an expression may
 * loop for ever, and reads while it does. */
#define ACCESSES_MAX 100000

/* An entry of a binary search table: both relative to the segment base (LSB, .eh_frame_hdr). */
struct table_entry {
    int32_t start, fde;
};

struct guest {
    struct rts_libunwind library;
    unw_addr_space_t space;
    const struct rts_architecture *arch;
    struct rts_rule_cache *rules;
    const struct rts_unwind_task *task;
    struct rts_object_fde fde; /* that was found last; size 0: none */
    struct table_entry table;
    bool searching;   /* in find_proc_info */
    bool no_info;     /* it came to nothing */
    bool missed;      /* memory that there is not: at this address */
    bool other_stack; /* a signal's handler was left for a stack that was not copied */
    uint64_t missing;
    unsigned accesses; /* in this step */
};

/* ---- accessors; `context` is the guest ---- */

/* Copies what of the word at `address` lies in [bytes, bytes + size), which is at `start`. */
static bool copy_overlap(uint64_t address, uint64_t start, const void *bytes, size_t size,
                         unw_word_t *word)
{
    uint8_t *into = (uint8_t *)word;
    bool any = false;
    for (size_t i = 0; i < sizeof *word; i++) {
        uint64_t offset = address + i - start;
        bool inside = offset < size;
        into[i] = inside ? ((const uint8_t *)bytes)[offset] : 0;
        any |= inside;
    }
    return any;
}

static bool text_word(const struct guest *guest, uint64_t address, unw_word_t *word)
{
    struct rts_code code = guest->task->finder->find(guest->task->finder->context, address);
    *word = 0;
    return code.kind == RTS_CODE_OBJECT &&
           rts_object_read_text(code.object, address - code.bias, word, sizeof *word) > 0;
}

static int access_mem(unw_addr_space_t space, unw_word_t address, unw_word_t *word, int write,
                      void *context)
{
    struct guest *guest = context;
    (void)space;
    if (write || ++guest->accesses > ACCESSES_MAX)
        return -UNW_EINVAL;
    if (copy_overlap(address, TABLE_ADDRESS, &guest->table, sizeof guest->table, word) ||
        copy_overlap(address, guest->fde.section_vaddr, guest->fde.section, guest->fde.section_size,
                     word))
        return 0;
    if (guest->searching) { /* a personality routine's address, which is of no use here */
        *word = 0;
        return 0;
    }
    uint64_t value;
    if (rts_memory_word(guest->task->memory, address, &value)) {
        *word = value;
        return 0;
    }
    guest->fde = (struct rts_object_fde){0}; /* what is asked for now may push its object out */
    if (text_word(guest, address, word))
        return 0;
    guest->missed = true;
    guest->missing = address;
    return -UNW_EINVAL;
}

static int access_reg(unw_addr_space_t space, unw_regnum_t number, unw_word_t *value, int write,
                      void *context)
{
    const struct guest *guest = context;
    (void)space;
    /* libunwind numbers registers as DWARF does, on both architectures. */
    if (write)
        return -UNW_EREADONLYREG;
    if (number < 0 || !rts_register_known(guest->task->registers, (unsigned)number))
        return -UNW_EBADREG;
    *value = guest->task->registers->value[number];
    return 0;
}

/* Sets up the table of one entry. False: its numbers are too large. */
static bool fill_table(struct guest *guest)
{
    uint64_t distance = guest->fde.section_vaddr + guest->fde.entry - guest->fde.start;
    guest->table = (struct table_entry){0, (int32_t)distance};
    return (int64_t)distance == guest->table.fde;
}

/* It has a table of the registers that it follows, and reads behind its end where one is said to be in
 * another that is not among them. And it does not know DW_CFA_val_offset, whose operands it takes for
 * instructions that nobody has vetted. */
static bool is_safe(const struct guest *guest)
{
    const struct rts_object_fde *fde = &guest->fde;
    const struct rts_cfi_bytes bytes = {fde->section, fde->section_size, fde->section_vaddr};
    if (!fde->section)
        return false;
    const struct rts_cfi_mentions mentions = rts_fde_mentions(&bytes, fde->entry);
    return mentions.place < guest->arch->registers && !mentions.values;
}

static int find_proc_info(unw_addr_space_t space, unw_word_t ip, unw_proc_info_t *found,
                          int need_unwind_info, void *context)
{
    struct guest *guest = context;
    struct rts_code code = guest->task->finder->find(guest->task->finder->context, ip);
    guest->no_info = true;
    guest->fde = (struct rts_object_fde){0};
    if (code.kind != RTS_CODE_OBJECT ||
        rts_object_machine(code.object) != guest->arch->elf_machine ||
        !rts_object_fde(code.object, ip - code.bias, &guest->fde) || !fill_table(guest))
        return -UNW_ENOINFO;
    if (!is_safe(guest)) {
        guest->no_info = false;
        return -UNW_EBADREG;
    }
    unw_dyn_info_t table = {
        .start_ip = guest->fde.start,
        .end_ip = guest->fde.end,
        .format = UNW_INFO_FORMAT_REMOTE_TABLE,
        .u.rti = {.segbase = guest->fde.start,
                  .table_data = TABLE_ADDRESS,
                  .table_len = sizeof guest->table / sizeof(unw_word_t)},
    };
    guest->searching = true;
    int result = guest->library.dwarf_search_unwind_table(space, ip - code.bias, &table, found,
                                                          need_unwind_info, context);
    guest->searching = false;
    guest->no_info = result == -UNW_ENOINFO;
    if (result >= 0) {
        found->start_ip += code.bias;
        found->end_ip += code.bias;
    }
    return result;
}

/* ---- the walk ---- */

/* What a step that failed with `result` means for the stack. */
static enum rts_stop why_failed(const struct guest *guest, const struct rts_place *place,
                                int result)
{
    if (rts_root_by_code(guest->rules, place))
        return RTS_STOP_COMPLETE;
    if (guest->missed)
        return rts_memory_why_missing(guest->task->memory, guest->missing, guest->other_stack);
    if (guest->no_info || result == -UNW_ENOINFO)
        return RTS_STOP_NO_CFI;
    return result == -UNW_EBADREG ? RTS_STOP_LOST_REGISTER : RTS_STOP_BAD_CFI;
}

/* Where the cursor has come to after a step. RTS_STOP_COUNT: go on. */
static enum rts_stop judge_step(struct guest *guest, const struct rts_place *place, int result,
                                bool signal)
{
    if (result < 0)
        return why_failed(guest, place, result);
    if (guest->no_info && !signal) /* a guess: a linkage table, or a frame pointer */
        return rts_root_by_code(guest->rules, place) ? RTS_STOP_COMPLETE : RTS_STOP_NO_CFI;
    if (result == 0)
        return rts_root_is_proven(guest->rules, place) ? RTS_STOP_COMPLETE : RTS_STOP_NO_ROOT;
    return RTS_STOP_COUNT;
}

/* Was what runs at `place` entered by the kernel, so that its caller was interrupted? The CFI or the
 * code says so; unw_is_signal_frame() is about different frames in different versions. */
static bool is_signal_frame(struct guest *guest, const struct rts_place *place)
{
    const struct rts_rule *rule;
    return place->object &&
           rts_rule_cache_find(guest->rules, place->object, place->vaddr, place->exact, &rule) ==
               RTS_RULE_FOUND &&
           rule->signal_frame != RTS_RULE_CALLED;
}

static enum rts_stop walk(struct guest *guest, unw_cursor_t *cursor, struct rts_stack *stack)
{
    const struct rts_unwind_task *task = guest->task;
    bool exact = true;
    for (enum rts_unwinder how = RTS_UNWINDER_REGISTERS;; how = RTS_UNWINDER_CFI) {
        unw_word_t pc = 0, sp = 0;
        if (guest->library.get_reg(cursor, UNW_REG_IP, &pc) < 0)
            return RTS_STOP_LOST_REGISTER;
        pc &= guest->arch->pc_bits;
        struct rts_code code = task->finder->find(task->finder->context, pc - !exact);
        struct rts_place place = {code.object, pc - code.bias, exact};
        if (code.kind == RTS_CODE_NONE && stack->count > 0)
            return pc == 0 ? RTS_STOP_NO_ROOT : RTS_STOP_BAD_RETURN;
        rts_stack_add(stack, &code, pc - !exact, how);
        switch (code.kind) {
        case RTS_CODE_NONE: return RTS_STOP_BAD_RETURN;
        case RTS_CODE_NO_FILE: return RTS_STOP_NO_FILE;
        case RTS_CODE_ANONYMOUS: return RTS_STOP_NO_CFI;
        case RTS_CODE_OBJECT: break;
        }
        bool signal = is_signal_frame(guest, &place);
        if (signal) /* the kernel enters it at its first byte, as if called from the one before */
            stack->frames[stack->count - 1].vaddr = place.vaddr;
        guest->missed = guest->no_info = false;
        guest->accesses = 0;
        int result = guest->library.step(cursor);
        guest->fde = (struct rts_object_fde){0};
        enum rts_stop stop = judge_step(guest, &place, result, signal);
        if (stop != RTS_STOP_COUNT)
            return stop;
        if (stack->count == RTS_STACK_DEPTH_MAX)
            return RTS_STOP_DEPTH;
        exact = signal;
        if (signal && guest->library.get_reg(cursor, UNW_REG_SP, &sp) >= 0)
            guest->other_stack = !rts_memory_holds_stack(task->memory, sp);
    }
}

static void unwind(void *state, const struct rts_unwind_task *task, struct rts_stack *stack)
{
    struct guest *guest = state;
    unw_cursor_t cursor;
    guest->task = task;
    guest->other_stack = guest->missed = guest->no_info = false;
    guest->accesses = 0;
    guest->fde = (struct rts_object_fde){0};
    stack->count = 0;
    if (guest->library.init_remote(&cursor, guest->space, guest) >= 0) {
        stack->stop = walk(guest, &cursor, stack);
    } else {
        uint64_t pc = task->registers->value[guest->arch->program_counter];
        struct rts_code code = task->finder->find(task->finder->context, pc);
        rts_stack_add(stack, &code, pc, RTS_UNWINDER_REGISTERS);
        stack->stop = RTS_STOP_LOST_REGISTER;
    }
    guest->task = NULL;
}

static void close_guest(void *state)
{
    struct guest *guest = state;
    if (!guest)
        return;
    if (guest->space)
        guest->library.destroy_addr_space(guest->space);
    rts_libunwind_close(&guest->library);
    free(guest);
}

static void *open_guest(const struct rts_architecture *arch, struct rts_rule_cache *rules,
                        struct rts_error *error)
{
    const unw_accessors_t accessors = {
        .find_proc_info = find_proc_info, .access_mem = access_mem, .access_reg = access_reg};
    struct rts_libunwind library;
    if (arch != rts_architecture_native()) {
        rts_fail(error, RTS_FAILED,
                 "libunwind unwinds stacks of this machine's architecture only, not of %s; use "
                 "--unwinder rules",
                 arch->name);
        return NULL;
    }
    if (rts_libunwind_open(&library, error) < 0)
        return NULL;
    struct guest *guest = rts_calloc(1, sizeof *guest);
    guest->library = library;
    guest->arch = arch;
    guest->rules = rules;
    guest->space = rts_libunwind_space(&library, &accessors, error);
    if (guest->space)
        return guest;
    close_guest(guest);
    return NULL;
}

const struct rts_unwind_method rts_unwind_libunwind = {
    .name = "libunwind",
    .over = RTS_UNWIND_COPY | RTS_UNWIND_STOPPED,
    .open = open_guest,
    .close = close_guest,
    .unwind = unwind,
};
