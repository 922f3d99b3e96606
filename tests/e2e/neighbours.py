#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Other recorders on the machine, beside every kind of run of ours: all of them are as right as alone.

A kernel may mark the MMAP2 records of one recorder as having build-ids when it was another that asked
(src/capture/flag_leak.h). The target is of short processes, of files on two file systems: what is
mapped there nobody can look up later, and the records are all there is. With RTSAMPLE_LONG in the
environment beside more of them.

This disturbs recorders on this machine that believe the mark, such as perf 6.1, for some seconds."""
import sys

sys.dont_write_bytecode = True
from cgroup_lib import *  # noqa

skip_in("user")

LONG = bool(os.environ.get("RTSAMPLE_LONG"))

# Of whole CPUs, of which this machine has a few, that is below the limit of samples per second.
RATE = 199
SECONDS = 1.5
USER, OTHER = 1000, 1001

# Somebody else on this machine may ask for build-ids, for a while.
ATTEMPTS = 3

# Some samples hit a process before, or behind, its function.
MOST = 0.8

# The name of a process, as those of program().
STATIC = "nbr-static"

os.chmod(WORK, 0o1777)


# --- Who is there ----------------------------------------------------------------------------------


def as_user(number, *capabilities):
    """What is put before a command to run it as that user."""
    if not IS_ROOT:
        return []
    words = ["setpriv", "--reuid=%d" % number, "--regid=%d" % number, "--clear-groups"]
    if capabilities:
        sets = ",".join("+" + word for word in capabilities)
        words += ["--inh-caps=" + sets, "--ambient-caps=" + sets]
    return words


_program = None


def program():
    """neighbour.c, and the files that it works with: {name of the process: path}."""
    global _program
    if not _program:
        path = os.path.join(WORK, "neighbour")
        command = os.environ.get("CC", "cc").split() + ["-O2", "-o", path, os.path.join(HERE, "neighbour.c")]
        if subprocess.run(command, stderr=subprocess.DEVNULL).returncode:
            raise Skip("neighbour.c cannot be compiled here")
        # Memory has device 0:N, and disks others, which are taken for different lengths.
        memory = tempfile.mkdtemp(prefix="rtsample-", dir="/dev/shm" if os.path.isdir("/dev/shm") else WORK)
        at_end(shutil.rmtree, memory)
        os.chmod(memory, 0o755)
        files = {
            "nbr-disk": shutil.copy(path, os.path.join(WORK, "nbr-disk")),
            "nbr-memory": shutil.copy(path, os.path.join(memory, "nbr-memory")),
        }
        sampler = shutil.copy(RTSAMPLE, os.path.join(WORK, "rtsample"))
        os.chmod(sampler, 0o755)
        _program = path, files
    return _program


def worker():
    path, files = program()
    return Target(*as_user(USER), path, "work", 0, *files.values())


class Watcher:
    """Another recorder of the target, begun before all that follows."""

    def __init__(self, pid):
        self.target = Target(program()[0], "watch", pid, stdin=subprocess.PIPE)

    def stop(self):
        """(records of mappings, how many of them have the mark)"""
        process = self.target.process
        process.stdin.close()
        said = process.stdout.readline().split()
        status = process.wait(STUCK_SECONDS)
        self.target.stop()
        return tuple(int(word) for word in said) if status == 0 else None


class Asker(Target):
    """A recorder of the whole machine that asks for build-ids; perf is not needed for it."""

    def __init__(self):
        try:
            super().__init__(program()[0], "ask", stdin=subprocess.PIPE)
        except RuntimeError:
            raise Skip("whole CPUs may not be recorded here, or this kernel has no build-ids")


class Perf(Target):
    """perf record, until stop()."""

    def __init__(self, *arguments):
        if not shutil.which("perf"):
            raise Skip("perf is not installed")
        self.path = os.path.join(tempfile.mkdtemp(dir=WORK), "perf.data")
        command = ["perf", "record", "-q", "-e", "cpu-clock" if IS_ROOT else "cpu-clock:u"]
        command += ["-F", str(RATE), "-k", "CLOCK_MONOTONIC", *arguments, "-o", self.path, "--", "cat"]
        self.log = open(self.path + ".stderr", "w+b")
        super().__init__(*command, ready=False, stdin=subprocess.PIPE, stderr=self.log)
        begun = until(lambda: self.process.poll() is not None or self._size() > 0)
        if not begun or self.process.poll() is not None:
            raise Skip("perf record: %s" % self.said())

    def _size(self):
        return os.path.getsize(self.path) if os.path.exists(self.path) else 0

    def said(self):
        with open(self.log.name, encoding="utf-8", errors="replace") as file:
            return file.read().strip()[-300:]

    def finish(self):
        """Ends it by ending the cat that it runs; what is wrong with it."""
        self.process.stdin.close()
        status = self.process.wait(STUCK_SECONDS)
        said = self.said()
        self.stop()
        if status != 0:
            return ["perf record ended with %d: %s" % (status, said)]
        return check_counts("perf report", *perf_counts(self.path))


def perf_counts(path):
    """What perf script says of a trace: samples of the worker's processes, and those that hit hot()."""
    command = ["perf", "script", "-f", "-i", path, "-F", "comm,ip,sym", "--no-inline"]
    command += ["--comms", ",".join([*program()[1], STATIC])]
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if result.returncode:
        return -1, 0
    taken = hot = 0
    text = result.stdout.decode("utf-8", "replace")
    for block in text.split("\n\n" if "\n\n" in text else "\n"):
        if block.strip().startswith("nbr-"):
            taken += 1
            hot += bool(re.search(r"\bhot\b", block))
    return taken, hot


