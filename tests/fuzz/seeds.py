#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Small inputs of the fuzz targets that take bytes, as they should be: what fuzzing begins with.

    seeds.py NAME DIR   writes those of fuzz_NAME
"""
import os
import struct
import sys


# ---- fuzz_go: tables of functions as each version of Go writes them

BASE, TEXT, DATA = 0x400000, 0x401000, 0x402000
# magic, are entries offsets, words in the header, where flags, name and sizes are in a description
GO_VERSIONS = {"1.2": (0xfffffffb, False, 1, 0, 8, 20), "1.16": (0xfffffffa, False, 7, 41, 8, 20),
               "1.18": (0xfffffff0, True, 8, 37, 4, 16), "1.20": (0xfffffff1, True, 8, 41, 4, 16)}
GO_NAMES = [b"main.leaf", b"runtime.main", b"runtime.systemstack", b"runtime.goexit"]
GO_SIZES = [b"\2\x40", b"\2\4\60\x10\57\x2c", b"\x12\x40", b"\2\x40"]
GO_STARTS = [0, 0x40, 0x80, 0xC0, 0x100]


def go_table(version, knows_text):
    magic, relative, words, flags_at, name_at, sizes_at = GO_VERSIONS[version]
    table = bytearray(0x300)

    def put(at, value, size):
        table[at:at + size] = value.to_bytes(size, sys.byteorder)

    width, count = (4 if relative else 8), len(GO_NAMES)
    functab = 8 + 8 * words
    base = functab if words > 1 else 0
    descriptions = (functab + (2 * count + 1) * width + 7) & ~7
    numbers = descriptions + 48 * count
    names = numbers + 8 + 8 * count
    put(0, magic, 4)
    put(6, 1, 1)
    put(7, 8, 1)
    put(8, count, 8)
    for i in range(count):
        start = GO_STARTS[i] + (0 if relative else TEXT)
        description = descriptions + 48 * i
        put(functab + 2 * i * width, start, width)
        put(functab + (2 * i + 1) * width, description - base, width)
        put(description, start, width)
        put(description + name_at, names + 32 * i - (names if words > 1 else 0), 4)
        put(description + sizes_at, numbers + 8 + 8 * i - (numbers if words > 1 else 0), 4)
        if flags_at:
            put(description + flags_at, [0, 0, 2, 1][i], 1)
        table[numbers + 8 + 8 * i:numbers + 8 + 8 * i + len(GO_SIZES[i])] = GO_SIZES[i]
        table[names + 32 * i:names + 32 * i + len(GO_NAMES[i])] = GO_NAMES[i]
    put(functab + 2 * count * width, GO_STARTS[count] + (0 if relative else TEXT), width)
    if words > 1:
        first = 3 if relative else 2
        if relative:
            put(8 + 8 * 2, TEXT if knows_text else 0, 8)
        put(8 + 8 * first, names, 8)
        put(8 + 8 * (first + 1), names + 32 * count, 8)
        put(8 + 8 * (first + 3), numbers, 8)
        put(8 + 8 * (first + 4), functab, 8)
    record = [DATA, 7, 7, 7, TEXT, TEXT + GO_STARTS[count], TEXT, TEXT + GO_STARTS[count], 7, 7]
    return bytes(table) + struct.pack("=10Q", *record)


def go_seeds():
    for version in GO_VERSIONS:
        for knows_text in (True, False):
            for stripped in (0, 1):
                name = "%s-%s-%s" % (version, "text" if knows_text else "no-text",
                                     "stripped" if stripped else "sections")
                yield name, bytes([stripped]) + go_table(version, knows_text)


# ---- fuzz_texts: files with 0x1e between, after the kind

OS_RELEASE = b'NAME="Some Linux"\nID=some\nVERSION_ID="12"\n'
TEXTS = {
    "dpkg": (0, [b"Package: a\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1:2.0-3\n"
                 b"Source: b (2.0)\nConffiles:\n /etc/a 0123\n\nPackage: c\nStatus: deinstall ok "
                 b"config-files\nVersion: 1\n",
                 b"/.\n/usr\n/usr/bin\n/usr/bin/a\n/usr/lib/a.so\n",
                 b"d41d8cd98f00b204e9800998ecf8427e  usr/bin/a\n"
                 b"d41d8cd98f00b204e9800998ecf8427e  usr/lib/a.so\n",
                 b"/usr/bin/a\n/usr/bin/a.distrib\nb\n", OS_RELEASE]),
    "status.d": (1, [b"Package: a\nVersion: 1\nArchitecture: all\nSource: x\n",
                     b"d41d8cd98f00b204e9800998ecf8427e  usr/bin/a\n", OS_RELEASE]),
    "apk": (2, [b"C:Q1aaaaaaaaaaaaaaaaaaaaaaaaaaa=\nP:a\nV:1.2-r0\nA:x86_64\no:b\nF:usr/bin\nR:a\n"
                b"a:0:0:755\nZ:Q12jmj7l5rSw0yVb/vlWAYkK/YBwk=\nF:lib\nR:a.so\n\nP:c\nV:1\nF:\nR:x\n",
                OS_RELEASE]),
    "node": (3, [b'{"name": "@scope/a", "version": "1.0.0", "x": [1, {"y": null}, "\\u00e9\\ud83d\\ude00"]}']),
    "python": (4, [b"Metadata-Version: 2.1\nName: A_b.c\nVersion: 1.0+local\n\ntext\n",
                   b'a.so,sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU,0\na/b.so,,\n"a/x,y",,\n']),
    "rpm": (5, [b"P\ta\t1\t2.0-3\tx86_64\nF\td41d8cd98f00b204e9800998ecf8427e\t/usr/bin/a\nF\t\t/usr/lib/a.so\n"
                b"P\tb\t\t1-1\tnoarch\nF\t" + b"0" * 64 + b"\t/usr/bin/a\nE\n", OS_RELEASE]),
    "rust-legacy": (6, [b"_ZN4core3fmt9Formatter3pad17h0123456789abcdefE"]),
    "rust": (6, [b"_RNvMs_NtCs1234_7mycrateNtB4_3Foo3bar"]),
    "rust-trait": (6, [b"_RNvXs_Cs1_1aNtB4_1SNtNtCs2_4core3fmt5Debug3fmt"]),
    "rust-of": (6, [b"_ZN69_$LT$mine..Thing$u20$as$u20$core..fmt..Debug$GT$3fmt17h0123456789abcdefE"]),
}


def texts_seeds():
    for name, (kind, files) in TEXTS.items():
        yield name, bytes([kind]) + b"\x1e".join(files)


# ---- fuzz_broker: struct rts_ask and struct rts_told as they are in memory

QUESTION, FITS = 0x80, 0x40
RIGHTS = "IiIIII32I"


def rights(foreign=0, uid=0, gid=0, groups=()):
    return [foreign, 1, uid, gid, 0, len(groups), *groups, *[0] * (32 - len(groups))]


def question(what, text, flags=0, values=(), whose=None):
    ask = struct.pack("=IIiI8Q" + RIGHTS + "II", what, 1, 1, flags,
                      *values, *[0] * (8 - len(values)), *(whose or rights()), len(text) + 1, 0)
    return bytes([QUESTION | FITS, 0]) + ask + text


def reply(what, text=b"", flags=0, values=(), fds=0, error=0, in_fd=0, fits=FITS):
    told = struct.pack("=IiII8QQ" + RIGHTS + "QQQqqIIIIQ", 1, error, flags, fds >> 4 & 3,
                       *values, *[0] * (8 - len(values)), 1000, *rights(), 1, 2, 3, 4, 5, 0o100644, 1,
                       len(text), in_fd, 5)
    return bytes([what | fits, fds]) + told + text


def window(have, error):
    return struct.pack("=IIiIQiIQ", 1, 1, 7, 4, 0x1000, error, have, 99) + b"memory"


def broker_seeds():
    for have in (0, 6, 1 << 30):
        yield "window-%d" % have, reply(60, window(have, 5))
    own, other = rights(), rights(1, 23456, 23456, (1, 2, 3))
    for whose, kind in ((own, "own"), (other, "other")):
        yield "file-" + kind, question(1, b"/a", whose=whose)
        yield "link-" + kind, question(1, b"/d/up", whose=whose)
        yield "files-" + kind, question(2, b"/d\0b\0up\0c", whose=whose)
        yield "status-" + kind, question(3, b"/d/b", whose=whose)
        yield "list-" + kind, question(4, b"/", values=[10], whose=whose)
    for what, name in ((5, "maps"), (6, "task"), (7, "exe"), (8, "fd"), (9, "maps")):
        yield "proc-%d" % what, question(what, name.encode(), values=[100])
    yield "proc-up", question(5, b"../../../secret", values=[100])
    yield "memory", question(10, b"", values=[0, 6])
    mapping = [0x1000, 0x2000, 0, 0, 5, 0, 5]
    for place in range(3):
        yield "look-%d" % place, question(32, b"/a", flags=place, values=mapping)
    yield "origins", question(33, b"/a", values=mapping)
    yield "build-id", question(34, b"/a", values=mapping)
    yield "root", question(35, b"")
    yield "short", question(1, b"/a")[:100]
    for what in range(64):
        if what < 4 or 16 <= what < 22 or 40 <= what < 44:
            for fds in (0x00, 0x10, 0x11, 0x12, 0x13, 0x2e, 0x80):
                yield "answer-%d-%x" % (what, fds), reply(what, b"a\0bc\0", flags=1, values=[31, 31], fds=fds)
            yield "answer-%d-text" % what, reply(what, b"a\0bc\0", values=[2], fds=0x10, in_fd=1)
            yield "answer-%d-error" % what, reply(what, error=3)
            yield "answer-%d-raw" % what, reply(what, b"a\0", fds=0x21, fits=0)


# ---- fuzz_proc: texts of /proc, after which file it is

ID = b"0123456789abcdef" * 4
PROC = {
    "maps": (0, b"55d0c0a00000-55d0c0a21000 r-xp 00001000 08:01 1234    /usr/bin/a\\012b (deleted)\n"
                b"7ffc0000-7ffc1000 r-xp 00000000 00:00 0      [vdso]\n1000-2000 rwxp 00000000 00:00 0 \n"),
    "cgroup": (1, b"12:pids:/docker/" + ID + b"\n1:name=systemd:/x\n0::/system.slice/docker-" + ID
               + b".scope\n"),
    "mountinfo": (2, b"1 2 8:1 /var/lib/docker/containers/" + ID + b"/hostname /etc/hostname rw - ext4 "
                     b"/dev/a rw\n3 2 0:5 / /proc rw shared:1 - proc proc rw\n"),
    "path": (3, b"/kubepods.slice/kubepods-burstable.slice/cri-containerd-" + ID + b".scope"),
    "podman": (3, b"/machine.slice/libpod-" + ID + b".scope/container"),
}


def proc_seeds():
    for name, (kind, text) in PROC.items():
        yield name, bytes([kind]) + text


SEEDS = {"go": go_seeds, "proc": proc_seeds, "texts": texts_seeds, "broker": broker_seeds}


def main():
    name, folder = sys.argv[1:]
    os.makedirs(folder, exist_ok=True)
    for seed, data in SEEDS[name]():
        with open(os.path.join(folder, seed), "wb") as file:
            file.write(data)


if __name__ == "__main__":
    main()
