#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Traces that perf wrote, replayed: perf report is the second opinion on the very same samples.

Each user function with an inclusive share of 1 % or more in either has the same share in the other,
within half a point; shares are of all samples.
"""
import sys

sys.dont_write_bytecode = True
from lib import *  # noqa

skip_in("user")

SMALLEST = 1.0  # percent
POINTS = 0.5
ROUNDS = 60000

# Names that perf gives to a return address which is the first byte of another function: it looks up
# what the kernel's chain holds as it is, and not the call before it.
OFF_BY_ONE = ["_dl_start_user"]

# The unwound stacks of perf end where its copies do, as ours: so those of large frames are compared
# as well.
VARIANTS = [
    ("dwarf", ["-e", "CLOCK", "--call-graph", "dwarf,16384"]),
    ("fp", ["-e", "CLOCK", "--call-graph", "fp"]),
    ("all", ["-a", "-e", "CLOCK", "--call-graph", "fp"]),
    ("all-dwarf", ["-a", "-e", "CLOCK", "--call-graph", "dwarf,8192"]),
    ("several", ["-e", "CLOCK", "-e", "task-clockMODE", "--call-graph", "dwarf,8192"]),
    ("compressed", ["-z", "-e", "CLOCK", "--call-graph", "fp"]),
    ("pipe", ["-e", "CLOCK", "--call-graph", "dwarf,8192"]),
]

# Where the stacks of a program begin. Those that perf gives up before are no witness of the callers.
ROOTS = {"_start", "_dl_start_user", "_dl_start", "clone", "clone3", "__clone", "__clone3"}
GIVEN_UP = 3.0  # percent, at most

UNLIMITED = {"Sampler__MaxEventsPerSecond": "0"}


def perf(*arguments, **options):
    environment = {key: value for key, value in os.environ.items() if key != "DEBUGINFOD_URLS"}
    result = subprocess.run(
        ["perf", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment,
        timeout=STUCK_SECONDS, **options
    )
    return result.returncode, result.stdout, result.stderr.decode("utf-8", "replace")


def record(variant, options, program):
    """The path of a trace of the program."""
    path = os.path.join(WORK, variant + ".data")
    mode = "" if IS_ROOT else ":u"
    words = [word.replace("CLOCK", "cpu-clock" + mode).replace("MODE", mode) for word in options]
    command = ["record", "-q", "-F", "999", *words, "-o", "-" if variant == "pipe" else path]
    status, data, errors = perf(*command, "--", program, str(ROUNDS))
    if variant == "pipe":
        with open(path, "wb") as file:
            file.write(data)
    if status != 0 or not os.path.getsize(path):
        raise Skip("perf record: " + errors.strip()[:200])
    return path


def script_shares(path, *options, leaves=False):
    """The same from the stacks themselves: perf report has no inclusive shares of a pipe. `leaves`:
    of the innermost user function alone."""
    text = perf("script", "-i", path, "-F", "ip,sym", "--no-inline", *options)[1]
    stacks = [stack for stack in text.decode("utf-8", "replace").split("\n\n") if stack.strip()]
    shares = {}
    for stack in stacks:
        lines = [line.split(None, 1) for line in stack.splitlines()]
        # Kernel addresses have no place in facts.
        users = [line for line in lines if len(line) == 2 and line[0][:4] != "ffff"]
        names = [line[1].partition("@@")[0] for line in users]
        for name in set(names[:1] if leaves else names) - {"[unknown]"}:
            shares[name] = shares.get(name, 0.0) + 100.0 / len(stacks)
    return shares, len(stacks)


def given_up(path):
    """The percentage of perf's user stacks that do not reach a root."""
    text = perf("script", "-i", path, "-F", "ip,sym", "--no-inline")[1].decode("utf-8", "replace")
    stacks = [stack.splitlines() for stack in text.split("\n\n") if stack.strip()]
    ends = [stack[-1].split(None, 1) for stack in stacks if stack[-1].split()[0][:4] != "ffff"]
    broken = [end for end in ends if len(end) != 2 or end[1].partition("@@")[0] not in ROOTS]
    return 100.0 * len(broken) / max(len(stacks), 1)


def perf_shares(path, comm=None):
    """({user function: percent of all samples}, samples), all events together; of the processes of this
    name, or of all."""
    counts = {}
    for word in perf("script", "-i", path, "-F", "event", "-G")[1].decode().split():
        counts[word.rstrip(":")] = counts.get(word.rstrip(":"), 0) + 1
    total = sum(counts.values())
    options = ["--no-inline", "--no-demangle", "--stdio", "--children", "-g", "none", "-t", "\t"]
    options += ["--percent-limit", "0", "-F", "overhead_children,comm,dso,sym"]
    text = perf("report", "-i", path, *options)[1].decode("utf-8", "replace")
    shares, weight = {}, 1.0
    for line in text.splitlines():
        event = re.match(r"# Samples: .* of event '(.*)'", line)
        if event:
            weight = counts.get(event.group(1), 0) / max(total, 1)
        fields = [field.strip() for field in line.split("\t")]
        if line.startswith("#") or len(fields) != 4 or not fields[3].startswith("[.] "):
            continue
        if comm and fields[1] != comm:
            continue
        name = fields[3][4:].strip().partition("@@")[0]
        if not re.fullmatch("(0x)?[0-9a-f]{8,}", name) and name not in OFF_BY_ONE:
            shares[name] = shares.get(name, 0.0) + weight * float(fields[0].rstrip("%"))
    return shares, total


