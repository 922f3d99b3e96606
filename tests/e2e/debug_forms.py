#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Debug information in another form than the plain one: compressed, split off, shared by several files.

Each program here is built twice, or changed afterwards, so that one of the two has its debug
information as plain DWARF. Its code is the same, and the truth is what addr2line says of that one.
"""
import re
import shutil
import struct
import subprocess
import sys

sys.dont_write_bytecode = True
from lib import *  # noqa

skip_in("user")

QUERY = os.path.abspath(os.path.join(os.environ.get("top_builddir", "."), "tests/unit/binary/object_query"))
CC = os.environ.get("CC", "cc").split()

# Two units that inline across lexical blocks and into several places.
UNITS = {
    "one.c": """
volatile unsigned long sink;
struct pair { unsigned long first, second; struct pair *next; } both;
static inline __attribute__((always_inline)) unsigned long cube(unsigned long n) { sink += n; return n * n * n; }
static inline __attribute__((always_inline)) unsigned long sum(unsigned long n)
{ unsigned long total = 0; for (unsigned long i = 0; i < n; i++) { total += cube(i); if (total & 1) sink++; } return total; }
__attribute__((noinline)) unsigned long work(unsigned long n)
{ if (n > 3) { unsigned long half = sum(n / 2); return half + cube(n); } return sum(n); }
__attribute__((noinline, cold)) unsigned long seldom(unsigned long n) { return cube(n) + sum(n + 2); }
""",
    "two.c": """
extern volatile unsigned long sink;
unsigned long work(unsigned long), seldom(unsigned long);
static inline __attribute__((always_inline)) unsigned long twice(unsigned long n)
{ sink ^= n; return 2 * work(n); }
static __attribute__((noinline)) unsigned long outer(unsigned long n) { return n & 1 ? twice(n) : twice(n + 1) + 3; }
int main(int argc, char **argv)
{ (void)argv; unsigned long n = argc > 1 ? 400000000UL : 5; return (int)(outer(n) + seldom(2)) & 1; }
""",
}


# --- Building and asking -------------------------------------------------------------------------


def tool(name):
    if not shutil.which(name):
        raise Skip(name + " is not installed")
    return name


def run(*command, cwd=None):
    """What it prints; Skip when it fails: this compiler or linker has no such form."""
    try:
        result = subprocess.run(command, capture_output=True, text=True, cwd=cwd, timeout=STUCK_SECONDS / 4)
    except subprocess.TimeoutExpired:
        raise Skip("%s does not end" % command[0])
    if result.returncode != 0:
        raise Skip("%s: %s" % (" ".join(command[:2]), (result.stderr.strip().splitlines() or ["failed"])[-1]))
    return result.stdout


def folder(name):
    path = os.path.join(WORK, name)
    os.makedirs(path, exist_ok=True)
    return path


def compile_in(place, *flags, compiler=None, called="program"):
    """Builds both units in a folder; the path of the program."""
    place = folder(place)
    for name, text in UNITS.items():
        with open(os.path.join(place, name), "w", encoding="utf-8") as file:
            file.write(text)
    run(*(compiler or CC), "-O2", *flags, "-o", called, *UNITS, cwd=place)
    return os.path.join(place, called)


def ask(path, questions, *options):
    """The answers, and what is said besides."""
    result = subprocess.run([QUERY, *options, path], input="".join(q + "\n" for q in questions),
                            capture_output=True, text=True, errors="replace", timeout=STUCK_SECONDS)
    answers = result.stdout.splitlines()
    assert len(answers) == len(questions), (path, result.stderr)
    return answers, result.stderr.splitlines()


def addresses_of(path, *names):
    """Each byte of these functions."""
    found = []
    for line in run("nm", "-S", path).splitlines():
        field = line.split()
        if len(field) == 4 and field[3].split(".")[0] in names:
            found += range(int(field[0], 16), int(field[0], 16) + int(field[1], 16))
    assert found, (path, names)
    return found


def names_by_addr2line(path, addresses):
    """[[innermost, …, outermost]…]"""
    text = subprocess.run(["addr2line", "-ifa", "-e", path], input="".join("%#x\n" % a for a in addresses),
                          capture_output=True, text=True, check=True).stdout
    found = []
    for line in text.splitlines():
        if re.fullmatch("0x[0-9a-f]{16}", line):
            found.append([])
        else:
            found[-1].append(line)
    return [lines[0::2] for lines in found]


def text_of(path):
    out = os.path.join(WORK, "text")
    run("objcopy", "-O", "binary", "-j", ".text", path, out)
    with open(out, "rb") as file:
        return file.read()


def check_inlines(path, plain, *options, addresses=None):
    """Are the functions at each address those that addr2line finds in the plain one?"""
    assert text_of(path) == text_of(plain), "the code is not the same"
    addresses = addresses or addresses_of(plain, "work", "seldom", "outer", "main")
    answers, said = ask(path, ["functions %x" % a for a in addresses], *options)
    problems, deepest = [], 0
    for address, answer, wanted in zip(addresses, answers, names_by_addr2line(plain, addresses)):
        names = [part.split("\t")[0].split(".")[0] for part in answer.split("\t|\t")]
        deepest = max(deepest, len(names))
        if names != wanted:
            problems.append("%x: %s, not %s" % (address, names, wanted))
    if deepest < 3:
        problems.append("only %d functions deep" % deepest)
    return problems[:5] + ["it says: " + line for line in said]


def check_rows(path, plain):
    """Are the rows of call frame information those of readelf's, in the plain one?"""
    section = run("readelf", "-wF", plain).split("Contents of the .debug_frame section")[1]
    rows = re.findall(r"^([0-9a-f]{16}) rsp\+(\d+)", section, re.M)
    rows = [row for row in rows if int(row[0], 16)]  # the others are those of CIEs
    answers, said = ask(path, ["cfi " + start for start, _ in rows])
    problems = ["%s: %s, not %s" % (start, answer, offset) for (start, offset), answer in zip(rows, answers)
                if not answer.startswith("debug ") or not answer.endswith("cfa=r7+" + offset)]
    return problems[:5] + (["no row at all"] if len(rows) < 4 else []) + said


