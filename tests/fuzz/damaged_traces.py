#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Small traces, damaged in a fixed sequence of ways, through the whole of a replay; and what the
fuzzers found worth keeping (tests/fuzz/trace_corpus).

fuzz_trace ends with a signal (or a sanitizer's report) when it crashes. RTSAMPLE_DAMAGED_TRACES is
the number of variants of each trace. Prints TAP.

    damaged_traces.py --seeds DIR   writes the traces as they are there (see tests/fuzz/run)
    damaged_traces.py --program     makes the program again that they are traces of
"""
import json
import os
import random
import shutil
import struct
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../e2e"))
import trace_maker as maker  # noqa

TOP = os.environ.get("top_builddir", ".")
FUZZ = os.path.join(TOP, "tests/fuzz/fuzz_trace")
FILES = os.path.join(HERE, "trace_files")
CORPUS = os.path.join(HERE, "trace_corpus")
VARIANTS = int(os.environ.get("RTSAMPLE_DAMAGED_TRACES", "60"))
STUCK_SECONDS = 300
AT_ONCE = 100

BOUNDARIES = [0, 1, 7, 8, 0x7F, 0xFF, 0x7FFF, 0xFFF8, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF,
              0x7FFFFFFFFFFFFFFF, 0x8000000000000000, 0xFFFFFFFFFFFFFE00, 0xFFFFFFFFFFFFFFFF]

# sample_type: IP, TID, TIME, ADDR, CALLCHAIN, ID, CPU, PERIOD, REGS_USER, STACK_USER, IDENTIFIER
IP, TID, TIME, READ, CALLCHAIN, ID, CPU, PERIOD = 1, 2, 4, 16, 32, 64, 128, 256
RAW, BRANCH, REGS, STACK, IDENTIFIER = 1024, 2048, 4096, 8192, 65536


def attr(sample_type):
    """A struct perf_event_attr for cpu-clock; the registers are those of x86-64."""
    head = struct.pack("<IIQQQQQ", 1, 120, 0, 1000, sample_type, 4, 1 << 18 | 1 << 10)
    return (head + struct.pack("<IIQQQQII", 0, 0, 0, 0, 0, 0xFF01FF, 1024, 0)).ljust(120, b"\0")


def record(kind, misc, body):
    body += bytes(-len(body) % 8)
    return struct.pack("<IHH", kind, misc, 8 + len(body)) + body


def trailer(time):
    return struct.pack("<iiQQ", 100, 100, time, 7)


# tests/fuzz/traced_program.c, as it lies in trace_files: a place in its innermost function, and the
# stack above it from there to _start.
PROGRAM, BUILD_ID = "/program", b"rtsfuzz" + bytes([10, *range(1, 13)])
LEAF, CALLERS = 0x400112, [0x40012E, 0x400186, 0x40019C, 0x4001CA]
STACK_AT = 0x7FFF0000


def stack_copy():
    """(rbp, 512 bytes)"""
    copy = bytearray(512)
    for at, address in zip((0, 0x1A0, 0x1D0, 0x1E0), CALLERS):
        struct.pack_into("<Q", copy, at, address)
    return STACK_AT + 0x1C8, bytes(copy)


def mapping(with_build_id):
    """The MMAP2 record of the program, whose build-id is in it or in the table of the trace."""
    name = PROGRAM.encode() + b"\0"
    name += bytes(-len(name) % 8)
    where = struct.pack("<iiQQQ", 100, 100, 0x400000, 0x1000, 0)
    identity = struct.pack("<B3x20s", 20, BUILD_ID) if with_build_id else struct.pack("<IIQQ", 8, 1, 12, 0)
    misc = 2 | (1 << 14 if with_build_id else 0)
    return record(10, misc, where + identity + struct.pack("<II", 5, 2) + name + trailer(11))


def records(sample_type, with_build_id=False):
    """A process, its mappings and some samples, in two rounds that overlap."""
    out = record(3, 1 << 13, struct.pack("<ii", 100, 100) + b"program\0" + trailer(10))
    out += mapping(with_build_id)
    out += record(7, 0, struct.pack("<iiiiQ", 101, 100, 101, 100, 12) + trailer(12))
    frame, copy = stack_copy()
    for number in range(6):
        time = 20 + 10 * number - (25 if number == 4 else 0)
        place = LEAF if number % 2 == 0 else CALLERS[number // 2]
        body = struct.pack("<QiiQQ", place, 100, 100, time, 7)
        if sample_type & CALLCHAIN:
            body += struct.pack("<Q6Q", 6, 0xFFFFFFFFFFFFFE00, place, *CALLERS)
        if sample_type & RAW:
            body += struct.pack("<IIQ", 12, 1, 2)
        if sample_type & REGS:
            registers = [frame if i == 6 else STACK_AT if i == 7 else place if i == 8 else i for i in range(17)]
            body += struct.pack("<Q17Q", 2, *registers)
        if sample_type & STACK:
            body += struct.pack("<Q", 512) + copy + struct.pack("<Q", 512)
        out += record(9, 2, body)
        if number == 3:
            out += record(68, 0, b"")
    out += record(2, 0, struct.pack("<QQ", 7, 3) + trailer(90))
    out += record(4, 0, struct.pack("<iiiiQ", 100, 1, 100, 1, 99) + trailer(99))
    return out + record(68, 0, b"")


def text(value):
    value = value.encode() + b"\0"
    return struct.pack("<I", len(value)) + value


def build_id_table():
    return record(67, 2 | 1 << 15, struct.pack("<i20sI", 100, BUILD_ID, 20) + PROGRAM.encode().ljust(64, b"\0"))


def file_trace(sample_type, with_build_id=False):
    """A perf.data file of one event, with some features."""
    data = records(sample_type, with_build_id)
    attrs_at, data_at = 104 + 8, 104 + 8 + 136
    features = [(2, build_id_table()), (4, text("6.1.0")), (6, text(os.uname().machine)),
                (29, struct.pack("<IIQQ", 1, 1, 1 << 60, 5))]
    at = data_at + len(data) + 16 * len(features)
    sections = contents = b""
    for _, content in features:
        sections += struct.pack("<QQ", at + len(contents), len(content))
        contents += content
    bits = sum(1 << bit for bit, _ in features)
    header = b"PERFILE2" + struct.pack("<QQ6Q4Q", 104, 136, attrs_at, 136, data_at, len(data), 0, 0,
                                       bits, 0, 0, 0)
    entry = attr(sample_type) + struct.pack("<QQ", 104, 8)
    return header + struct.pack("<Q", 7) + entry + data + sections + contents


def pipe_trace(sample_type, extra):
    out = b"PERFILE2" + struct.pack("<Q", 16)
    out += record(64, 0, attr(sample_type) + struct.pack("<Q", 7))
    out += record(80, 0, struct.pack("<Q", 6) + text(os.uname().machine))
    out += record(78, 0, struct.pack("<QQ", 2, 7) + b"cpu-clock\0")
    return out + extra


def compressed_trace(sample_type):
    zstd = subprocess.run(["zstd", "-q", "-c"], input=records(sample_type, True),
                          stdout=subprocess.PIPE, check=True).stdout
    half = len(zstd) // 16 * 8
    pieces = record(81, 0, zstd[:half]) + struct.pack("<IHH", 81, 0, 8 + len(zstd) - half)
    return pipe_trace(sample_type, pieces + zstd[half:])


def note(kind, payload):
    return record(65, 0, b"RTSn" + struct.pack("<BBH", 1, kind, len(payload)) + payload)


def number(value):
    out = b""
    while value >= 128:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def words(*texts):
    return b"".join(number(len(item) + 1) + item.encode() + b"\0" for item in texts)


def own_trace(redacted=False, said=()):
    """A trace of rtsample's own: notes around samples. Those of a bundle have no names. `said`: keys
    and values that its RUN, PROCESS and END have as well."""
    sample_type = IP | TID | TIME | ID | CALLCHAIN
    out = note(1, words("format", "1", "method", "perf:cpu-clock", "gave_up", "a,b", "frequency", "99", *said))
    path = () if redacted else ("path", PROGRAM)
    out += note(2, number(1) + words(*path, "build_id", BUILD_ID.hex()))
    out += note(3, number(2) + number(16) + bytes(16))
    out += note(4, number(0) + number(1) + number(0) + number(0x400000))
    out += note(5, number(1) + words(*(() if redacted else ("pid", "100", "name", "program")), *said))
    out += note(10, number(1) + words("", "purl", "pkg:deb/debian/x@1"))
    samples = records(sample_type)
    at = 0
    while at < len(samples):
        kind, _, size = struct.unpack_from("<IHH", samples, at)
        if kind == 9:
            # Registers, then by CFI and by frame pointer, all of them in mapping 0.
            frames = b"".join(number(3 << 3 | unwinder) for unwinder in (0, 1, 1, 2, 1))
            out += note(6, number(1) + number(0) + number(0) + number(5) + frames)
        out += samples[at:at + size]
        at += size
    out += note(7, words("dropped.rate_limit", "3")) + note(8, number(0) + number(20))
    return pipe_trace(sample_type, out + note(9, words("duration_ms", "5", "command_status", "0", *said)))


def kinds():
    """Traces of other ages and options, from the maker that the scenarios use."""
    event = maker.Event(maker.USUAL | maker.ADDR | maker.ID | maker.STREAM_ID | maker.CPU | maker.READ | maker.CALLCHAIN
                        | maker.RAW | maker.BRANCH | maker.REGS | maker.STACK | maker.WEIGHT | maker.DATA_SRC
                        | maker.IDENTIFIER | maker.TRANSACTION | maker.PHYS_ADDR | maker.CGROUP | maker.DATA_PAGE
                        | maker.CODE_PAGE, [7], read_format=31, branches=1 << 17 | 1 << 19, attr_size=136)
    old = maker.Event(maker.IP | maker.TID | maker.PERIOD | maker.CALLCHAIN, attr_size=64, sample_id_all=False)
    chains = maker.Event(maker.USUAL | maker.CALLCHAIN | maker.ID, [7, 8])
    other = maker.Event(maker.USUAL | maker.CALLCHAIN | maker.ID, [9], config=2)
    mapped = maker.usual_records(chains, mapping=chains.mmap2(11, build_id=maker.PROGRAM_ID))
    guest = chains.sample(40, mode=maker.GUEST_USER) + chains.mmap2(41, path="/guest", misc=maker.GUEST_KERNEL)
    traces = {
        "fields": maker.file_trace([event], maker.usual_records(event)),
        "old": maker.file_trace([old], maker.usual_records(old, mapping=old.mmap(11)),
                                maker.machine_features(build_ids=[maker.build_id_record(sized=False)])),
        # Nothing but paths: as with --symfs, below which the fuzzed program looks.
        "by_path": maker.file_trace([chains], maker.usual_records(chains, mapping=chains.mmap(11)),
                                    maker.machine_features(build_ids=())),
        "several": maker.file_trace([chains, other], maker.usual_records(chains) + other.sample(50) + guest),
        "behind": maker.pipe_trace([chains, other], maker.tracing_data(13) + mapped[:-8] + maker.auxtrace(70) + mapped[-8:]),
    }
    if shutil.which("zstd"):
        traces["compressed2"] = maker.pipe_trace([chains], maker.compressed(mapped, maker.COMPRESSED2, 3))
    return traces


def seeds():
    usual = IP | TID | TIME | ID
    traces = {
        "dwarf": file_trace(usual | REGS | STACK),
        "fp": file_trace(usual | CALLCHAIN, True),
        "raw": file_trace(usual | CALLCHAIN | RAW | REGS | STACK, True),
        "leaf": file_trace(usual),
        "pipe": pipe_trace(usual | REGS | STACK, records(usual | REGS | STACK, True)),
        "own": own_trace(),
        "bundled": own_trace(True),
    }
    if shutil.which("zstd"):
        traces["compressed"] = compressed_trace(usual | REGS | STACK)
    return {**traces, **kinds()}


def damage(data, chance):
    """Overwrites up to eight numbers; sometimes flips bits, cuts, repeats or moves a part."""
    data = bytearray(data)
    for _ in range(chance.randint(1, 8)):
        size = chance.choice([1, 1, 2, 2, 4, 8])
        where = chance.choice([(0, 120), (0, 400), (0, len(data)), (0, len(data))])
        at = chance.randrange(where[0], max(where[0] + 1, min(where[1], len(data)) - size))
        value = chance.choice([chance.choice(BOUNDARIES), chance.getrandbits(8 * size), len(data)])
        data[at:at + size] = (value & ((1 << 8 * size) - 1)).to_bytes(size, sys.byteorder)
    if chance.random() < 0.3:
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    if chance.random() < 0.15:
        del data[chance.randrange(len(data)):]
    if chance.random() < 0.1 and data:
        begin = chance.randrange(len(data))
        part = data[begin:begin + chance.randrange(1, 600)]
        at = chance.randrange(len(data))
        data[at:at] = part
    return bytes(data)


def run(paths):
    """Why it failed, or None."""
    try:
        result = subprocess.run([FUZZ, *paths], capture_output=True, text=True, errors="replace",
                                timeout=STUCK_SECONDS, env=dict(os.environ, RTSAMPLE_FUZZ_FILES=FILES))
    except subprocess.TimeoutExpired:
        return "does not end"
    return None if result.returncode == 0 else "status %d\n%s" % (result.returncode, result.stderr[-6000:])


def check(name, data, work):
    """[the first lines of each failure] of one trace and its variants."""
    chance, problems = random.Random(name), []
    for first in range(0, VARIANTS, AT_ONCE):
        paths = []
        for variant in range(first, min(first + AT_ONCE, VARIANTS)):
            paths.append(os.path.join(work, "%s.%d" % (name, variant)))
            with open(paths[-1], "wb") as file:
                file.write(damage(data, chance) if variant else data)
        problem = run(paths)
        for path in paths:
            if problem and run([path]):
                kept = os.path.join(tempfile.gettempdir(), os.path.basename(path))
                shutil.copy(path, kept)
                problems.append("kept as %s\n%s" % (kept, problem))
            os.unlink(path)
    return problems


def facts_of(data, work):
    """The functions of an undamaged one; fuzz_trace keeps its facts to itself."""
    path = os.path.join(work, "whole")
    with open(path, "wb") as file:
        file.write(data)
    command = [os.environ.get("RTSAMPLE", os.path.join(TOP, "src/rtsample")), "replay", "-o", "-"]
    result = subprocess.run([*command, "--search", "symfs", "--symfs", FILES, path], capture_output=True)
    return {json.loads(line)["metadata"]["symbol"] for line in result.stdout.splitlines()}


def check_whole(name, data, work):
    """The seeds reach the stages behind the reading: else damage to them would show little."""
    callers = set() if name == "leaf" else {"_start"}
    missing = {"leaf", "large_frame", "any_size", "exported"} | callers
    missing -= facts_of(data, work)
    return ["undamaged, it gives no %s" % ", ".join(sorted(missing))] if missing else []


def check_corpus():
    paths = sorted(os.path.join(CORPUS, name) for name in os.listdir(CORPUS))
    problem = run(paths)
    culprits = [path for path in paths if problem and run([path])]
    return len(paths), ["%s\n%s" % (culprits, problem)] if problem else []


def make_program():
    subprocess.run(
        ["gcc", "-O2", "-g0", "-fno-pie", "-no-pie", "-static", "-nostdlib", "-fno-stack-protector",
         "-fasynchronous-unwind-tables",
         "-Wl,--build-id=0x%s,-z,noseparate-code,-z,max-page-size=4096" % BUILD_ID.hex(),
         "-o", os.path.join(FILES, PROGRAM[1:]), os.path.join(HERE, "traced_program.c")], check=True)


def write_seeds(folder):
    os.makedirs(folder, exist_ok=True)
    for name, data in seeds().items():
        with open(os.path.join(folder, name), "wb") as file:
            file.write(data)


def main():
    if sys.argv[1:] == ["--program"]:
        return make_program()
    if len(sys.argv) == 3 and sys.argv[1] == "--seeds":
        return write_seeds(sys.argv[2])
    work = tempfile.mkdtemp(prefix="rtsample-traces-")
    failed = False

    def ok(name, problems):
        nonlocal failed, count
        count += 1
        failed |= bool(problems)
        print("%sok %d - %s" % ("not " if problems else "", count, name))
        for problem in problems[:3]:
            print("# " + "\n# ".join(problem.splitlines()[:40]))

    count = 0
    try:
        for name, data in seeds().items():
            problems = check_whole(name, data, work) + check(name, data, work)
            ok("%s, and %d ways to damage it" % (name, VARIANTS), problems)
        kept, problems = check_corpus()
        ok("the corpus of %d traces" % kept, problems)
        print("1..%d" % count)
    finally:
        shutil.rmtree(work)
    return 1 if failed else 0


if __name__ == "__main__":
    if sys.byteorder != "little":
        print("1..0 # SKIP the traces are made for little-endian machines")
        sys.exit(0)
    sys.exit(main())
