#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Programs linked in every way that matters, read by src/binary/ and by readelf, objdump, addr2line.

Each layout is built here and asked through object_query; the answers must be those of the tools.
"""
import hashlib
import os
import re
import shutil
import struct
import subprocess
import zlib

from lib import WORK, done, note, ok, skip, skip_all, skip_in

skip_in("user")

QUERY = os.path.join(os.environ.get("top_builddir", "."), "tests/unit/binary/object_query")
CC = os.environ.get("CC", "cc").split()
PAGE = os.sysconf("SC_PAGE_SIZE")

PROGRAM = r"""
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
static __attribute__((noinline)) int hidden(int v) { char room[v + 1]; memset(room, v, v); return room[0]; }
__attribute__((noinline)) int visible(int v) { return hidden(v) + 1; }
__attribute__((noinline, weak)) int soft(int v) { return visible(v) * 3; }
int _other_soft(int v) __attribute__((alias("soft")));
int bare(int);
__asm__(".text\n.globl bare\nbare: lea 1(%rdi), %eax\n nop\n nop\n ret\n.globl bare_end\nbare_end:\n ret\n"
        ".type sized, @function\nsized: nop\n ret\n.size sized, 2\n"
        ".globl versioned_1\n.type versioned_1, @function\nversioned_1: ret\n.size versioned_1, 1\n");
