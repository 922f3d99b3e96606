// SPDX-License-Identifier: Apache-2.0
/*
 * Exceptions thrown five calls deep and caught, all the time: most stacks are those of the C++
 * runtime's own unwinder at work. As it goes to a handler it puts the address of that in place of
 * its own return address: a sample there ends, since no call is before it.
 *
 * SHARE: _ZN4demo7catcherEi 90 100
 * SHARE: main 90 100
 * SHARE: _start 90 100
 * STOP: complete bad_return
 * SEEN: _ZN4demo7throwerEi __cxa_throw _Unwind_RaiseException
 * DEMANGLED: _ZN4demo7catcherEi demo::catcher(int)
 *
 * BUILD exceptions: $CXX -O2 -o $OUT $SRC
 */
#include <stdexcept>

#include "program.h"

namespace demo
{
OWN_FRAME int thrower(int depth)
{
    struct guard {
        ~guard()
        {
            program_counter = program_counter + 1;
        }
    } guarded;

    if (depth == 0)
        throw std::runtime_error("thrown");
    return thrower(depth - 1) + 1;
}

OWN_FRAME void catcher(int depth)
{
    while (!program_stop) {
        try {
            thrower(depth);
        } catch (const std::exception &) {
            program_counter = program_counter + 1;
        }
    }
}
} // namespace demo

int main()
{
    program_ready();
    demo::catcher(5);
    return 0;
}
