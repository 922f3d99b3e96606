/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plain values that the stages hand to each other. No behaviour lives here. A stage includes
 * this header, util/, its own folder, and what tests/folders lists for it.
 *
 * Conventions for all of them:
 *
 *     time    nanoseconds on CLOCK_MONOTONIC, as our own time namespace has it, unless the name
 *             says `wall`
 *     pc      an address in the target's memory
 *     vaddr   a link-time address inside a file; pc = vaddr + bias
 */
#ifndef RTS_TYPES_H
#define RTS_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A GNU build-id is usually a SHA-1 (20 bytes). The kernel reports at most 20; files may hold more.
 */
#define RTS_BUILD_ID_MAX 64

/* Frames kept of one stack. 64 KiB of stack copy cannot hold more than 4096 two-word frames, and
 * nobody reads a stack of that depth: beyond this the stack ends with RTS_STOP_DEPTH. */
#define RTS_STACK_DEPTH_MAX 2048

struct rts_object; /* binary/object.h: one ELF file, shared by every process that maps it */

/* A build-id as raw bytes; `size` 0 when there is none. */
struct rts_build_id {
    uint8_t size;
    uint8_t bytes[RTS_BUILD_ID_MAX];
};

/* One line of /proc/PID/maps. */
struct rts_maps_line {
    uint64_t start, end, offset;
    bool executable;
    uint32_t major, minor;
    uint64_t inode; /* 0: no file */
    char *path;     /* unescaped, " (deleted)" taken off; "" if there is none; valid in the call */
};

/* How stacks are taken (--call-graph). */
enum rts_call_graph {
    RTS_CALL_GRAPH_DWARF, /* user registers and a copy of the stack, unwound here */
    RTS_CALL_GRAPH_FP,    /* the kernel follows frame pointers */
    RTS_CALL_GRAPH_NONE,  /* the leaf only */
};

/* Who unwinds (--unwinder). */
enum rts_unwind_by {
    RTS_UNWIND_BY_RULES,
    RTS_UNWIND_BY_LIBUNWIND,
    RTS_UNWIND_BY_BOTH, /* the rules, and each so many stacks libunwind too, to compare */
};

/* Why a stack ended. Exactly one per kept sample; rts_stop_name() gives the word in --stats. */
enum rts_stop {
    RTS_STOP_COMPLETE,      /* the outermost frame, proven: CFI says that the return address is
                               undefined, or the code is where a program or a thread begins */
    RTS_STOP_STACK_SHORT,   /* the next frame lies beyond the bytes of stack that were copied: more
                               than were asked for, or in pages that were not in memory */
    RTS_STOP_NO_STACK,      /* no byte of the stack could be copied: an exec or exit under way */
    RTS_STOP_ALT_STACK,     /* interrupted code ran on another stack than its signal handler */
    RTS_STOP_NO_CFI,        /* code without CFI and without a usable frame pointer */
    RTS_STOP_NO_FILE,       /* the file behind the code could not be opened or is another one now */
    RTS_STOP_BAD_RETURN,    /* the return address is in no executable mapping */
    RTS_STOP_BAD_MEMORY,    /* a rule asks for memory below the stack pointer */
    RTS_STOP_BAD_CFI,       /* the CFI is malformed, or its expression cannot be evaluated */
    RTS_STOP_LOST_REGISTER, /* the CFI needs a register whose value is not known any more */
    RTS_STOP_NO_PROGRESS,   /* the stack pointer did not move up: a loop */
    RTS_STOP_DEPTH,         /* RTS_STACK_DEPTH_MAX frames */
    RTS_STOP_ABI,           /* the thread runs an instruction set that is not unwound (32-bit) */
    RTS_STOP_BROKEN_CHAIN,  /* --call-graph fp: the kernel's chain ends before the root */
    RTS_STOP_NOT_TAKEN,     /* --call-graph none: only the leaf was asked for */
    RTS_STOP_NO_ROOT,       /* a zero where a return address or a frame pointer should be, in code
                               that is not proven to be outermost */
    RTS_STOP_DISPUTED,      /* --unwinder both: only one of them calls it complete */
    RTS_STOP_COUNT
};

/* How two unwindings of a stack part; rts_difference_name() gives the word in --stats. */
enum rts_difference {
    RTS_DIFFERENCE_NONE,
    RTS_DIFFERENCE_CALLER,         /* both find a caller, and not the same */
    RTS_DIFFERENCE_RULES_END,      /* the rules find none, and libunwind does */
    RTS_DIFFERENCE_LIBUNWIND_ENDS, /* the other way round */
    RTS_DIFFERENCE_ROOT,           /* the same frames, which one of them calls complete */
    RTS_DIFFERENCE_COUNT
};

