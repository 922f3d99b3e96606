#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Traces of every kind that people have: of old kernels and new ones, of other machines, from pipes,
compressed, with what other tools put into them, cut off and damaged.

They are made here (trace_maker.py), so how many samples are in each is known; where perf reads one it
has to count as many. What is refused is so in one line that names the trace, with status 1 or 2.
"""
import sys

sys.dont_write_bytecode = True
from lib import *  # noqa
from trace_maker import *  # noqa

skip_in("user")

FILES = os.path.join(os.environ.get("top_srcdir", "."), "tests/fuzz/trace_files")
OTHER = "aarch64" if os.uname().machine == "x86_64" else "x86_64"
ZSTD = shutil.which("zstd")


class Kind:
    """A trace and what is to come of it: samples with a user side, and without one."""

    def __init__(self, data, taken=6, no_user=0, names=("leaf",), perf=True, **account):
        self.data, self.taken, self.no_user, self.names, self.perf = data, taken, no_user, set(names), perf
        self.account = account  # {"lost_records": 3}: of samples; {"unknown_events": 1}: of trace


def whole(event, **sample):
    return file_trace([event], usual_records(event, **sample))


def ages():
    """every size of an event's description from 2.6.32 to 6.3, with MMAP and MMAP2, times and their absence"""
    for size in ATTR_SIZES:
        event = Event(attr_size=size)
        yield "attr of %d bytes" % size, Kind(whole(event))
        yield "attr of %d bytes, MMAP" % size, Kind(whole(event, mapping=event.mmap(11)))
    for name, options in (
        ("without sample_id_all", {"sample_id_all": False}),
        ("without times", {"sample_type": IP | TID | PERIOD}),
        ("without both", {"sample_type": IP | TID | PERIOD, "sample_id_all": False}),
    ):
        event = Event(attr_size=64, **options)
        # A process that begins another program in the midst of it: its samples are of the order.
        data = event.comm(10) + event.mmap(11) + event.sample(20) * 3 + event.comm(25, name="other")
        data += event.mmap(26, path="/elsewhere") + event.sample(30) * 2
        yield name, Kind(file_trace([event], data), taken=5, hits=3)
    yield "newer than us: attr of 200 bytes", Kind(whole(Event(attr_size=200)), perf=False)


def build_ids():
    """build-ids in the records, in the table, in the table without their sizes, from perf inject; none"""
    event = Event()
    yield "in MMAP2", Kind(file_trace([event], usual_records(event, mapping=event.mmap2(11, build_id=PROGRAM_ID)),
                                      machine_features(build_ids=())))
    yield "in the table", Kind(whole(event))
    old = [build_id_record(sized=False)]
    yield "without sizes", Kind(file_trace([event], usual_records(event), machine_features(build_ids=old)))
    short = [build_id_record(PROGRAM_ID[:19] + b"\xff")]
    yield "of another file", Kind(file_trace([event], usual_records(event), machine_features(build_ids=short)), names=())
    data = event.comm(10) + event.mmap2(11) + build_id_record() + event.sample(20) * 6
    yield "perf inject -b", Kind(file_trace([event], data, machine_features(build_ids=())))
    yield "of the kernel alone", Kind(
        file_trace([event], usual_records(event),
                   machine_features(build_ids=[build_id_record(b"k" * 20, "[kernel.kallsyms]", mode=KERNEL)])), names=())
    yield "no feature at all", Kind(file_trace([event], usual_records(event, mapping=event.mmap2(11, build_id=PROGRAM_ID)), []))


