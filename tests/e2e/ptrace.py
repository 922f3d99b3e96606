#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""--method ptrace: the same facts as with perf events, and a target that is left as it was.

With RTSAMPLE_LONG in the environment, more kills and more signals."""
import ctypes
import sys

sys.dont_write_bytecode = True
from lib import *  # noqa

LONG = bool(os.environ.get("RTSAMPLE_LONG"))
PTRACE = ("--method", "ptrace")
LIBC = ctypes.CDLL(None, use_errno=True)


def status_of(pid, field):
    with open("/proc/%d/status" % pid, encoding="utf-8") as file:
        return re.search(r"^%s:\s+(\S+)" % field, file.read(), re.M).group(1)


def wait_for(condition, what):
    """[] once it holds, or what did not happen."""
    deadline = time.monotonic() + STUCK_SECONDS
    while time.monotonic() < deadline:
        if condition():
            return []
        time.sleep(0.01)
    return ["not seen: " + what]


def cpu_ticks(pid):
    with open("/proc/%d/stat" % pid, encoding="utf-8") as file:
        fields = file.read().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def untouched(pid):
    """What is wrong with a target that nobody should trace any more: it runs on, by itself."""
    problems = wait_for(lambda: status_of(pid, "TracerPid") == "0", "TracerPid 0")
    before = cpu_ticks(pid)
    problems += wait_for(lambda: cpu_ticks(pid) > before, "the target uses the CPU again")
    if status_of(pid, "State") in ("t", "T"):
        problems.append("its state is " + status_of(pid, "State"))
    return problems


def check_method(run):
    if not run.stats:
        return ["there is no account"]
    stops = run.stats["self"]["ptrace"]
    problems = [] if run.stats["method"] == "ptrace" else ["method " + run.stats["method"]]
    if not run.kept <= stops["stops"] or not stops["mean_stop_us"] <= stops["max_stop_us"]:
        problems.append("%d samples by %s" % (run.kept, stops))
    return problems


# --- The facts -----------------------------------------------------------------------------------


def programs():
    """stacks are what the programs' sources say"""
    problems = []
    for name in ("chain-O2-nofp", "chain-O0-fp", "noreturn", "signal-normal-stack", "realign-O2"):
        with Target(build(name)) as target:
            run = sample_enough("-p", target.pid, "-F", 299, *PTRACE, private=[target.pid])
        found = run.problems + check_method(run) + check_expectations(run, directives(name))
        problems += ["%s: %s" % (name, text) for text in found]
    ok(programs.__doc__, problems)


def frame_pointers():
    """--call-graph fp and none"""
    wanted = directives("chain-O0-fp")
    with Target(build("chain-O0-fp")) as target:
        run = sample_enough("-p", target.pid, "-F", 299, "--call-graph", "fp", *PTRACE)
        leaves = sample_enough("-p", target.pid, "-F", 299, "--call-graph", "none", *PTRACE)
    problems = run.problems + leaves.problems
    names = [name.strip() for name in wanted["EXPECT"][0].split("<")][:-1]
    problems += [name + " is not on every stack" for name in names if run.share(name) < 0.97]
    if leaves.stops("not_taken") != leaves.kept or leaves.share("spin") < 0.97:
        problems.append(leaves.summary())
    ok(frame_pointers.__doc__, problems)


def family():
    """threads and children, those of later too"""
    for seconds in (3, 8, 20):
        with Target(build("family")) as target:
            run = sample("-p", target.pid, "-F", 199, "-d", seconds, *PTRACE)
        missing = check_expectations(run, {"SEEN": directives("family")["SEEN"]})
        if run.problems or not missing:
            break
    problems = run.problems + missing
    if run.stats and run.stats["samples"]["processes"] != 3:
        problems.append("%d processes, not 3" % run.stats["samples"]["processes"])
    ok(family.__doc__, problems + ([run.summary()] if problems else []))


def second_life():
    """a target that executes another program"""
    for seconds in (3, 8, 20):
        with Target(build("two-lives")) as target:
            run = sample("-p", target.pid, "-F", 299, "-d", seconds, *PTRACE)
        if run.problems or (run.find("first_life") and run.find("second_life")):
            break
    problems = run.problems + check_expectations(run, directives("two-lives"))
    ok(second_life.__doc__, problems + ([run.summary()] if problems else []))