def check_counts(who, taken, hot):
    if taken < 10:
        return ["%s: %d samples are too few" % (who, taken)]
    return [] if hot >= MOST * taken else ["%s: hot in %d of %d samples" % (who, hot, taken)]


# --- Our runs --------------------------------------------------------------------------------------


def start(*arguments, prefix=(), private=()):
    """A run of ours that keeps a trace."""
    path = os.path.join(tempfile.mkdtemp(dir=WORK), "trace")
    os.chmod(os.path.dirname(path), 0o1777)
    # One run would sample the process of another one's self-test, whose build-id is not ours.
    environment = {**os.environ, "Sampler__SelfTest": "false"}
    options = {"program": [*prefix, os.path.join(WORK, "rtsample")], "private": private, "env": environment}
    folder = os.path.dirname(path)
    sampling = Sampling(
        "-F", RATE, "-d", SECONDS, "--record", path, "--stats", os.path.join(folder, "stats"),
        *arguments, stats=False, output=os.path.join(folder, "facts"), **options
    )  # fmt: skip
    sampling.trace = path
    sampling.stats_path = os.path.join(folder, "stats")
    return sampling


def kinds(pid, group):
    """Every kind of run, begun: {name: Sampling}"""
    path, files = program()
    rounds = int(SECONDS * 8)
    runs = {
        "-p": start("-p", pid),
        "--": start("--", path, "work", rounds, *files.values()),
    }
    if group:
        runs["--cgroup"] = start("--cgroup", group)
    if IS_ROOT:
        runs["-a"] = start("-a", "--emit", "process")
        runs["-a of a user"] = start("-a", "--emit", "process", prefix=as_user(USER))
        runs["-p with CAP_PERFMON"] = start("-p", pid, prefix=as_user(OTHER, "perfmon"))
    return runs


def named(run):
    """(samples, those with hot() on the stack), of our facts: of the worker's processes alone, where
    the run is of more."""
    if "-a" not in run.arguments:
        return run.kept, run.hits("hot")
    facts = [fact for fact in run.find("hot") if fact["processName"].startswith("nbr-")]
    return None, sum(fact["hitCount"] for fact in facts)


def build_id():
    notes = subprocess.run(["readelf", "-n", program()[0]], stdout=subprocess.PIPE, text=True, check=True)
    return "gnu-build-id:" + re.search(r"Build ID: (\w+)", notes.stdout).group(1)


def check_ours(name, sampling, trace=False):
    """What is wrong with a run; `trace`: also with the trace that it kept."""
    run = sampling.finish()
    run.arguments = sampling.process.args
    problems = list(run.problems)
    if not run.stats:
        return ["%s: no account: %s" % (name, run.stderr)]
    samples = run.stats["samples"]
    taken, hot = named(run)
    if samples["dropped"]["malformed"] or samples["malformed_side_band"]:
        problems.append("records are damaged: %s" % samples)
    if taken is not None:
        problems += check_counts("facts", taken, hot)
    if build_id() not in {fact["buildId"] for fact in run.find("hot")}:
        problems.append("the build-id is none of hot's: %s" % build_id())
    short = {fact["buildId"] for fact in run.facts if re.fullmatch("gnu-build-id:[0-9a-f]{,30}", fact["buildId"])}
    if short:
        problems.append("build-ids that nobody gave: %s" % short)
    problems += check_trace(run, sampling.trace, hot) if trace else []
    if problems:
        problems.append(run.summary())
    return ["%s: %s" % (name, text) for text in problems]


def check_trace(run, path, hot):
    """Our own trace says the same to perf, and to us."""
    problems = []
    if shutil.which("perf"):
        by_perf = perf_counts(path)
        problems += check_counts("perf script of our trace", *by_perf)
        if by_perf[1] != hot:
            problems.append("hot is in %d samples, for perf in %d of our trace" % (hot, by_perf[1]))
    # Of the whole machine, files of others have gone since.
    return problems if "-a" in run.arguments else problems + replay_differs(run, path)


def group_with(pid):
    """A control group that the worker is in; None: there can be none."""
    found = [point for _, point in hierarchies()]
    if not IS_ROOT or not found:
        return None
    try:
        group = make_group(found[0], "rtsample-%d" % os.getpid())
        enter(group, pid)
    except Skip:
        return None
    return group