def fields():
    """what samples hold beside the address: branches, weights, pages, counters, tracepoints, registers"""
    for name, event, names in (
        ("callchain", Event(USUAL | CALLCHAIN), NAMES),
        ("registers and stack", Event(USUAL | REGS | STACK), NAMES),
        ("all at once", Event(USUAL | ADDR | ID | STREAM_ID | CPU | READ | CALLCHAIN | RAW | BRANCH | REGS | STACK | WEIGHT
                              | DATA_SRC | IDENTIFIER | TRANSACTION | PHYS_ADDR | CGROUP | DATA_PAGE | CODE_PAGE, [7]), NAMES),
        ("branches", Event(USUAL | BRANCH | CALLCHAIN), NAMES),
        ("branches, hardware index", Event(USUAL | BRANCH | REGS | STACK, branches=1 << 17), NAMES),
        ("branches, counters", Event(USUAL | BRANCH | REGS | STACK, branches=1 << 17 | 1 << 19, attr_size=136), NAMES),
        ("LBR call stacks", Event(USUAL | BRANCH | CALLCHAIN, branches=1 << 11 | 1 << 3), NAMES),
        ("weight", Event(USUAL | CALLCHAIN | WEIGHT | DATA_SRC | ADDR), NAMES),
        ("weight struct", Event(USUAL | CALLCHAIN | WEIGHT_STRUCT | DATA_SRC | ADDR | PHYS_ADDR | DATA_PAGE), NAMES),
        ("aux data", Event(USUAL | CALLCHAIN | AUX), NAMES),
        ("tracepoint", Event(USUAL | RAW | CALLCHAIN | CPU, kind=2, config=314, name="sched:sched_switch"), NAMES),
        ("tracepoint, registers", Event(USUAL | RAW | REGS | STACK | CPU, kind=2, config=314), NAMES),
        ("counter", Event(USUAL | READ | CALLCHAIN, read_format=7), NAMES),
        ("group of counters", Event(USUAL | READ | REGS | STACK, [7], read_format=15), NAMES),
        ("lost in read", Event(USUAL | READ | CALLCHAIN | ID, [7], read_format=4 | 16), NAMES),
    ):
        # perf needs the formats of tracepoints, and counts what a counter grew by, which is nothing here.
        yield name, Kind(whole(event), names=names, perf=event.kind != 2 and not event.sample_type & READ)
    event = Event(USUAL | REGS | STACK)
    yield "32-bit tasks", Kind(whole(event, abi=1))
    yield "no registers", Kind(whole(Event(USUAL | REGS | STACK), abi=0))


def several_events():
    """several events: told by their ids, of one layout or several, and one that nobody described"""
    first, second = Event(USUAL | IDENTIFIER, [7, 8]), Event(USUAL | IDENTIFIER | CALLCHAIN, [9], name="page-faults", config=2)
    data = first.comm(10) + second.mmap2(11) + first.sample(20, ident=8) + second.sample(21) + first.sample(22) + second.sample(23)
    yield "two layouts", Kind(file_trace([first, second], data), taken=4, names=NAMES)
    yield "in a pipe", Kind(pipe_trace([first, second], data.replace(second.mmap2(11), second.mmap2(11, build_id=PROGRAM_ID))),
                            taken=4, names=NAMES)
    yield "an unknown id", Kind(file_trace([first, second], data + first.sample(24, ident=4711)), taken=5, names=NAMES, perf=False,
                                unknown_events=1)
    old = [Event(USUAL | ID, [number]) for number in (1, 2, 3)]
    data = old[0].comm(10) + old[1].mmap2(11) + b"".join(event.sample(20 + event.ids[0]) for event in old * 2)
    yield "without IDENTIFIER", Kind(file_trace(old, data))
    bare = [Event(USUAL), Event(USUAL, config=1)]
    yield "without any id", Kind(file_trace(bare, usual_records(bare[0])), perf=False)


def pipes():
    """pipes: the description comes as records, and data that is none behind some of them"""
    event = Event(USUAL | CALLCHAIN | ID, [7])
    data = usual_records(event, mapping=event.mmap2(11, build_id=PROGRAM_ID))
    yield "pipe", Kind(pipe_trace([event], data), names=NAMES)
    yield "features at the end", Kind(pipe_trace([event], data, features_first=False), names=NAMES)
    for size in (8, 13, 70000):
        yield "tracing data of %d bytes" % size, Kind(pipe_trace([event], tracing_data(size) + data), names=NAMES, perf=False)
    for size in (16, 65536, 70001):
        for name, wrap in (("file", lambda data: file_trace([event], data)), ("pipe", lambda data: pipe_trace([event], data))):
            yield "AUXTRACE of %d bytes, %s" % (size, name), Kind(wrap(data[:-8] + auxtrace(size) + data[-8:]), names=NAMES, perf=False)
    old = Event(USUAL | CALLCHAIN | ID, [7], attr_size=64)
    types = record(EVENT_TYPE, 0, struct.pack("<Q", 0) + b"cycles".ljust(64, b"\0"))
    data = usual_records(old, mapping=old.mmap(11) + build_id_record())
    yield "EVENT_TYPE of old, build-ids as records", Kind(pipe_trace([old], types + data), names=NAMES, perf=False)


