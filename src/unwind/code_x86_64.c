/* SPDX-License-Identifier: Apache-2.0 */
/* What x86-64 instructions around a pc say (Intel SDM volume 2). */
#include "unwind/architecture.h"

#include <errno.h>
#include <string.h>

#include "unwind/instruction_x86_64.h"

static bool ends_in_call(const uint8_t *bytes)
{
    if (bytes[RTS_CALL_BYTES - 5] == 0xe8)
        return true;
    for (size_t length = 2; length < RTS_CALL_BYTES; length++) {
        const uint8_t *at = bytes + RTS_CALL_BYTES - length;
        uint8_t sib = length > 2 ? at[2] : 0;
        if (at[0] == 0xff && (at[1] >> 3 & 7) == 2 &&
            rts_instruction_operand_length(at[1], sib) == length)
            return true;
    }
    return false;
}

/* Any number of `pop`, then `ret` or the jump of a tail call. */
static bool is_epilogue(const uint8_t *bytes, size_t size)
{
    for (size_t at = 0; at < size;) {
        bool extended = bytes[at] == 0x41 && at + 1 < size;
        uint8_t opcode = bytes[at + extended];
        if (opcode >= 0x58 && opcode <= 0x5f)
            at += 1u + extended;
        else if (opcode == 0xf2 || opcode == 0xf3)
            at += 1; /* bnd ret, rep ret */
        else
            return opcode == 0xc3 || opcode == 0xc2 || opcode == 0xe9 || opcode == 0xeb;
    }
    return false;
}

/* mov %rsp,%rbp in its two encodings, or lea n(%rsp),%rbp with an 8 or 32-bit n. */
static bool sets_frame_pointer(const uint8_t *bytes, size_t size)
{
    for (size_t at = 0; at + 3 <= size; at++) {
        if (bytes[at] != 0x48)
            continue;
        uint8_t opcode = bytes[at + 1], modrm = bytes[at + 2];
        if ((opcode == 0x89 && modrm == 0xe5) || (opcode == 0x8b && modrm == 0xec))
            return true;
        if (opcode == 0x8d && (modrm == 0x6c || modrm == 0xac) && at + 3 < size &&
            bytes[at + 3] == 0x24)
            return true;
    }
    return false;
}

static bool begins_with(const uint8_t *bytes, size_t size, const void *wanted, size_t length)
{
    return size >= length && memcmp(bytes, wanted, length) == 0;
}

/* mov $15,%rax or mov $15,%eax; syscall. */
static size_t signal_return(const uint8_t *bytes, size_t size)
{
    static const uint8_t wide[] = {0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0, 0x0f, 0x05};
    static const uint8_t narrow[] = {0xb8, 0x0f, 0, 0, 0, 0x0f, 0x05};
    if (begins_with(bytes, size, wide, sizeof wide))
        return sizeof wide;
    return begins_with(bytes, size, narrow, sizeof narrow) ? sizeof narrow : 0;
}

/* The instruction leaves the address of the next one in %rcx, and the kernel has -ENOSYS as the
 * result for as long as there is no other. */
static size_t system_call(const struct rts_registers *registers)
{
    const unsigned rax = 0, rcx = 2, rip = 16;
    const uint64_t wanted = 1U << rax | 1U << rcx | 1U << rip;
    bool under_way = (registers->known & wanted) == wanted &&
                     registers->value[rcx] == registers->value[rip] &&
                     registers->value[rax] == (uint64_t)-ENOSYS;
    return under_way ? 2 : 0;
}

/* A program begins with its arguments on the stack, and no function takes the address of the word
 * that it would return by: start code does so before anything else, or marks the outermost frame as
 * the psABI says, by a frame pointer of zero. Its first call returns only in the dynamic linker,
 * where the next instruction moves the result: behind any other call something else may begin. */