def beside(begin, trace=LONG):
    """Runs all kinds beside a neighbour, which `begin` begins on the target with this pid. It returns
    what ends the neighbour, and gives what is wrong with it. `trace`: looks at our traces too."""
    with worker() as target:
        group = group_with(target.pid)
        finish = begin(target.pid)
        problems = []
        runs = kinds(target.pid, group)
        for name, sampling in runs.items():
            problems += check_ours(name, sampling, trace)
        note("beside: %s" % ", ".join(runs))
        problems += finish()
    return problems


# --- Steps -----------------------------------------------------------------------------------------


def marks(pid, between):
    """(records, marked ones) of a watcher of the target, while `between` does something."""
    watcher = Watcher(pid)
    between()
    return watcher.stop()


def misleads_nobody():
    """No kind of run has the kernel mark the records of a recorder that was there before"""
    def all_kinds():
        for sampling in kinds(target.pid, group).values():
            sampling.finish(expect=None)

    with worker() as target:
        group = group_with(target.pid)
        for _ in range(ATTEMPTS):
            before = marks(target.pid, lambda: time.sleep(0.3))
            if before is None:
                raise Skip("a process cannot be recorded here")
            found = marks(target.pid, all_kinds)
            after = marks(target.pid, lambda: time.sleep(0.3))
            if not found[1] or not before[1] + after[1]:
                break
    if not found[0]:
        return ["nothing was recorded"]
    if found[1] and before[1] + after[1]:
        raise Skip("somebody else asks for build-ids on this machine")
    return ["%d of %d records are marked" % (found[1], found[0])] if found[1] else []


def doctor_tells():
    """rtsample doctor tells whether this kernel marks the records of others"""
    report = subprocess.run([RTSAMPLE, "doctor", "--json"], stdout=subprocess.PIPE)
    check = json.loads(report.stdout)["checks"]["feature.build_id"]
    with worker() as target, Asker() as asker:
        found = marks(target.pid, lambda: time.sleep(1))
    note("%d of %d records are marked: %s" % (found[1], found[0], check["found"]))
    if not found[0]:
        return ["nothing was recorded"]
    wanted = "leaks" if found[1] else None
    return [] if check["cause"] == wanted else ["%s, and %d of %d are marked" % (check, found[1], found[0])]


def beside_asker():
    """Beside a recorder of the whole machine that asks for build-ids"""

    def begin(pid):
        asker = Asker()
        return lambda: asker.stop() or []

    return beside(begin, trace=True)


def beside_perf():
    """Beside perf record of the same process"""
    return beside(lambda pid: Perf("-p", pid).finish)


def beside_perf_of_all():
    """Beside perf record -a --buildid-mmap"""
    if not IS_ROOT:
        raise Skip("perf -a takes root")
    return beside(lambda pid: Perf("-a", "--buildid-mmap").finish)


def beside_another():
    """Beside a second rtsample, of all that an ordinary user may sample"""

    def begin(pid):
        other = start("-a", "--emit", "process", "-d", 3 * SECONDS, prefix=as_user(USER))
        until(lambda: "sampling" in other.said())
        return lambda: check_ours("the other", other)

    return beside(begin)


def replays_of_perf():
    """Traces of perf are read right: one with build-ids by request, and one with marks by mistake, of
    files in memory, by whose device perf is not misled"""
    if not IS_ROOT:
        raise Skip("perf -a takes root")
    path, files = program()
    static = os.path.join(os.path.dirname(files["nbr-memory"]), STATIC)
    command = os.environ.get("CC", "cc").split() + ["-O2", "-static", "-o", static, os.path.join(HERE, "neighbour.c")]
    if subprocess.run(command, stderr=subprocess.DEVNULL).returncode:
        raise Skip("nothing can be linked statically here")
    problems = []
    traces = (("by request", ["-a", "--buildid-mmap"], False), ("by mistake", ["-p"], True))
    for name, arguments, asks in traces:
        with Target(static, "work", 0, static) as target:
            asker = Asker() if asks else None
            perf = Perf(*arguments, *([target.pid] if asks else []))
            time.sleep(1)
            problems += perf.finish()
            if asker:
                asker.stop()
        taken, hot = perf_counts(perf.path)
        run = sample("--emit", "process", perf.path, program=[RTSAMPLE, "replay"])
        found = sum(fact["hitCount"] for fact in run.find("hot") if fact["processName"].startswith("nbr-"))
        problems += ["%s: %s" % (name, text) for text in run.problems]
        samples = run.stats["samples"]
        if samples["malformed_side_band"] or samples["dropped"]["malformed"]:
            problems.append("%s: records are damaged: %s" % (name, samples))
        if found != hot or hot < MOST * taken:
            problems.append("%s: hot is in %d samples of %d, for us in %d" % (name, hot, taken, found))
    return problems


run_steps(
    misleads_nobody,
    doctor_tells,
    beside_asker,
    *([beside_perf] if LONG else []),
    beside_perf_of_all,
    *([beside_another] if LONG else []),
    replays_of_perf,
)
