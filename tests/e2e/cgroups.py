#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""--cgroup and --container: real control groups, whose processes come and go."""
import hashlib
import sys

sys.dont_write_bytecode = True
from lib import *  # noqa
from cgroup_lib import *  # noqa

skip_in("user")

# Ids that no container of this machine has.
SEED = "%d %s" % (os.getpid(), WORK)
FIRST = "f00d" + hashlib.sha256(SEED.encode()).hexdigest()[4:]
SECOND = FIRST[:-1] + ("0" if FIRST[-1] != "0" else "1")


def group_of(path, kind=None):
    found = [item for item in hierarchies() if kind in (None, item[0])]
    if not found:
        raise Skip("no such hierarchy of control groups is writable here")
    return found[0][1], make_group(found[0][1], path)


def build_ids(run):
    return {fact["buildId"] for fact in run.find("spin")}


def follows(kind):
    """One process is in the group, another in one below it, a third comes in later; all three are
    moved there, no fork tells of them. A fourth is outside. The run ends when the three have."""
    point, group = group_of("rtsample-%d/in" % os.getpid(), kind)
    below = make_group(point, "rtsample-%d/in/below" % os.getpid())
    names = ("chain-O0-fp", "chain-O2-nofp", "chain-no-pie")
    with Target(build(names[0])) as outside:
        insiders = [Target(build(name)) for name in names]
        enter(group, insiders[0].pid)
        enter(below, insiders[1].pid)
        relative = os.path.relpath(group, "/sys/fs/cgroup")
        sampling = Sampling("--cgroup", relative, "-F", 499, "-d", 120, private=[outside.pid])
        wait_until(lambda: "sampling" in sampling.said(), "it does not sample")
        enter(below, insiders[2].pid)
        wait_until(lambda: len(build_ids_so_far(sampling)) == 3, "the third is not seen")
        began = time.monotonic()
        for target in insiders:
            target.stop()
        run = sampling.finish()
    problems = list(run.problems)
    if time.monotonic() - began > 90:
        problems.append("it did not end with the last process of the group")
    if run.stats["samples"]["processes"] != 3:
        problems.append("%d processes, not 3" % run.stats["samples"]["processes"])
    if len(build_ids(run)) != 3:
        problems.append("seen: %s" % build_ids(run))
    by_kernel = "the kernel samples this control group" in run.stderr
    if by_kernel == ("cgroup_events" in run.stats["run"]["gave_up"]):
        problems.append("the account says something else: %s" % run.stderr)
    if IS_ROOT and by_kernel != (kind == perf_hierarchy()):
        problems.append("not by the means that there are: %s" % run.stderr)
    return problems


def perf_hierarchy():
    """Which version of control groups perf counts by here."""
    with open("/proc/self/cgroup") as groups:
        return "cgroup" if re.search(r"^\d+:[^:]*\bperf_event\b", groups.read(), re.M) else "cgroup2"


def short_lives():
    """processes that come into a group and end within milliseconds are sampled, those outside not"""
    kind = perf_hierarchy()
    if not IS_ROOT:
        raise Skip("sampling a group as such takes root")
    _, group = group_of("rtsample-short-%d" % os.getpid(), kind)
    program = build("short-run")
    loop = 'echo $$ >"$1/cgroup.procs"; while read -r n; do "$2" 20; done'
    lines = "".join("%d\n" % n for n in range(40))
    with Target(build("chain-O0-fp")) as keeper, Target(build("chain-O2-nofp")) as outside:
        enter(group, keeper.pid)
        sampling = Sampling("--cgroup", group, "-F", 999, "-d", 120, private=[outside.pid])
        wait_until(lambda: "sampling" in sampling.said(), "it does not sample")
        command = ["sh", "-c", loop, "sh", group, program]
        subprocess.run(command, input=lines, text=True, check=True, stdout=subprocess.DEVNULL)
        keeper.stop()
        run = sampling.finish()
    problems = list(run.problems)
    if run.stats["samples"]["processes"] < 20 or run.hits("short_run") < 100:
        problems.append("too few of them: %s" % run.stats["samples"])
    if run.stats["samples"]["other"] or len(build_ids(run)) != 1:
        problems.append("others were sampled too: %s" % run.stats["samples"])
    return problems


def build_ids_so_far(sampling):
    try:
        with open(sampling.output_path) as file:
            facts = [json.loads(line) for line in file if line.endswith("\n")]
    except FileNotFoundError:
        return set()
    return {fact["buildId"] for fact in facts if fact["metadata"].get("symbol") == "spin"}


def wait_until(condition, problem):
    deadline = time.monotonic() + STUCK_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise RuntimeError(problem)
        time.sleep(0.05)


def version_1():
    """--cgroup with a group of version 1, by its path below the mount"""
    return follows("cgroup")


def version_2():
    """--cgroup with a group of version 2"""
    return follows("cgroup2")


def container():
    """--container: the beginning of an id; of two that have it none is taken, and both are named"""
    _, first = group_of("docker/" + FIRST)
    _, second = group_of("docker/" + SECOND)
    with Target(build("chain-O0-fp")) as one, Target(build("chain-O2-nofp")) as other:
        enter(first, one.pid)
        run = sample_enough("--container", FIRST[:40], "-F", 499)
        problems = list(run.problems)
        if {fact.get("containerId") for fact in run.facts} != {FIRST}:
            problems.append("not the container: %s" % run.stderr)
        enter(second, other.pid)
        vague = sample("--container", FIRST[:40], "-d", 1, expect=2)
        problems += vague.problems
        if vague.stderr.count(FIRST[:16]) < 2:
            problems.append("they are not named: " + vague.stderr)
        run = sample_enough("--container", SECOND, "-F", 499)
        problems += run.problems
        if {fact.get("containerId") for fact in run.facts} != {SECOND}:
            problems.append("not the second container: %s" % run.stderr)
    return problems


def few_files():
    """with fewer files than threads, CPUs are sampled, and still the group alone"""
    if not IS_ROOT:
        raise Skip("sampling whole CPUs takes root")
    _, group = group_of("rtsample-few-%d" % os.getpid())
    program = ["sh", "-c", 'ulimit -n "$1"; shift; exec "$@"', "sh", "40", RTSAMPLE]
    crowd = [Target(build("chain-O0-fp")) for _ in range(30)]
    with Target(build("chain-O2-nofp")) as outside:
        for target in crowd:
            enter(group, target.pid)
        run = sample_enough("--cgroup", group, "-F", 499, program=program, private=[outside.pid])
        for target in crowd:
            target.stop()
    problems = list(run.problems)
    if "sampling whole CPUs" not in run.stderr:
        problems.append("the limit was not met: " + run.stderr)
    if len(build_ids(run)) != 1:
        problems.append("seen: %s" % build_ids(run))
    return problems


def nothing():
    """what is no group, holds nobody or is no id is said, with exit status 3 or 2"""
    problems = sample("--cgroup", "no/such-group", "-d", 1, expect=3).problems
    problems += sample("--cgroup", WORK, "-d", 1, expect=3).problems
    problems += sample("--container", SECOND[::-1], "-d", 1, expect=3).problems
    problems += sample("--container", "some-name", "-d", 1, expect=2).problems
    problems += sample("--container", FIRST, "-a", "-d", 1, expect=2).problems
    return problems


def empty():
    """a group without processes: exit status 3"""
    _, group = group_of("rtsample-empty-%d" % os.getpid())
    return sample("--cgroup", group, "-d", 1, expect=3).problems


require_sampling()
run_steps(version_1, version_2, short_lives, container, few_files, nothing, empty)
