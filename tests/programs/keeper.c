/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keeps its first argument and some of its environment in the frame of main, near the end of the
 * stack that is in use: a copy of the stack holds them wherever it ends.
 *
 * EXPECT: keeper_spin < main < _start
 * BUILD keeper: $CC -O0 -o $OUT $SRC
 */
#include <stdio.h>
#include <stdlib.h>

#include "program.h"

OWN_FRAME void keeper_spin(void)
{
    while (!program_stop)
        program_counter++;
}

static const char *variable(const char *name)
{
    const char *value = getenv(name);

    return value ? value : "";
}

int main(int argc, char **argv)
{
    char kept[1024];

    snprintf(kept, sizeof(kept), "%s %s %s %s", argc > 1 ? argv[1] : "", variable("MARKED"),
             variable("HOME"), variable("USER"));
    program_ready();
    keeper_spin();
    return kept[0] == 0;
}
