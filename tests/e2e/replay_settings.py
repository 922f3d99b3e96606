#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Settings and replays: a trace that perf wrote is cut by no guard that nobody asked for; one of our
own is repeated as it was recorded, and a setting that it cannot fulfil is refused."""
import sys

sys.dont_write_bytecode = True
from lib import *  # noqa

skip_in("user")

RATE = 4999
LIMIT = 500  # a second, by default
ROUNDS = 20000


def perf_samples(path):
    text = subprocess.run(["perf", "script", "-i", path, "-F", "event", "-G"], capture_output=True).stdout
    return len(text.split())


def replay(trace, *options, **settings):
    """(status, facts, account, messages)"""
    stats = os.path.join(WORK, "again.json")
    command = [RTSAMPLE, "replay", *options, "-o", "-", "--stats", stats, trace]
    environment = {**os.environ, **{key.replace("_", "__"): str(value) for key, value in settings.items()}}
    result = subprocess.run(command, capture_output=True, env=environment, timeout=STUCK_SECONDS)
    account = {}
    if result.returncode == 0:
        with open(stats, encoding="utf-8") as file:
            account = json.load(file)
    return result.returncode, result.stdout, account, result.stderr.decode("utf-8", "replace")


def perf_trace():
    """A trace with more samples a second than the default limit lets pass."""
    if not shutil.which("perf"):
        raise Skip("perf is not installed")
    path = os.path.join(WORK, "perf.data")
    if not os.path.exists(path):
        event = "cpu-clock" if IS_ROOT else "cpu-clock:u"
        for rounds in (ROUNDS, 3 * ROUNDS, 9 * ROUNDS):
            command = ["perf", "record", "-q", "-F", str(RATE), "-e", event, "-o", path, "--", build("shares"), str(rounds)]
            result = subprocess.run(command, capture_output=True, text=True)
            if result.returncode != 0:
                raise Skip("perf record: " + result.stderr.strip()[:200])
            if perf_samples(path) >= 2 * LIMIT:
                break
    return path


def no_guard_that_nobody_asked_for():
    """all samples of a trace of perf are used, and the account says that no guard was in force"""
    trace = perf_trace()
    count = perf_samples(trace)
    status, _, account, messages = replay(trace)
    if status != 0:
        return [messages]
    problems, samples = check_account(account), account["samples"]
    if count < 2 * LIMIT or samples["kept"] + samples["no_user"] != count:
        problems.append("perf has %d samples, %s" % (count, samples))
    if account["run"].get("guard") != {"ratio": 1, "max_events_per_second": 0, "max_cpu_percent": 0}:
        problems.append("run: %s" % account["run"])
    return problems


def guards_that_were_asked_for():
    """a limit or a ratio from the environment, or from a file, holds for a trace of perf, the default said too"""
    trace, problems = perf_trace(), []
    count = perf_samples(trace)
    config = os.path.join(WORK, "guarded.json")
    with open(config, "w", encoding="utf-8") as file:
        json.dump({"Sampler": {"MaxEventsPerSecond": LIMIT}}, file)
    for options, settings, reason in (
        ((), {"Sampler_MaxEventsPerSecond": LIMIT}, "rate_limit"),
        (("-c", config), {}, "rate_limit"),
        ((), {"Sampler_Ratio": 3}, "ratio"),
    ):
        status, _, account, messages = replay(trace, *options, **settings)
        if status != 0:
            problems.append(messages)
            continue
        samples, guard = account["samples"], account["run"]["guard"]
        if samples["taken"] + samples["no_user"] != count or not samples["dropped"][reason]:
            problems.append("%s %s: of %d samples %s" % (options, settings, count, samples))
        if reason == "ratio" and abs(samples["taken"] / 3 - samples["kept"]) > samples["processes"]:
            problems.append("%d of %d are not one in three" % (samples["kept"], samples["taken"]))
        limit = LIMIT if reason == "rate_limit" else 0
        if (guard["max_events_per_second"], guard["ratio"]) != (limit, settings.get("Sampler_Ratio", 1)):
            problems.append("%s %s: %s" % (options, settings, guard))
    return problems


def windows_of_perf_traces():
    """Ingest:FlushIntervalMs decides where windows of a trace of perf end: the same hits in more lines"""
    trace = perf_trace()
    answers = [replay(trace, Ingest_FlushIntervalMs=length) for length in (100, 3600000)]
    if any(status for status, *_ in answers):
        return [answers[0][3] + answers[1][3]]
    short, long = (account["events"] for _, _, account, _ in answers)
    problems = [] if short["hits"] == long["hits"] else ["%d hits and %d" % (short["hits"], long["hits"])]
    if not short["emitted"] > long["emitted"] or long["batches"] != 1:
        problems.append("short windows: %s, one: %s" % (short, long))
    return problems


def own_traces_are_as_recorded():
    """a trace of our own: what it was recorded with, or what that fulfils, is repeated; the rest is refused by name"""
    trace, problems = os.path.join(WORK, "own.data"), []
    recorded = {"Sampler_Ratio": 2, "Ingest_FlushIntervalMs": 300}
    environment = {**os.environ, **{key.replace("_", "__"): str(value) for key, value in recorded.items()}}
    with Target(build("chain-O2-nofp")) as target:
        run = sample_enough("-p", target.pid, "-F", 199, "--record", trace, env=environment)
    problems += run.problems
    wanted = {"ratio": 2, "max_events_per_second": LIMIT, "max_cpu_percent": 35}
    if run.stats["run"].get("guard") != wanted:
        problems.append("the account of the run says %s" % run.stats["run"])
    for settings in ({}, recorded, {"Sampler_Ratio": 2}, {"Sampler_MaxEventsPerSecond": 0}, {"Sampler_Frequency": 7}):
        status, facts, account, messages = replay(trace, **settings)
        if status != 0 or facts != run.output or account["run"]["guard"] != wanted:
            problems.append("%s: status %d, %s" % (settings, status, messages or "other facts"))
    for settings in ({"Sampler_Ratio": 3}, {"Sampler_Ratio": 1}, {"Ingest_FlushIntervalMs": 100},
                     {"Ingest_FlushIntervalMs": 2000}, {"Sampler_MaxEventsPerSecond": 7}):
        output = os.path.join(WORK, "untouched")
        with open(output, "w", encoding="utf-8") as file:
            file.write("of an earlier run")
        status, facts, _, messages = replay(trace, "-o", output, **settings)
        name = next(iter(settings)).replace("_", ":")
        with open(output, encoding="utf-8") as file:
            if file.read() != "of an earlier run":
                problems.append("%s: what is refused has touched the output" % settings)
        if status != 2 or facts or name not in messages or len(messages.splitlines()) != 1:
            problems.append("%s: status %d, %s" % (settings, status, messages))
    return problems


require_sampling()
run_steps(
    no_guard_that_nobody_asked_for,
    guards_that_were_asked_for,
    windows_of_perf_traces,
    own_traces_are_as_recorded,
)
