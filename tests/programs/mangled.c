/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Functions that carry the names which a Rust compiler (v0 and the older scheme) and a C++ compiler
 * would have given them. Rust's disambiguating hashes may be shown or not.
 *
 * EXPECT: _RNvCs4fqI2P2rA04_7mycrate4spin < _RINvNtCs1234_7mycrate3foo3barlE < main
 * EXPECT: _ < _ZN4core3fmt5Write9write_fmt17h0123456789abcdefE < _ZN2ns5ClassIiE4workEi < main
 * DEMANGLED: _RNvCs4fqI2P2rA04_7mycrate4spin mycrate::spin
 * DEMANGLED: _RINvNtCs1234_7mycrate3foo3barlE mycrate::foo::bar::<i32>
 * DEMANGLED: _ZN4core3fmt5Write9write_fmt17h0123456789abcdefE core::fmt::Write::write_fmt
 * DEMANGLED: _ZN2ns5ClassIiE4workEi ns::Class<int>::work(int)
 * BUILD mangled: $CC -O2 -o $OUT $SRC
 */
#include "program.h"

OWN_FRAME void rust_v0(void) __asm__("_RNvCs4fqI2P2rA04_7mycrate4spin");
OWN_FRAME void rust_v0_generic(void) __asm__("_RINvNtCs1234_7mycrate3foo3barlE");
OWN_FRAME void rust_legacy(void) __asm__("_ZN4core3fmt5Write9write_fmt17h0123456789abcdefE");
OWN_FRAME void cplusplus(void) __asm__("_ZN2ns5ClassIiE4workEi");

void rust_v0(void)
{
    program_ready();
    while (!program_stop)
        program_counter++;
}

void rust_v0_generic(void)
{
    rust_v0();
    NOT_A_TAIL_CALL();
}

void rust_legacy(void)
{
    rust_v0_generic();
    NOT_A_TAIL_CALL();
}

void cplusplus(void)
{
    rust_legacy();
    NOT_A_TAIL_CALL();
}

int main(void)
{
    cplusplus();
    return 0;
}