def replay(path, output):
    """(status, account, messages) of a replay into the file `output`."""
    stats = output + ".stats"
    result = subprocess.run(
        [RTSAMPLE, "replay", "--emit", "process", "-o", output, "--stats", stats, path],
        stderr=subprocess.PIPE, env=dict(os.environ, **UNLIMITED), timeout=10 * STUCK_SECONDS,
    )
    account = {}
    if result.returncode == 0:
        with open(stats, encoding="utf-8") as file:
            account = json.load(file)
    return result.returncode, account, result.stderr.decode("utf-8", "replace")


def read_facts(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def our_shares(facts, samples, leaves=False):
    """{every name of a function: percent}; inlined copies are not the function itself."""
    hits, inlined = {}, {}
    for fact in facts:
        metadata = fact["metadata"]
        names = [metadata["symbol"]] + metadata.get("aliases", "").split(",")
        into = inlined if metadata["symbolSource"] == "dwarf-inline" else hits
        for name in set(filter(None, names)):
            count = int(metadata.get("leafHits", 0)) if leaves else fact["hitCount"]
            into[name] = into.get(name, 0) + count
    return {name: 100.0 * count / samples for name, count in {**inlined, **hits}.items()}


def compare(variant, path):
    output = os.path.join(WORK, variant + ".ndjson")
    status, account, messages = replay(path, output)
    if status != 0:
        ok("%s: replayed" % variant, ["status %d: %s" % (status, messages)])
        return
    facts = read_facts(output)
    if variant.startswith("all"):
        # Whatever else runs here may have names of its own in perf.
        facts = [fact for fact in facts if fact["processName"] == "shares"]
    if variant == "all":
        theirs, total = perf_shares(path, "shares")
    elif variant == "all-dwarf":
        # Of a whole machine perf has no more than the leaf of many stacks that it unwinds well when
        # it records the process alone: so the innermost functions of ours are compared.
        theirs, total = script_shares(path, "--comms", "shares", leaves=True)
    elif variant == "pipe":
        theirs, total = script_shares(path)
    else:
        theirs, total = perf_shares(path)
    problems = check_account(account, None if variant.startswith("all") else facts)
    ours = our_shares(facts, max(total, 1), variant == "all-dwarf")
    samples = account["samples"]
    seen = samples["taken"] + samples["no_user"]
    if total == 0 or (seen != total and variant != "all-dwarf"):
        problems.append("perf has %d samples, and we %d" % (total, seen))
    rows = sorted((-share, name) for name, share in theirs.items() if share >= SMALLEST)
    worst = 0.0
    # Of a few hundred samples two are more than half a point.
    allowed = max(2 * POINTS if variant == "all-dwarf" else POINTS, 200 / max(total, 1))
    if variant not in ("all", "all-dwarf", "fp", "compressed"):  # of frame pointers both have the same chain
        broken = given_up(path)
        allowed += broken
        if broken > GIVEN_UP:
            problems.append("perf gives up %.2f %% of the stacks" % broken)
    for negative, name in rows:
        difference = abs(-negative - ours.get(name, ours.get(name.partition("@")[0], 0.0)))
        worst = max(worst, difference)
        # An exec that ends meanwhile is of one program here and of the other in perf.
        if difference > allowed:
            problems.append("%s: %.2f %% in perf, %.2f here" % (name, -negative, ours.get(name, 0)))
    if len(rows) < 4:
        problems.append("perf names only %d functions" % len(rows))
    for fact in facts:
        # perf knows a function by one of its names.
        names = [fact["metadata"]["symbol"]] + fact["metadata"].get("aliases", "").split(",")
        share = ours.get(names[0], 0.0)
        if share >= SMALLEST + POINTS and fact["metadata"]["symbolSource"] in ("symtab", "dynsym"):
            if not any(name in theirs for name in names):
                problems.append("%s: %.2f %% here, and not in perf" % (names[0], share))
    note("%s: %d samples, %d functions, worst %.2f points of %.2f" % (variant, total, len(rows), worst, allowed))
    ok("%s: the shares of perf report" % variant, problems)


def main():
    if not shutil.which("perf"):
        skip_all("perf is not installed")
    require_sampling()
    program = build("shares")
    for variant, options in VARIANTS:
        if variant.startswith("all") and not IS_ROOT:
            skip(variant + ": the shares of perf report", "only root may sample everybody")
            continue
        try:
            path = record(variant, options, program)
        except Skip as reason:
            skip("%s: the shares of perf report" % variant, reason)
            continue
        compare(variant, path)
    done()


main()
