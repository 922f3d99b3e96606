/* SPDX-License-Identifier: Apache-2.0 */
/* What the tables of a file say of a function in it. */
#ifndef RTS_BINARY_FUNCTION_H
#define RTS_BINARY_FUNCTION_H

#include "types.h"

/* What a Go program's own table says of the frame at an instruction. */
enum rts_go_frame {
    RTS_GO_FRAME_NONE,      /* no table, or it has no such function */
    RTS_GO_FRAME_SIZED,     /* so many bytes beside the return address */
    RTS_GO_FRAME_OUTERMOST, /* nobody called the function */
    RTS_GO_FRAME_UNKNOWN,   /* the function sets the stack pointer in a way that is not told */
};

/* One function that covers an address. Strings are owned by the object. */
struct rts_function {
    const char *name;     /* mangled (linkage) name, without symbol version */
    const char **aliases; /* other names of the same code, sorted; NULL-terminated; NULL if none */
    uint64_t start;       /* link-time address of its first byte */
    uint64_t size;        /* bytes; 0 when unknown */
    enum rts_symbol_source source;
    enum rts_linkage linkage;
};

/* More inlined calls than this at one address are cut (the outer ones are kept). */
#define RTS_INLINE_DEPTH_MAX 32

#endif
