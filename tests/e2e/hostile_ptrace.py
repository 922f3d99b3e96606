#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""--method ptrace and targets that want to keep their tracer: it goes on, and so do they.

With RTSAMPLE_LONG in the environment, more threads and more kills."""
import sys

sys.dont_write_bytecode = True
from hostile_lib import *  # noqa

PTRACE = ("--method", "ptrace")


def program():
    path = os.path.join(WORK, "ptrace_hang")
    if not os.path.exists(path):
        subprocess.run(
            [*os.environ.get("CC", "cc").split(), "-O1", "-w", "-pthread", "-o", path,
             os.path.join(HERE, "ptrace_hang.c")],
            check=True,
        )  # fmt: skip
    return path


def hang(*words, other=False, **options):
    """The program as a target; as somebody else where we are root, and want that."""
    if other:
        options["preexec_fn"] = as_nobody
    try:
        return Target(program(), *words, **options)
    except RuntimeError:
        raise Skip("not to be had here: " + " ".join(map(str, words)))


class Fuse:
    """A folder for a FUSE of an ordinary user."""

    def __enter__(self):
        if not shutil.which("fusermount3") or not os.access("/dev/fuse", os.R_OK | os.W_OK):
            raise Skip("needs fusermount3 and /dev/fuse")
        self.folder = tempfile.mkdtemp(dir=WORK)
        if IS_ROOT:
            os.chown(self.folder, NOBODY, NOBODY)
        at_end(self.unmount)
        return self.folder

    def unmount(self):
        subprocess.run(["umount" if IS_ROOT else "fusermount3", "-l" if IS_ROOT else "-uz", self.folder],
                       stderr=subprocess.DEVNULL)  # fmt: skip

    def __exit__(self, *exception):
        self.unmount()


def fuse_attack(kind="fuse"):
    return [hang(kind, Fuse().__enter__(), other=True)]


def plain_attack(*words):
    return [hang(*words, other=True)]


def field(path, name):
    with open(path, encoding="utf-8") as file:
        return re.search(r"^%s:\s+(\S+)" % name, file.read(), re.M).group(1)


def states(pid):
    """[(state, tracer)] of all threads."""
    found = []
    for tid in os.listdir("/proc/%d/task" % pid):
        status = "/proc/%d/task/%s/status" % (pid, tid)
        try:
            found.append((field(status, "State"), field(status, "TracerPid")))
        except (OSError, AttributeError):
            pass
    return found


def runs_on(pid):
    """What is wrong with a target that was let go."""

    def is_free():
        return all(state not in "tT" and tracer == "0" for state, tracer in states(pid))

    return [] if until(is_free, STUCK_SECONDS) else ["it does not run on: %s" % states(pid)]


def ends_soon(sampling, what):
    """Whether a run that has to end now does: two seconds, and what a busy machine adds."""
    begun = time.monotonic()
    try:
        sampling.process.wait(STUCK_SECONDS)
    except subprocess.TimeoutExpired:
        return ["it does not end: " + what]
    took = time.monotonic() - begun
    note("%s: ended after %.1f s" % (what, took))
    return []


def hostile_stack(target, *beside):
    """A run on a target whose stack never comes, and on one beside it."""
    others = [word for other in beside for word in ("-p", other.pid)]
    problems = []
    sampling = Sampling("-p", target.pid, *others, "-F", 199, *PTRACE)
    if not until(lambda: "is given up" in sampling.said(), STUCK_SECONDS):
        problems.append("nobody is given up: " + sampling.said())
    problems += runs_on(target.pid)
    until(lambda: False, 0.5)
    sampling.signal(signal.SIGTERM)
    problems += ends_soon(sampling, "SIGTERM")
    run = sampling.finish(expect=None)
    problems += run.problems + runs_on(target.pid)
    said = [line for line in run.stderr.splitlines() if "is given up" in line]
    if len(said) != 1 or "process %d " % target.pid not in said[0]:
        problems.append("it is not said once: %s" % said)
    stats = run.stats or {}
    if stats and (stats["self"]["ptrace"]["given_up"], stats["unreadable"]["late"]) != (1, 1):
        problems.append("not counted: %s %s" % (stats["self"]["ptrace"], stats["unreadable"]))
    if stats and stats["self"]["ptrace"]["max_stop_us"] > 1000000:
        problems.append("stopped for too long: %s" % stats["self"]["ptrace"])
    if beside and not run.kept:
        problems.append("the one beside it was not sampled: " + run.stderr)
    return problems


def fuse_stack():
    """a stack in a file of a FUSE that never answers; its neighbour is sampled on"""
    with Fuse() as folder, hang("fuse", folder, other=True) as target:
        with Target(build("chain-O2-nofp")) as beside:
            return hostile_stack(target, beside)


def duration():
    """and -d ends the run"""
    with Fuse() as folder, hang("fuse", folder, other=True) as target:
        sampling = Sampling("-p", target.pid, "-F", 199, "-d", 1, *PTRACE)
        problems = ends_soon(sampling, "-d 1")
        run = sampling.finish(expect=None)
        return problems + run.problems + runs_on(target.pid)


def uffd_stack():
    """a stack whose page faults nobody serves"""
    with hang("uffd") as target:
        return hostile_stack(target)


def killed():
    """rtsample is killed while it waits for a stack: the target runs on, and nothing of us outlives it"""
    problems, children = [], []
    with Fuse() as folder, hang("fuse", folder, other=True) as target:
        for number in range(20 if LONG else 4):
            sampling = Sampling("-p", target.pid, "-F", 999, *PTRACE)
            until(lambda: "sampling target" in sampling.said(), STUCK_SECONDS)
            until(lambda: any(state == "t" for state, _ in states(target.pid)), 1)
            time.sleep(number % 4 * 0.03)
            children += descendants(sampling.pid)
            sampling.process.kill()
            sampling.finish(expect=-9)
            problems += runs_on(target.pid)
            if problems:
                break
    # What waits for a FUSE that has seen its question does not heed SIGKILL.
    if not until(lambda: not any(is_alive(*child) for child in children), STUCK_SECONDS):
        problems.append("left behind: %s" % [child for child in children if is_alive(*child)])
    return problems


def born(pid):
    """When: its number may be another's soon."""
    with open("/proc/%d/stat" % pid, encoding="utf-8") as file:
        fields = file.read().rpartition(")")[2].split()
    return int(fields[19]), fields[0]


