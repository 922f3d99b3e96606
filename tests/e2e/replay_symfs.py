#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""--symfs and traces that say nothing of their files but paths: what the user points at is taken when
its code is mapped as it was recorded, and its facts say so; of a trace with build-ids nothing is."""
import sys

sys.dont_write_bytecode = True
from lib import *  # noqa
import trace_maker as maker

skip_in("user")

# Without a frame of its own the leaf hides its caller from the kernel, chain_middle.
SYMBOLS = {"chain_leaf", "chain_outer"}
LAYOUTS = {
    "pie": ["-pie", "-fPIE"],
    "fixed": ["-no-pie"],
    "static": ["-static"],
    "code first": ["-pie", "-fPIE", "-Wl,-z,noseparate-code"],
    "without a build-id": ["-pie", "-fPIE", "-Wl,--build-id=none"],
}
SOURCE = """
volatile unsigned long place;
__attribute__((noinline)) void chain_leaf(void) { for (int i = 0; i < ROUNDS; i++) place += i; }
__attribute__((noinline)) void chain_middle(void) { chain_leaf(); place++; }
__attribute__((noinline)) void chain_outer(void) { chain_middle(); place++; }
int main(void) { chain_outer(); return MORE; }
"""


def compile_program(path, options=(), source=SOURCE, rounds=150000000):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    source_path = path + ".c"
    with open(source_path, "w", encoding="utf-8") as file:
        file.write(source)
    command = [os.environ.get("CC", "cc").split()[0], "-O1", "-fno-omit-frame-pointer", "-DROUNDS=%d" % rounds,
               "-DMORE=0", *options, source_path, "-o", path]
    result = subprocess.run(command, capture_output=True, text=True)
    os.unlink(source_path)
    if result.returncode != 0:
        raise Skip("%s: %s" % (" ".join(options), result.stderr.strip()[:200]))
    return path


def record(path, program, *options):
    """A trace of the program by perf."""
    if not shutil.which("perf"):
        raise Skip("perf is not installed")
    event = "cpu-clock" if IS_ROOT else "cpu-clock:u"
    command = ["perf", "record", "-q", "-F", "499", "-e", event, "--call-graph", "fp", *options, "-o", path, "--", program]
    for _ in range(3):  # a busy machine may leave a short program no sample
        result = subprocess.run(command, capture_output=True, text=True)
        if result.returncode != 0:
            raise Skip("perf record: " + result.stderr.strip()[:200])
        found = subprocess.run(["perf", "script", "-i", path, "-F", "event", "-G"], capture_output=True)
        if len(found.stdout.split()) > 20:
            return path
    raise Skip("perf takes no samples here")


def replay(trace, root, *options):
    """(facts of the program's functions, files of the account, messages, problems)"""
    output = os.path.join(WORK, "out.ndjson")
    stats = output + ".stats"
    command = [RTSAMPLE, "replay", "--symfs", root, *options, "-o", output, "--stats", stats, trace]
    result = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=STUCK_SECONDS)
    if result.returncode != 0:
        return [], {}, result.stderr, ["status %d: %s" % (result.returncode, result.stderr[-500:])]
    with open(stats, encoding="utf-8") as file:
        account = json.load(file)
    with open(output, encoding="utf-8") as file:
        facts = [json.loads(line) for line in file]
    own = [fact for fact in facts if fact["metadata"]["symbol"] in SYMBOLS]
    return own, account["trace"]["files"], result.stderr, check_account(account, facts)


def check_taken(facts, files, said, by_path):
    """What is wrong where the program was to be found, by its path or for certain."""
    problems = []
    if {fact["metadata"]["symbol"] for fact in facts} != SYMBOLS:
        problems.append("found %s; files %s; %s" % (facts, files, said[:300]))
    marks = {fact["metadata"].get("fileIdentity") for fact in facts}
    if facts and marks != ({"path"} if by_path else {None}):
        problems.append("marked %s" % marks)
    if files and bool(files["by_path"]) != by_path or by_path and "fileIdentity" not in said:
        problems.append("files %s; %s" % (files, said[-500:]))
    return problems


def programs_of_every_layout():
    """a trace without build-ids: the program below DIR, at its path or by its name, in every layout that linkers make"""
    problems = []
    for name, options in LAYOUTS.items():
        folder = tempfile.mkdtemp(dir=WORK)
        program = compile_program(os.path.join(folder, "bin/subject"), options)
        trace = record(os.path.join(folder, "trace"), program, "--no-buildid")
        away = os.path.join(folder, "away")
        shutil.copy(program, away)
        os.unlink(program)
        for place in (program[1:], "subject", "lib/any/where/subject"):
            root = tempfile.mkdtemp(dir=folder)
            path = os.path.join(root, place)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            shutil.copy(away, path)
            facts, files, said, found = replay(trace, root)
            found += check_taken(facts, files, said, True)
            problems += ["%s at %s: %s" % (name, place, problem) for problem in found]
            facts, files, said, found = replay(trace, root, "--search", "symfs")
            found += check_taken(facts, files, said, True)
            problems += ["%s at %s, there alone: %s" % (name, place, problem) for problem in found]
    return problems


