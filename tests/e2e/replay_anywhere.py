#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A trace gives the same bytes wherever it is replayed: one that perf wrote and one of our own, in
other folders, locales and time zones, with and without address randomization, from a file and from
standard input.

With RTSAMPLE_LONG=1 also by builds with -O0 and -O3, which it makes, as nobody, and under valgrind.
"""
import hashlib
import sys

sys.dont_write_bytecode = True
from lib import *  # noqa

skip_in("user", "sanitizers")

LONG = os.environ.get("RTSAMPLE_LONG")
SOURCE = os.path.abspath(os.environ.get("top_srcdir", "."))
THERE = os.path.join(WORK, "elsewhere")
NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all")
CONFIG = os.path.join(WORK, "settings.json")
SETTINGS = {"Sampler": {"MaxEventsPerSecond": 300, "Ratio": 2}, "Ingest": {"FlushIntervalMs": 300}}


def build_with(level):
    """The path of a rtsample compiled with this -O."""
    folder = os.path.join(WORK, "build" + level)
    os.mkdir(folder)
    for command in (
        [os.path.join(SOURCE, "configure"), "-q", "CFLAGS=-g " + level],
        ["make", "-s", "-j", str(os.cpu_count()), "src/rtsample"],
    ):
        environment = {key: value for key, value in os.environ.items() if not key.startswith("MAKE") and key != "MFLAGS"}
        result = subprocess.run(command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if result.returncode != 0:
            raise RuntimeError("%s: %s" % (" ".join(command), result.stdout[-3000:]))
    return os.path.join(folder, "src/rtsample")


def open_to_all():
    """For nobody, who reads the traces and the programs, and writes into the folder."""
    for where, folders, files in os.walk(WORK):
        os.chmod(where, 0o777)
        for name in files:
            path = os.path.join(where, name)
            os.chmod(path, os.stat(path).st_mode | 0o444)


def places():
    """[(what it is called, environment, prefix, working folder)]"""
    found = [
        ("as it is", {}, (), None),
        ("LC_ALL=C TZ=UTC", {"LC_ALL": "C", "TZ": "UTC"}, (), None),
        ("C.UTF-8 Kathmandu", {"LC_ALL": "C.UTF-8", "TZ": "Asia/Kathmandu"}, (), THERE),
        ("de_DE St_Johns", {"LC_ALL": "de_DE.UTF-8", "TZ": "America/St_Johns"}, (), "/"),
        ("setarch -R", {}, ("setarch", "-R"), THERE),
    ]
    if LONG and IS_ROOT:
        found.append(("uid 65534", {"HOME": "/"}, NOBODY, THERE))
    if LONG and shutil.which("valgrind"):
        found.append(("valgrind", {}, ("valgrind", "-q", "--error-exitcode=99"), None))
    elif LONG:
        note("valgrind is not installed")
    return found


def replay(program, trace, output, environment, prefix, cwd, stdin=None):
    """(facts, account without `self`); what went wrong is an exception."""
    command = [*prefix, program, "replay", "-c", CONFIG, "--emit", "process", "-o", output]
    result = subprocess.run(
        command + ["--stats", output + ".stats", trace], stderr=subprocess.PIPE, text=True, cwd=cwd,
        env=dict(os.environ, **environment), stdin=stdin, timeout=10 * STUCK_SECONDS,
    )
    if result.returncode != 0:
        raise RuntimeError("status %d: %s" % (result.returncode, result.stderr[-1000:]))
    with open(output, "rb") as file:
        facts = file.read()
    with open(output + ".stats", encoding="utf-8") as file:
        account = json.load(file)
    for key in LIVE_ONLY:
        account.pop(key, None)
    return facts, json.dumps(account)


def same_everywhere(name, trace, programs, expected=None):
    """`expected`: what the run itself gave."""
    seen, problems, count = {}, [], 0
    for title, program in programs:
        for place, environment, prefix, cwd in places():
            output = os.path.join(THERE, "%s-%d.ndjson" % (name, count))
            count += 1
            try:
                answer = replay(program, trace, output, environment, prefix, cwd)
            except RuntimeError as error:
                problems.append("%s, %s: %s" % (title, place, error))
                continue
            seen.setdefault(answer, []).append("%s, %s" % (title, place))
    with open(trace, "rb") as file:
        answer = replay(RTSAMPLE, "-", os.path.join(THERE, name + "-piped"), {}, (), None, file)
    if answer[0] not in [facts for facts, _ in seen]:
        problems.append("from standard input the facts are others")
    for (facts, _), where in seen.items():
        note("%s: %d of %d replays, %d facts with the SHA-256 %s" % (
            name, len(where), count, facts.count(b"\n"), hashlib.sha256(facts).hexdigest()))
    if len(seen) != 1 or not next(iter(seen))[0]:
        problems.append("they differ, or give nothing: %s" % list(seen.values()))
    if expected is not None and expected not in [facts for facts, _ in seen]:
        problems.append("the facts of the run were others")
    ok("%s: the same bytes in other places, locales and time zones" % name, problems)


def perf_trace(program):
    path = os.path.join(WORK, "perf.data")
    mode = "" if IS_ROOT else ":u"
    command = ["perf", "record", "-q", "-F", "999", "-e", "cpu-clock" + mode, "--call-graph", "dwarf,16384"]
    try:
        result = subprocess.run([*command, "-o", path, "--", program, "30000"], capture_output=True, text=True)
    except OSError as error:
        raise Skip("perf cannot be run: %s" % error)
    if result.returncode != 0:
        raise Skip("perf record: " + result.stderr.strip()[:200])
    return path


def own_trace():
    """(path, run) of a run with guards that bite."""
    path = os.path.join(WORK, "own.data")
    with Target(build("threads")) as target:
        run = sample_enough("-c", CONFIG, "-p", target.pid, "-F", 999, "--emit", "process", "--record", path)
    if not run.stats["samples"]["dropped"]["ratio"]:
        run.problems.append("no guard has bitten")
    return path, run


def main():
    require_sampling()
    os.makedirs(THERE)
    with open(CONFIG, "w", encoding="utf-8") as file:
        json.dump(SETTINGS, file)
    programs = [("this build", RTSAMPLE)]
    if LONG:
        programs += [(level, build_with(level)) for level in ("-O0", "-O3")]
    traces = []
    try:
        traces.append(("perf", perf_trace(build("shares")), None))
    except Skip as reason:
        skip("perf: the same bytes in other places, locales and time zones", reason)
    path, run = own_trace()
    ok("a run is recorded", run.problems)
    traces.append(("own", path, run.output))
    if LONG:
        open_to_all()
    for trace in traces:
        same_everywhere(trace[0], trace[1], programs, trace[2])
    done()


main()
