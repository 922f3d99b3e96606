#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every program of tests/programs whose source says what its stacks look like is built, run and
sampled; the facts have to say the same."""
import concurrent.futures
import sys

sys.dont_write_bytecode = True
from lib import *  # noqa

skip_in("user")

# Programs that change while they run, and how long they need to do so, have scenarios of their own.
ELSEWHERE = {
    "brief-processes": "brief.py",
    "brief-threads": "brief.py",
    "busy": "ptrace.py",
    "chain-stripped": "files.py",
    "deep-stack": "near.py",
    "family": "targets.py",
    "fuse_hang": "hostile_waits.py",
    "short-run": "targets.py",
    "signal-count": "ptrace.py",
    "two-lives": "targets.py",
    "storm": "storms.py",
    "threads": "storms.py",
}
UNLIMITED = {"Sampler__MaxEventsPerSecond": "0", "Sampler__MaxCpuPercent": "0"}


def check(name):
    """What is wrong with a program, or a Skip."""
    options, rate = {}, 499
    if name == "plugin-host":
        # The two plugins take turns of 30 ms: many turns make their shares even.
        options = {"minimum": 400}
    elif name.startswith("plt-"):
        # A stub is one instruction, and few samples hit it.
        options = {"minimum": 800, "env": {**os.environ, **UNLIMITED}}
        rate = 1999
    try:
        with Target(build(name)) as target:
            private = [target.pid, name, name[:15]]
            run = sample_enough("-p", target.pid, "-F", rate, private=private, **options)
    except Skip as reason:
        return reason
    problems = run.problems + check_expectations(run, directives(name))
    return problems + ([run.summary()] if problems else [])


require_sampling()
wanted = sys.argv[1:] or left_out([name for name in program_names() if name not in ELSEWHERE])
# Two at a time, since each program keeps one processor busy. An ordinary user's samplers would have
# to share the memory that the kernel lets a user lock, and take smaller copies of the stacks.
with concurrent.futures.ThreadPoolExecutor(max_workers=2 if IS_ROOT else 1) as workers:
    for name, result in zip(wanted, workers.map(check, wanted)):
        if isinstance(result, Skip):
            skip(name, result)
        else:
            ok(name, result)
done()