def is_alive(pid, since, _name):
    try:
        return born(pid)[0] == since and born(pid)[1] not in "ZX"
    except OSError:
        return False


def descendants(pid):
    found = []
    try:
        with open("/proc/%d/task/%d/children" % (pid, pid), encoding="utf-8") as file:
            for child in map(int, file.read().split()):
                name = field("/proc/%d/status" % child, "Name")
                found += [(child, born(child)[0], name)] + descendants(child)
    except (OSError, AttributeError):
        pass
    return found


def endless_exec():
    """a thread that executes a program of such a FUSE, for ever: nobody can be seized meanwhile"""
    with Fuse() as folder, hang("exec", folder, other=True) as target:
        with Target(build("chain-O2-nofp")) as beside:
            sampling = Sampling("-p", target.pid, "-p", beside.pid, "-F", 199, *PTRACE)
            problems = []
            if not until(lambda: "is given up" in sampling.said(), STUCK_SECONDS):
                problems.append("nobody is given up: " + sampling.said())
            until(lambda: False, 0.5)
            sampling.signal(signal.SIGTERM)
            problems += ends_soon(sampling, "SIGTERM")
            run = sampling.finish(expect=None)
            problems += run.problems + runs_on(target.pid)
            if not run.find("spin"):
                problems.append("the one beside it was not sampled: " + run.stderr)
            return problems


def births():
    """a target that forks, has threads, and executes under our hands"""
    with hang("births") as target:
        run = sample("-p", target.pid, "-F", 999, "-d", 5 if LONG else 2, *PTRACE)
        problems = run.problems + runs_on(target.pid)
        if not run.kept:
            problems.append("no samples: " + run.stderr)
        return problems


def stops():
    """a target that stops and is continued all the time stays as it wants to be"""
    with hang("stops") as target:
        run = sample_enough("-p", target.pid, "-F", 999, *PTRACE, minimum=5)
        problems = list(run.problems)
        if not until(lambda: field("/proc/%d/status" % target.pid, "State") in "RS", STUCK_SECONDS):
            problems.append("it is left stopped")
        if field("/proc/%d/status" % target.pid, "TracerPid") != "0":
            problems.append("it is left traced")
        return problems


def many_threads():
    """thousands of threads: what we use is bounded, and what was not looked at is counted"""
    count = 20000 if LONG else 2000
    with hang("threads", count) as target:
        run = sample_enough("-p", target.pid, "-F", 99, *PTRACE, minimum=10, seconds=(2.5, 8))
        problems = run.problems + runs_on(target.pid)
    if not run.stats:
        return problems
    own, stops = run.stats["self"], run.stats["self"]["ptrace"]
    note("%d threads: %.1f %% of a CPU, %s" % (count, own["max_cpu_percent"], stops))
    if own["max_cpu_percent"] > 50:
        problems.append("%.1f %% of a CPU" % own["max_cpu_percent"])
    if LONG and not stops["put_off"]:
        problems.append("all are looked at each time: %s" % stops)
    if run.share("spin") < 0.9:
        problems.append("the one that computes is not what is seen")
    return problems


def by_events():
    """the same by perf events, one after the other beside somebody who is sampled as without them"""
    problems = []
    kinds = [("births",), ("stops",), ("threads", 20000 if LONG else 2000)]
    if shutil.which("fusermount3") and os.access("/dev/fuse", os.R_OK | os.W_OK):
        kinds += [("fuse",), ("exec",)]
    for kind in kinds:
        attackers = fuse_attack(*kind) if kind[0] in ("fuse", "exec") else plain_attack(*kind)
        with Target(build("chain-O2-nofp")) as beside:
            runs = sample_ways([*(attacker.pid for attacker in attackers), beside.pid], "--emit", "process",
                               "-F", 199, enough=lambda run: samples_of(run, beside.pid) >= 20)  # fmt: skip
        end_all(attackers)

        def check(run):
            seen = Seen(run, beside.pid).functions
            names = {name for name, (share, _) in seen.items() if share > 0.9}
            wrong = [] if "spin" in names and "_start" in names else ["beside it: %s" % sorted(seen)]
            return wrong + (["%s %% of a CPU" % run.stats["self"]["max_cpu_percent"]]
                            if run.stats["self"]["max_cpu_percent"] > 60 else [])  # fmt: skip

        problems += ["%s, %s" % (kind[0], problem) for problem in in_each(runs, check)]
    return problems


if __name__ == "__main__":
    with Target(build("chain-O0-fp")) as probe:
        first = sample("-p", probe.pid, "-d", "0.2", *PTRACE, expect=None)
    if first.status == 4:
        skip_all(first.stderr)
    run_steps(fuse_stack, duration, uffd_stack, killed, endless_exec, births, stops, many_threads, by_events)
