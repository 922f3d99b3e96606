#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""--metrics: a file that a collector can read at any time, and that agrees with the account."""
import sys

sys.dont_write_bytecode = True
from lib import *  # noqa

skip_in("user")


def parse(text):
    """The series of a file in the text format of Prometheus, and what is wrong with it."""
    series, problems, types = {}, [], {}
    if not text.endswith("\n"):
        problems.append("the last line is not whole")
    for line in text.splitlines():
        match = re.fullmatch(r"# TYPE (\w+) (counter|gauge)", line)
        if match:
            types[match[1]] = match[2]
            continue
        if line.startswith("# HELP "):
            continue
        match = re.fullmatch(r'((\w+)(?:\{\w+="[^"\\\n]*"\})?) (\d+(?:\.\d+)?)', line)
        if not match or match[2] not in types or match[1] in series:
            problems.append("odd line: %r" % line)
            continue
        if (types[match[2]] == "counter") != match[2].endswith("_total"):
            problems.append("%s is a %s" % (match[2], types[match[2]]))
        series[match[1]] = float(match[3])
    return series, problems


def expected(stats):
    """What the account says, as series."""
    series = {
        "rtsample_samples_taken_total": stats["samples"]["taken"],
        "rtsample_samples_kept_total": stats["samples"]["kept"],
        "rtsample_events_emitted_total": stats["events"]["emitted"],
        "rtsample_event_hits_total": stats["events"]["hits"],
        "rtsample_batches_total": stats["events"]["batches"],
        "rtsample_frames_symbolized_total": stats["frames"]["symbolized"],
        'rtsample_stacks_total{end="complete"}': stats["stacks"]["complete"],
        "rtsample_sampling_frequency_hertz": stats["run"]["frequency"],
        "rtsample_delivery_spooled": stats["delivery"]["spooled"],
    }
    for word in ("accepted", "rejected", "dropped", "retries"):
        series["rtsample_delivery_%s_total" % word] = stats["delivery"][word]
    for reason, n in stats["samples"]["dropped"].items():
        series['rtsample_sampler_dropped_total{reason="%s"}' % reason] = n
    for reason, n in stats["stacks"]["truncated"].items():
        series['rtsample_stacks_total{end="%s"}' % reason] = n
    for unwinder, n in stats["frames"]["by_unwinder"].items():
        series['rtsample_frames_total{unwinder="%s"}' % unwinder] = n
    return series


def promtool(path):
    """What promtool has to say; None when it is not installed."""
    if not shutil.which("promtool"):
        return None
    with open(path, "rb") as file:
        result = subprocess.run(
            ["promtool", "check", "metrics"], stdin=file, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True,
        )
    return result.stdout if result.returncode or result.stdout else ""


def read_while_it_runs(sampling, path):
    """Every content that the file had while it was watched."""
    seen = []
    while sampling.process.poll() is None:
        try:
            with open(path) as file:
                text = file.read()
        except FileNotFoundError:
            text = None
        if text is not None and (not seen or seen[-1] != text):
            seen.append(text)
        time.sleep(0.002)
    return seen


def whole_at_any_time():
    """Read again and again while it is replaced, it is always whole; its counters only rise; at the
    end it says what --stats says."""
    folder = os.path.join(WORK, "metrics")
    os.makedirs(folder)
    path = os.path.join(folder, "rtsample.prom")
    environment = dict(os.environ, Ingest__FlushIntervalMs="200")
    with Target(build("chain-O2-nofp")) as target:
        sampling = Sampling("-p", target.pid, "-F", 499, "-d", 4, "--metrics", path,
                            private=[target.pid], env=environment)
        seen = read_while_it_runs(sampling, path)
        run = sampling.finish()
    problems = list(run.problems)
    if len(seen) < 3:
        problems.append("the file was written %d times" % len(seen))
    before = {}
    for text in seen:
        series, wrong = parse(text)
        problems += wrong[:3]
        for name, value in series.items():
            if name.partition("{")[0].endswith("_total") and value < before.get(name, 0):
                problems.append("%s went from %s to %s" % (name, before[name], value))
        if before and set(series) != set(before):
            problems.append("series come or go: %s" % sorted(set(series) ^ set(before)))
        before = series
    ok("whole at any time, and counters only rise", problems[:20])

    problems = []
    if not os.path.exists(path):
        ok("the last metrics are the account", ["there is no file"])
        return
    with open(path) as file:
        series, _ = parse(file.read())
    for name, value in expected(run.stats).items() if run.stats else ():
        if series.get(name) != value:
            problems.append("%s is %s, the account says %s" % (name, series.get(name), value))
    if os.listdir(folder) != ["rtsample.prom"]:
        problems.append("files are left behind: %s" % os.listdir(folder))
    if str(target.pid) in open(path).read().split():
        problems.append("the process id is in it")
    ok("the last metrics are the account", problems)

    said = promtool(path)
    if said is None:
        skip("promtool check metrics", "promtool is not installed")
    else:
        ok("promtool check metrics", [said] if said else [])


def places_that_cannot_be():
    """A place that cannot be written to is said before there is a run; what is no file stays."""
    problems = []
    with Target(build("chain-O2-nofp")) as target:
        for path in ("/nonexistent-folder/rtsample.prom", "/dev/null", WORK):
            run = sample("-p", target.pid, "-d", 0.3, "--metrics", path, expect=None, stats=False)
            if run.status in (0, None) or run.status < 0:
                problems.append("%s: exit status %s" % (path, run.status))
            if path not in run.stderr:
                problems.append("%s is not named: %s" % (path, run.stderr))
    if not os.path.exists("/dev/null") or os.path.isfile("/dev/null"):
        problems.append("/dev/null is gone")
    ok("a place that cannot be written to", problems)


require_sampling()
run_steps(whole_at_any_time, places_that_cannot_be)