/* How a frame's pc was found; rts_unwinder_name() gives the word in --stats. */
enum rts_unwinder {
    RTS_UNWINDER_REGISTERS,     /* the leaf: the sampled registers themselves */
    RTS_UNWINDER_CFI,           /* .eh_frame or .debug_frame of the callee */
    RTS_UNWINDER_FRAME_POINTER, /* the callee's frame pointer, by us or by the kernel */
    RTS_UNWINDER_COUNT
};

/* Why a sample was not used; rts_drop_name() gives the word in --stats and in the metrics. */
enum rts_drop {
    RTS_DROP_RATE_LIMIT,
    RTS_DROP_CPU_GUARD,
    RTS_DROP_RATIO,
    RTS_DROP_KERNEL_LOST, /* the ring was full: counted by the kernel */
    RTS_DROP_THROTTLED,   /* the kernel stopped the event for a while: periods it skipped */
    RTS_DROP_MALFORMED,   /* a record whose sizes contradict each other */
    RTS_DROP_COUNT
};

/* What the memory at a pc was found to be, where it is not the mapping of a file whose text belongs
 * there. */
enum rts_frame_text {
    RTS_FRAME_MAPPED,    /* nothing of the kind */
    RTS_FRAME_COPY,      /* a copy of the file's text, byte for byte */
    RTS_FRAME_DIFFERENT, /* something else, in a place where a file's text belongs */
};

/* One frame, outermost last in an array. `vaddr` is the address to look up: for a caller it is one
 * byte before the return address, so that it lies in the call even when the callee never returns.
 */
struct rts_frame {
    struct rts_object *object; /* NULL: anonymous code, or a file that could not be read */
    uint64_t vaddr;            /* link-time address in object; the pc when object is NULL */
    uint64_t load_base;        /* where the object's first PT_LOAD page is mapped; 0 if unknown */
    uint8_t unwinder;          /* enum rts_unwinder */
    uint8_t text;              /* enum rts_frame_text */
    const char *module;        /* name of the file that is mapped there; NULL: none, or not known.
                                  Borrowed, until stacks are named */
};

/* Where a symbol's name came from, best first; rts_symbol_source_name() gives the word that goes
 * into metadata.symbolSource. */
enum rts_symbol_source {
    RTS_SYMBOL_SYMTAB,    /* .symtab of the mapped file */
    RTS_SYMBOL_DEBUGFILE, /* .symtab of its separate debug file */
    RTS_SYMBOL_MINIDEBUG, /* .symtab inside .gnu_debugdata */
    RTS_SYMBOL_GO_TABLE,  /* the table of functions that Go's runtime uses */
    RTS_SYMBOL_DYNSYM,    /* .dynsym */
    RTS_SYMBOL_INLINE,    /* a DWARF inlined subroutine */
    RTS_SYMBOL_PLT,       /* a PLT slot, named after its relocation: name@plt */
    RTS_SYMBOL_FDE,       /* no name: the bounds of an FDE, as sub_<link-time address> */
    RTS_SYMBOL_NONE,      /* nothing but the build-id of the file is known: offset_<in the file> */
    RTS_SYMBOL_SOURCE_COUNT
};

/* What became of a function's search for its node in the static graph; rts_join_name() gives the
 * word in --stats. */
enum rts_join {
    RTS_JOIN_JOINED,
    RTS_JOIN_FILE_UNKNOWN,    /* no node is of this file */
    RTS_JOIN_ADDRESS_UNKNOWN, /* nodes of this file have addresses, and none has this one */
    RTS_JOIN_NAME_DIFFERS,    /* only its name could tell, and no node has it */
    RTS_JOIN_NAME_AMBIGUOUS,  /* several nodes have its name, and none its address */
    RTS_JOIN_COUNT
};

/* The binding of a symbol: one of the parts of an addressed id. */
enum rts_linkage {
    RTS_LINKAGE_GLOBAL,
    RTS_LINKAGE_WEAK,
    RTS_LINKAGE_LOCAL, /* also of what has no symbol: a PLT slot, an FDE, an inlined function */
};

const char *rts_stop_name(enum rts_stop stop);
const char *rts_unwind_by_name(enum rts_unwind_by by);
const char *rts_difference_name(enum rts_difference difference);
const char *rts_unwinder_name(enum rts_unwinder unwinder);
const char *rts_drop_name(enum rts_drop drop);
const char *rts_join_name(enum rts_join join);
const char *rts_symbol_source_name(enum rts_symbol_source source);

#endif
