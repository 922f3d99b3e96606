# SPDX-License-Identifier: Apache-2.0
"""Traces as perf writes them, byte by byte: of any age, machine and option, whole or not.

The layout is that of perf_event_open(2) and of perf.data-file-format.txt in the kernel's tree, written
down here from there and not from what reads it.
"""
import os
import struct
import subprocess

# sample_type, in the order of its bits.
IP, TID, TIME, ADDR, READ, CALLCHAIN, ID, CPU, PERIOD, STREAM_ID, RAW, BRANCH, REGS, STACK, WEIGHT, \
    DATA_SRC, IDENTIFIER, TRANSACTION, REGS_INTR, PHYS_ADDR, AUX, CGROUP, DATA_PAGE, CODE_PAGE, \
    WEIGHT_STRUCT = (1 << bit for bit in range(25))
USUAL = IP | TID | TIME | PERIOD

# perf_event_header.misc
KERNEL, USER, HYPERVISOR, GUEST_KERNEL, GUEST_USER = 1, 2, 3, 4, 5
COMM_EXEC = 1 << 13
MMAP_BUILD_ID = 1 << 14
BUILD_ID_SIZE = 1 << 15

# Record types of the kernel, and of perf.
MMAP, LOST, COMM, EXIT, THROTTLE, UNTHROTTLE, FORK, READ_RECORD, SAMPLE, MMAP2 = range(1, 11)
AUX_RECORD, ITRACE_START, LOST_SAMPLES, SWITCH, SWITCH_CPU_WIDE, NAMESPACES, KSYMBOL, BPF_EVENT, \
    CGROUP_RECORD, TEXT_POKE, AUX_OUTPUT_HW_ID = range(11, 22)
ATTR, EVENT_TYPE, TRACING_DATA, BUILD_ID, FINISHED_ROUND, ID_INDEX, AUXTRACE_INFO, AUXTRACE, \
    AUXTRACE_ERROR, THREAD_MAP, CPU_MAP, STAT_CONFIG, STAT, STAT_ROUND, EVENT_UPDATE, TIME_CONV, \
    FEATURE, COMPRESSED, FINISHED_INIT, COMPRESSED2 = range(64, 84)

CONTEXT_KERNEL, CONTEXT_USER, CONTEXT_GUEST = (1 << 64) - 128, (1 << 64) - 512, (1 << 64) - 2048

# Sizes of struct perf_event_attr: Linux 2.6.32, 3.4, 3.7, 3.15, 4.1, 4.20, 5.5, 5.13 and 6.3.
ATTR_SIZES = (64, 72, 80, 96, 104, 112, 120, 128, 136)

# tests/fuzz/traced_program.c, as it lies in tests/fuzz/trace_files: a place in its innermost function,
# the stack above it from there to _start, and what they are called.
PROGRAM, PROGRAM_ID = "/program", b"rtsfuzz" + bytes([10, *range(1, 13)])
TEXT_AT, TEXT_SIZE = 0x400000, 0x1000
LEAF, CALLERS = 0x400112, [0x40012E, 0x400186, 0x40019C, 0x4001CA]
NAMES = {"leaf", "large_frame", "any_size", "exported", "_start"}
STACK_AT = 0x7FFF0000
PID = 100


def stack_copy():
    """(rbp, 512 bytes)"""
    copy = bytearray(512)
    for at, address in zip((0, 0x1A0, 0x1D0, 0x1E0), CALLERS):
        struct.pack_into("<Q", copy, at, address)
    return STACK_AT + 0x1C8, bytes(copy)


def record(kind, misc=0, body=b"", order="<"):
    body += bytes(-len(body) % 8)
    return struct.pack(order + "IHH", kind, misc, 8 + len(body)) + body


def text(value):
    """A string of a feature."""
    value = value.encode() + b"\0"
    value += bytes(-len(value) % 64)
    return struct.pack("<I", len(value)) + value


def padded(value):
    value = os.fsencode(value) + b"\0"
    return value + bytes(-len(value) % 8)


