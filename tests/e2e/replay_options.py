#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What perf record writes with this option and that: every sample that perf counts is accounted for.

Options that this machine's perf or kernel refuses are left out, and said. With RTSAMPLE_LONG=1 there are
more of them.
"""
import sys

sys.dont_write_bytecode = True
from lib import *  # noqa

skip_in("user")

ROUNDS = 2000
LONG = os.environ.get("RTSAMPLE_LONG")
CLOCK = "cpu-clock" if IS_ROOT else "cpu-clock:u"
TASK = "task-clock" if IS_ROOT else "task-clock:u"

# What is always tried; the others take their time.
SHORT = {
    "cpu-clock", "two events", "a group that is read", "frame pointers", "dwarf", "every CPU", "without time stamps", "addresses",
    "switches", "namespaces", "tracepoints", "compressed", "build-ids in records", "described at the end", "overwriting",
}

# (what it is called, options, only root may)
PLAIN = [
    ("cpu-clock", ["-e", CLOCK], False),
    ("by period", ["-e", CLOCK, "-c", "1000000"], False),
    ("two events", ["-e", CLOCK, "-e", TASK], False),
    ("a group that is read", ["-e", "{%s,%s}:S" % (CLOCK, TASK)], False),
    ("faults and switches", ["-e", "page-faults:u", "-e", "minor-faults:u", "-c", "1"], False),
    ("frame pointers", ["-e", CLOCK, "-g"], False),
    ("dwarf", ["-e", CLOCK, "--call-graph", "dwarf,4096"], False),
    ("registers", ["-e", CLOCK, "--user-regs=ip,sp,bp"], False),
    ("without inheritance", ["-e", CLOCK, "-i"], False),
    ("per thread", ["-e", CLOCK, "--per-thread"], False),
    ("every CPU", ["-e", CLOCK, "-a"], True),
    ("without time stamps", ["-e", CLOCK, "--no-timestamp"], False),
    ("clock and CPU", ["-e", CLOCK, "-k", "CLOCK_MONOTONIC", "--sample-cpu", "--timestamp-boundary"], False),
    ("addresses", ["-e", CLOCK, "-d", "-W", "--phys-data"], True),
    ("pages", ["-e", CLOCK, "-d", "--data-page-size", "--code-page-size"], True),
]
SIDE_BAND = [
    ("switches", ["-e", CLOCK, "--switch-events"], True),
    ("namespaces", ["-e", CLOCK, "--namespaces"], True),
    ("control groups", ["-e", CLOCK, "--all-cgroups"], True),
    ("read counters", ["-e", CLOCK, "-s"], False),
    ("tracepoints", ["-e", "sched:sched_process_fork", "-e", "sched:sched_process_exit", "-e", "syscalls:sys_enter_read", "-c", "1", "-a"], True),
    ("tracepoints with stacks", ["-e", "raw_syscalls:sys_enter", "-c", "1", "--call-graph", "fp"], True),
]
WRITING = [
    ("compressed", ["-e", CLOCK, "-z", "-g"], False),
    ("compressed, dwarf", ["-e", CLOCK, "-z22", "--call-graph", "dwarf,8192"], False),
    ("asynchronous", ["-e", CLOCK, "--aio"], False),
    ("build-ids of all", ["-e", CLOCK, "--buildid-all"], False),
    ("build-ids in records", ["-e", CLOCK, "--buildid-mmap"], False),
    ("no build-ids", ["-e", CLOCK, "--no-buildid"], False),
    ("described at the end", ["-e", CLOCK, "--tail-synthesize"], False),
    ("overwriting", ["-e", CLOCK, "--overwrite", "-m", "4"], False),
    ("small rings that lose", ["-e", CLOCK, "-m", "1", "--call-graph", "dwarf,32768", "-F", "20000"], False),
]


def perf(*arguments, **options):
    environment = {key: value for key, value in os.environ.items() if key != "DEBUGINFOD_URLS"}
    try:
        return subprocess.run(["perf", *arguments], capture_output=True, env=environment, timeout=STUCK_SECONDS, **options)
    except OSError as error:
        raise Skip("perf cannot be run: %s" % error)


def record(path, options, piped=False):
    """Has perf record a shell whose children do the work; False with the reason where it cannot."""
    work = "for i in 1 2; do %s %d; done" % (build("shares"), ROUNDS)
    rate = [] if "-F" in options or "-c" in options else ["-F", "1999"]
    result = perf("record", "-q", *rate, *options, "-o", "-" if piped else path, "--", "sh", "-c", work)
    if piped:
        with open(path, "wb") as file:
            file.write(result.stdout)
    if result.returncode != 0 or not os.path.exists(path) or not os.path.getsize(path):
        return False, result.stderr.decode("utf-8", "replace").strip()[:120]
    return True, ""


def perf_samples(path):
    """As perf counts the records, whatever they hold."""
    text = perf("report", "--stats", "-i", path).stdout.decode("utf-8", "replace")
    total = text.split("stats:")[1] if "stats:" in text else text
    found = re.search(r"^\s*SAMPLE events:\s+(\d+)", total, re.M)
    return int(found.group(1)) if found else 0


def compare(name, path):
    output = os.path.join(WORK, "facts.ndjson")
    # No file is looked for: what matters is what is counted, and -a brings the programs of everybody.
    command = [RTSAMPLE, "replay", "--search", "symfs", "-o", output, "--stats", output + ".stats", path]
    result = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=STUCK_SECONDS)
    if result.returncode != 0:
        return ["%s: status %d: %s" % (name, result.returncode, result.stderr[-500:])]
    with open(output + ".stats", encoding="utf-8") as file:
        account = json.load(file)
    with open(output, encoding="utf-8") as file:
        facts = [json.loads(line) for line in file]
    problems = ["%s: %s" % (name, problem) for problem in check_account(account, facts)]
    samples, trace = account["samples"], account["trace"]
    seen, count = samples["kept"] + samples["no_user"], perf_samples(path)
    if seen != count or samples["dropped"]["malformed"]:
        problems.append("%s: perf has %d samples: %s" % (name, count, samples))
    # perf -z does not always write the end of its stream, and says so itself.
    unread = [key for key in ("unread_bytes", "late_records", "unknown_events") if trace[key] and "overwrit" not in name]
    if unread:
        problems.append("%s: %s; %s" % (name, trace, result.stderr[:300]))
    if not seen:
        note("%s: there were no samples" % name)
    return problems


def each(variants):
    problems, done_ones, left_out = [], [], []
    for name, options, root_only in variants:
        path = os.path.join(WORK, "trace")
        if not LONG and name not in SHORT:
            continue
        if root_only and not IS_ROOT:
            left_out.append("%s (root)" % name)
            continue
        recorded, reason = record(path, options)
        if not recorded:
            left_out.append("%s (%s)" % (name, reason.splitlines()[0] if reason else "not a trace"))
            continue
        done_ones.append(name)
        problems += compare(name, path)
        os.unlink(path)
    if left_out:
        note("left out: %s" % "; ".join(left_out))
    if not done_ones:
        raise Skip("perf records none of them here")
    return problems


def samples_of_every_form():
    """events, periods, groups, stacks, registers, addresses, with times and without"""
    return each(PLAIN)


def beside_the_samples():
    """switches, namespaces, control groups, counters, tracepoints"""
    return each(SIDE_BAND)


def however_they_are_written():
    """compressed, asynchronous, with build-ids here, there or nowhere, overwritten, described at the end, with losses"""
    return each(WRITING)


def through_pipes():
    """perf record -o -, with and without perf inject behind it, and perf inject of files"""
    problems = []
    for name, options in (("stacks", ["-g"]), ("build-ids", ["--buildid-mmap"]), ("dwarf", ["--call-graph", "dwarf,4096"]))[:None if LONG else 2]:
        path = os.path.join(WORK, "piped")
        recorded, reason = record(path, ["-e", CLOCK, *options], True)
        if not recorded:
            note("left out: %s (%s)" % (name, reason))
            continue
        problems += compare("pipe, " + name, path)
        with open(path, "rb") as file:
            injected = perf("inject", "-b", stdin=file)
        if injected.returncode == 0 and injected.stdout:
            with open(path, "wb") as file:
                file.write(injected.stdout)
            problems += compare("pipe, %s, perf inject -b" % name, path)
    path, other = os.path.join(WORK, "file"), os.path.join(WORK, "injected")
    if record(path, ["-e", CLOCK, "-g"])[0]:
        for option in ("-b", "-j"):
            if perf("inject", option, "-i", path, "-o", other).returncode == 0:
                problems += compare("file, perf inject " + option, other)
    return problems


def what_perf_writes_that_is_not_read():
    """perf record --threads is refused by its name"""
    problems = []
    path = os.path.join(WORK, "threads")
    if record(path, ["-e", CLOCK, "--threads"])[0] and os.path.isdir(path):
        result = subprocess.run([RTSAMPLE, "replay", path], capture_output=True, text=True)
        if result.returncode != 1 or "--threads" not in result.stderr or path not in result.stderr:
            problems.append("--threads: status %d: %s" % (result.returncode, result.stderr))
    else:
        note("this perf has no --threads")
    return problems


if not shutil.which("perf"):
    skip_all("perf is not installed")
require_sampling()
run_steps(
    samples_of_every_form,
    beside_the_samples,
    however_they_are_written,
    through_pipes,
    what_perf_writes_that_is_not_read,
)
