/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A daemon that leaves the file tree it was started from, given a directory: chroot(2) to it.
 *
 * BUILD jailed-static: $CC -O2 -static "$SRC" -o "$OUT"
 * NEEDS jailed-static: file libc.a
 * EXPECT: spin < main
 */
#define _GNU_SOURCE
#include "program.h"

#include <stdio.h>

static OWN_FRAME void spin(void)
{
    while (!program_stop)
        program_counter++;
}

int main(int argc, char **argv)
{
    if (argc > 1 && (chroot(argv[1]) != 0 || chdir("/") != 0)) {
        perror(argv[1]);
        return 1;
    }
    program_ready();
    spin();
    NOT_A_TAIL_CALL();
    return 0;
}
