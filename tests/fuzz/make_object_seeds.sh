#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# make_object_seeds.sh FOLDER: small ELF files of many kinds, from which fuzz_object starts.
set -euo pipefail
out=${1:?usage: make_object_seeds.sh FOLDER}
cc=${CC:-gcc}
mkdir -p "$out"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cat >"$work/library.c" <<'END'
int external(int); int local_data;
__attribute__((weak)) int twice(int value) { return 2 * external(value); }
int also_twice(int) __attribute__((alias("twice")));
static inline int cube(int value) { return value * value * value; }
int work(int value) { int sum = 0; for (int i = 0; i < value; i++) sum += cube(i) + twice(i); return sum; }
END
cat >"$work/program.c" <<'END'
static inline __attribute__((always_inline)) int add(int a, int b) { return a + b; }
static inline __attribute__((always_inline)) int add3(int a, int b, int c) { return add(add(a, b), c); }
__attribute__((noinline)) int leaf(int value) { return add3(value, value * 3, 7); }
__attribute__((noinline)) int frame(int count) { volatile char room[count]; room[0] = 1; return room[0] + leaf(count); }
void _start(void) { frame(3); for (;;) ; }
END
build() { # NAME FLAGS...
    local name=$1
    shift
    "$cc" -O1 -nostdlib -ffreestanding -Wl,-z,noseparate-code -o "$out/$name" "$@" 2>/dev/null ||
        echo "no $name" >&2
}
program=$work/program.c library=$work/library.c
build static -static "$program"
build static_pie -static-pie -fPIE "$program"
build dwarf4 -static -g -gdwarf-4 "$program"
build dwarf5 -static -g -gdwarf-5 "$program"
build sections -static -g -ffunction-sections "$program"
build packed -static -g -gz "$program"
build debug_frame -static -g -fno-asynchronous-unwind-tables "$program"
build library -shared -fPIC -g "$library"
build library_lazy -shared -fPIC -fcf-protection=branch -Wl,-z,lazy,-z,ibtplt "$library"
build library_sysv -shared -fPIC -Wl,--hash-style=sysv "$library"
cp "$out/library" "$out/stripped" && strip "$out/stripped"
python3 - "$out/library_lazy" "$out/headless" <<'END'
import struct, sys
data = bytearray(open(sys.argv[1], "rb").read())
struct.pack_into("<Q", data, 0x28, 0)
struct.pack_into("<HHH", data, 0x3a, 0, 0, 0)
open(sys.argv[2], "wb").write(data)
END
objcopy --only-keep-debug "$out/static" "$work/mini"
xz -k "$work/mini"
cp "$out/stripped" "$out/mini"
objcopy --add-section .gnu_debugdata="$work/mini.xz" "$out/mini"
