/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A plain chain of calls, compiled and linked in every way that changes how a stack is walked or
 * where the loader puts the code.
 *
 * EXPECT: spin < inner < middle < outer < main < _start
 *
 * Optimization, with and without frame pointers:
 * BUILD chain-O0-fp: $CC -O0 -fno-omit-frame-pointer -o $OUT $SRC
 * BUILD chain-O1-fp: $CC -O1 -fno-omit-frame-pointer -o $OUT $SRC
 * BUILD chain-O2-fp: $CC -O2 -fno-omit-frame-pointer -o $OUT $SRC
 * BUILD chain-O3-fp: $CC -O3 -fno-omit-frame-pointer -o $OUT $SRC
 * BUILD chain-O0-nofp: $CC -O0 -fomit-frame-pointer -o $OUT $SRC
 * BUILD chain-O1-nofp: $CC -O1 -fomit-frame-pointer -o $OUT $SRC
 * BUILD chain-O2-nofp: $CC -O2 -fomit-frame-pointer -o $OUT $SRC
 * BUILD chain-O3-nofp: $CC -O3 -fomit-frame-pointer -o $OUT $SRC
 *
 * Kinds of executable, and layouts of its segments:
 * BUILD chain-no-pie: $CC -O2 -no-pie -fno-pie -o $OUT $SRC
 * BUILD chain-static: $CC -O2 -static -no-pie -fno-pie -o $OUT $SRC
 * NEEDS chain-static: file libc.a
 * BUILD chain-static-pie: $CC -O2 -static-pie -fPIE -o $OUT $SRC
 * NEEDS chain-static-pie: file libc.a
 * NEEDS chain-static-pie: file rcrt1.o
 * BUILD chain-noseparate: $CC -O2 -Wl,-z,noseparate-code -o $OUT $SRC
 * BUILD chain-noseparate-no-pie: $CC -O2 -no-pie -fno-pie -Wl,-z,noseparate-code -o $OUT $SRC
 * BUILD chain-text-segment: $CC -O2 -no-pie -fno-pie -Wl,-Ttext-segment=0x10000000 -o $OUT $SRC
 * BUILD chain-prelinked: $CC -O2 -pie -fPIE -Wl,-Ttext-segment=0x10000000 -o $OUT $SRC
 * BUILD chain-huge-pages: $CC -O2 -Wl,-z,max-page-size=0x200000 -o $OUT $SRC
 * BUILD chain-huge-pages-no-pie: $CC -O2 -no-pie -Wl,-z,max-page-size=0x200000 -o $OUT $SRC
 *
 * Other linkers:
 * BUILD chain-gold: $CC -O2 -fuse-ld=gold -o $OUT $SRC
 * NEEDS chain-gold: tool ld.gold
 * BUILD chain-lld: $CC -O2 -fuse-ld=lld -o $OUT $SRC
 * NEEDS chain-lld: tool ld.lld
 *
 * CFI in other places, or nowhere:
 * BUILD chain-no-frame-hdr: $CC -O2 -fomit-frame-pointer -Wl,--no-eh-frame-hdr -o $OUT $SRC
 * BUILD chain-debug-frame: $CC -O2 -g -fno-asynchronous-unwind-tables -o $OUT $SRC
 * BUILD chain-no-cfi: $CC -O0 -fno-asynchronous-unwind-tables -o $OUT $SRC
 * UNWINDER chain-no-cfi: frame_pointer
 *
 * Names in other places, or nowhere: of chain-stripped, the twin still has them.
 * BUILD chain-debug-link: $CC -O2 -o $OUT.tmp $SRC
 * BUILD chain-debug-link: objcopy --only-keep-debug $OUT.tmp $OUT.debug
 * BUILD chain-debug-link: objcopy --strip-all --add-gnu-debuglink=$OUT.debug $OUT.tmp $OUT
 * BUILD chain-debug-link: rm $OUT.tmp
 * SOURCE chain-debug-link: spin debug-file
 * BUILD chain-mini-debug: $CC -O2 -o $OUT.tmp $SRC
 * BUILD chain-mini-debug: objcopy --strip-debug --remove-section .comment $OUT.tmp $OUT.mini
 * BUILD chain-mini-debug: rm -f $OUT.mini.xz; xz $OUT.mini
 * BUILD chain-mini-debug: strip $OUT.tmp
 * BUILD chain-mini-debug: objcopy --add-section .gnu_debugdata=$OUT.mini.xz $OUT.tmp $OUT
 * BUILD chain-mini-debug: rm $OUT.tmp $OUT.mini.xz
 * NEEDS chain-mini-debug: tool xz
 * SOURCE chain-mini-debug: spin minidebuginfo
 * BUILD chain-stripped: $CC -O2 -fomit-frame-pointer -o $OUT-twin $SRC
 * BUILD chain-stripped: strip -o $OUT $OUT-twin
 *
 * BUILD chain-no-build-id: $CC -O2 -fomit-frame-pointer -Wl,--build-id=none -o $OUT $SRC
 */
#include "program.h"

OWN_FRAME void spin(int depth)
{
    program_ready();
    while (!program_stop)
        program_counter += (unsigned long)depth;
}

OWN_FRAME void inner(int depth)
{
    spin(depth + 1);
    NOT_A_TAIL_CALL();
}

OWN_FRAME void middle(int depth)
{
    volatile char room[100];

    room[depth] = 1;
    inner(depth + room[depth]);
    NOT_A_TAIL_CALL();
}

OWN_FRAME int outer(int depth)
{
    middle(depth + 1);
    return program_stop + depth;
}

int main(int argc, char **argv)
{
    (void)argv;
    return outer(argc) == 0;
}
