#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Lives that are shorter than a period: they are sampled where whole CPUs may be, and else what was
not seen is said. With RTSAMPLE_LONG in the environment, of more kinds and for longer."""
import sys

sys.dont_write_bytecode = True
from lib import *  # noqa

skip_in("user")

LONG = bool(os.environ.get("RTSAMPLE_LONG"))
FREQUENCY = 199
LOOP = "i=0; while [ $i -lt %d ]; do /bin/true; i=$((i+1)); done"


def may_sample_cpus():
    run = sample("-a", "-d", "0.1", expect=None)
    return run.status == 0 and run.stats["run"]["rung"] == "perf_cpus"


def cpu_seconds(pid):
    """CPU time of a process and of the children that it has waited for, as the kernel has it."""
    with open("/proc/%d/stat" % pid, encoding="utf-8", errors="replace") as file:
        fields = file.read().rpartition(")")[2].split()
    return sum(int(field) for field in fields[11:15]) / os.sysconf("SC_CLK_TCK")


def sample_brief(name, *arguments, seconds=6 if LONG else 1, said="sampling target"):
    """A run during which the target uses that much CPU time once that was said; the Run, and the
    samples that the time is worth."""
    with Target(build(name)) as target, Target(build("chain-O2-nofp")) as bystander:
        private = [target.pid, bystander.pid]
        sampling = Sampling("-p", target.pid, "-F", FREQUENCY, *arguments, private=private)
        until(lambda: said in sampling.said(), STUCK_SECONDS)
        before = cpu_seconds(target.pid)
        until(lambda: cpu_seconds(target.pid) - before > seconds, STUCK_SECONDS)
        used = cpu_seconds(target.pid) - before
        sampling.signal(signal.SIGINT)
        return sampling.finish(), used * FREQUENCY


def check_sampled(run, due):
    """What is wrong with a run that may sample whole CPUs."""
    problems = list(run.problems)
    if not run.stats:
        return problems
    if run.stats["run"]["rung"] != "perf_cpus":
        problems.append("the receipt: %s" % run.stats["run"])
    if run.stats["run"]["refused"].get("perf_process") != "short_lives":
        problems.append("the receipt: %s" % run.stats["run"])
    # What came before is sampled the other way, and the rest is subject to chance.
    if not 0.7 * due < run.kept < 1.4 * due:
        problems.append("%d samples of %d" % (run.kept, due))
    if run.find("spin"):
        problems.append("another process is in the facts")
    return problems


def until_whole(take):
    """A run and what it is due, once more when records were lost: what they told is not known."""
    for _ in range(3):
        run, due = take()
        if run.problems or not run.stats["samples"]["lost_records"]:
            break
    return run, due


def sampled(name):
    run, due = until_whole(lambda: sample_brief(name, said="sampling whole CPUs"))
    problems = check_sampled(run, due)
    # The rest is the kernel's work for fork, exit and wait.
    if run.share("brief_life") < 0.1:
        problems.append("brief_life is not seen")
    return problems + ([run.summary()] if problems else [])


def processes():
    """processes that live half of a millisecond are sampled as any other, and nobody else is"""
    return sampled("brief-processes")


def threads():
    """so are threads"""
    return sampled("brief-threads")


def sample_shell():
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    run = sample("-F", FREQUENCY, "--", "/bin/sh", "-c", LOOP % (4000 if LONG else 800))
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = sum(getattr(after, key) - getattr(before, key) for key in ("ru_utime", "ru_stime"))
    used -= run.stats["self"]["cpu_ms"] / 1000  # of rtsample itself, whose child the shell was
    return run, used * FREQUENCY


def shell():
    """a script that runs a command after the other"""
    run, due = until_whole(sample_shell)
    problems = check_sampled(run, due)
    if run.stats["samples"]["processes"] < 10:
        problems.append("samples of %d processes" % run.stats["samples"]["processes"])
    return problems + ([run.summary()] if problems else [])


def recorded():
    """a trace of such a run is repeated byte for byte, and has nothing of others in it"""
    trace = os.path.join(WORK, "brief.data")
    stranger = copy_of("brief-processes", "stranger_by_name")
    with Target(stranger), Target("/bin/sh", "-c", "while :; do %s 1; done" % stranger, ready=False):
        run, _ = sample_brief("brief-processes", "--record", trace, seconds=1)
    problems = run.problems + replay_differs(run, trace)
    if run.stats["run"]["rung"] != "perf_cpus" or not run.kept:
        problems.append(run.summary())
    with open(trace, "rb") as file:
        content = file.read()
    if b"stranger_by" in content:
        problems.append("the stranger's name is in the trace")
    if b"brief-processes" not in content:
        problems.append("the target's name is not")
    return problems


def unseen():
    """where CPUs may not be sampled, what was not seen is counted, and it is said why"""
    program, options = RTSAMPLE, {}
    if IS_ROOT:
        program = os.path.join(WORK, "rtsample")
        shutil.copy(RTSAMPLE, program)
        os.chmod(program, 0o755)
        options = {"user": 65534, "group": 65534}
    os.chmod(WORK, 0o755)
    stats = os.path.join(WORK, "unseen")
    with open(stats, "w"):
        os.chmod(stats, 0o666)
    argv = [program, "-F", str(FREQUENCY), "-o", os.devnull, "--stats", stats]
    many = ["--", build("brief-processes"), "200"]
    done = subprocess.run(argv + many, capture_output=True, text=True, **options)
    with open(stats, encoding="utf-8") as file:
        account = json.load(file)
    if account["method"] != "perf:cpu-clock":
        raise Skip("perf events are not permitted to an ordinary user here")
    problems = [] if done.returncode == 0 else ["the exit status is %d" % done.returncode]
    count = account["samples"]["unseen_processes"]
    seen = account["samples"]["processes"]
    if not 200 <= count + seen <= 201:
        problems.append("%d processes unseen, %d seen" % (count, seen))
    if "perf_cpus" not in account["run"]["refused"]:
        problems.append("the receipt: %s" % account["run"])
    for text in (
        "many threads or processes of the target end before they are sampled, and whole CPUs are "
        "not sampled instead",
        "ended without a sample, with less CPU time than a period (5.0 ms): processes",
    ):
        if text not in done.stderr:
            problems.append("it is not said: " + text)
    if "used no CPU time" in done.stderr:
        problems.append("what is said is not true")
    return problems + ([done.stderr] if problems else [])


def nothing():
    """a run without a sample says how much CPU time that was, as far as it is known"""
    problems = []
    run = sample("-F", "1", "--", build("short-run"), "150")
    if run.kept == 0 and not re.search(r"the target used 1\d\d ms of CPU time, and a sample", run.stderr):
        problems.append(run.stderr)
    with Target("sleep", "100", ready=False) as target:
        run = sample("-p", target.pid, "-d", "0.3", private=[target.pid])
    if "the target used no CPU time of its own (it slept, or was stopped)" not in run.stderr:
        problems.append(run.stderr)
    return problems


def many_processes():
    """hundreds of processes are taken in with one look at /proc, and not one for each"""
    count = 120
    sleeping = [Target("sleep", "100", ready=False) for _ in range(count)]
    log = os.path.join(WORK, "opened")
    prefix = strace(log, "-e", "trace=openat")
    if not prefix:
        raise Skip("strace is not installed")
    pids = ",".join(str(target.pid) for target in sleeping)
    run = sample("-p", pids, "-d", "0.1", program=prefix + [RTSAMPLE])
    with open(log, encoding="utf-8", errors="replace") as file:
        looks = len(re.findall(r'"/proc/\d+/stat"', file.read()))
    for target in sleeping:
        target.stop()
    running_now = len([name for name in os.listdir("/proc") if name.isdigit()])
    if looks > 10 * (count + running_now):
        run.problems.append("%d looks for %d processes, of %d" % (looks, count, running_now))
    return run.problems


def many_threads():
    """where threads would take thousands of events, whole CPUs are sampled from the start"""
    count = 4096 // os.cpu_count() + 100
    if resource.getrlimit(resource.RLIMIT_NOFILE)[1] < 5000:
        raise Skip("too few files may be open")
    script = (
        "import threading; threading.stack_size(65536)\n"
        "for i in range(%d): threading.Thread(target=threading.Event().wait).start()\n"
        "print('ready', flush=True)\n"
        "while True: pass" % count
    )
    try:
        with Target(system_program("python3"), "-c", script) as target:
            run = sample_enough("-p", target.pid, "-F", 199, private=[target.pid], minimum=30)
    except RuntimeError:
        raise Skip("%d threads cannot be had" % count)
    problems = run.problems
    if run.stats["run"]["refused"] != {"perf_process": "many_threads"}:
        problems.append("the receipt: %s" % run.stats["run"])
    if run.stats["run"]["rung"] != "perf_cpus":
        problems.append("the receipt: %s" % run.stats["run"])
    return problems


require_sampling()
if may_sample_cpus():
    run_steps(processes, threads, shell, recorded, unseen, nothing, many_processes, many_threads)
else:
    run_steps(unseen, nothing, many_processes)