def point(title, function, *arguments):
    """One TAP line of a check, which may find that it cannot be made here."""
    try:
        ok(title, function(*arguments))
    except Skip as reason:
        skip(title, reason)


# --- Plain ---------------------------------------------------------------------------------------


def versions():
    """Each version of DWARF, and units of types, have the inlined functions"""
    plain = compile_in("version-plain", "-g", "-gdwarf-4")
    for flags in (["-gdwarf-2"], ["-gdwarf-3"], ["-gdwarf-4", "-fdebug-types-section"],
                  ["-gdwarf-5", "-fdebug-types-section"]):
        title = " ".join(flags)
        point(title, lambda: check_inlines(compile_in("version" + title, "-g", *flags), plain))


# --- Compressed ----------------------------------------------------------------------------------

FORMS = {"zlib": "zlib-gabi", "zlib in .zdebug sections": "zlib-gnu", "zstd": "zstd"}


def has_zstd():
    return "zstd: yes" in run(RTSAMPLE, "--version")


def pack(plain, form):
    packed = plain + "." + form
    run("objcopy", "--compress-debug-sections=" + form, plain, packed)
    sections = run("readelf", "-SW", packed)
    mark = r" \.zdebug_info " if form == "zlib-gnu" else r" \.debug_info .* C "
    assert re.search(mark, sections), "objcopy did not compress"
    if form == "zstd" and not has_zstd():
        raise Skip("built without zstd")
    return packed


def compressed():
    """Compressed sections, of each form, have the inlined functions"""
    for version in ("4", "5"):
        plain = compile_in("packed" + version, "-g", "-gdwarf-" + version)
        for title, form in FORMS.items():
            try:
                ok("DWARF %s, %s" % (version, title), check_inlines(pack(plain, form), plain))
            except Skip as reason:
                skip("DWARF %s, %s" % (version, title), reason)


