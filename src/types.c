/* SPDX-License-Identifier: Apache-2.0 */
#include "types.h"

static const char *const stop_names[RTS_STOP_COUNT] = {
    [RTS_STOP_COMPLETE] = "complete",       [RTS_STOP_STACK_SHORT] = "stack_short",
    [RTS_STOP_NO_STACK] = "no_stack",       [RTS_STOP_LOST_REGISTER] = "lost_register",
    [RTS_STOP_ALT_STACK] = "alt_stack",     [RTS_STOP_NO_CFI] = "no_cfi",
    [RTS_STOP_NO_FILE] = "no_file",         [RTS_STOP_BAD_RETURN] = "bad_return",
    [RTS_STOP_BAD_MEMORY] = "bad_memory",   [RTS_STOP_BAD_CFI] = "bad_cfi",
    [RTS_STOP_NO_PROGRESS] = "no_progress", [RTS_STOP_DEPTH] = "depth_limit",
    [RTS_STOP_ABI] = "unsupported_abi",     [RTS_STOP_BROKEN_CHAIN] = "broken_chain",
    [RTS_STOP_NOT_TAKEN] = "not_taken",     [RTS_STOP_NO_ROOT] = "no_root",
    [RTS_STOP_DISPUTED] = "disputed",
};

static const char *const difference_names[RTS_DIFFERENCE_COUNT] = {
    [RTS_DIFFERENCE_NONE] = "none",           [RTS_DIFFERENCE_CALLER] = "caller",
    [RTS_DIFFERENCE_RULES_END] = "rules_end", [RTS_DIFFERENCE_LIBUNWIND_ENDS] = "libunwind_ends",
    [RTS_DIFFERENCE_ROOT] = "root",
};

static const char *const unwinder_names[RTS_UNWINDER_COUNT] = {
    [RTS_UNWINDER_REGISTERS] = "registers",
    [RTS_UNWINDER_CFI] = "cfi",
    [RTS_UNWINDER_FRAME_POINTER] = "frame_pointer",
};

static const char *const drop_names[RTS_DROP_COUNT] = {
    [RTS_DROP_RATE_LIMIT] = "rate_limit", [RTS_DROP_CPU_GUARD] = "cpu_guard",
    [RTS_DROP_RATIO] = "ratio",           [RTS_DROP_KERNEL_LOST] = "kernel_lost",
    [RTS_DROP_THROTTLED] = "throttled",   [RTS_DROP_MALFORMED] = "malformed",
};

static const char *const source_names[RTS_SYMBOL_SOURCE_COUNT] = {
    [RTS_SYMBOL_SYMTAB] = "symtab",
    [RTS_SYMBOL_DEBUGFILE] = "debug-file",
    [RTS_SYMBOL_MINIDEBUG] = "minidebuginfo",
    [RTS_SYMBOL_GO_TABLE] = "gopclntab",
    [RTS_SYMBOL_DYNSYM] = "dynsym",
    [RTS_SYMBOL_INLINE] = "dwarf-inline",
    [RTS_SYMBOL_PLT] = "plt",
    [RTS_SYMBOL_FDE] = "fde",
    [RTS_SYMBOL_NONE] = "none",
};

static const char *const join_names[RTS_JOIN_COUNT] = {
    [RTS_JOIN_JOINED] = "joined",
    [RTS_JOIN_FILE_UNKNOWN] = "file_unknown",
    [RTS_JOIN_ADDRESS_UNKNOWN] = "address_unknown",
    [RTS_JOIN_NAME_DIFFERS] = "name_differs",
    [RTS_JOIN_NAME_AMBIGUOUS] = "name_ambiguous",
};

const char *rts_stop_name(enum rts_stop stop)
{
    return stop < RTS_STOP_COUNT ? stop_names[stop] : "unknown";
}

const char *rts_unwind_by_name(enum rts_unwind_by by)
{
    switch (by) {
    case RTS_UNWIND_BY_RULES: return "rules";
    case RTS_UNWIND_BY_LIBUNWIND: return "libunwind";
    case RTS_UNWIND_BY_BOTH: return "both";
    }
    return "unknown";
}

const char *rts_difference_name(enum rts_difference difference)
{
    return difference < RTS_DIFFERENCE_COUNT ? difference_names[difference] : "unknown";
}

const char *rts_unwinder_name(enum rts_unwinder unwinder)
{
    return unwinder < RTS_UNWINDER_COUNT ? unwinder_names[unwinder] : "unknown";
}

const char *rts_drop_name(enum rts_drop drop)
{
    return drop < RTS_DROP_COUNT ? drop_names[drop] : "unknown";
}

const char *rts_join_name(enum rts_join join)
{
    return join < RTS_JOIN_COUNT ? join_names[join] : "unknown";
}

const char *rts_symbol_source_name(enum rts_symbol_source source)
{
    return source < RTS_SYMBOL_SOURCE_COUNT ? source_names[source] : "unknown";
}