def command():
    """a command, and its exit status"""
    shell = "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done; exit 7"
    run = sample("-F", 199, *PTRACE, "--", "/bin/sh", "-c", shell)
    problems = run.problems + check_method(run)
    if run.stats and run.stats["run"]["command_status"] != 7:
        problems.append("its status is %s" % run.stats["run"]["command_status"])
    if not run.kept:
        problems.append("no samples: " + run.stderr)
    ok(command.__doc__, problems)


def storm():
    """a storm of short-lived children"""
    with Target(build("storm")) as target:
        run = sample_enough("-p", target.pid, "-F", 499, *PTRACE, minimum=20)
        problems = run.problems + wait_for(lambda: status_of(target.pid, "TracerPid") == "0", "0")
    ok(storm.__doc__, problems)


# --- The target ----------------------------------------------------------------------------------


class Value(ctypes.Union):
    _fields_ = [("number", ctypes.c_int), ("pointer", ctypes.c_void_p)]


def signals():
    """every queued signal arrives"""
    wanted = 10000 if LONG else 1000
    with Target(build("signal-count"), wanted) as target:
        sampling = Sampling("-p", target.pid, "-F", 999, *PTRACE)
        problems = wait_for(lambda: "sampling" in stderr_of(sampling), "the sampling begins")
        sent = 0
        while sent < wanted:
            # Refused while as many wait as may be queued.
            sent += LIBC.sigqueue(target.pid, signal.SIGRTMIN, Value(number=sent)) == 0
            if sent % 10 == 0:
                time.sleep(0.001)
        readable, _, _ = select.select([target.process.stdout], [], [], STUCK_SECONDS)
        if not readable or target.process.stdout.readline() != b"all\n":
            problems.append("not all of %d signals arrived" % wanted)
        sampling.signal(signal.SIGTERM)
        run = sampling.finish()
        problems += run.problems + check_method(run) + untouched(target.pid)
        if not run.kept:
            problems.append("it was never stopped meanwhile")
    note("%d signals, %d stops" % (wanted, run.stats["self"]["ptrace"]["stops"] if run.stats else 0))
    ok(signals.__doc__, problems)


def stderr_of(sampling):
    with open(sampling.stderr.name, encoding="utf-8", errors="replace") as file:
        return file.read()


def job_control():
    """a stopped target stays stopped, its parent is told, and it goes on when told to"""
    problems = []
    with Target(build("chain-O2-nofp")) as target:
        sampling = Sampling("-p", target.pid, "-F", 499, *PTRACE)
        problems += wait_for(lambda: "sampling" in stderr_of(sampling), "the sampling begins")
        for _ in range(50 if LONG else 10):
            os.kill(target.pid, signal.SIGSTOP)
            _, status = os.waitpid(target.pid, os.WUNTRACED)
            if not os.WIFSTOPPED(status) or os.WSTOPSIG(status) != signal.SIGSTOP:
                problems.append("its parent sees status %x" % status)
            time.sleep(0.02)
            if status_of(target.pid, "State") not in ("T", "t"):
                problems.append("stopped, its state is " + status_of(target.pid, "State"))
            os.kill(target.pid, signal.SIGCONT)
            before = cpu_ticks(target.pid)
            problems += wait_for(lambda: cpu_ticks(target.pid) > before, "it runs again")
            if problems:
                break
        os.kill(target.pid, signal.SIGSTOP)
        os.waitpid(target.pid, os.WUNTRACED)
        sampling.signal(signal.SIGTERM)
        problems += sampling.finish().problems
        if status_of(target.pid, "State") != "T":
            problems.append("after the run its state is " + status_of(target.pid, "State"))
        os.kill(target.pid, signal.SIGCONT)
        problems += untouched(target.pid)
    ok(job_control.__doc__, problems)


def killed():
    """killed at any moment, rtsample leaves its target running and untraced"""
    problems = []
    with Target(build("threads")) as target:
        for number in range(200 if LONG else 10):
            sampling = Sampling("-p", target.pid, "-F", 999, *PTRACE)
            problems += wait_for(lambda: "sampling" in stderr_of(sampling), "the sampling begins")
            time.sleep(number % 10 * 0.0037)
            sampling.process.kill()
            sampling.finish(expect=-9)
            problems += untouched(target.pid)
            if problems:
                break
    ok(killed.__doc__, problems)


