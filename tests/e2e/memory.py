#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Sampler:MaxMemoryBytes: tables keep to it, and what they throw away changes no fact."""
import sys

sys.dont_write_bytecode = True
from lib import *  # noqa

import churn_lib

skip_in("user", "sanitizers")

MIB = 1 << 20


def settings(limit):
    values = {"MaxMemoryBytes": limit, "MaxEventsPerSecond": 0, "MaxCpuPercent": 0}
    return dict(os.environ, **{"Sampler__" + key: str(value) for key, value in values.items()})


def replay(trace, limit, name):
    """(facts, the account's memory) of a replay with this limit."""
    output, stats = os.path.join(WORK, name), os.path.join(WORK, name + ".json")
    command = [RTSAMPLE, "replay", "-o", output, "--stats", stats, trace]
    result = subprocess.run(command, env=settings(limit), capture_output=True, text=True)
    if result.returncode != 0:
        raise RuntimeError(result.stderr)
    with open(output, "rb") as facts, open(stats, encoding="utf-8") as account:
        return facts.read(), json.load(account)["memory"]


def churn():
    """many programs that come and go, in 8 MiB: names and packages as readelf and dpkg have them, and
    replays with and without a bound give the same bytes"""
    paths = churn_lib.make_programs(150, os.path.join(WORK, "churn"))
    oracle = churn_lib.Oracle(paths, 5, churn_lib.libraries_of(paths[-1]))
    trace = os.path.join(WORK, "trace")
    with churn_lib.Churn(paths, 40, 15) as running_churn:
        for seconds in (6, 12, 24):
            # Not -a: files of others may be gone before the trace is replayed.
            run = sample(
                *("-p", os.getpid(), "-F", 499, "-d", seconds, "--record", trace),
                env=settings(8 * MIB),
            )
            memory = run.stats["memory"] if run.stats else {}
            if run.problems or (memory and memory["evictions"]["objects"] > 50):
                break
    problems = list(run.problems)
    for fact in run.facts:
        problems += oracle.problems_of(fact)
    note("%d starts, %d checks, memory %s" % (running_churn.started, oracle.checked, json.dumps(memory)))
    if oracle.checked < 50:
        problems.append("only %d checks could be made: %s" % (oracle.checked, run.summary()))
    if not memory or memory["limit"] != 8 * MIB or memory["evictions"]["objects"] <= 50:
        problems.append("hardly anything went: %s" % memory)
    unbounded, account = replay(trace, 0, "unbounded")
    if unbounded != run.output:
        problems.append("a replay without a limit gives other facts than the run had with one")
    if sum(account["evictions"].values()) > account["evictions"]["objects"]:
        problems.append("without a limit something went: %s" % account)
    for limit in (4 * MIB, 8 * MIB, 64 * MIB):
        facts, account = replay(trace, limit, "bounded")
        if facts != run.output:
            problems.append("a replay with a limit of %d gives other facts" % limit)
        if limit == 4 * MIB and account["evictions"]["objects"] == 0:
            problems.append("nothing went in a replay: %s" % account)
    return problems[:20]


require_sampling()
run_steps(churn)
