/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls through the PLT in a tight loop: many samples fall into the stubs.
 *
 * EXPECT: _ < plt_loop < main < _start
 * SEEN: plt_target
 *
 * BUILD plt-lazy: $CC -O2 -shared -fPIC -DTARGET -o $OUT-target.so $SRC
 * BUILD plt-lazy: $CC -O2 -fplt -Wl,-z,lazy -o $OUT $SRC $OUT-target.so
 * SEEN plt-lazy: plt_target plt_target@plt
 * BUILD plt-now: $CC -O2 -shared -fPIC -DTARGET -o $OUT-target.so $SRC
 * BUILD plt-now: $CC -O2 -fplt -Wl,-z,now -o $OUT $SRC $OUT-target.so
 * SEEN plt-now: plt_target plt_target@plt
 * BUILD plt-ibt: $CC -O2 -shared -fPIC -DTARGET -o $OUT-target.so $SRC
 * BUILD plt-ibt: $CC -O2 -fplt -fcf-protection -Wl,-z,lazy,-z,ibtplt -o $OUT $SRC $OUT-target.so
 * NEEDS plt-ibt: machine x86_64
 * SEEN plt-ibt: plt_target plt_target@plt
 * BUILD plt-gold: $CC -O2 -shared -fPIC -DTARGET -o $OUT-target.so $SRC
 * BUILD plt-gold: $CC -O2 -fplt -fuse-ld=gold -Wl,-z,lazy -o $OUT $SRC $OUT-target.so
 * NEEDS plt-gold: tool ld.gold
 * SEEN plt-gold: plt_target plt_target@plt
 *
 * These linkers write no CFI for the stubs:
 * BUILD plt-lld: $CC -O2 -shared -fPIC -DTARGET -o $OUT-target.so $SRC
 * BUILD plt-lld: $CC -O2 -fplt -fuse-ld=lld -Wl,-z,lazy -o $OUT $SRC $OUT-target.so
 * NEEDS plt-lld: tool ld.lld
 * SEEN plt-lld: plt_target plt_target@plt
 * BUILD plt-retpoline: $CC -O2 -shared -fPIC -DTARGET -o $OUT-target.so $SRC
 * BUILD plt-retpoline: $CC -O2 -fuse-ld=lld -z lazy -z retpolineplt -o $OUT $SRC $OUT-target.so
 * NEEDS plt-retpoline: tool ld.lld
 * NEEDS plt-retpoline: machine x86_64
 * SEEN plt-retpoline: plt_target plt_target@plt
 * BUILD plt-mold-stripped: $CC -O2 -shared -fPIC -DTARGET -o $OUT-target.so $SRC
 * BUILD plt-mold-stripped: $CC -O2 -fplt -s -fuse-ld=mold -Wl,-z,lazy -o $OUT $SRC $OUT-target.so
 * NEEDS plt-mold-stripped: tool mold
 * EXPECT plt-mold-stripped: _
 * SEEN plt-mold-stripped: plt_target plt_target@plt
 */
#include "program.h"

unsigned long plt_target(unsigned long value);

#ifdef TARGET

unsigned long plt_target(unsigned long value)
{
    return value + 1;
}

#else

OWN_FRAME void plt_loop(void)
{
    unsigned long value = 0;

    while (!program_stop)
        value = plt_target(value);
    program_counter = value;
}

int main(void)
{
    program_ready();
    plt_loop();
    return 0;
}

#endif