int main(int c, char **v) { printf("%d %s %d\n", soft(c), v[0], bare(c) + abs(c)); return 0; }
"""

LIBRARY = r"""
#include <string.h>
#include <stdlib.h>
int older(int v) { return v; }
int newer(int v) { return v + abs(v); }
__asm__(".symver older, shared@V1\n.symver newer, shared@@V2\n");
static __attribute__((noinline)) int hidden(const char *s) { return (int)strlen(s); }
int visible(const char *s) { return hidden(s) + atoi(s); }
"""

INLINES = r"""
#include <algorithm>
#include <cstdio>
#include <vector>
namespace shop {
struct Basket {
    std::vector<int> items;
    int total() const { int sum = 0; for (int item : items) sum += item * item; return sum; }
};
static inline int twice(const Basket &basket) { return basket.total() * 2; }
}
extern "C" __attribute__((noinline)) int work(int count)
{
    shop::Basket basket;
    for (int i = 0; i < count; i++) basket.items.push_back(i ^ 5);
    std::sort(basket.items.begin(), basket.items.end(), [](int a, int b) { return a > b; });
    return shop::twice(basket);
}
int main(int argc, char **) { std::printf("%d\n", work(argc * 1000)); }
"""


# --- Tools ---------------------------------------------------------------------------------------


def run(*command, text=None):
    """What the command prints. readelf fails when some other part of the file displeases it."""
    return subprocess.run(command, input=text, capture_output=True, text=True,
                          check=command[0] != "readelf").stdout


def write(name, content):
    path = os.path.join(WORK, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w" if isinstance(content, str) else "wb") as file:
        file.write(content)
    return path


def compile_as(name, source, *flags, cxx=False):
    """Builds WORK/name; None when this compiler or linker cannot."""
    path = os.path.join(WORK, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    extension = ".cpp" if cxx else ".c"
    code = write(name + ".source" + extension, source)
    compiler = ["g++"] if cxx else CC
    result = subprocess.run([*compiler, "-O1", "-o", path, code, *flags], capture_output=True, text=True)
    if result.returncode != 0:
        note(result.stderr)
        return None
    return path


def compile_library(name, *flags):
    """A stripped shared library with versioned symbols."""
    script = write("versions", "V1 { global: shared; };\nV2 { global: shared; visible; local: *; } V1;\n")
    path = compile_as(name, LIBRARY, "-shared", "-fPIC", "-Wl,--version-script=" + script, *flags)
    run("strip", path)
    return path


def ask(path, questions, *options):
    questions = list(questions)
    answers = run(QUERY, *options, path, text="".join(q + "\n" for q in questions)).splitlines()
    assert len(answers) == len(questions), (path, len(answers), len(questions))
    return answers


def functions(answer):
    """[(name, start, size, source, [alias…])…], innermost first."""
    found = []
    for part in [] if answer == "-" else answer.split("\t|\t"):
        name, start, size, source, *aliases = part.split("\t")
        found.append((name, int(start, 16), int(size, 16), source, aliases))
    return found


def outer(answer):
    found = functions(answer)
    return found[-1] if found else None


def segments(path):
    """(type, offset, vaddr, filesz, memsz, flags) by readelf."""
    pattern = (r"^  ([A-Z_0-9]+) +0x([0-9a-f]+) 0x([0-9a-f]+) 0x[0-9a-f]+ 0x([0-9a-f]+) 0x([0-9a-f]+) "
               r"([RWE ]{3})")
    return [(t, int(o, 16), int(v, 16), int(f, 16), int(m, 16), g)
            for t, o, v, f, m, g in re.findall(pattern, run("readelf", "-lW", path), re.M)]


def sections(path):
    """{name: (address, size)} of what is loaded, by readelf."""
    pattern = r"^ +\[ *\d+\] (\S+) +\S+ +([0-9a-f]{16}) [0-9a-f]+ ([0-9a-f]+) [0-9a-f]+ +([A-Za-z]*) "
    return {n: (int(a, 16), int(s, 16))
            for n, a, s, flags in re.findall(pattern, run("readelf", "-SW", path), re.M) if "A" in flags}


def symbols(path):
    """(address, size, type, binding, name without version) of what is defined, by readelf."""
    found = set()
    for line in run("readelf", "-sW", path).splitlines():
        field = line.split()
        if len(field) >= 8 and field[0].rstrip(":").isdigit() and field[6].isdigit():
            found.add((int(field[1], 16), int(field[2], 0), field[3], field[4], field[7].split("@")[0]))
    return sorted(found)


def symbol(path, name):
    return next(s for s in symbols(path) if s[4] == name)


def fdes(path):
    pattern = r" FDE cie=\S+ pc=([0-9a-f]+)\.\.([0-9a-f]+)"
    return sorted({(int(a, 16), int(b, 16))
                   for a, b in re.findall(pattern, run("readelf", "--debug-dump=frames", path))})


# --- What holds for every file -------------------------------------------------------------------


def check_identity(path):
    problems = []
    notes = re.search(r"Build ID: ([0-9a-f]+)", run("readelf", "-n", path))
    with open(path, "rb") as file:
        digest = hashlib.sha256(file.read()).hexdigest()
    loads = [s for s in segments(path) if s[0] == "LOAD"]
    entry = re.search(r"Entry point address: +0x([0-9a-f]+)", run("readelf", "-h", path))[1]
    expected = [notes[1] if notes else "-", digest, "62 %s %x" % (entry, loads[0][2] & -PAGE)]
    for wanted, answer in zip(expected, ask(path, ["build-id", "sha256", "headers"])):
        if wanted != answer:
            problems.append("%s, not %s" % (answer, wanted))
    return problems


def check_offsets(path):
    problems, questions, expected = [], [], []
    with open(path, "rb") as file:
        data = file.read()
    text = [s for s in segments(path) if s[0] == "LOAD" and "E" in s[5]]
    for _, offset, vaddr, size, _, _ in text:
        for at in (0, size // 2, size - 1):
            questions.append("offset %x" % (offset + at))
            expected.append("%x" % (vaddr + at))
            questions.append("text %x" % (vaddr + at))
            expected.append(data[offset + at:offset + min(at + 16, size)].hex())
        # Another segment's bytes in a page of this one, as the loader maps them here too.
        for at in (offset & -PAGE, (offset + size - 1) | (PAGE - 1)):
            if not any(s[1] <= at < s[1] + s[3] for s in text):
                questions.append("offset %x" % at)
                expected.append("%x" % (vaddr + at - offset))
    last = max((s[1] + s[3] + PAGE) & -PAGE for s in text)
    questions.append("offset %x" % (last + PAGE))
    expected.append("-")
    for question, wanted, answer in zip(questions, expected, ask(path, questions)):
        if wanted != answer:
            problems.append("%s: %s, not %s" % (question, answer, wanted))
    return problems


def check_fdes(path, reference=None):
    """Bounds at the first and last byte of each FDE, and none between two of them."""
    listed = fdes(reference or path)
    questions, expected = [], []
    for start, end in listed:
        for address in (start, end - 1):
            questions.append("fde %x" % address)
            expected.append("%x %x" % (start, end))
    for (_, end), (start, _) in zip(listed, listed[1:]):
        if end < start:
            questions.append("fde %x" % end)
            expected.append("-")
    problems = ["no FDE at all"] if not listed else []
    for question, wanted, answer in zip(questions, expected, ask(path, questions)):
        if wanted != answer:
            problems.append("%s: %s, not %s" % (question, answer, wanted))
    for (start, _), answer in zip(listed, ask(path, ["cfi %x" % start for start, _ in listed])):
        if not re.match(r"(eh|debug) %x [0-9a-f]+ ra=16( signal)? cfa=" % start, answer):
            problems.append("cfi %x: %s" % (start, answer))
    return problems


def check_symbols(path, *options, reference=None, source=None):
    """Every sized function symbol is what is found at its first and last byte, or an alias of it."""
    problems = []
    listed = [s for s in symbols(reference or path) if s[2] in ("FUNC", "IFUNC") and s[1] > 0]
    answers = ask(path, ["functions %x" % s[0] for s in listed], *options)
    last = ask(path, ["functions %x" % (s[0] + s[1] - 1) for s in listed], *options)
    if not listed:
        problems.append("no symbol at all")
    for (address, size, _, _, name), first_answer, last_answer in zip(listed, answers, last):
        found = outer(first_answer)
        if not found or name not in [found[0], *found[4]] or found[1] != address or found[2] < size:
            problems.append("%s at %x: %s" % (name, address, first_answer))
        elif source and found[3] != source:
            problems.append("%s comes from %s" % (name, found[3]))
        elif found[4] != sorted(found[4]):
            problems.append("aliases of %s are not sorted" % name)
        if not outer(last_answer) or outer(last_answer)[1] < address:
            problems.append("last byte of %s: %s" % (name, last_answer))
    return problems


def check_sections(path):
    questions, expected = [], []
    for name, (address, size) in sections(path).items():
        if name not in (".tbss", ".tdata") and size > 0:
            questions += ["section %x" % address, "section %x" % (address + size - 1)]
            expected += [name, name]
    answers = ask(path, questions + ["section ffffffff00000000"])
    return ["%s: %s, not %s" % (q, a, e) for q, a, e in zip(questions, answers, expected) if a != e] + (
        [] if answers[-1] == ".text" else ["nowhere is in " + answers[-1]])


def check_plt(path):
    labels = re.findall(r"^([0-9a-f]+) <(.*@plt)>:", run("objdump", "-d", path), re.M)
    answers = ask(path, ["functions %s" % address for address, _ in labels])
    return ["%s: %s, not %s" % (a, answer, name) for (a, name), answer in zip(labels, answers)
            if not outer(answer) or outer(answer)[0] != name or outer(answer)[3] != "plt"]


def check_everything(path):
    return (check_identity(path) + check_offsets(path) + check_fdes(path) + check_symbols(path) +
            check_sections(path) + check_plt(path))


# --- Layouts -------------------------------------------------------------------------------------

LAYOUTS = {
    "position-independent": [],
    "at a fixed address": ["-no-pie"],
    "static": ["-static"],
    "static and position-independent": ["-static-pie"],
    "prelinked addresses": ["-Wl,-Ttext-segment=0x3000000"],
    "at a fixed high address": ["-no-pie", "-Wl,-Ttext-segment=0x40000000"],
    "code and data in one page": ["-Wl,-z,noseparate-code"],
    "code and data apart": ["-Wl,-z,separate-code"],
    "pages of 2 MiB": ["-Wl,-z,max-page-size=0x200000", "-Wl,-z,noseparate-code"],
    "no build-id": ["-Wl,--build-id=none"],
    "a short build-id": ["-Wl,--build-id=0x1234abcd"],
    "a build-id of MD5": ["-Wl,--build-id=md5"],
    "lazy binding with landing pads": ["-Wl,-z,lazy,-z,ibtplt", "-fcf-protection"],
    "immediate binding": ["-Wl,-z,now"],
    "lazy binding": ["-Wl,-z,lazy", "-fcf-protection=none"],
    "no table of FDEs": ["-Wl,--no-eh-frame-hdr"],
    "linked by gold": ["-fuse-ld=gold"],
    "linked by lld": ["-fuse-ld=lld"],
}


def test_layouts():
    for title, flags in LAYOUTS.items():
        path = compile_as(re.sub(r"\W", "-", title), PROGRAM, *flags)
        if path:
            ok(title, check_everything(path))
        else:
            skip(title, "cannot be built here")
    libraries = dict(re.findall(r"(\S+) => (/\S+)", run("ldd", "/bin/sh")))
    ok("this system's C library", check_everything(libraries["libc.so.6"]))


# --- Names ---------------------------------------------------------------------------------------


def test_names():
    path = compile_as("names", PROGRAM, "-no-pie")
    soft = symbol(path, "soft")
    answer = outer(ask(path, ["functions %x" % soft[0]])[0])
    ok("of two names the global one is chosen, the weak one is its alias",
       [] if answer[0] == "_other_soft" and answer[4] == ["soft"] else [answer])

    bare, bare_end, sized = (symbol(path, name)[0] for name in ("bare", "bare_end", "sized"))
    answers = [outer(a) for a in ask(path, ["functions %x" % a for a in (
        bare, bare + 3, bare_end - 1, bare_end, sized, sized + 1, sized + 2)])]
    names = [a and a[0] for a in answers]
    ok("an unsized symbol reaches to the next one",
       [] if names == ["bare"] * 3 + ["bare_end", "sized", "sized", "versioned_1"] else [names])
    ok("its size is unknown", [] if answers[0][2] == 0 else [answers[0]])

    padding = [end for (_, end), (start, _) in zip(fdes(path), fdes(path)[1:]) if end < start]
    covered = [(s[0], s[0] + s[1]) for s in symbols(path) if s[1] > 0]
    padding = [a for a in padding if not any(s <= a < e for s, e in covered) and
               not any(s[1] == 0 and s[0] <= a for s in symbols(path) if s[2] in ("FUNC", "NOTYPE") and
                       a - s[0] < 64)]
    answers = ask(path, ["functions %x" % a for a in padding])
    ok("nothing is known of the padding between functions",
       ["no padding to ask for"] if not padding else
       ["%x: %s" % (p, a) for p, a in zip(padding, answers) if a != "-"])

    stripped = path + ".stripped"
    run("strip", "-o", stripped, path)
    hidden = symbol(path, "hidden")
    answer = outer(ask(stripped, ["functions %x" % (hidden[0] + 5)])[0])
    ok("a stripped function is named after its FDE",
       [] if answer == ("sub_%x" % hidden[0], hidden[0], hidden[1], "fde", []) else [answer])

    library = compile_library("versions.so")
    named = {outer(a)[0] for a in ask(library, [
        "functions %x" % s[0] for s in symbols(library) if s[2] == "FUNC"])}
    ok("versions are cut off names", [] if named == {"shared", "visible"} else [named])


# --- Names without a size ------------------------------------------------------------------------

# `plain` has neither a size nor an FDE, `framed` has an FDE; behind each lies code of a static
# function that has a symbol only, and behind that some without any.
UNSIZED = r"""
int plain(int); int framed(int); int behind(int);
__asm__(".text\n.globl plain\n.type plain, @function\nplain: nop\n nop\n ret\n"
        ".type behind_plain, @function\nbehind_plain: nop\n nop\n ret\n"
        ".globl framed\n.type framed, @function\nframed: .cfi_startproc\n nop\n nop\n ret\n .cfi_endproc\n"
        ".type behind_framed, @function\nbehind_framed: nop\n nop\n ret\n"
        ".globl constants\n.type constants, @object\nconstants: .long 1\n nop\n ret\n"
        ".globl behind\n.type behind, @function\nbehind: nop\n ret\n");