def compressed_ones():
    """compressed: records of type 81 and 83, one or many, in files and pipes"""
    if not ZSTD:
        raise Skip("zstd is not installed")
    event = Event(USUAL | REGS | STACK)
    data = usual_records(event, count=40)
    for kind, name in ((COMPRESSED, "COMPRESSED"), (COMPRESSED2, "COMPRESSED2")):
        for pieces in (1, 2, 9):
            stream = compressed(data, kind, pieces)
            # perf 6.1 does not know the later one.
            yield "%s, %d, file" % (name, pieces), Kind(file_trace([event], stream), 40, names=NAMES, perf=False)
            mapped = compressed(usual_records(event, 40, event.mmap2(11, build_id=PROGRAM_ID)), kind, pieces)
            yield "%s, %d, pipe" % (name, pieces), Kind(pipe_trace([event], mapped), 40, names=NAMES, perf=False)


def other_records():
    """records that are none of our business, of the kernel and of perf, change nothing"""
    event = Event(USUAL | CALLCHAIN)
    bodies = {
        AUX_RECORD: struct.pack("<QQQ", 0, 16, 1), ITRACE_START: struct.pack("<ii", PID, PID), LOST_SAMPLES: struct.pack("<Q", 0),
        SWITCH: b"", SWITCH_CPU_WIDE: struct.pack("<II", PID, PID), THROTTLE: struct.pack("<QQQ", 15, 7, 7),
        UNTHROTTLE: struct.pack("<QQQ", 16, 7, 7), READ_RECORD: struct.pack("<iiQ", PID, PID, 5),
        NAMESPACES: struct.pack("<IIQ", PID, PID, 1) + struct.pack("<QQ", 8, 4026531840),
        KSYMBOL: struct.pack("<QIHH", 0xFFFFFFFFC0000000, 64, 1, 0) + padded("bpf_prog_6deef7357e7b4530"),
        BPF_EVENT: struct.pack("<HHI8s", 1, 0, 5, b"\x6d\xee\xf7\x35\x7e\x7b\x45\x30"),
        CGROUP_RECORD: struct.pack("<Q", 1) + padded("/"), AUX_OUTPUT_HW_ID: struct.pack("<Q", 0),
        TEXT_POKE: struct.pack("<QHH", 0xFFFFFFFF81000000, 5, 5) + b"\x90" * 5 + b"\xcc" * 5 + b"\0" * 2,
    }
    own = [record(kind, 0, bytes(40)) for kind in (ID_INDEX, AUXTRACE_INFO, THREAD_MAP, CPU_MAP, STAT_CONFIG, STAT, STAT_ROUND,
                                                 TIME_CONV, FINISHED_INIT)]
    extra = b"".join(event.side(kind, body, 15) for kind, body in bodies.items())
    head = event.comm(10) + event.mmap2(11)
    samples = b"".join(event.sample(20 + number) for number in range(6))
    yield "of the kernel", Kind(file_trace([event], head + extra + samples), names=NAMES, perf=False)
    yield "of perf", Kind(file_trace([event], head + b"".join(own) + samples), names=NAMES, perf=False)
    yield "of kernels to come", Kind(file_trace([event], head + event.side(40, bytes(24), 15) + samples), names=NAMES, perf=False)
    yield "of perf to come", Kind(file_trace([event], head + record(99, 0, bytes(64)) + samples), names=NAMES, perf=False)
    yield "lost ones", Kind(file_trace([event], head + event.lost(15, 3) + samples), 9, names=NAMES, lost_records=3, perf=False)