static bool in_entry(const uint8_t *bytes, size_t size, uint64_t offset, bool exact)
{
    bool met = false, takes_stack = false, untouched = true, called = false, returned = false;
    struct rts_instruction next;
    for (size_t at = 0; rts_instruction_decode(bytes + at, size - at, &next);) {
        if (returned && !next.reads_result)
            break;
        returned = false;
        met = met || (exact && at == offset);
        if (!called)
            takes_stack = takes_stack || next.clears_frame || (next.takes_stack && untouched);
        untouched = untouched && next.kind == RTS_INSTRUCTION_OTHER;
        at += next.length;
        if (next.kind == RTS_INSTRUCTION_JUMP || next.kind == RTS_INSTRUCTION_RETURN)
            break;
        if (next.kind != RTS_INSTRUCTION_CALL)
            continue;
        met = met || (!exact && at == offset);
        if (called)
            break;
        called = returned = true;
    }
    return met && takes_stack;
}

/* What follows a jump or a call is entered as the start is: `push $index`, to which the first jump
 * through the word leads. A call inside the entry calls what overwrites its return address (a
 * retpoline): in an entry that others go on to, those call it too. */
static bool words_pushed(const uint8_t *bytes, size_t size, size_t offset, unsigned pushed,
                         unsigned *words, unsigned *or_more)
{
    struct rts_instruction next;
    unsigned now = pushed;
    *or_more = 0;
    for (size_t at = 0; rts_instruction_decode(bytes + at, size - at, &next);) {
        if (at == offset) {
            *words = now;
            return true;
        }
        if (next.kind == RTS_INSTRUCTION_STACK || next.kind == RTS_INSTRUCTION_POP)
            return false;
        now += next.kind == RTS_INSTRUCTION_PUSH;
        bool is_inside = next.has_target && next.target > 0 && (uint64_t)next.target < size - at;
        if (next.kind == RTS_INSTRUCTION_CALL && is_inside) {
            *or_more = pushed > 0 ? now : 0;
            now = pushed > 0 ? 1 : now + 1;
            at += (size_t)next.target;
            continue;
        }
        if (next.kind >= RTS_INSTRUCTION_CALL)
            now = pushed;
        at += next.length;
    }
    return false;
}

/* xor %ebp,%ebp … call *register, on a straight line and behind a system call. */
static bool calls_with_cleared_frame(const uint8_t *before)
{
    for (size_t start = 2; start < RTS_THREAD_BYTES; start++) {
        struct rts_instruction next = {0};
        size_t at = start;
        while (at < RTS_THREAD_BYTES && next.kind < RTS_INSTRUCTION_CALL &&
               rts_instruction_decode(before + at, RTS_THREAD_BYTES - at, &next) &&
               (at > start || next.clears_frame))
            at += next.length;
        bool is_call = next.kind == RTS_INSTRUCTION_CALL && !next.has_target;
        if (at != RTS_THREAD_BYTES || !is_call)
            continue;
        for (size_t i = 0; i + 2 <= start; i++)
            if (before[i] == 0x0f && before[i + 1] == 0x05)
                return true;
    }
    return false;
}

/* mov %eax,%edi; mov $60,%eax; syscall, in the forms of the C libraries. */
static bool exits_with_result(const uint8_t *after)
{
    static const uint8_t result[] = {0x89, 0xc7};
    static const struct {
        uint8_t size, bytes[9];
    } forms[] = {
        {7, {0xb8, 60, 0, 0, 0, 0x0f, 0x05}},
        {6, {0x31, 0xc0, 0xb0, 60, 0x0f, 0x05}},
        {9, {0x48, 0xc7, 0xc0, 60, 0, 0, 0, 0x0f, 0x05}},
    };
    size_t at = after[0] == 0x48;
    if (memcmp(after + at, result, sizeof result) != 0)
        return false;
    at += sizeof result;
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
        if (memcmp(after + at, forms[i].bytes, forms[i].size) == 0)
            return true;
    return false;
}

static bool starts_thread(const uint8_t *before, const uint8_t *after)
{
    return exits_with_result(after) && calls_with_cleared_frame(before);
}

const struct rts_code_inspection rts_code_inspection_x86_64 = {
    .ends_in_call = ends_in_call,
    .is_epilogue = is_epilogue,
    .sets_frame_pointer = sets_frame_pointer,
    .signal_return = signal_return,
    .system_call = system_call,
    .words_pushed = words_pushed,
    .in_entry = in_entry,
    .starts_thread = starts_thread,
};