def compressed_debug_frame():
    """.debug_frame, compressed in each form, has the rows of a program without .eh_frame"""
    plain = compile_in("frames", "-g", "-no-pie", "-fno-asynchronous-unwind-tables")
    for title, form in FORMS.items():
        try:
            ok(".debug_frame, " + title, check_rows(pack(plain, form), plain))
        except Skip as reason:
            skip(".debug_frame, " + title, reason)


def damage(path, section, patch):
    """Has `patch` change the bytes of a section, in a copy."""
    changed = path + ".changed"
    shutil.copy(path, changed)
    place = re.search(r" %s +\S+ +\S+ +([0-9a-f]+) ([0-9a-f]+) " % re.escape(section), run("readelf", "-SW", path))
    offset, size = int(place[1], 16), int(place[2], 16)
    with open(changed, "r+b") as file:
        file.seek(offset)
        data = bytearray(file.read(size))
        patch(data)
        file.seek(offset)
        file.write(data)
    return changed


def check_said(path, expected, *options, section=None):
    """Names by symbol only, and one line that says why."""
    question = ["functions %x" % address for address in addresses_of(path, "work")]
    answers, said = ask(path, question, *options)
    problems = [answer for answer in answers if not answer.startswith("work\t") or "|" in answer]
    if len(said) != 1 or not re.search(expected, said[0]) or path.split("/")[-1] not in said[0]:
        problems.append("it says %r" % (said,))
    return problems


def what_cannot_be_read():
    """What cannot be read is said once per file, with the reason"""
    plain = compile_in("unread", "-g", "-gdwarf-5")
    packed = pack(plain, "zlib-gabi")

    def other_type(data):
        struct.pack_into("<I", data, 0, 77)

    def other_size(data):
        struct.pack_into("<Q", data, 8, 1 << 40)

    def other_bytes(data):
        data[30:40] = bytes(10)

    def later_version(data):
        struct.pack_into("<H", data, 4, 6)

    for title, path, patch, expected in (
        ("an unknown compression", packed, other_type, "compressed in a way.*objcopy"),
        ("a size that cannot be", packed, other_size, "is damaged"),
        ("damaged bytes", packed, other_bytes, "is damaged"),
        ("a later version of DWARF", plain, later_version, "version 6"),
    ):
        ok(title, check_said(damage(path, ".debug_info", patch), expected))
    packed = pack(plain, "zlib-gnu")

    def no_magic(data):
        data[0:4] = b"ZLIP"

    ok(".zdebug without its mark", check_said(damage(packed, ".zdebug_info", no_magic), "is damaged"))


# --- Split off -----------------------------------------------------------------------------------


def compile_split(place, *flags, compiler=None):
    """A program whose debug information is in .dwo files, and its plain twin."""
    split = compile_in(place, "-g", "-gsplit-dwarf", *flags, compiler=compiler)
    plain = compile_in(place + "-plain", "-g", "-gdwarf-4", *[f for f in flags if not f.startswith("-gdwarf")],
                       compiler=compiler)
    return split, plain


def dwo_files(program):
    place = os.path.dirname(program)
    return [os.path.join(place, name) for name in sorted(os.listdir(place)) if name.endswith(".dwo")]


def split_units():
    """Inlined functions in .dwo files, of both compilers and both forms"""
    for compiler in ("gcc", "clang"):
        for version in ("4", "5"):
            for title, flags in ((", plainly", []), (", in sections", ["-ffunction-sections"]),
                                 (", with types", ["-fdebug-types-section"])):
                if compiler == "clang" and "types" in title:
                    continue

                def check():
                    tool(compiler)
                    place = "split-%s-%s%s" % (compiler, version, title[-8:])
                    return check_inlines(*compile_split(place, "-gdwarf-" + version, *flags, compiler=[compiler]), "-s")

                point("%s, DWARF %s%s" % (compiler, version, title), check)


