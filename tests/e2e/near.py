#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Memory that is read near samples: it is what it was at the sample, and stacks that end for want of it
are complete. With RTSAMPLE_LONG in the environment, of more samples."""
import sys

sys.dont_write_bytecode = True
from lib import *  # noqa

LONG = bool(os.environ.get("RTSAMPLE_LONG"))
BUILD = os.environ.get("top_builddir", ".")
EQUAL = os.path.join(BUILD, "tests/unit/capture/near_equal")
FREQUENCY = 499
SLOW = bool(os.environ.get("RTSAMPLE_SANITIZERS"))

# Samples of a process until its memory is read: the stacks that show the need, those until the next
# drain, and again when more of the stack turns out to be needed.
BEFORE = 60

REFUSED = "cannot be read near|may not be read near|not read near samples any more: this kernel"


def near(*arguments, seconds=None, **options):
    """A run of some seconds of the target's; the Run."""
    length = seconds or (20 if LONG else 2)
    return sample("-F", FREQUENCY, "-d", length, *arguments, **options)


def check_near(run, reason):
    """What is wrong with a run in which stacks would end with `reason`."""
    if not run.stats:
        return run.problems or ["there is no account"]
    problems, counts = list(run.problems), run.stats["near"]
    note("%d samples, %.2f %% complete; near: %s" % (run.kept, 100 * run.complete_share(), counts))
    if counts["samples"] != counts["frozen"] + counts["late"] + counts["refused"]:
        problems.append("near does not add up: %s" % counts)
    if counts["refused"]:
        problems.append("%d were refused" % counts["refused"])
    # A machine that does not let the reader run in time is no fault; what it read has to be enough.
    ends = run.stops(reason)
    if counts["frozen"] == 0 or ends > counts["late"] + BEFORE:
        problems.append("%d stacks end with %s, and %d samples were late" % (ends, reason, counts["late"]))
    if counts["late"] <= 0.002 * run.kept and run.kept > 200 * BEFORE and run.complete_share() < 0.99:
        problems.append("%.2f %% are complete" % (100 * run.complete_share()))
    return problems + ([run.summary()] if problems else [])


def may_be_read(run):
    """Is it refused on this machine, and said?"""
    if re.search(REFUSED, run.stderr):
        raise Skip(re.search(".*(%s).*" % REFUSED, run.stderr).group(0))
    return run


def check_equal(*arguments, become=(), samples=1000):
    result = subprocess.run(
        [*become, EQUAL, "10000" if LONG else str(samples), "60" if LONG else "6", *arguments],
        capture_output=True,
        text=True,
    )
    if result.returncode == 77:
        raise Skip(result.stderr.strip())
    if result.returncode != 0:
        return ["status %d: %s" % (result.returncode, result.stderr)]
    told = json.loads(result.stdout)
    if told["samples"] and told["refused"] == told["samples"] - told["late"]:
        raise Skip("memory of others may not be read here")
    note("frozen %.2f %%: %s" % (100 * told["frozen"] / max(told["samples"], 1), told))
    if told["frozen"] == 0:
        return ["not one sample was frozen"]
    return ["%d of %d differ" % (told["frozen"] - told["equal"], told["frozen"])] * (
        told["equal"] < 0.999 * told["frozen"]
    )


def equal():
    """memory of frozen samples is that of the sample: a number in a register and in memory"""
    return check_equal()


def equal_on_one_cpu():
    """the same of a process that stays on one CPU"""
    return check_equal("own-cpu")


def equal_with_same_registers():
    """the same of one whose registers do not tell that it went on, without the right to go first"""
    program = system_program("setpriv") if IS_ROOT else None
    become = [program, "--bounding-set", "-sys_nice", "--inh-caps", "-sys_nice"] if IS_ROOT else []
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(4)]
    try:
        return check_equal("same-registers", become=become, samples=600)
    finally:
        for process in busy:
            process.kill()
            process.wait()