def no_user_side():
    """samples of the kernel, of a guest and of the idle task have no user side, and are not taken for the host's code"""
    event = Event()
    head = event.comm(10) + event.mmap2(11)
    kernel = b"".join(event.sample(20 + i, ip=0xFFFFFFFF81000000 + i, mode=KERNEL) for i in range(3))
    yield "of the kernel", Kind(file_trace([event], head + event.sample(15) + kernel), 1, 3)
    for mode, name in ((GUEST_USER, "of a guest's process"), (GUEST_KERNEL, "of a guest's kernel"), (HYPERVISOR, "of a hypervisor")):
        # The very address of the host's process, which means nothing in a guest.
        guest = b"".join(event.sample(20 + i, ip=LEAF, mode=mode) for i in range(3))
        yield name, Kind(file_trace([event], head + event.sample(15, ip=CALLERS[3]) + guest), 1, 3, names=("_start",), perf=False)
    other = event.mmap2(12, path="/guest/file", misc=GUEST_USER) + event.mmap(12, path="[guest.kernel.kallsyms]", misc=GUEST_KERNEL)
    yield "a guest's mappings", Kind(file_trace([event], head + other + event.sample(15) * 6))
    chained = Event(USUAL | CALLCHAIN)
    head = chained.comm(10) + chained.mmap2(11)
    chain = [CONTEXT_KERNEL, 0xFFFFFFFF81000000, CONTEXT_USER, LEAF, *CALLERS]
    yield "kernel, then user", Kind(
        file_trace([chained], head + chained.sample(20, ip=0xFFFFFFFF81000000, mode=KERNEL, chain=chain) * 6), names=NAMES)
    yield "a guest's chain", Kind(
        file_trace([chained], head + chained.sample(20, mode=GUEST_USER, chain=[CONTEXT_GUEST, LEAF]) * 2), 0, 2, names=(), perf=False)
    yield "the idle task", Kind(file_trace([event], event.sample(20, pid=0, ip=0xFFFFFFFF81000000, mode=KERNEL) * 4), 0, 4, names=())


def cut_off():
    """cut off or damaged behind some records: those are used, and the rest is said and counted"""
    event = Event()
    data = usual_records(event)
    good = file_trace([event], data)
    begin = good.index(data)
    size = len(event.sample(20))
    yield "in the middle of a record", Kind(good[:begin + data.index(event.sample(30)) + size - 5], 1, perf=False, unread=True)
    yield "between records", Kind(good[:begin + data.index(event.sample(30))], 1, perf=False)
    yield "never finished", Kind(file_trace([event], data[:-12], [], data_size=0), perf=False, unread=True)
    for told in (0, 7):
        broken = data[:-8] + struct.pack("<IHH", 9, 2, told)
        yield "a record of %d bytes" % told, Kind(file_trace([event], broken), perf=False, unread=True)
    broken = data + struct.pack("<IHH", 9, 2, 65535) + bytes(64)
    yield "a record of 65535 bytes", Kind(file_trace([event], broken), perf=False, unread=True)
    broken = data + struct.pack("<IHH", 0x6C6F7365, 2, 64) + bytes(56)
    yield "a record that is none", Kind(file_trace([event], broken), perf=False, unread=True)
    mapped = usual_records(event, mapping=event.mmap2(11, build_id=PROGRAM_ID))
    yield "a pipe in the middle of a record", Kind(pipe_trace([event], mapped)[:-20], perf=False, unread=True)
    tail = struct.pack("<IHH", AUXTRACE, 0, 48) + struct.pack("<Q", 1 << 40) + bytes(32)
    yield "in the data behind a record", Kind(file_trace([event], data + tail), perf=False, unread=True)
    if ZSTD:
        stream = compressed(usual_records(event, 40), pieces=1)
        plain = usual_records(event, mapping=event.mmap2(11, build_id=PROGRAM_ID))
        yield "in compressed data", Kind(pipe_trace([event], plain + stream[:-20]), perf=False, unread=True)
        broken = bytearray(stream)
        broken[20:28] = b"\xff" * 8
        yield "compressed data that is damaged", Kind(pipe_trace([event], plain + bytes(broken)), perf=False, unread=True)


