// SPDX-License-Identifier: Apache-2.0
/*
 * C++ with DWARF: functions that exist only inlined into others are functions that ran.
 *
 * EXPECT: _ZN4demo9innermostEm < _ZN4demo7betweenEm < _ZN4demo7workingEm < main < _start
 * SOURCE: _ZN4demo9innermostEm dwarf-inline
 * SOURCE: _ZN4demo7betweenEm dwarf-inline
 * SOURCE: _ZN4demo7workingEm symtab
 * DEMANGLED: _ZN4demo9innermostEm demo::innermost(unsigned long)
 * DEMANGLED: _ZN4demo7workingEm demo::working(unsigned long)
 *
 * BUILD inlines-dwarf5: $CXX -O2 -g -gdwarf-5 -o $OUT $SRC
 * BUILD inlines-dwarf4: $CXX -O2 -g -gdwarf-4 -o $OUT $SRC
 * BUILD inlines-compressed: $CXX -O2 -g -gz=zlib -o $OUT $SRC
 *
 * BUILD inlines-debug-link: $CXX -O2 -g -o $OUT $SRC
 * BUILD inlines-debug-link: objcopy --only-keep-debug $OUT $OUT.debug
 * BUILD inlines-debug-link: objcopy --strip-all --add-gnu-debuglink=$OUT.debug $OUT
 * SOURCE inlines-debug-link: _ZN4demo9innermostEm dwarf-inline
 */
#include "program.h"

namespace demo
{
__attribute__((always_inline)) inline void innermost(unsigned long step)
{
    while (!program_stop)
        program_counter = program_counter + step;
}

__attribute__((always_inline)) inline void between(unsigned long step)
{
    innermost(step + 1);
}

OWN_FRAME void working(unsigned long step)
{
    between(step);
    NOT_A_TAIL_CALL();
}
} // namespace demo

int main(int argc, char **argv)
{
    (void)argv;
    program_ready();
    demo::working(static_cast<unsigned long>(argc));
    return 0;
}