def what_does_not_fit():
    """another file at that path is not taken, which is said once; nor is one of two of that name"""
    folder = tempfile.mkdtemp(dir=WORK)
    program = compile_program(os.path.join(folder, "bin/subject"))
    trace = record(os.path.join(folder, "trace"), program, "--no-buildid")
    away = os.path.join(folder, "away")
    shutil.move(program, away)
    padding = "__attribute__((used)) static char more[] = { [40000] = 1 }; void f(void) { asm(\".skip 20000, 0x90\"); }"
    longer = compile_program(os.path.join(folder, "longer"), source=SOURCE + padding)
    debug = os.path.join(folder, "debug")
    subprocess.run(["objcopy", "--only-keep-debug", away, debug], check=True)
    short = os.path.join(folder, "short")
    with open(away, "rb") as file, open(short, "wb") as other:
        other.write(file.read(5000))
    text = os.path.join(folder, "text")
    with open(text, "w", encoding="utf-8") as file:
        file.write("no program")
    problems = []
    narrow = os.path.join(folder, "narrow")
    with open(away, "rb") as file, open(narrow, "wb") as other:
        image = bytearray(file.read())
        image[4] = 1  # ELFCLASS32
        other.write(image)
    for wrong in (longer, debug, short, text, narrow, "/bin/sh"):
        root = tempfile.mkdtemp(dir=folder)
        path = root + program
        os.makedirs(os.path.dirname(path), exist_ok=True)
        shutil.copy(wrong, path)
        facts, files, said, found = replay(trace, root, "--search", "symfs")
        problems += found
        if facts or files.get("by_path") or said.count("no names for %s" % program) != 1:
            problems.append("%s was taken: %s %s %s" % (wrong, facts, files, said[-500:]))
        if ("32 bits" in said) != (wrong == narrow):
            problems.append("%s: %s" % (wrong, said[:300]))
    root = tempfile.mkdtemp(dir=folder)
    for number, place in enumerate(("one", "two")):
        os.mkdir(os.path.join(root, place))
        compile_program(os.path.join(root, place, "subject"), ["-UMORE", "-DMORE=%d" % number])
    facts, files, said, found = replay(trace, root, "--search", "symfs")
    if facts or "several" not in said:
        problems.append("one of two was taken: %s; %s" % (facts, said[-500:]))
    return problems + found


def with_build_ids_nothing_is_believed():
    """a trace with build-ids: the right file is found by its name as well, and another one of the same layout is not taken"""
    folder = tempfile.mkdtemp(dir=WORK)
    program = compile_program(os.path.join(folder, "bin/subject"), ["-Wl,--build-id=sha1"])
    problems = []
    for name, options in (("table", []), ("records", ["--buildid-mmap"])):
        trace = record(os.path.join(folder, name), program, *options)
        away = os.path.join(folder, "away")
        shutil.move(program, away)
        root = tempfile.mkdtemp(dir=folder)
        shutil.copy(away, os.path.join(root, "subject"))
        # perf keeps copies at home.
        home, os.environ["HOME"] = os.environ.get("HOME", "/"), folder
        facts, files, said, found = replay(trace, root)
        found += check_taken(facts, files, said, False)
        with open(away, "rb") as file:
            image = file.read()
        notes = subprocess.run(["readelf", "-n", away], capture_output=True, text=True).stdout
        build_id = bytes.fromhex(re.search(r"Build ID: ([0-9a-f]+)", notes).group(1))
        os.makedirs(os.path.dirname(root + program), exist_ok=True)
        for place in (root + program, os.path.join(root, "subject")):
            with open(place, "wb") as file:
                file.write(image.replace(build_id, bytes(reversed(build_id))))
        facts, files, said, more = replay(trace, root)
        os.environ["HOME"] = home
        if facts or files.get("by_path"):
            more.append("another build-id was taken: %s %s" % (facts, files))
        problems += ["%s: %s" % (name, problem) for problem in found + more]
        shutil.move(away, program)
    return problems


def the_file_in_its_place():
    """without build-ids, the very file at its recorded path is known by its inode, and needs no mark"""
    folder = tempfile.mkdtemp(dir=WORK)
    program = compile_program(os.path.join(folder, "bin/subject"))
    trace = record(os.path.join(folder, "trace"), program, "--no-buildid")
    root = tempfile.mkdtemp(dir=folder)
    shutil.copy(program, os.path.join(root, "subject"))
    facts, files, said, problems = replay(trace, root)
    problems += check_taken(facts, files, said, False)
    facts, files, said, more = replay(trace, root, "--search", "symfs")
    return problems + more + check_taken(facts, files, said, True)


def records_without_identity():
    """records of old kernels, which have neither device nor build-id; two mappings of a file, of which one does not fit"""
    if os.uname().machine != "x86_64":
        raise Skip("the program of these traces is of x86-64")
    files = os.path.join(os.environ.get("top_srcdir", "."), "tests/fuzz/trace_files")
    event = maker.Event(attr_size=72)
    problems = []
    for name, size, taken in (("fits", 0x1000, True), ("is longer", 0x2000, False), ("is elsewhere", 0x800, False)):
        data = event.comm(10) + event.mmap(11, path="/old/place/program", size=size) + event.sample(20) * 5
        # The same file once more, where no segment of it can be.
        data += event.mmap(12, path="/old/place/program", start=0x700000, offset=0x5000) + event.sample(21, ip=0x700112) * 3
        trace = os.path.join(WORK, "made")
        with open(trace, "wb") as file:
            file.write(maker.file_trace([event], data, maker.machine_features(build_ids=())))
        output = os.path.join(WORK, "made.ndjson")
        command = [RTSAMPLE, "replay", "--symfs", files, "-o", output, trace]
        result = subprocess.run(command, capture_output=True, text=True)
        with open(output, encoding="utf-8") as file:
            facts = [json.loads(line) for line in file]
        found = [(fact["metadata"]["symbol"], fact["metadata"].get("fileIdentity"), fact["hitCount"]) for fact in facts]
        if result.returncode != 0 or found != ([("leaf", "path", 5)] if taken else []):
            problems.append("%s: %s %s" % (name, found, result.stderr[-500:]))
    return problems


run_steps(
    programs_of_every_layout,
    what_does_not_fit,
    with_build_ids_nothing_is_believed,
    the_file_in_its_place,
    records_without_identity,
)