def digest():
    """libcrypto's SHA-512, whose frames are found by words below the stack pointer"""
    program = system_program("openssl")
    with Target(program, "speed", "-seconds", "120", "sha512", ready=False) as target:
        time.sleep(0.5)
        run = may_be_read(near("-p", target.pid))
        if run.stats and run.stats["near"]["samples"] == 0 and run.stops("bad_memory") < 3:
            raise Skip("this libcrypto does not keep them there")
        without = near("-p", target.pid, env=dict(os.environ, Sampler__NearReader="off"), seconds=1)
    problems = check_near(run, "bad_memory")
    if any(without.stats["near"].values()) or without.complete_share() > 0.9:
        problems.append("without: %s" % without.summary())
    return problems


def recursion():
    """a recursion that has a MiB of stack"""
    with Target(build("deep-stack")) as target:
        run = may_be_read(near("-p", target.pid))
        return check_near(run, "stack_short") + [
            "%s is not on the stacks" % name for name in ("main", "_start") if run.share(name) < 0.5
        ]


def all_cpus():
    """the same where whole CPUs are sampled"""
    with Target(build("deep-stack")) as target:
        for seconds in 2, 8, 20:  # a machine that has much to do takes longer
            run = sample("-a", "-F", FREQUENCY, "-d", seconds, expect=None)
            if run.status == 4 or not run.stats or run.stats["run"]["rung"] != "perf_cpus":
                raise Skip("whole CPUs may not be sampled here")
            may_be_read(run)
            counts = run.stats["near"]
            note(counts)
            if counts["frozen"]:
                break
        problems = run.problems + ["%s was not said" % counts] * (counts["frozen"] == 0)
        if run.share("descend") > 0.02 and run.share("main") < 0.5 * run.share("descend"):
            problems.append(run.summary())
        return problems


