#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Small traces, damaged in a fixed sequence of ways, through the whole of a replay.

fuzz_trace ends with a signal (or a sanitizer's report) when it crashes. RTSAMPLE_DAMAGED_TRACES is
the number of variants of each trace. Prints TAP.
"""
import os
import random
import shutil
import struct
import subprocess
import sys
import tempfile

TOP = os.environ.get("top_builddir", ".")
FUZZ = os.path.join(TOP, "tests/fuzz/fuzz_trace")
VARIANTS = int(os.environ.get("RTSAMPLE_DAMAGED_TRACES", "60"))
STUCK_SECONDS = 300
AT_ONCE = 30

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


def code_offset(path):
    """Where the first executable segment of an ELF file begins."""
    with open(path, "rb") as file:
        data = file.read()
    start, = struct.unpack_from("<Q", data, 32)
    size, count = struct.unpack_from("<HH", data, 54)
    for at in range(start, start + size * count, size):
        kind, flags, offset = struct.unpack_from("<IIQ", data, at)
        if kind == 1 and flags & 1:
            return offset
    return 0


def records(sample_type, path):
    """A process, its mappings and some samples, in two rounds that overlap."""
    name = path.encode() + b"\0"
    name += bytes(-len(name) % 8)
    out = record(3, 1 << 13, struct.pack("<ii", 100, 100) + b"program\0" + trailer(10))
    where = struct.pack("<iiQQQ", 100, 100, 0x400000, 0x100000, code_offset(path))
    device = os.stat(path)
    identity = struct.pack("<IIQQII", os.major(device.st_dev), os.minor(device.st_dev),
                           device.st_ino, 0, 5, 2)
    out += record(10, 2, where + identity + name + trailer(11))
    out += record(7, 0, struct.pack("<iiiiQ", 101, 100, 101, 100, 12) + trailer(12))
    for number in range(6):
        time = 20 + 10 * number - (25 if number == 4 else 0)
        body = struct.pack("<QiiQQ", 0x401000 + number * 64, 100, 100, time, 7)
        if sample_type & CALLCHAIN:
            chain = [0xFFFFFFFFFFFFFE00, 0x401000 + number * 64, 0x401100, 0x402000]
            body += struct.pack("<Q4Q", 4, *chain)
        if sample_type & RAW:
            body += struct.pack("<IIQ", 12, 1, 2)
        if sample_type & REGS:
            body += struct.pack("<Q", 2) + b"".join(
                struct.pack("<Q", 0x7FFF0000 if i == 7 else 0x401000) for i in range(17))
        if sample_type & STACK:
            body += struct.pack("<Q", 512) + bytes(range(256)) * 2 + struct.pack("<Q", 512)
        out += record(9, 2, body)
        if number == 3:
            out += record(68, 0, b"")
    out += record(2, 0, struct.pack("<QQ", 7, 3) + trailer(90))
    out += record(4, 0, struct.pack("<iiiiQ", 100, 1, 100, 1, 99) + trailer(99))
    return out + record(68, 0, b"")


def text(value):
    value = value.encode() + b"\0"
    return struct.pack("<I", len(value)) + value


def build_id_table(path):
    name = path.encode().ljust(64, b"\0")
    return record(67, 2, struct.pack("<i", 100) + bytes(range(20)) + bytes(4) + name)


def file_trace(sample_type, path):
    """A perf.data file of one event, with some features."""
    data = records(sample_type, path)
    attrs_at, data_at = 104 + 8, 104 + 8 + 136
    # Of a file that nobody maps: that of the others is told by its inode.
    features = [(2, build_id_table("/nowhere")), (4, text("6.1.0")), (6, text(os.uname().machine)),
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


def pipe_trace(sample_type, path, extra=b""):
    out = b"PERFILE2" + struct.pack("<Q", 16)
    out += record(64, 0, attr(sample_type) + struct.pack("<Q", 7))
    out += record(80, 0, struct.pack("<Q", 6) + text(os.uname().machine))
    out += record(78, 0, struct.pack("<QQ", 2, 7) + b"cpu-clock\0")
    return out + extra


def compressed_trace(sample_type, path):
    zstd = subprocess.run(["zstd", "-q", "-c"], input=records(sample_type, path),
                          stdout=subprocess.PIPE, check=True).stdout
    half = len(zstd) // 16 * 8
    pieces = record(81, 0, zstd[:half]) + struct.pack("<IHH", 81, 0, 8 + len(zstd) - half)
    return pipe_trace(sample_type, path, pieces + zstd[half:])


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


def own_trace(path):
    """A trace of rtsample's own: notes around samples."""
    sample_type = IP | TID | TIME | ID | CALLCHAIN
    out = note(1, words("format", "1", "method", "perf:cpu-clock", "gave_up", "a,b", "frequency", "99"))
    out += note(2, number(1) + words("path", path, "build_id", "00" * 20))
    out += note(3, number(2) + number(16) + bytes(16))
    out += note(4, number(0) + number(1) + number(0x400000) + number(0x400000))
    out += note(5, number(1) + words("pid", "100", "name", "program"))
    out += note(10, number(1) + words("", "purl", "pkg:deb/debian/x@1"))
    samples = records(sample_type, path)
    at = 0
    while at < len(samples):
        kind, _, size = struct.unpack_from("<IHH", samples, at)
        if kind == 9:
            out += note(6, number(1) + number(0) + number(0) + number(3) + number(3 << 3) + number(26) + number(10))
        out += samples[at:at + size]
        at += size
    out += note(7, words("dropped.rate_limit", "3")) + note(8, number(0) + number(20))
    return pipe_trace(sample_type, path, out + note(9, words("duration_ms", "5", "command_status", "0")))


def seeds(path):
    usual = IP | TID | TIME | ID
    traces = {
        "dwarf": file_trace(usual | REGS | STACK, path),
        "fp": file_trace(usual | CALLCHAIN, path),
        "raw": file_trace(usual | CALLCHAIN | RAW | REGS | STACK, path),
        "leaf": file_trace(usual, path),
        "pipe": pipe_trace(usual | REGS | STACK, path, records(usual | REGS | STACK, path)),
        "own": own_trace(path),
    }
    if shutil.which("zstd"):
        traces["compressed"] = compressed_trace(usual | REGS | STACK, path)
    return traces


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
                                timeout=STUCK_SECONDS)
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


def main():
    if len(sys.argv) == 3 and sys.argv[1] == "--seeds":
        os.makedirs(sys.argv[2], exist_ok=True)
        for name, data in seeds("/bin/true").items():
            with open(os.path.join(sys.argv[2], name), "wb") as file:
                file.write(data)
        return 0
    work = tempfile.mkdtemp(prefix="rtsample-traces-")
    failed = False
    try:
        traces = seeds("/bin/true")
        for count, (name, data) in enumerate(traces.items(), 1):
            problems = check(name, data, work)
            failed |= bool(problems)
            print("%sok %d - %s, and %d ways to damage it" % ("not " if problems else "", count, name, VARIANTS))
            for problem in problems[:3]:
                print("# " + "\n# ".join(problem.splitlines()[:40]))
        print("1..%d" % len(traces))
    finally:
        shutil.rmtree(work)
    return 1 if failed else 0


if sys.byteorder != "little":
    print("1..0 # SKIP the traces are made for little-endian machines")
    sys.exit(0)
sys.exit(main())