class Event:
    """How one event lays out its records."""

    def __init__(self, sample_type=USUAL, ids=(), name="cpu-clock", attr_size=128, sample_id_all=True,
                 read_format=0, branches=0, kind=1, config=0, order="<"):
        self.sample_type, self.ids, self.name, self.order = sample_type, list(ids), name, order
        self.attr_size, self.sample_id_all = attr_size, sample_id_all
        self.read_format, self.branches, self.kind, self.config = read_format, branches, kind, config

    def attr(self):
        # freq, mmap, comm, task; and build_id, which kernels know from 5.12 on.
        flags = self.sample_id_all << 18 | 1 << 10 | 1 << 8 | 1 << 9 | 1 << 13 | (self.attr_size >= 128) << 34
        out = struct.pack(self.order + "IIQQQQQ", self.kind, self.attr_size, self.config, 999,
                          self.sample_type, self.read_format, flags)
        out += struct.pack(self.order + "IIQQQQIi", 0, 0, 0, 0, self.branches,
                           0xFF01FF if self.sample_type & REGS else 0,
                           512 if self.sample_type & STACK else 0, 0)
        return out.ljust(max(136, self.attr_size), b"\0")[:self.attr_size]

    def trailer(self, time, pid=PID, tid=PID):
        """What ends every record but samples."""
        if not self.sample_id_all:
            return b""
        out = b""
        if self.sample_type & TID:
            out += struct.pack("<ii", pid, tid)
        if self.sample_type & TIME:
            out += struct.pack("<Q", time)
        if self.sample_type & ID:
            out += struct.pack("<Q", self.ids[0])
        if self.sample_type & STREAM_ID:
            out += struct.pack("<Q", 77)
        if self.sample_type & CPU:
            out += struct.pack("<II", 1, 0)
        if self.sample_type & IDENTIFIER:
            out += struct.pack("<Q", self.ids[0])
        return out

    # --- records of the kernel's types ---

    def side(self, kind, body, time, misc=0):
        return record(kind, misc, body + self.trailer(time))

    def comm(self, time, pid=PID, name="program", execs=True):
        return self.side(COMM, struct.pack("<ii", pid, pid) + padded(name), time, COMM_EXEC if execs else 0)

    def mmap(self, time, pid=PID, path=PROGRAM, start=TEXT_AT, size=TEXT_SIZE, offset=0, misc=USER):
        return self.side(MMAP, struct.pack("<iiQQQ", pid, pid, start, size, offset) + padded(path), time, misc)

    def mmap2(self, time, pid=PID, path=PROGRAM, start=TEXT_AT, size=TEXT_SIZE, offset=0, build_id=None, misc=USER):
        where = struct.pack("<iiQQQ", pid, pid, start, size, offset)
        identity = struct.pack("<IIQQ", 8, 1, 12, 0)
        if build_id:
            identity, misc = struct.pack("<B3x20s", len(build_id), build_id), misc | MMAP_BUILD_ID
        return self.side(MMAP2, where + identity + struct.pack("<II", 5, 2) + padded(path), time, misc)

    def fork(self, time, pid, parent=PID):
        return self.side(FORK, struct.pack("<iiiiQ", pid, parent, pid, parent, time), time)

    def exit(self, time, pid=PID):
        return self.side(EXIT, struct.pack("<iiiiQ", pid, 1, pid, 1, time), time)

    def lost(self, time, count):
        return self.side(LOST, struct.pack("<QQ", (self.ids or [0])[0], count), time)

    def sample(self, time, pid=PID, ip=LEAF, mode=USER, ident=None, chain=None, raw=b"\x01\0\0\0\x02\0\0\0",
               abi=2, branches=3):
        kind, ident = self.sample_type, ident if ident is not None else (self.ids or [0])[0]
        out = b""
        if kind & IDENTIFIER:
            out += struct.pack("<Q", ident)
        if kind & IP:
            out += struct.pack("<Q", ip)
        if kind & TID:
            out += struct.pack("<ii", pid, pid)
        if kind & TIME:
            out += struct.pack("<Q", time)
        if kind & ADDR:
            out += struct.pack("<Q", 0x1234)
        if kind & ID:
            out += struct.pack("<Q", ident)
        if kind & STREAM_ID:
            out += struct.pack("<Q", 77)
        if kind & CPU:
            out += struct.pack("<II", 1, 0)
        if kind & PERIOD:
            out += struct.pack("<Q", 1001001)
        if kind & READ:
            out += self._counters()
        if kind & CALLCHAIN:
            if chain is None:
                chain = [CONTEXT_USER, LEAF, *CALLERS] if mode == USER else []
            out += struct.pack("<%dQ" % (1 + len(chain)), len(chain), *chain)
        if kind & RAW:
            size = len(raw) + (4 - len(raw)) % 8
            out += struct.pack("<I", size) + raw.ljust(size, b"\0")
        if kind & BRANCH:
            out += struct.pack("<Q", branches)
            out += struct.pack("<Q", 3) if self.branches & 1 << 17 else b""
            out += struct.pack("<QQQ", LEAF, CALLERS[0], 1) * branches
            out += struct.pack("<Q", 9) * branches if self.branches & 1 << 19 else b""
        frame, copy = stack_copy()
        if kind & REGS:
            values = [frame if i == 6 else STACK_AT if i == 7 else ip if i == 8 else i for i in range(17)]
            out += struct.pack("<Q", abi) + (struct.pack("<17Q", *values) if abi else b"")
        if kind & STACK:
            out += struct.pack("<Q", 512) + copy + struct.pack("<Q", 512) if abi else struct.pack("<Q", 0)
        for bit in (WEIGHT | WEIGHT_STRUCT, DATA_SRC, TRANSACTION, PHYS_ADDR, CGROUP, DATA_PAGE, CODE_PAGE):
            out += struct.pack("<Q", 5) if kind & bit else b""
        if kind & AUX:
            out += struct.pack("<Q", 16) + bytes(16)
        return record(SAMPLE, mode, out)

    def _counters(self):
        each = 1 + bool(self.read_format & 4) + bool(self.read_format & 16)
        times = bool(self.read_format & 1) + bool(self.read_format & 2)
        if not self.read_format & 8:
            return struct.pack("<Q", 11) * (each + times)
        value = struct.pack("<Q", 11) + struct.pack("<Q", (self.ids or [0])[0]) * bool(self.read_format & 4)
        value += struct.pack("<Q", 0) * bool(self.read_format & 16)
        return struct.pack("<Q", 2) + struct.pack("<Q", 22) * times + value * 2