def user():
    """an ordinary user, of his own processes: it works, or is said"""
    if not IS_ROOT or not shutil.which("setpriv"):
        raise Skip("it takes root to become somebody else")
    become = ["setpriv", "--reuid", "12345", "--regid", "12345", "--clear-groups"]
    folder = tempfile.mkdtemp(dir=WORK)
    os.chmod(folder, 0o777)
    stats = os.path.join(folder, "stats")
    program = shutil.copy(RTSAMPLE, os.path.join(folder, "rtsample"))
    with Target(*become, build("deep-stack")) as target:
        result = subprocess.run(
            [*become, program, "-p", str(target.pid), "-d", "2", "-o", "-", "--stats", stats],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
    if result.returncode != 0:
        raise Skip(result.stderr.strip()[-300:])
    with open(stats, encoding="utf-8") as file:
        counts = json.load(file)["near"]
    note("%s; %s" % (counts, re.findall(".*(?:%s).*" % REFUSED, result.stderr)))
    if counts["frozen"] == 0 and counts["late"] == 0 and not re.search(REFUSED, result.stderr):
        return ["nothing was read, and nothing said: %s" % result.stderr]


def sessions(name):
    """Those of processes of that name, in which rtsample has started them."""
    told = subprocess.run(["ps", "-e", "-o", "sess=,comm="], stdout=subprocess.PIPE, text=True).stdout
    lines = [line.split() for line in told.splitlines()]
    return {int(words[0]) for words in lines if words[1:2] == [name]}


def ends():
    """targets that end, or become another program, while they are read"""
    deep, other = build("deep-stack"), build("chain-O2-nofp")
    script = "%s & child=$!; sleep 1; kill -9 $child; exec timeout 1 %s" % (deep, other)
    with Target("sh", "-c", script, ready=False) as target:
        sampling = Sampling("-p", target.pid, "-F", FREQUENCY, "-d", "3")
        was_there = until(lambda: sampling.pid in sessions("rtsample-near"), 3)
        run = sampling.finish()
        run.pid = sampling.pid
        note("a reader was there: %s" % was_there)
    counts = run.stats["near"] if run.stats else {}
    note(counts)
    problems = list(run.problems)
    if counts and counts["samples"] != counts["frozen"] + counts["late"] + counts["refused"]:
        problems.append("near does not add up: %s" % counts)
    if not until(lambda: run.pid not in sessions("rtsample-near")):
        problems.append("its reader is left behind")
    return problems


def hangs():
    """memory that lets a reader hang: its process is given up, others are read, and the run ends in time"""
    program = os.path.join(WORK, "near_hang")
    compiler = os.environ.get("CC", "cc").split()
    if not IS_ROOT:
        raise Skip("it takes root to let the kernel wait")
    subprocess.run([*compiler, "-O1", "-o", program, os.path.join(HERE, "near_hang.c")], check=True)
    try:
        target = Target(program)
    except RuntimeError as error:
        raise Skip(error)
    with target, Target(build("deep-stack")) as other:
        began = time.monotonic()
        run = sample("-p", target.pid, "-p", other.pid, "-F", FREQUENCY, "-d", "4")
        took = time.monotonic() - began
        note("%.1f s; %s" % (took, run.stats and run.stats["near"]))
        problems = run.problems + ["it took %.1f s" % took] * (took > 60)
        if "could not be read in time" not in run.stderr:
            problems.append("nothing is said: %s" % run.stderr)
        if run.share("main") < 0.05:
            problems.append("the other one is not read: %s" % run.summary())
        if target.process.poll() is not None or other.process.poll() is not None:
            problems.append("a target has ended")
    return problems


def sealed():
    """the reader keeps what it needs and no more"""
    with Target(build("deep-stack")) as target:
        sampling = Sampling("-p", target.pid, "-F", FREQUENCY, "-d", "20")
        readers = []

        def found():
            told = subprocess.run(["ps", "-e", "-o", "pid=,sess=,comm="], stdout=subprocess.PIPE, text=True).stdout
            lines = [line.split() for line in told.splitlines()]
            readers[:] = [words[0] for words in lines if words[1:3] == [str(sampling.pid), "rtsample-near"]]
            return bool(readers)

        if not until(found, 15):
            sampling.signal(signal.SIGINT)
            may_be_read(sampling.finish())
            return ["there is no reader"]
        time.sleep(0.3)
        with open("/proc/%s/status" % readers[0], encoding="ascii") as file:
            status = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
        sampling.signal(signal.SIGINT)
        run = sampling.finish()
    note({key: status.get(key) for key in ("CapPrm", "CapBnd", "NoNewPrivs", "Seccomp")})
    problems = list(run.problems)
    release = [int(part) for part in re.findall("[0-9]+", os.uname().release)[:2]]
    if IS_ROOT and release >= [6, 17] and status["Uid"].split()[0] == "0":
        problems.append("what it maps is counted against root: Uid %s" % status["Uid"])
    if int(status["CapPrm"], 16) & ~(1 << 19 | 1 << 23):  # CAP_SYS_PTRACE, CAP_SYS_NICE
        problems.append("CapPrm %s" % status["CapPrm"])
    if status["NoNewPrivs"] != "1" or status.get("Seccomp") not in ("0", "2"):
        problems.append("NoNewPrivs %s, Seccomp %s" % (status["NoNewPrivs"], status.get("Seccomp")))
    return problems


def by_ptrace():
    """threads that ptrace has stopped are read in the stop"""
    with Target(build("deep-stack")) as target:
        run = sample("-p", target.pid, "-d", "2", "--method", "ptrace", "--max-stop", "20000", expect=None)
    if run.status == 4:
        raise Skip(run.stderr)
    return check_near(run, "stack_short")


def replayed():
    """a trace has the frames that were found so, and no memory: its replay says the same"""
    trace = os.path.join(WORK, "near.data")
    with Target(build("deep-stack")) as target:
        run = may_be_read(near("-p", target.pid, "--record", trace, seconds=2))
    problems = check_near(run, "stack_short") + replay_differs(run, trace)
    return problems


require_sampling()
run_steps(
    *(equal, equal_on_one_cpu, equal_with_same_registers, digest, recursion, all_cpus, user, ends, hangs, sealed, by_ptrace, replayed)
)
