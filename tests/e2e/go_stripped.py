#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Stripped Go programs: names and frames come from the table that Go's runtime has for itself.

The truth is the unstripped twin of each program, which has symbols and .debug_frame: nm and readelf
read those, and replaying one trace with either must give the same.
"""
import collections
import re
import shutil
import struct
import subprocess
import sys

sys.dont_write_bytecode = True
from lib import *  # noqa

skip_in("user")

QUERY = os.path.abspath(os.path.join(os.environ.get("top_builddir", "."), "tests/unit/binary/object_query"))
BUILD_ID = "0a1b2c3d4e5f60718293a4b5c6d7e8f901234567"

# Frames of every kind: none at all, a large one, recursion, calls through an interface, goroutines.
SOURCE = """
package main
%s
import ("os"; "sort")
//go:noinline
func leaf(x []int, n int) int { s := n; for i := range x { s = s*31 + x[i] }; return s }
//go:noinline
func middle(x []int, n int) int { var big [200]int; for i := range big { big[i] = n + i }; return leaf(x, n) + leaf(big[:], n) }
//go:noinline
func deep(x []int, n int) int { if n == 0 { return middle(x, 7) }; return deep(x, n-1) + 1 }
type order []int
func (o order) Len() int { return len(o) }
func (o order) Less(i, j int) bool { return leaf(o[i:i+1], j) < leaf(o[j:j+1], i) }
func (o order) Swap(i, j int) { o[i], o[j] = o[j], o[i] }
func worker(done chan int) {
    s := 0
    x := make([]int, 300)
    for r := 0; r < %d; r++ {
        for i := range x { x[i] = (i * 7919) %% 1009 }
        for i := 0; i < 100; i++ { s += deep(x, 5) }
        sort.Sort(order(x))
    }
    done <- s
}
func main() {
    done := make(chan int)
    go worker(done)
    go worker(done)
    if len(os.Args) > 9 { inC(7) }
    println(<-done + <-done)
}
"""
WITHOUT_C = "func inC(n int) {}\n"
WITH_C = '/*\nstatic volatile long s;\nstatic void work(int n) { while (n--) s += n; }\n*/\nimport "C"\n'

_programs = {}


def need(*tools):
    for tool in tools:
        if not shutil.which(tool):
            raise Skip(tool + " is not installed")


def run(*command, **options):
    result = subprocess.run(command, capture_output=True, text=True, **options)
    if result.returncode != 0:
        raise Skip("%s: %s" % (" ".join(command[:2]), result.stderr.strip()[-300:]))
    return result.stdout


def program(kind, *flags, with_c=False):
    """The path of a program that has everything; built once."""
    need("go", "readelf", "nm", "strip")
    if kind in _programs:
        return _programs[kind]
    place = os.path.join(WORK, kind)
    os.makedirs(place, exist_ok=True)
    text = SOURCE % (WITH_C if with_c else "", 400)
    text += "func inC(n int) { C.work(C.int(n)) }\n" if with_c else WITHOUT_C
    for name, content in (("main.go", text), ("go.mod", "module example.org/App\ngo 1.15\n")):
        with open(os.path.join(place, name), "w", encoding="utf-8") as file:
            file.write(content)
    environment = dict(os.environ, GOCACHE=os.path.join(WORK, "cache"), GOPROXY="off", GOTOOLCHAIN="local",
                       GOFLAGS="-mod=mod", CGO_ENABLED="1" if with_c else "0")
    path = os.path.join(place, "program")
    run("go", "build", *flags, "-ldflags=-B 0x" + BUILD_ID, "-o", path, ".", cwd=place, env=environment)
    if not re.search(r"debug_frame", run("readelf", "-SW", path)):
        raise Skip("this Go writes no .debug_frame")
    _programs[kind] = path
    return path


def static():
    return program("static")


def with_c():
    return program("with-c", with_c=True)


def stripped(path):
    out = path + ".stripped"
    run("strip", "-o", out, path)
    return out


def table(path):
    """Where the table is: offset in the file, address, size."""
    found = re.search(r"gopclntab +PROGBITS +(\S+) (\S+) (\S+)", run("readelf", "-SW", path))
    return int(found[2], 16), int(found[1], 16), int(found[3], 16)


def changed(path, name, change):
    """A copy with its bytes changed."""
    with open(path, "rb") as file:
        data = bytearray(file.read())
    change(data)
    out = path + "." + name
    with open(out, "wb") as file:
        file.write(data)
    os.chmod(out, 0o755)
    return out


def without_sections(data):
    struct.pack_into("<Q", data, 0x28, 0)
    struct.pack_into("<HHH", data, 0x3a, 0, 0, 0)


def without_text_address(path):
    """As later versions of Go write the header when another linker places the text."""
    offset = table(path)[0]

    def change(data):
        struct.pack_into("<Q", data, offset + 24, 0)

    return changed(path, "no-text", change)


def ask(path, questions):
    result = subprocess.run([QUERY, path], input="".join(q + "\n" for q in questions), capture_output=True, text=True)
    answers = result.stdout.splitlines()
    assert len(answers) == len(questions), (path, result.stderr)
    return answers


def check_names(path, twin):
    """Are the functions of Go those that nm lists for the twin?"""
    listed = re.findall(r"^([0-9a-f]+) [tT] ((?:main|runtime|sort)\..+)$", run("nm", twin), re.M)
    # Marks of where the text ends are no functions.
    listed = [s for s in listed if s[1] not in ("runtime.text", "runtime.etext") and "[" not in s[1]]
    problems = [] if len(listed) > 500 else ["nm lists %d" % len(listed)]
    for (address, name), answer in zip(listed, ask(path, ["functions " + address for address, _ in listed])):
        wanted = [re.sub(r"\.abi0$", "", name), address.lstrip("0")]
        field = answer.split("\t")
        if field[:2] != wanted or field[3] != "gopclntab":
            problems.append("%s: %s" % (wanted, answer))
    return problems[:5]


def rows(path):
    """[(address, bytes above the stack pointer up to the caller's)…] of .debug_frame, and the addresses
    where it says that there is no caller. Rows of no length are passed by."""
    text = run("readelf", "-wF", path).split("Contents of the .debug_frame section")[1].split("Contents of")[0]
    sized, outermost = {}, set()
    for address, size, caller in re.findall(r"^([0-9a-f]{16}) rsp\+(\d+) +(\S+)", text, re.M):
        if caller == "u":
            outermost.add(int(address, 16))
        elif int(address, 16):
            sized[int(address, 16)] = int(size)
    return sized, outermost


def check_frames(path, twin):
    """Do the sizes of all frames agree with .debug_frame?"""
    sized, outermost = rows(twin)
    answers = ask(path, ["go-frame %x" % address for address in sized])
    problems, unknown = [], 0
    for (address, size), answer in zip(sized.items(), answers):
        unknown += answer == "unknown"
        # The outermost ones may have rows of their own before the one without a caller.
        if answer not in ("unknown", "outermost", "sized %d" % (size - 8)):
            problems.append("%x: %s, not %d" % (address, answer, size - 8))
    roots = ask(path, ["go-frame %x" % address for address in outermost])
    problems += ["%x: %s" % (a, answer) for a, answer in zip(outermost, roots) if answer != "outermost"]
    note("%d rows, %d of functions that switch stacks" % (len(sized), unknown))
    if len(sized) < 1000 or not 0 < unknown < len(sized) / 20:
        problems.append("%d of %d are unknown" % (unknown, len(sized)))
    return problems[:5]


# --- Steps ---------------------------------------------------------------------------------------


def names_without_symbols():
    """Every function has its name: stripped, without an address of the text, without section headers"""
    for kind, path in (("static", static), ("with C", with_c)):
        try:
            twin = path()
        except Skip as reason:
            skip("names, " + kind, reason)
            continue
        bare = stripped(twin)
        no_text = without_text_address(bare)
        ok("names, " + kind, check_names(bare, twin))
        ok("names, %s, no address of the text" % kind, check_names(no_text, twin))
        ok("names, %s, no section headers" % kind, check_names(changed(bare, "bare", without_sections), twin))
        ok("names, %s, neither of them" % kind, check_names(changed(no_text, "bare", without_sections), twin))


def position_independent():
    """The same of a position-independent program, where relocations have the addresses"""
    if not os.environ.get("RTSAMPLE_LONG"):
        raise Skip("this builds Go's whole library; RTSAMPLE_LONG=1 has it run")
    twin = program("pie", "-buildmode=pie")
    bare = stripped(twin)
    ok("names, position-independent", check_names(bare, twin))
    ok("names, position-independent, no section headers",
       check_names(changed(bare, "bare", without_sections), twin))
    ok("names, position-independent, no address of the text", check_names(without_text_address(bare), twin))
    ok("frames, position-independent", check_frames(bare, twin))


def no_name_by_guess():
    """A table without an address of the text, and no record that proves one, gives no name"""
    twin = static()
    bare = without_text_address(stripped(twin))
    address = struct.pack("<Q", table(bare)[1])

    def spoil(data):
        at = data.find(address)
        while at >= 0:
            # minpc, which comes before the text
            struct.pack_into("<Q", data, at + 8 * 20, 0x1234)
            at = data.find(address, at + 8)

    spoiled = changed(bare, "spoiled", spoil)
    wanted = re.search(r"^([0-9a-f]+) T main.deep$", run("nm", twin), re.M)[1]
    answers = ask(bare, ["functions " + wanted, "go-frame " + wanted])
    refused = ask(spoiled, ["functions " + wanted, "go-frame " + wanted])
    return [] if answers[0].startswith("main.deep\t") and answers[1] == "sized 0" and refused == ["-", "-"] else [
        answers, refused]


def frames_without_cfi():
    """The size of the frame is that of .debug_frame, at every row of it"""
    ok("frames, static", check_frames(stripped(static()), static()))
    ok("frames, with C", check_frames(stripped(with_c()), with_c()))


def stacks():
    """Stacks of the stripped program are those that its twin has by .debug_frame, up to their root"""
    need("perf")
    twin = static()
    data = os.path.join(WORK, "perf.data")
    run("perf", "record", "-q", "-F", "999", "--call-graph", "dwarf,8192", "-o", data, "--", twin)
    hits, stats = {}, {}
    for name, path in (("twin", twin), ("stripped", stripped(twin))):
        below = os.path.join(WORK, "symfs-" + name)
        os.makedirs(below + os.path.dirname(twin))
        shutil.copy(path, below + twin)
        out, account = below + ".ndjson", below + ".json"
        run(RTSAMPLE, "replay", data, "--symfs", below, "--search", "symfs", "-o", out, "--stats", account)
        hits[name] = collections.Counter()
        with open(out, encoding="utf-8") as file:
            for line in file:
                fact = json.loads(line)
                if fact["metadata"]["symbolSource"] in ("symtab", "gopclntab"):
                    hits[name][fact["metadata"]["symbol"].replace(".abi0", "")] += fact["hitCount"]
        with open(account, encoding="utf-8") as file:
            stats[name] = json.load(file)
    problems = []
    samples = stats["twin"]["samples"]["kept"]
    # A function that the runtime made a thread call, to have it yield, has a caller by .debug_frame; here
    # it has none, since no call led to it.
    spare = samples // 25 + 1
    for name in hits["twin"]:
        lost = hits["twin"][name] - hits["stripped"][name]
        if name.startswith(("main.", "sort.")) and not 0 <= lost <= spare:
            problems.append("%s: %d hits, the twin has %d" % (name, hits["stripped"][name], hits["twin"][name]))
    for name in hits["stripped"]:
        if name not in hits["twin"]:
            problems.append("%s is not in the twin's stacks" % name)
    # Nothing but the worker calls the others, and nothing but the goroutine's root calls that.
    inside = max(hits["stripped"][name] for name in ("main.leaf", "main.deep", "main.order.Less"))
    if not inside <= hits["stripped"]["main.worker"] <= samples:
        problems.append("the worker has %d hits, what it calls %d" % (hits["stripped"]["main.worker"], inside))
    whole = stats["stripped"]["stacks"]["complete"]
    # perf itself gets fewer on a busy machine.
    if samples < 40 or whole < samples * 0.9 or hits["stripped"]["main.leaf"] < samples // 20:
        problems.append("%d of %d stacks are complete: %s" % (whole, samples, stats["stripped"]["stacks"]))
    by_cfi = stats["twin"]["stacks"]["complete"]
    if by_cfi < samples * 0.9:
        problems.append("%d of %d stacks of the twin are complete: %s" % (by_cfi, samples, stats["twin"]["stacks"]))
    note("%d samples, %d complete; the twin %d" % (samples, whole, by_cfi))
    return problems


if os.uname().machine != "x86_64":
    skip_all("the programs are for x86-64")
run_steps(
    names_without_symbols,
    position_independent,
    no_name_by_guess,
    frames_without_cfi,
    stacks,
)