def refused():
    """what cannot be replayed: one line that names the trace and says why, and nothing written"""
    event = Event()
    data = usual_records(event)
    good = file_trace([event], data)
    begin = good.index(data)
    folder = os.path.join(WORK, "threads")
    os.mkdir(folder)
    with open(os.path.join(folder, "data"), "wb") as file:
        file.write(file_trace([event], data, machine_features(more=[(24, struct.pack("<Q", 1))])))
    with open(os.path.join(folder, "data.0"), "wb") as file:
        file.write(data)
    empty = os.path.join(WORK, "folder")
    os.mkdir(empty)
    swapped = Event(order=">")
    cases = [
        ("another machine", file_trace([event], data, machine_features(OTHER)), OTHER),
        ("another machine, pipe", pipe_trace([event], data, OTHER), OTHER),
        ("another machine, told late", pipe_trace([event], data, OTHER, features_first=False), OTHER),
        ("32-bit x86", file_trace([event], data, machine_features("i686")), "i686"),
        ("the other byte order", file_trace([swapped], b"", [], b"2ELIFREP", ">"), "byte order"),
        ("the other byte order, pipe", b"2ELIFREP" + struct.pack(">Q", 16), "byte order"),
        ("perf before 2010", file_trace([event], data, magic=b"PERFFILE"), "before 2010"),
        ("perf record --threads", folder, "--threads"),
        ("a folder", empty, "directory"),
        ("a folder with /dev in it", "/dev", "directory"),
        ("a text", b"# this is a text of some length\n", "not a trace"),
        ("an empty file", b"", "empty"),
        ("the magic alone", b"PERFILE2", "8 bytes"),
        ("in the header", good[:60], "cut short"),
        ("in the attributes", good[:140], "end of the file"),
        ("at the data", good[:begin - 1], ""),
        ("damaged from the first record on", good[:begin] + struct.pack("<IHH", 9, 2, 7) + good[begin + 8:], "7 bytes"),
        ("a first record of 0 bytes", good[:begin] + bytes(8) + good[begin + 8:], "0 bytes"),
        ("a first record that is longer than all", good[:begin] + struct.pack("<IHH", 9, 2, 65535) + good[begin + 8:], "middle of a record"),
        ("garbage for records", good[:begin] + b"\xa5\x5a\x5a\xa5" * (len(data) // 4) + good[begin + len(data):], "type"),
        ("a pipe in its first record", pipe_trace([event], b"")[:60], "middle of a record"),
        ("a pipe of a short attr", b"PERFILE2" + struct.pack("<Q", 16) + record(ATTR, 0, bytes(40)), "cut short"),
        ("a pipe of nothing but its head", b"PERFILE2" + struct.pack("<Q", 16) + struct.pack("<IHH", 9, 2, 3), "3 bytes"),
    ]
    problems = []
    for name, trace, words in cases:
        path = trace
        if isinstance(trace, bytes):
            path = os.path.join(WORK, "refused.data")
            with open(path, "wb") as file:
                file.write(trace)
        output = os.path.join(WORK, "refused.ndjson")
        command = [RTSAMPLE, "replay", "--search", "symfs", "--symfs", FILES, "-o", output, path]
        result = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=STUCK_SECONDS)
        # Where only a late record tells, something may have been said of the ones before.
        lines = result.stderr.splitlines() if "late" not in name else result.stderr.splitlines()[-1:]
        if result.returncode not in (1, 2) or len(lines) != 1 or words not in lines[0] or path not in lines[0]:
            problems.append("%s: status %d: %s" % (name, result.returncode, result.stderr.strip()[:500]))
        if os.path.exists(output):
            if "late" not in name:
                problems.append("%s: it has written its output" % name)
            os.unlink(output)
    return problems


def from_pipes():
    """the same through a pipe on standard input, where it may end anywhere: an empty one is called empty"""
    problems = []
    event = Event(USUAL | CALLCHAIN | ID, [7])
    good = pipe_trace([event], usual_records(event, mapping=event.mmap2(11, build_id=PROGRAM_ID)))
    for data, status, words in (
        (b"", 1, "empty"), (b"PERF", 1, "4 bytes"), (good[:8], 1, "8 bytes"), (good[:15], 1, "15 bytes"), (good, 0, ""),
        (good[:16], 0, "no samples"), (good[:40], 1, "middle of a record"), (file_trace([event], usual_records(event)), 0, ""),
    ):
        command = [RTSAMPLE, "replay", "--search", "symfs", "--symfs", FILES, "-o", os.path.join(WORK, "piped"), "-"]
        result = subprocess.run(command, capture_output=True, input=data, timeout=STUCK_SECONDS)
        said = result.stderr.decode("utf-8", "replace")
        if result.returncode != status or words not in said or "unavailable" in said:
            problems.append("%d bytes: status %d: %s" % (len(data), result.returncode, said.strip()[:300]))
    return problems


# --- comparing -----------------------------------------------------------------------------------


def perf_count(path):
    """Samples for perf script; None when it does not read the trace."""
    environment = {key: value for key, value in os.environ.items() if key != "DEBUGINFOD_URLS"}
    result = subprocess.run(["perf", "script", "-i", path, "-F", "event", "-G"], capture_output=True, env=environment)
    return len(result.stdout.split()) if result.returncode == 0 else None


def check_kind(name, kind, seen):
    path, output, stats = (os.path.join(WORK, word) for word in ("kind.data", "kind.ndjson", "kind.stats"))
    with open(path, "wb") as file:
        file.write(kind.data)
    for old in (output, stats):
        if os.path.exists(old):
            os.unlink(old)
    command = [RTSAMPLE, "replay", "--search", "symfs", "--symfs", FILES, "-o", output, "--stats", stats, path]
    result = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=STUCK_SECONDS)
    if result.returncode != 0:
        return ["%s: status %d: %s" % (name, result.returncode, result.stderr.strip()[-600:])]
    with open(stats, encoding="utf-8") as file:
        account = json.load(file)
    with open(output, encoding="utf-8") as file:
        facts = [json.loads(line) for line in file]
    problems = ["%s: %s" % (name, problem) for problem in check_account(account, facts)]
    samples, trace = account["samples"], account["trace"]
    if (samples["taken"], samples["no_user"]) != (kind.taken, kind.no_user):
        problems.append("%s: %s, and there are %d with a user side and %d without" % (name, samples, kind.taken, kind.no_user))
    if samples["kept"] + samples["dropped"]["kernel_lost"] + trace["unknown_events"] != samples["taken"]:
        problems.append("%s: dropped %s" % (name, samples["dropped"]))
    names = {fact["metadata"]["symbol"] for fact in facts}
    if names != kind.names:
        problems.append("%s: names %s, not %s" % (name, sorted(names), sorted(kind.names)))
    if (trace["unread_bytes"] > 0) != kind.account.pop("unread", False):
        problems.append("%s: %d bytes unread; %s" % (name, trace["unread_bytes"], result.stderr.strip()[:300]))
    hits = kind.account.pop("hits", None)
    if hits is not None and account["events"]["hits"] != hits:
        problems.append("%s: %d hits, not %d" % (name, account["events"]["hits"], hits))
    for key, value in kind.account.items():
        if {**samples, **trace}[key] != value:
            problems.append("%s: %s is %s" % (name, key, {**samples, **trace}[key]))
    seen["ours"] += 1
    if kind.perf and seen["perf"] is not None:
        count = perf_count(path)
        if count is not None and count != kind.taken + kind.no_user:
            problems.append("%s: perf has %d samples" % (name, count))
        seen["perf"] += count is not None
    return problems


def kinds(group):
    """A step of the traces that a generator makes."""

    def step():
        seen, problems = {"ours": 0, "perf": 0 if shutil.which("perf") else None}, []
        for name, kind in group():
            problems += check_kind(name, kind, seen)
        note("%s: %d traces, of which perf read %s" % (group.__name__, seen["ours"], seen["perf"]))
        return problems

    step.__name__, step.__doc__ = group.__name__, group.__doc__
    return step


def main():
    if os.uname().machine != "x86_64":
        skip_all("the program of these traces is of x86-64")
    groups = (ages, build_ids, fields, several_events, pipes, compressed_ones, other_records, no_user_side, cut_off)
    run_steps(*[kinds(group) for group in groups], refused, from_pipes)


if __name__ == "__main__":
    main()