def split_packages():
    """Inlined functions in a .dwp, which is found beside the program"""
    # Of version 5 LLVM's understands what its own compiler writes, and some of GNU's none at all.
    for packer, compiler, version in (
        ("dwp", "gcc", "4"), ("llvm-dwp", "gcc", "4"), ("llvm-dwp", "clang", "4"), ("llvm-dwp", "clang", "5")
    ):

        def check():
            tool(packer)
            tool(compiler)
            place = "package-%s-%s-%s" % (packer, compiler, version)
            program, plain = compile_split(place, "-gdwarf-" + version, compiler=[compiler])
            run(packer, "-e", program, "-o", program + ".dwp", cwd=os.path.dirname(program))
            for path in dwo_files(program):
                os.unlink(path)
            return check_inlines(program, plain, "-s")

        point("%s of %s, DWARF %s" % (packer, compiler, version), check)


def split_elsewhere():
    """A .dwo file is found where the compiler left it and beside the program, and nowhere but below the root"""
    program, plain = compile_split("elsewhere", "-gdwarf-5")
    addresses = addresses_of(plain, "work")
    root = folder("split-root")
    inside = os.path.join(root, "opt")
    os.makedirs(inside)
    point("not outside the root", check_said, program, r"\.dwo is not there", "-r", root, "-p", "/opt/program")
    for path in dwo_files(program):
        shutil.copy(path, inside)
    ok("beside the program", check_inlines(program, plain, "-r", root, "-p", "/opt/program"))
    shutil.rmtree(inside)
    os.makedirs(root + os.path.dirname(program))
    for path in dwo_files(program):
        shutil.copy(path, root + os.path.dirname(program))
    ok("where the compiler left it", check_inlines(program, plain, "-r", root, "-p", "/opt/program"))
    answers, said = ask(program, ["functions %x" % address for address in addresses])
    # Nothing is to be looked for, and nothing is missed.
    ok("not looked for", [] if not any("|" in answer for answer in answers) else answers[:3])
    run("objcopy", "--compress-debug-sections=zlib", dwo_files(program)[0])
    ok("compressed", check_inlines(program, plain, "-s"))


def split_and_stripped():
    """The skeletons may be in a separate debug file"""
    tool("dwp")
    program, plain = compile_split("split-debug", "-gdwarf-4", "-Wl,--build-id")
    build_id = re.search(r"Build ID: ([0-9a-f]+)", run("readelf", "-n", program))[1]
    root = folder("split-debug-root")
    debug = "%s/usr/lib/debug/.build-id/%s/%s.debug" % (root, build_id[:2], build_id[2:])
    os.makedirs(os.path.dirname(debug))
    run("objcopy", "--only-keep-debug", program, debug)
    os.makedirs(os.path.join(root, "opt"))
    bare = os.path.join(root, "opt", "program")
    run("strip", "-o", bare, program)
    run("dwp", "-e", program, "-o", debug[:-len(".debug")] + ".dwp", cwd=os.path.dirname(program))
    return check_inlines(bare, plain, "-r", root, "-p", "/opt/program")