# --- records of perf's own types ---


def build_id_record(build_id=PROGRAM_ID, path=PROGRAM, sized=True, mode=USER):
    body = struct.pack("<i", PID if mode == USER else -1) + build_id.ljust(20, b"\0")
    body += struct.pack("<B3x", len(build_id) if sized else 0) + path.encode().ljust(64, b"\0")
    return record(BUILD_ID, mode | (BUILD_ID_SIZE if sized else 0), body)


def feature_record(bit, content):
    return record(FEATURE, 0, struct.pack("<Q", bit) + content)


def auxtrace(size):
    """A record, and the data behind it that is none."""
    head = record(AUXTRACE, 0, struct.pack("<QQQIIII", size, 0, 1, 0, PID, 0, 0))
    return head + bytes(range(256)) * (size // 256) + bytes(size % 256)


def tracing_data(size):
    return record(TRACING_DATA, 0, struct.pack("<I", size)) + b"\x17\x08\x44trace".ljust(size + -size % 8, b"\xff")


def compress(data):
    return subprocess.run(["zstd", "-q", "-c"], input=data, stdout=subprocess.PIPE, check=True).stdout


def compressed(data, kind=COMPRESSED, pieces=2):
    """Records in one stream of zstd that is cut anywhere into `pieces` records."""
    stream = compress(data)
    step = (len(stream) // pieces + 7) // 8 * 8 if kind == COMPRESSED else len(stream) // pieces + 1
    out = b""
    for at in range(0, len(stream), step):
        piece = stream[at:at + step]
        if kind == COMPRESSED2:
            out += record(kind, 0, struct.pack("<Q", len(piece)) + piece)
        else:  # the last one is of any size
            out += struct.pack("<IHH", kind, 0, 8 + len(piece)) + piece
    return out


# --- whole traces ---


def machine_features(arch=None, release="6.1.0", build_ids=(build_id_record(),), more=()):
    found = [(2, b"".join(build_ids))] if build_ids else []
    found += [(4, text(release))] if release else []
    found += [(6, text(arch or os.uname().machine))] if arch != "" else []
    return sorted(found + list(more))


def file_trace(events, data, features=None, magic=b"PERFILE2", order="<", data_size=None):
    """A perf.data file; features: [(bit, content)], machine_features() if None."""
    features = machine_features() if features is None else features
    attr_size = events[0].attr_size + 16
    ids_at = 104
    ids = b"".join(struct.pack(order + "%dQ" % len(event.ids), *event.ids) for event in events)
    attrs_at = ids_at + len(ids)
    data_at = attrs_at + attr_size * len(events)
    entries, at = b"", ids_at
    for event in events:
        entries += event.attr() + struct.pack(order + "QQ", at, 8 * len(event.ids))
        at += 8 * len(event.ids)
    at = data_at + len(data) + 16 * len(features)
    sections = contents = b""
    for _, content in features:
        sections += struct.pack(order + "QQ", at + len(contents), len(content))
        contents += content
    bits = sum(1 << bit for bit, _ in features)
    header = magic + struct.pack(order + "QQ6Q4Q", 104, attr_size, attrs_at, attr_size * len(events),
                                 data_at, len(data) if data_size is None else data_size, 0, 0, bits, 0, 0, 0)
    return header + ids + entries + data + sections + contents


def pipe_trace(events, data, arch=None, features_first=True):
    """What perf record -o - writes."""
    out = b"PERFILE2" + struct.pack("<Q", 16)
    for event in events:
        out += record(ATTR, 0, event.attr() + struct.pack("<%dQ" % len(event.ids), *event.ids))
    told = feature_record(4, text("6.1.0")) + feature_record(6, text(arch or os.uname().machine))
    for event in events:
        if event.ids:
            told += record(EVENT_UPDATE, 0, struct.pack("<QQ", 2, event.ids[0]) + padded(event.name))
    return out + (told + data if features_first else data + told)


def usual_records(event, count=6, mapping=None, **sample):
    """A process of the program, and `count` samples of it in two rounds that overlap."""
    out = event.comm(10) + (mapping if mapping is not None else event.mmap2(11))
    out += event.fork(12, 101)
    for number in range(count):
        time = 20 + 10 * number - (25 if number == 4 else 0)
        out += event.sample(time, **sample)
        if number == 3:
            out += record(FINISHED_ROUND)
    return out + event.exit(99) + record(FINISHED_ROUND)
