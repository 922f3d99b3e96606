#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# make_object_seeds.sh FOLDER: small ELF files of many kinds, from which fuzz_object starts.
set -euo pipefail
out=${1:?usage: make_object_seeds.sh FOLDER}
cc=${CC:-gcc}
mkdir -p "$out" && out=$(realpath "$out")
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
build unpacked -static -g "$program"
for form in zlib-gnu zstd; do
    objcopy --compress-debug-sections=$form "$out/unpacked" "$out/$form" 2>/dev/null || echo "no $form" >&2
done
# Units that were split off, and packages of them.
for version in 4 5; do
    (cd "$work" && "$cc" -O1 -ffreestanding -g -gdwarf-$version -gsplit-dwarf -c program.c &&
        "$cc" -nostdlib -static -o split$version program.o && cp program.dwo "$out/dwo$version" &&
        cp split$version "$out/") 2>/dev/null || echo "no split$version" >&2
    # Not of version 5, which binutils 2.40 cannot do.
    ((version > 4)) || (cd "$work" && dwp -e split4 -o "$out/dwp4") 2>/dev/null || echo "no package of GNU's" >&2
done
(cd "$work" && clang -O1 -ffreestanding -g -gdwarf-5 -gsplit-dwarf -c program.c && cp program.dwo "$out/clang_dwo" &&
    clang -nostdlib -static -o split_clang program.o && llvm-dwp -e split_clang -o "$out/clang_dwp" &&
    cp split_clang "$out/") 2>/dev/null ||
    echo "no package of clang's" >&2
(cd "$work" && cp "$out/unpacked" one && cp "$out/unpacked" two && dwz -m common one two &&
    cp one "$out/dwz" && cp common "$out/") 2>/dev/null || echo "no dwz" >&2
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

# A program with a table of Go's functions, as Go 1.20 writes it without and with an address of the
# text, and the record that has it.
python3 - "$out/static" "$out/go" "$out/go_no_text" "$work/table" <<'END'
import re, struct, subprocess, sys
source, out, no_text, table = sys.argv[1:]
listed = subprocess.run(["readelf", "-SW", source], capture_output=True, text=True).stdout
text, size = (int(word, 16) for word in re.search(r" \.text +PROGBITS +(\S+) \S+ (\S+)", listed).groups())
starts = [0, size // 3, size // 2]
place = 0x800000
header = 72
functab = b"".join(struct.pack("<II", start, 32 + 48 * i) for i, start in enumerate(starts)) + struct.pack("<I", size)
functab = functab.ljust(32, b"\0")
numbers = bytes(8) + bytes([2, 8, 48, 16, 47, 200, 1, 0]) * 3
names = b"main.one\0main.two\0runtime.goexit\0"
described = b"".join(
    struct.pack("<IiIIIIIIIiBB", start, 9 * i, 0, 0, 8 + 8 * i, 0, 0, 0, 0, 1, 0, (0, 2, 1)[i]).ljust(48, b"\0")
    for i, start in enumerate(starts))
at_names = header + len(functab) + len(described)
for path, address in ((out, text), (no_text, 0)):
    words = [len(starts), 1, address, at_names, at_names + len(names), 0, at_names + len(names), header]
    content = struct.pack("<IBBBB", 0xfffffff1, 0, 0, 1, 8) + struct.pack("<8Q", *words) + functab + described + names + numbers
    content = content.ljust(len(content) + 7 & -8, b"\0")
    record = struct.pack("<8Q", place, 0, 0, text, text + size, text, text + size, 0)
    with open(table, "wb") as file:
        file.write(content + record)
    subprocess.run(["objcopy", "--add-section", ".gopclntab=" + table, "--set-section-flags", ".gopclntab=alloc,load,readonly,data",
                    "--change-section-address", ".gopclntab=%#x" % place, source, path], check=True)
END
