#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A recorded run is a perf.data file: perf's own tools read it, and find in it what we found."""
import collections
import resource
import socket
import stat
import struct
import sys

sys.dont_write_bytecode = True
from lib import *  # noqa

skip_in("user")

SOURCE = os.path.abspath(os.environ.get("top_srcdir", "."))
SECONDS = 1
RATE = 499


def trace_path(name):
    return os.path.join(WORK, name + ".data")


def perf(*arguments):
    """perf's stdout; Skip where there is no perf."""
    environment = {key: value for key, value in os.environ.items() if key != "DEBUGINFOD_URLS"}
    try:
        result = subprocess.run(
            ["perf", *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            env=environment,
        )
    except OSError as error:
        raise Skip("perf cannot be run: %s" % error)
    if result.returncode != 0:
        raise RuntimeError("perf %s: %s" % (" ".join(arguments), result.stderr[-2000:]))
    perf.said = result.stderr
    return result.stdout


def perf_stacks(path):
    """[[function, …], …], innermost first, as perf script names what is in the trace."""
    text = perf("script", "-i", path, "--no-inline", "--show-lost-events", "-F", "ip,sym,dso")
    stacks = []
    for block in text.split("\n\n"):
        frames = [re.match(r"\s*[0-9a-f]+ (.*?) \((.*)\)$", line) for line in block.splitlines()]
        frames = [frame.group(1).split("@")[0] for frame in frames if frame]
        if frames:
            stacks.append(frames)
    return stacks


def inclusive(stacks):
    counts = collections.Counter()
    for stack in stacks:
        counts.update(set(stack))
    return counts


def compare_names(run, stacks):
    """Every function that has a symbol of its own has as many samples for perf as for us."""
    problems = []
    if len(stacks) != run.kept:
        problems.append("perf script shows %d samples, %d were kept" % (len(stacks), run.kept))
    counts = inclusive(stacks)
    ours = collections.Counter()
    names = collections.defaultdict(set)
    for fact in run.facts:
        metadata = fact["metadata"]
        if metadata["symbolSource"] in ("symtab", "dynsym"):
            symbol = metadata["symbol"]
            ours[symbol] += fact["hitCount"]
            names[symbol] |= {symbol, metadata.get("demangled"), *metadata.get("aliases", "").split(",")}
    for symbol, hits in ours.items():
        if any(names[symbol] & names[other] - {""} for other in names if other != symbol):
            continue  # two functions of one name
        # perf picks one of the aliases.
        theirs = sum(counts[name] for name in names[symbol] if name)
        if theirs != hits:
            problems.append("%s: %d samples for us, %d for perf" % (symbol, hits, theirs))
    if not ours:
        problems.append("no function has a symbol")
    return problems


def names_agree(name):
    """A program that does something particular, recorded from its first instruction or attached."""
    path = trace_path(name)
    with Target(build(name)) as target:
        run = sample_enough("-p", target.pid, "-F", RATE, "--record", path)
    ok("perf script counts the functions of %s as we do" % name, run.problems + compare_names(run, perf_stacks(path)))


def calls_that_never_return():
    path = trace_path("noreturn")
    with Target(build("noreturn")) as target:
        run = sample_enough("-p", target.pid, "-F", RATE, "--record", path)
    stacks = perf_stacks(path)
    problems = run.problems + compare_names(run, stacks)
    good = sum(stack[:4] == ["spin", "last_call", "outer", "main"] for stack in stacks)
    kernel = sum(stack[1:5] == ["spin", "last_call", "outer", "main"] for stack in stacks)
    if good + kernel < NEARLY_ALL * len(stacks):
        problems.append("%d of %d stacks are right" % (good + kernel, len(stacks)))
    if any("follows_last_call" in stack for stack in stacks):
        problems.append("perf was led into the next function")
    ok("a caller whose call never returns has its own name in perf", problems)


def what_is_in_it():
    path = trace_path("chain")
    with open(path, "w") as file:
        file.write("something else, that anybody may read")
    os.chmod(path, 0o644)
    program = build("chain-O2-nofp")
    with Target(program) as target:
        run = sample_enough("-p", target.pid, "-F", RATE, "--record", path)
    problems = list(run.problems)
    if stat.S_IMODE(os.stat(path).st_mode) != 0o600:
        problems.append("mode %o" % os.stat(path).st_mode)
    ids = dict(reversed(line.split(None, 1)) for line in perf("buildid-list", "-i", path).splitlines())
    for file in (program, "/proc/%d/exe" % os.getpid()):
        notes = subprocess.run(["readelf", "-n", file], capture_output=True, text=True).stdout
        wanted = re.search(r"Build ID: ([0-9a-f]+)", notes)
        if file == program and wanted and ids.get(program) != wanted.group(1):
            problems.append("build-id %s, readelf says %s" % (ids.get(program), wanted.group(1)))
    if len(ids) > 6:
        problems.append("files that were not hit: %s" % sorted(ids))
    recorded = run.stats["self"]["recorded"]
    if recorded != {"bytes": os.path.getsize(path), "samples": run.kept, "unrecorded": 0}:
        problems.append("the account says %s of %d bytes" % (recorded, os.path.getsize(path)))
    kinds = collections.Counter(re.findall(r"PERF_RECORD_(\w+)", perf("script", "-D", "-i", path)))
    # COMM and EXIT may be missing: the target runs before and after.
    for kind in ("MMAP2", "SAMPLE", "EVENT_TYPE", "FINISHED_ROUND"):
        if not kinds[kind]:
            problems.append("there is no %s record" % kind)
    if "out of order" in perf.said or "unprocessable" in perf.said:
        problems.append(perf.said)
    header = perf("report", "--header-only", "-i", path)
    if "clockid: monotonic" not in header:
        problems.append("perf knows no clock: " + header)
    ok("a trace is its owner's alone, replaces what was there, lists what was hit", problems)
    return path


def top_of_perf_report(path):
    """perf report's children, as shares, against perf script's stacks of the same trace."""
    shares = {}
    text = perf("report", "-i", path, "--children", "--no-inline", "--stdio", "-g", "none", "-F", "overhead_children,sym")
    for line in text.splitlines():
        found = re.match(r"\s+([\d.]+)%\s+\[\S\] (.*?)(@.*)?\s*$", line)
        if found:
            shares[found.group(2)] = float(found.group(1))
    stacks = perf_stacks(path)
    counts = inclusive(stacks)
    problems = []
    for symbol in ("spin", "level1", "main"):
        wanted = 100 * counts[symbol] / len(stacks)
        if counts[symbol] and abs(shares.get(symbol, 0) - wanted) > 0.01:
            problems.append("%s: %s %%, not %.2f %%" % (symbol, shares.get(symbol), wanted))
    if not shares:
        problems.append("perf report shows nothing")
    ok("perf report gives the shares that the stacks have", problems)


def with_stacks():
    path = trace_path("full")
    program = build("chain-O2-nofp")
    with Target(program) as target:
        run = sample_enough("-p", target.pid, "-F", RATE, "--record", path, "--record-full")
    stacks = perf_stacks(path)
    problems = run.problems + ([] if len(stacks) == run.kept else ["%d samples" % len(stacks)])
    # perf unwinds by itself here.
    for fact in run.facts:
        symbol, hits = fact["metadata"]["symbol"], run.hits(fact["metadata"]["symbol"])
        theirs = inclusive(stacks)[symbol]
        if hits > 0.2 * run.kept and abs(hits - theirs) > 0.03 * run.kept:
            problems.append("%s: %d samples for us, %d for perf" % (symbol, hits, theirs))
    if os.path.getsize(path) < 1000 * run.kept:
        problems.append("there are no stacks in it")
    ok("with registers and stacks perf unwinds to the same functions", problems)


def often():
    """Settings that have the trace written twenty times a second."""
    path = os.path.join(WORK, "often.json")
    with open(path, "w") as file:
        json.dump({"Ingest": {"FlushIntervalMs": 50}}, file)
    return path


def killed():
    """What was written last before a kill can be read, and is all there."""
    path = trace_path("killed")
    with Target(build("chain-O0-fp")) as target:
        sampling = Sampling("-c", often(), "-p", target.pid, "-F", RATE, "--record", path)
        limit = time.monotonic() + STUCK_SECONDS
        while time.monotonic() < limit and (not os.path.exists(path) or os.path.getsize(path) < 20000):
            time.sleep(0.02)
        sampling.signal(signal.SIGKILL)
        sampling.finish(-signal.SIGKILL)
    stacks = perf_stacks(path)
    with open(path, "rb") as file:
        header = struct.unpack("<8s12Q", file.read(104))
    problems = []
    if len(stacks) < 20:
        problems.append("perf reads %d samples of %d bytes" % (len(stacks), os.path.getsize(path)))
    if header[9:] != (0, 0, 0, 0):
        problems.append("it says that it is finished: %s" % (header,))
    if "spin" not in inclusive(stacks) and "main" not in inclusive(stacks):
        problems.append("no names: %s" % inclusive(stacks))
    ok("a trace of a run that was killed can be read", problems)


def limited(limit=65536):
    path = trace_path("limited")
    with Target(build("chain-O0-fp")) as target:
        arguments = ("-p", target.pid, "-F", 4999, "--record", path, "--record-limit", limit)
        # Of 500 samples a second.
        run = sample_enough(*arguments, minimum=800, seconds=(2, 5, 15))
    problems = list(run.problems)
    recorded = run.stats["self"]["recorded"]
    if os.path.getsize(path) > limit or os.path.getsize(path) < limit / 2:
        problems.append("%d bytes" % os.path.getsize(path))
    if recorded["samples"] + recorded["unrecorded"] != run.kept or not recorded["unrecorded"]:
        problems.append("%s of %d samples" % (recorded, run.kept))
    if run.stderr.count("has reached its limit") != 1:
        problems.append("not said once: " + run.stderr)
    if len(perf_stacks(path)) != recorded["samples"]:
        problems.append("perf reads %d of %s" % (len(perf_stacks(path)), recorded))
    ok("at its limit a trace ends and the run goes on", problems)


def full_disk(limit=60000):
    """No file may grow beyond this: the trace is the first that would."""
    path = trace_path("cut")
    with Target(build("chain-O0-fp")) as target:
        run = sample_enough(
            "-c", often(), "-p", target.pid, "-F", 4999, "--record", path, minimum=700, expect=None,
            output="/dev/null", preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
        )
    problems = run.problems + ([] if run.status == 1 else ["status %s" % run.status])
    recorded = run.stats["self"]["recorded"]
    if recorded["samples"] + recorded["unrecorded"] != run.kept or not recorded["unrecorded"]:
        problems.append("%s of %d samples" % (recorded, run.kept))
    if run.stderr.count("cannot write the trace") != 1:
        problems.append("not said once: " + run.stderr)
    stacks = perf_stacks(path)
    if not 0 < len(stacks) == recorded["samples"]:
        problems.append("perf reads %d of %s" % (len(stacks), recorded))
    ok("a full disk ends the trace, not the run", problems)


def live_is_replay(turns):
    """With guards that bite, and a reader that is stopped for a while so that records are lost."""
    config = os.path.join(WORK, "guards.json")
    sampler = {"MaxEventsPerSecond": 150, "Ratio": 2, "MaxCpuPercent": 1}
    with open(config, "w") as file:
        json.dump({"Sampler": sampler, "Ingest": {"FlushIntervalMs": 300}}, file)
    path = trace_path("live")
    problems, dropped = [], collections.Counter()
    for _ in range(turns):
        with Target(build("chain-O2-nofp")) as target:
            arguments = ("-c", config, "-p", target.pid, "-F", 2999, "--emit", "process")
            sampling = Sampling(*arguments, "-d", 2, "--record", path, stdout=subprocess.DEVNULL)
            time.sleep(0.5)
            sampling.signal(signal.SIGSTOP)
            time.sleep(1)
            sampling.signal(signal.SIGCONT)
            run = sampling.finish()
        problems += run.problems + replay_differs(run, path, "-c", config, "--emit", "process")
        dropped.update(run.stats["samples"]["dropped"])
    note("%d turns, dropped: %s" % (turns, {word: n for word, n in dropped.items() if n}))
    if not dropped["ratio"]:
        problems.append("no guard has bitten")
    ok("facts and account of a replay are those of the run", problems)


def no_file():
    problems = []
    for path in ("/dev/null", WORK):
        with Target(build("chain-O0-fp")) as target:
            run = sample("-p", target.pid, "-d", "0.1", "--record", path, expect=None)
        if run.status not in (1, 2) or path not in run.stderr:
            problems.append("%s: status %s: %s" % (path, run.status, run.stderr))
    ok("a trace has to be a regular file", problems)


def no_run():
    """A run that fails before it samples leaves no trace, and one that takes none a whole trace."""
    path, problems = trace_path("none"), []
    kept = os.path.join(WORK, "kept")
    os.link(trace_path("killed"), kept)
    for status, arguments in (
        (3, ("--", "/nonexistent/command")),
        (3, ("-p", "999999999")),
        (1, ("--stats", "/nonexistent/stats", "--", "true")),
    ):
        run = sample("--record", path, *arguments, stats=False, expect=None)
        if run.status != status or os.path.exists(path):
            problems.append("%s: status %s, %s" % (arguments, run.status, os.path.exists(path)))
    # Removed is the name that was asked for, and nothing behind a link.
    os.symlink(kept, path)
    sample("--record", path, "--", "/nonexistent/command", stats=False, expect=None)
    if not os.path.islink(path) or not os.path.exists(kept):
        problems.append("a link was removed, or what it leads to")
    os.unlink(path)
    with subprocess.Popen(["sleep", "1000"]) as asleep:
        run = sample("-p", asleep.pid, "-d", "0.2", "--record", path, expect=None)
        asleep.kill()
    result = subprocess.run([RTSAMPLE, "replay", "-o", "-", path], capture_output=True)
    if run.output or result.stdout or result.returncode != run.status:
        problems.append("no sample: status %s, and of the replay %s" % (run.status, result))
    ok("a run that fails before it samples leaves no trace", problems)


def no_orders():
    """A trace says where nothing goes: its maker may have named a file or a server for each setting."""
    sys.path.insert(0, os.path.join(SOURCE, "tests/fuzz"))
    import damaged_traces

    evil = os.path.join(WORK, "evil")
    os.mkdir(evil)
    with open(os.path.join(SOURCE, "man/rtsample.json.5")) as manual:
        keys = sorted(set(re.findall(r"^\.It Va (\w+:\w+)", manual.read(), re.M)))
    with socket.create_server(("127.0.0.1", 0)) as server:
        said = []
        for number, key in enumerate(keys):
            value = os.path.join(evil, str(number))
            if key == "Ingest:Endpoint":
                value = "http://127.0.0.1:%d/signals/runtime-facts/ndjson" % server.getsockname()[1]
            said += [key, value, key.partition(":")[2].lower(), value]
        path, log = trace_path("orders"), os.path.join(WORK, "orders.strace")
        with open(path, "wb") as file:
            file.write(damaged_traces.own_trace(said=said))
        prefix = strace(log)
        command = [*prefix, RTSAMPLE, "replay", "--symfs", damaged_traces.FILES, "-o", "-", path]
        result = subprocess.run(command, capture_output=True, cwd=evil)
        server.settimeout(0)
        problems = []
        try:
            server.accept()
            problems.append("the server was called")
        except BlockingIOError:
            pass
    if prefix and "log_path" not in os.environ.get("TSAN_OPTIONS", ""):  # which makes files of its own
        with open(log, errors="replace") as file:
            text = file.read()
        problems += re.findall(r".*\b(?:socket|connect|mkdir\w*|rename\w*|unlink\w*|execve)\(.*", text)[1:]
        problems += re.findall(r".*\bopen\w*\(.*(?:O_WRONLY|O_RDWR|O_CREAT).*", text)
    problems += os.listdir(evil)
    if len(keys) < 40 or result.returncode != 0 or result.stdout.count(b"\n") != 5:
        problems.append("%d keys: %s" % (len(keys), result))
    ok("a replay takes no destination from its trace", problems)


def main():
    require_sampling()
    try:
        perf("version")
    except Skip as reason:
        skip_all(reason)
    calls_that_never_return()
    for name in ("signal-normal-stack", "signal-alternate-stack", "threads", "family", "plugin-host", "jit"):
        try:
            names_agree(name)
        except (Skip, KeyError) as reason:
            skip("perf script counts the functions of %s as we do" % name, reason)
    top_of_perf_report(what_is_in_it())
    with_stacks()
    killed()
    limited()
    full_disk()
    no_file()
    no_run()
    no_orders()
    live_is_replay(int(os.environ.get("RTSAMPLE_LIVE_REPLAYS", 2)))
    done()


main()