int main(void) { return plain(1) + framed(2) + behind(3); }
"""


def test_unsized():
    exported = ["-Wl,--export-dynamic-symbol=" + name for name in ("plain", "framed", "behind")]
    full = compile_as("unsized", UNSIZED, "-fno-asynchronous-unwind-tables", *exported)
    if not full:
        return skip("names without a size", "this linker exports no single symbols")
    places = dict((name, symbol(full, name)[0]) for name in
                  ("plain", "behind_plain", "framed", "behind_framed", "constants", "behind"))
    asked = [(name, offset) for name in places for offset in (0, 1)]
    asked.append(("constants", 4))

    def check(title, path, wanted):
        found = ask(path, ["functions %x" % (places[name] + offset) for name, offset in asked])
        found = [answer if answer == "-" else outer(answer)[0] for answer in found]
        ok(title, ["%s+%d: %s, not %s" % (*place, name, other)
                   for place, name, other in zip(asked, found, wanted) if name != other])

    check("unsized: a whole symbol table says where each ends", full,
          ["plain", "plain", "behind_plain", "behind_plain", "framed", "framed", "behind_framed",
           "behind_framed", "-", "-", "behind", "behind", "-"])
    alone = ["plain", "-", "-", "-", "framed", "framed", "-", "-", "-", "-", "behind", "-", "-"]
    some = alone[:2] + ["behind_plain"] + alone[3:]
    keep = ["objcopy", "-K", "behind_plain", "-K", "main", "--strip-all"]
    for title, command, wanted in (("dynamic symbols alone do not", ["strip"], alone),
                                   ("nor without static functions", ["strip", "-x"], alone),
                                   ("nor with some of them", keep, some)):
        cut = full + ".cut"
        shutil.copy(full, cut)
        run(*command, cut)
        check("unsized: " + title, cut, wanted)
    linked = compile_as("unsized-x", UNSIZED, "-fno-asynchronous-unwind-tables", "-Wl,-x", *exported)
    moved = symbol(linked, "plain")[0] - places["plain"]
    places = {name: place + moved for name, place in places.items()}
    check("unsized: nor where the linker left them out", linked, alone)


# --- Section headers gone ------------------------------------------------------------------------


def without_sections(path):
    with open(path, "rb") as file:
        data = bytearray(file.read())
    struct.pack_into("<Q", data, 0x28, 0)
    struct.pack_into("<HHH", data, 0x3A, 0, 0, 0)
    return write(os.path.basename(path) + ".headless", bytes(data))


def test_without_sections():
    for style in ("gnu", "sysv", "both"):
        library = compile_library("hash-" + style, "-Wl,--hash-style=" + style)
        headless = without_sections(library)
        ok("no section headers, symbols by %s hash" % style,
           check_identity(headless) + check_offsets(headless) + check_fdes(headless, library) +
           check_symbols(headless, reference=library, source="dynsym"))
    hidden = [a for a, _ in fdes(library)
              if not any(s[0] <= a < s[0] + max(s[1], 1) for s in symbols(library))]
    named = [outer(a) for a in ask(headless, ["functions %x" % a for a in hidden])]
    ok("no section headers: other functions after their FDE",
       [] if named and all(n[0] == "sub_%x" % a for a, n in zip(hidden, named)) else [named])
    ok("no section headers: everything is in .text",
       [] if ask(headless, ["section %x" % hidden[0]]) == [".text"] else ["not .text"])


# --- Separate debug files ------------------------------------------------------------------------


class Root:
    """A file tree of a target: a stripped program in /opt/app and places for its debug file."""

    def __init__(self, name, *flags):
        self.root = os.path.join(WORK, name)
        self.full = compile_as(name + "/full", PROGRAM, *flags)
        self.debug = self.full + ".debug"
        run("objcopy", "--only-keep-debug", self.full, self.debug)
        self.program = self.place("/opt/app/program")
        run("strip", "-o", self.program, self.full)
        self.build_id = re.search(r"Build ID: ([0-9a-f]+)", run("readelf", "-n", self.full))[1]
        self.by_build_id = "/usr/lib/debug/.build-id/%s/%s.debug" % (self.build_id[:2], self.build_id[2:])

    def place(self, path):
        path = self.root + path
        os.makedirs(os.path.dirname(path), exist_ok=True)
        return path

    def link(self, crc_of=None):
        """Gives the program a .gnu_debuglink to program.dbg with the checksum of that file."""
        with open(crc_of or self.debug, "rb") as file:
            crc = zlib.crc32(file.read())
        section = write("link", b"program.dbg\0" + struct.pack("<I", crc))
        run("objcopy", "--add-section", ".gnu_debuglink=" + section, self.program)

    def source(self):
        """Where the name of a function that only the debug file knows comes from."""
        answer = ask(self.program, ["functions %x" % symbol(self.full, "hidden")[0]],
                     "-r", self.root, "-p", "/opt/app/program")[0]
        name, _, _, source, _ = outer(answer)
        return source if name == "hidden" or source == "fde" else answer


def test_debug_files():
    def expect(title, root, source):
        found = root.source()
        ok(title, [] if found == source else ["from %s, not %s" % (found, source)])

    root = Root("by-build-id")
    expect("no debug file", root, "fde")
    shutil.copy(root.debug, root.place(root.by_build_id))
    expect("a debug file by build-id", root, "debug-file")
    ok("all its symbols", check_symbols(root.program, "-r", root.root, reference=root.full))

    other = Root("other-build-id", "-DOTHER", "-Wl,--build-id=0x998877665544332211001234")
    shutil.copy(root.debug, other.place(other.by_build_id))
    expect("a debug file with another build-id is refused", other, "fde")

    for title, place in (("next to the file", "/opt/app/program.dbg"),
                         ("in .debug", "/opt/app/.debug/program.dbg"),
                         ("in /usr/lib/debug", "/usr/lib/debug/opt/app/program.dbg")):
        root = Root("link-" + re.sub(r"\W", "-", title))
        root.link()
        shutil.copy(root.debug, root.place(place))
        expect("a debug link, " + title, root, "debug-file")

    root = Root("bad-crc")
    root.link(crc_of=root.full)
    shutil.copy(root.debug, root.place("/opt/app/program.dbg"))
    expect("a debug link with another checksum is refused", root, "fde")

    root = Root("links-inside")
    shutil.copy(root.debug, root.place("/store/file"))
    os.symlink("/store/file", root.place(root.by_build_id))
    expect("an absolute symbolic link is followed below the root", root, "debug-file")

    root = Root("links-outside")
    os.symlink("../" * 40 + root.debug.lstrip("/"), root.place(root.by_build_id))
    expect("a symbolic link does not leave the root", root, "fde")

    root = Root("fifo")
    os.mkfifo(root.place(root.by_build_id))
    expect("a FIFO in the place of a debug file is passed over", root, "fde")

    root = Root("device")
    os.makedirs(root.place(root.by_build_id))
    expect("a folder in the place of a debug file is passed over", root, "fde")

    root = Root("packed", "-g", "-gz")
    shutil.copy(root.debug, root.place(root.by_build_id))
    expect("a compressed debug file", root, "debug-file")

    root = Root("damaged")
    with open(root.debug, "rb") as file:
        data = file.read()
    with open(root.place(root.by_build_id), "wb") as file:
        file.write(data[:len(data) // 3])
    found = root.source()
    ok("a debug file that is cut off is of no use", [] if found == "fde" else [found])

    root = Root("debug-frame", "-g", "-fno-asynchronous-unwind-tables")
    shutil.copy(root.debug, root.place(root.by_build_id))
    hidden = symbol(root.full, "hidden")
    answers = ask(root.program, ["fde %x" % hidden[0], "cfi %x" % hidden[0]], "-r", root.root)
    alone = ask(root.program, ["fde %x" % hidden[0], "cfi %x" % hidden[0]])
    ok(".debug_frame of the debug file",
       [] if answers[0] == "%x %x" % (hidden[0], hidden[0] + hidden[1]) and alone == ["-", "-"] and
       answers[1].startswith("debug ") else [answers, alone])


def test_debug_frame():
    for title, flags in (("", []), (", compressed", ["-gz"])):
        path = compile_as("debug_frame" + title, PROGRAM, "-g", "-no-pie",
                          "-fno-asynchronous-unwind-tables", *flags)
        hidden = symbol(path, "hidden")
        answer = ask(path, ["cfi %x" % hidden[0]])[0]
        ok(".debug_frame" + title, check_fdes(path) + (
            [] if answer.startswith("debug ") and "cfa=r7+8" in answer else [answer]))


def test_mini_debug():
    if not shutil.which("xz"):
        return skip("MiniDebugInfo", "xz is not installed")
    full = compile_as("mini-full", PROGRAM)
    mini = os.path.join(WORK, "mini")
    run("objcopy", "-S", "--remove-section", ".gnu_debuglink", "--keep-symbol", "hidden",
        full, mini)
    run("xz", "-kf", mini)
    program = os.path.join(WORK, "mini-program")
    run("strip", "-o", program, full)
    run("objcopy", "--add-section", ".gnu_debugdata=" + mini + ".xz", program)
    hidden = symbol(full, "hidden")
    answer = outer(ask(program, ["functions %x" % hidden[0]])[0])
    ok("MiniDebugInfo", [] if answer[0] == "hidden" and answer[3] == "minidebuginfo" else [answer])

    with open(mini + ".xz", "rb") as file:
        data = file.read()
    for title, damaged in (("cut off", data[:len(data) // 2]), ("not xz", b"\0" * 100),
                           ("a bomb", None)):
        if damaged is None:
            damaged = subprocess.run(["xz", "-c"], input=bytes(300 << 20), capture_output=True,
                                     check=True).stdout
        run("strip", "-o", program, full)
        run("objcopy", "--add-section", ".gnu_debugdata=" + write("mini.bad", damaged), program)
        answer = outer(ask(program, ["functions %x" % hidden[0]])[0])
        ok("MiniDebugInfo that is " + title, [] if answer[3] == "fde" else [answer])


# --- Inlined functions ---------------------------------------------------------------------------


def check_inlines(path, *options, reference=None):
    """Compares with addr2line -i at each byte of the code. It gives the innermost function of an
    address the name of the symbol when DWARF has no linkage name, so such names are not compared."""
    start, size = sections(reference or path)[".text"]
    addresses = range(start, start + size)
    answers = ask(path, ["functions %x" % a for a in addresses], *options)
    expected, current = {}, None
    for line in run("addr2line", "-ifa", "-e", reference or path,
                    text="".join("%#x\n" % a for a in addresses)).splitlines():
        if re.fullmatch(r"0x[0-9a-f]{16}", line):
            current = expected.setdefault(int(line, 16), [])
        else:
            current.append(line)
    problems, deep = [], 0
    for address, answer in zip(addresses, answers):
        names = [f[0] for f in functions(answer)]
        wanted = expected[address][0::2]
        if not names:
            continue
        deep = max(deep, len(names))
        if len(names) != len(wanted) or any(
                name != other and (name.startswith("_Z") or other != wanted[-1])
                for name, other in zip(names[:-1], wanted)):
            problems.append("%x: %s, not %s" % (address, names, wanted))
        for _, first, length, source, _ in functions(answer)[:-1]:
            if source != "dwarf-inline" or not first <= address < first + length:
                problems.append("%x: %s" % (address, answer))
    return problems[:20] + ([] if deep >= 4 else ["only %d functions deep" % deep])


# What GCC makes of a function of which it inlines a part into itself: DWARF has work_too inlined in
# work, and both are names of the same code.
INLINED_IN_ITSELF = """
volatile int sink;
static inline __attribute__((always_inline)) int work_too(int n)
{ for (int i = 0; i < n; i++) sink += i; return sink; }
static inline __attribute__((always_inline)) int other(int n) { return work_too(n) + sink; }
__attribute__((noinline)) int work(int n) { return n < 3 ? n : other(n); }
__asm__(".globl work_too\\n.set work_too, work\\n.type work_too, @function");
int main(int argc, char **argv) { (void)argv; return work(argc); }
"""


def test_inlined_in_itself():
    path = compile_as("inlined in itself", INLINED_IN_ITSELF, "-O2", "-g")
    start, size = symbol(path, "work")[:2]
    seen = set()
    for answer in ask(path, ["functions %x" % a for a in range(start, start + size)]):
        seen.add(tuple(f[0] for f in functions(answer)))
    ok("a function inlined in itself is one function",
       [] if seen == {("work",), ("other", "work")} else [seen])


def test_inlines():
    if not shutil.which("g++"):
        return skip("inlined functions", "g++ is not installed")
    for title, flags in (("DWARF 5", ["-gdwarf-5"]), ("DWARF 4", ["-gdwarf-4"]),
                         ("compressed", ["-gdwarf-5", "-gz"]), ("in sections", ["-g", "-ffunction-sections"]),
                         ("link-time optimization", ["-g", "-flto"])):
        path = compile_as("inlines " + title, INLINES, "-O2", *flags, cxx=True)
        ok("inlined functions, " + title, check_inlines(path) if path else ["cannot be built"])
    # addr2line does not know them; the code is that of the first.
    units = compile_as("inlines type units", INLINES, "-O2", "-gdwarf-5", "-fdebug-types-section", cxx=True)
    ok("inlined functions, type units",
       check_inlines(units, reference=os.path.join(WORK, "inlines DWARF 5")))
    run("objcopy", "--only-keep-debug", path, path + ".debug")
    build_id = re.search(r"Build ID: ([0-9a-f]+)", run("readelf", "-n", path))[1]
    root = os.path.join(WORK, "inline-root")
    place = "%s/usr/lib/debug/.build-id/%s/%s.debug" % (root, build_id[:2], build_id[2:])
    os.makedirs(os.path.dirname(place))
    shutil.copy(path + ".debug", place)
    run("strip", "-o", path + ".stripped", path)
    ok("inlined functions, in a debug file",
       check_inlines(path + ".stripped", "-r", root, reference=path))


for tool in ("readelf", "objdump", "objcopy", "strip", "addr2line", CC[0]):
    if not shutil.which(tool):
        skip_all(tool + " is not installed")
if os.uname().machine != "x86_64":
    skip_all("the programs are for x86-64")
test_layouts()
test_names()
test_unsized()
test_without_sections()
test_debug_files()
test_debug_frame()
test_mini_debug()
test_inlined_in_itself()
test_inlines()
done()
