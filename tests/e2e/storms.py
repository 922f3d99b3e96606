#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Targets that never sit still: hundreds of threads, hundreds of new processes per second."""
import sys

sys.dont_write_bytecode = True
from lib import *  # noqa

skip_in("user")


def threads():
    """300 threads, two thirds of them started after attaching; every one is seen."""
    names = {"thread_%03d" % number for number in range(300)}
    missing, problems = names, []
    with Target(build("threads")) as target:
        for seconds in (4, 8, 16, 32):
            run = sample("-p", target.pid, "-F", 199, "-d", seconds, private=[target.pid])
            problems += run.problems
            if run.kept and run.share("thread_body") < 0.9:
                problems.append("thread_body: " + run.summary())
            missing = missing - run.names()
            if not missing or problems:
                break
        if missing:
            problems.append("not seen: %s; %s" % (sorted(missing), run.summary()))
    ok("300 threads: each is seen", problems)


def more_threads_than_files():
    """One event per thread would take more open files than we may have: whole CPUs are sampled, and
    nothing but the target is used."""
    limited = ["sh", "-c", 'ulimit -n 100; exec "$0" "$@"', RTSAMPLE]
    with Target(build("threads")) as target, Target(build("chain-O2-nofp")) as bystander:
        run = sample(
            "-p", target.pid, "-F", 199, "-d", 2, program=limited, expect=None,
            private=[target.pid, bystander.pid],
        )
    receipt = {word: run.stats["run"][word] for word in ("rung", "refused")} if run.stats else {}
    if not IS_ROOT and receipt.get("rung") == "ptrace":
        problems = run.problems + ([] if "ulimit -n" in run.stderr else [run.stderr])
        if "open_files" not in receipt["refused"].values():
            problems.append("the receipt: %s" % receipt)
        ok("more threads than open files, without the right to sample whole CPUs", problems)
        return
    problems = run.problems + ([] if run.status == 0 else [run.stderr])
    if not run.find("thread_body"):
        problems.append("thread_body is not seen: " + run.summary())
    if run.find("spin"):
        problems.append("another process is in the facts")
    if receipt != {"rung": "perf_cpus", "refused": {"perf_process": "open_files"}}:
        problems.append("the receipt: %s" % receipt)
    if run.stats and run.stats["samples"]["other"] == 0:
        problems.append("no sample of another process was counted")
    ok("more threads than open files", problems)


def storm_attached():
    """The children of an attached process are followed into the program that they execute."""
    with Target(build("storm")) as target:
        run = sample_enough(
            "-p", target.pid, "-F", 499, private=[target.pid], minimum=200, seconds=(3, 6, 12)
        )
    problems = run.problems + [
        "%s is not seen" % name
        for name in ("short_lived_work", "short_lived_main", "main")
        if not run.find(name)
    ]
    if run.stats and run.stats["samples"]["processes"] < 20:
        problems.append("samples of %d processes only" % run.stats["samples"]["processes"])
    ok("fork and exec storm, attached", problems + ([run.summary()] if problems else []))


def storm_as_command():
    run = sample("-d", 3, "-F", 499, "--", build("storm"))
    problems = run.problems + [
        "%s is not seen" % name
        for name in ("short_lived_work", "short_lived_main", "main")
        if not run.find(name)
    ]
    ok("fork and exec storm, as a command", problems + ([run.summary()] if problems else []))


def storm_of_everything():
    """-a while processes come and go."""
    with Target(build("storm")) as target:
        run = sample("-a", "-d", 2, "-F", 199, expect=None, private=[target.pid])
    if run.status == 4:
        skip("fork and exec storm, all processes", run.stderr)
        return
    problems = run.problems
    if run.status != 0:
        problems.append("exit status is %s: %s" % (run.status, run.stderr))
    if not run.find("short_lived_work"):
        problems.append("short_lived_work is not seen: " + run.summary())
    ok("fork and exec storm, all processes", problems)


require_sampling()
run_steps(threads, more_threads_than_files, storm_attached, storm_as_command, storm_of_everything)