def already_traced():
    """a target that is traced already is refused, with the tracer's pid"""
    seize, interrupt, detach = 0x4206, 0x4207, 17
    with Target(build("chain-O2-nofp")) as target:
        LIBC.ptrace.argtypes = [ctypes.c_long, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p]
        if LIBC.ptrace(seize, target.pid, None, None) < 0:
            raise Skip("this process may not trace its child")
        run = sample("-p", target.pid, "-d", 1, *PTRACE, expect=4)
        LIBC.ptrace(interrupt, target.pid, None, None)
        os.waitpid(target.pid, 0)
        LIBC.ptrace(detach, target.pid, None, None)
    problems = run.problems
    if "process %d traces it" % os.getpid() not in run.stderr:
        problems.append(run.stderr)
    ok(already_traced.__doc__, problems)


def somebody_elses():
    """a process of another user is refused, with what to grant"""
    if not IS_ROOT:
        raise Skip("needs root, to have a process of another user")
    copy = os.path.join(WORK, "rtsample")
    shutil.copy(RTSAMPLE, copy)
    os.chmod(copy, 0o755)
    with Target(build("chain-O2-nofp")) as target:
        run = sample(
            *("-p", target.pid, "-d", 1, *PTRACE),
            expect=4,
            stats=False,
            output="stdout",
            program=[copy],
            user=65534,
            group=65534
        )
    ok(
        somebody_elses.__doc__,
        run.problems + ([] if "CAP_SYS_PTRACE" in run.stderr else [run.stderr]),
    )


def rate_of(arguments, frequency, seconds, *options):
    """Samples that a program of some threads gave while it used so much CPU time, by what the kernel
    says that was worth; and the run."""
    with Target(build("busy"), *arguments) as target:
        sampling = Sampling("-p", target.pid, "-F", frequency, *PTRACE, *options, private=[target.pid])
        until(lambda: "sampling target" in sampling.said(), STUCK_SECONDS)
        before = cpu_ticks(target.pid)
        until(lambda: cpu_ticks(target.pid) - before > 100 * seconds, STUCK_SECONDS)
        sampling.signal(signal.SIGINT)
        run = sampling.finish()
        due = (cpu_ticks(target.pid) - before) * frequency / os.sysconf("SC_CLK_TCK")
    return run.stats["samples"]["taken"] / due, run


def rate():
    """as many samples as the CPU time is worth; else it is said how many there were"""
    problems = []
    for frequency in (49, 99, 199, 499) if LONG else (199,):
        for threads in (1, 2, 8):
            # Where others keep a stopped thread waiting, it would be left alone for that.
            tries = [rate_of([threads], frequency, 1.5, "--max-stop", 0)]
            while tries[-1][0] < 0.9 and len(tries) < 4:
                tries.append(rate_of([threads], frequency, 3, "--max-stop", 0))
            share, run = tries[-1]
            problems += run.problems
            # One that may not run as soon as it wants depends on what else runs here.
            excused = "ptrace took" in run.stderr and not (IS_ROOT and threads == 1)
            if share < 0.9 and not excused:
                shares = ", ".join("%.2f" % one[0] for one in tries)
                problems.append("%d Hz, %d threads: %s of it" % (frequency, threads, shares))
            if share > 1.2:
                problems.append("%d Hz, %d threads: %.2f" % (frequency, threads, share))
    return problems


def rate_is_said():
    """a thread whose stops take too long is left alone, and the rate that came of it is said"""
    share, run = rate_of([], 199, 3, "--max-stop", 1)
    problems = list(run.problems)
    stops = run.stats["self"]["ptrace"]
    if share > 0.5:
        problems.append("%.2f of the samples, with stops of a microsecond" % share)
    if not stops["rate"] < 100 or not stops["due"] > 2 * run.stats["samples"]["taken"]:
        problems.append("the account: %s" % stops)
    said = re.search(r"ptrace took (\d+) of (\d+) samples of .* of CPU time: ([\d.]+) Hz instead of 199", run.stderr)
    if not said or float(said.group(3)) != stops["rate"] or int(said.group(2)) != stops["due"]:
        problems.append("it is not said: " + run.stderr)
    return problems


def everything():
    """all processes (-a) are refused"""
    run = sample("-a", "-d", 1, *PTRACE, expect=4)
    ok(everything.__doc__, run.problems + ([] if "-a" in run.stderr else [run.stderr]))


try:
    path = build("chain-O0-fp")
except Skip as reason:
    skip_all(reason)
with Target(path) as target:
    first = sample("-p", target.pid, "-d", "0.2", *PTRACE, expect=None)
if first.status == 4:
    skip_all(first.stderr)
run_steps(
    programs, frame_pointers, family, second_life, command, storm, signals, job_control, killed,
    already_traced, somebody_elses, rate, rate_is_said, everything,
)  # fmt: skip