def split_missing():
    """Missing, foreign and damaged .dwo files are said once, and the function itself has its name"""
    program, _ = compile_split("missing", "-gdwarf-5")
    files = dwo_files(program)
    with open(files[0], "rb") as file:
        content = file.read()
    other, _ = compile_split("foreign", "-gdwarf-5", "-DFOREIGN=1", "-fno-inline-small-functions")
    os.unlink(files[0])
    ok("missing", check_said(program, r"\.dwo is not there", "-s"))
    for name, text in UNITS.items():
        with open(os.path.join(os.path.dirname(other), name), "w", encoding="utf-8") as file:
            file.write(text.replace("total = 0", "total = 5"))
    run(*CC, "-O2", "-g", "-gsplit-dwarf", "-gdwarf-5", "-o", "program", *UNITS, cwd=os.path.dirname(other))
    shutil.copy(dwo_files(other)[0], files[0])
    ok("of another build", check_said(program, r"\.dwo is not there, or is of another build", "-s"))
    # Whatever the bytes are, there is an answer.
    problems = []
    for at in range(0, len(content), max(1, len(content) // 60)):
        changed = bytearray(content)
        changed[at] ^= 0xff
        with open(files[0], "wb") as file:
            file.write(changed)
        answers, _ = ask(program, ["functions %x" % a for a in addresses_of(program, "work")[::16]], "-s")
        problems += ["byte %d: %s" % (at, a) for a in answers if not a.split("|")[-1].strip().startswith("work\t")]
    ok("damaged", problems[:5])


def said_once():
    """A run says once of a file that a part of its debug information is missing, and samples it all the same"""
    program, _ = compile_split("said", "-gdwarf-5")
    for path in dwo_files(program):
        os.unlink(path)
    out = os.path.join(WORK, "said.ndjson")
    result = subprocess.run([RTSAMPLE, "-F", "199", "-o", out, "--", program, "x"], capture_output=True, text=True,
                            timeout=STUCK_SECONDS)
    with open(out, encoding="utf-8") as file:
        names = {json.loads(line)["metadata"]["symbol"] for line in file}
    if "work" not in names:
        raise Skip("nothing can be sampled here: " + result.stderr[-200:])
    said = [line for line in result.stderr.splitlines() if "not all debug information" in line]
    own = [line for line in said if program in line]
    return [] if len(own) == 1 and re.search(r"\.dwo is not there", own[0]) and not names & {"sum", "cube"} else [said, names]


# --- Shared by several files ---------------------------------------------------------------------


def shared():
    """What dwz moved to a file that several have in common is read from there"""
    tool("dwz")
    for version in ("4", "5"):

        def check():
            plain = compile_in("dwz-plain-" + version, "-g", "-gdwarf-" + version, "-Wl,--build-id")
            root = folder("dwz-root-" + version)
            for name in ("one", "two"):
                shutil.copy(plain, os.path.join(root, name))
            common = "/usr/lib/debug/.dwz/common.debug"
            os.makedirs(os.path.dirname(root + common))
            run("dwz", "-m", root + common, "-M", common, "one", "two", cwd=root)
            assert "gnu_debugaltlink" in run("readelf", "-SW", os.path.join(root, "one"))
            one = os.path.join(root, "one")
            problems = check_inlines(one, plain, "-r", root, "-p", "/one")
            # The same by a path from where the file is, by build-id alone, and not at all.
            found = re.search(r"Build ID: ([0-9a-f]+)", run("readelf", "-n", root + common))[1]
            by_id = "%s/usr/lib/debug/.build-id/%s/%s.debug" % (root, found[:2], found[2:])
            os.makedirs(os.path.dirname(by_id))
            os.rename(root + common, by_id)
            problems += check_inlines(one, plain, "-r", root, "-p", "/one")
            os.unlink(by_id)
            answers, said = ask(one, ["functions %x" % a for a in addresses_of(plain, "work")], "-r", root, "-p", "/one")
            if len(said) != 1 or not re.search(r"common\.debug is not there", said[0]):
                problems.append("it says %r" % (said,))
            return problems + [a for a in answers if not a.split("|")[-1].strip().startswith("work\t")][:5]

        point("DWARF " + version, check)


def shared_within():
    """What dwz moved to units of their own within the file is read from there"""
    tool("dwz")
    for version in ("4", "5"):

        def check():
            plain = compile_in("dwz-one-" + version, "-g", "-gdwarf-" + version)
            run("dwz", "-o", plain + ".dwz", plain)
            return check_inlines(plain + ".dwz", plain)

        point("DWARF " + version, check)


for needed in ("readelf", "objcopy", "addr2line", "nm", CC[0]):
    if not shutil.which(needed):
        skip_all(needed + " is not installed")
if os.uname().machine != "x86_64":
    skip_all("the programs are for x86-64")
run_steps(
    versions,
    compressed,
    compressed_debug_frame,
    what_cannot_be_read,
    split_units,
    split_packages,
    split_elsewhere,
    split_and_stripped,
    split_missing,
    said_once,
    shared,
    shared_within,
)
