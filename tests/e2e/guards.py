#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The guards against more samples than they let pass: limits hold, every sample is accounted for to
the last one, and whoever runs rarely is still seen."""
import sys

sys.dont_write_bytecode = True
from lib import *  # noqa

skip_in("user", "sanitizers")

# A longer one gives figures to go by.
STORM_SECONDS = float(os.environ.get("RTSAMPLE_STORM_SECONDS", "4"))

DROPS = ("ratio", "rate_limit", "cpu_guard")


def settings(**values):
    """The environment with settings of the sampler: Ratio=…, MaxEventsPerSecond=…, MaxCpuPercent=…"""
    environment = {key: value for key, value in os.environ.items() if "__" not in key}
    environment.update({"Sampler__" + key: str(value) for key, value in values.items()})
    return environment


UNGUARDED = dict(Ratio=1, MaxEventsPerSecond=0, MaxCpuPercent=0)


def dropped(run, reason):
    return run.stats["samples"]["dropped"][reason] if run.stats else 0


def seconds_of(run):
    return run.stats["duration_ms"] / 1000 if run.stats else 0


def figures(run):
    samples = run.stats["samples"]
    own = run.stats["self"]
    return "%.1f s, %d Hz: %d taken, %d kept (%.0f/s), dropped %s; %d processes; own CPU %.1f %% (%.1f %% at most)" % (
        seconds_of(run),
        run.stats["run"]["frequency"],
        samples["taken"],
        samples["kept"],
        samples["kept"] / max(seconds_of(run), 0.001),
        {reason: n for reason, n in samples["dropped"].items() if n},
        samples["processes"],
        own["cpu_ms"] / 10 / max(seconds_of(run), 0.001),
        own["max_cpu_percent"],
    )


def only(run, *reasons):
    """Drops by guards that were switched off."""
    return [
        "%d dropped for %s, which is off" % (dropped(run, reason), reason)
        for reason in DROPS
        if reason not in reasons and dropped(run, reason)
    ]


def defaults_drop_nothing():
    """What is on by default does not touch a run of 99 Hz."""
    with Target(build("chain-O2-nofp")) as target:
        run = sample_enough("-p", target.pid, private=[target.pid], env=settings(), seconds=(2, 5, 20))
    ok("the defaults drop nothing at 99 Hz", run.problems + only(run))


def ratio():
    """One in ten of each process, and the shares stay the same."""
    with Target(build("chain-O2-nofp")) as target:
        run = sample_enough(
            "-p", target.pid, "-F", 999, private=[target.pid], minimum=100,
            env=settings(**dict(UNGUARDED, Ratio=10)),
        )
    problems = run.problems + only(run, "ratio")
    if run.stats:
        offered = run.kept + dropped(run, "ratio")
        # One process (and perhaps one that executed it), each with at most one begun ten.
        if abs(run.kept - offered / 10) > run.stats["samples"]["processes"]:
            problems.append("%d of %d samples kept at a ratio of 10" % (run.kept, offered))
        if run.share("spin") < 0.9:
            problems.append("the shares have changed: " + run.summary())
    ok("Sampler:Ratio keeps one in N", problems)


def limit_holds():
    """A limit of 50 a second against two busy processes at 999 Hz."""
    limit = 50
    with Target(build("chain-O2-nofp")) as one, Target(build("chain-O2-nofp")) as two:
        run = sample_enough(
            "-p", "%d,%d" % (one.pid, two.pid), "-F", 999, private=[one.pid, two.pid],
            minimum=2 * limit, env=settings(**dict(UNGUARDED, MaxEventsPerSecond=limit)),
            seconds=(4, 8, 16),
        )
    problems = run.problems + only(run, "rate_limit")
    if run.stats:
        # Any second has at most the limit, so that a run has it once for each second begun.
        if run.kept > limit * (int(seconds_of(run)) + 1):
            problems.append("%d kept in %.1f s" % (run.kept, seconds_of(run)))
        if dropped(run, "rate_limit") == 0:
            problems.append("nothing was dropped")
        if run.stats["samples"]["processes"] != 2:
            problems.append("samples of %d processes" % run.stats["samples"]["processes"])
    ok("Sampler:MaxEventsPerSecond holds", problems + ([figures(run)] if problems else []))


# Some processes, each busy for so many milliseconds of CPU time and then asleep for so many, under
# a name of its own: CROWD COUNT BUSY ASLEEP. They end with the first one.
CROWD = r"""
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>
static volatile unsigned long counter;
__attribute__((noinline)) void WORK(long busy_ns)
{
    struct timespec begin, now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &begin);
    do {
        for (int i = 0; i < 20000; i++)
            counter++;
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    } while ((now.tv_sec - begin.tv_sec) * 1000000000L + now.tv_nsec - begin.tv_nsec < busy_ns);
    __asm__ volatile("");
}
int main(int argc, char **argv)
{
    int count = atoi(argv[argc - 3]);
    for (int i = 1; i < count; i++) {
        if (fork() == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            usleep(1000 * (unsigned)i);
            break;
        }
        if (i == count - 1)
            usleep(100000);
    }
    puts("ready");
    fflush(stdout);
    for (;;) {
        WORK(atol(argv[argc - 2]) * 1000000);
        usleep(1000 * (unsigned)atoi(argv[argc - 1]));
    }
}
"""


def crowd(work, count, busy_ms, asleep_ms):
    """The processes as a target; their function is called `work`."""
    path = os.path.join(WORK, work)
    if not os.path.exists(path):
        with open(path + ".c", "w") as file:
            file.write(CROWD)
        command = os.environ.get("CC", "cc").split()
        if subprocess.run(command + ["-O1", "-DWORK=" + work, "-o", path, path + ".c"]).returncode:
            raise Skip("no compiler")
    return Target(path, count, busy_ms, asleep_ms)


def rare_process_is_seen():
    """A process that uses 2 % of a CPU among five that use all there is, 2,000 samples for 50."""
    busy = [Target(build("chain-O2-nofp")) for _ in range(5)]
    with crowd("rare_work", 1, 10, 500) as rare:
        pids = [rare.pid] + [target.pid for target in busy]
        run = sample_enough(
            "-p", ",".join(map(str, pids)), "-F", 1999, private=pids, minimum=300,
            env=settings(**dict(UNGUARDED, MaxEventsPerSecond=50)), seconds=(7, 20),
        )
    for target in busy:
        target.stop()
    problems = run.problems + only(run, "rate_limit")
    if run.stats:
        if run.stats["samples"]["processes"] != len(pids):
            problems.append("samples of %d processes" % run.stats["samples"]["processes"])
        if run.hits("rare_work") < 3:
            problems.append("rare_work has %d hits" % run.hits("rare_work"))
    ok("a rare process is seen beside five busy ones", problems + ([figures(run)] if problems else []))


def highest_frequency():
    with open("/proc/sys/kernel/perf_event_max_sample_rate") as file:
        return min(10000, int(file.read()))


def storm(seconds, **limits):
    """200 processes that together want all there is of two CPUs, one more that forks and executes as
    fast as it can, at the highest frequency; and a rare one in between."""
    cpus = os.sysconf("SC_NPROCESSORS_ONLN")
    with crowd("crowd_work", 200, cpus, 200) as many, Target(build("storm")) as forks:
        with crowd("rare_work", 1, 10, 500) as rare:
            pids = (many.pid, forks.pid, rare.pid)
            return sample(
                "-p", ",".join(map(str, pids)), "-F", highest_frequency(), "-d", seconds,
                "--emit", "process", env=settings(**limits),
            )


def storm_of_samples():
    """The defaults against 10,000 Hz and 200 processes, and one that forks and executes."""
    run = storm(STORM_SECONDS)
    note(figures(run) if run.stats else run.stderr)
    problems = list(run.problems)
    if run.stats:
        samples = run.stats["samples"]
        if samples["kept"] > 500 * (int(seconds_of(run)) + 1):
            problems.append("%d kept in %.1f s" % (samples["kept"], seconds_of(run)))
        if dropped(run, "rate_limit") + dropped(run, "cpu_guard") == 0:
            problems.append("the guards had nothing to do")
        if samples["processes"] < 150:
            problems.append("samples of %d processes only" % samples["processes"])
        # The sanitizers are a load that no guard was made for.
        if run.stats["self"]["max_cpu_percent"] > 40 and not os.environ.get("RTSAMPLE_SANITIZERS"):
            problems.append("own CPU %.1f %%" % run.stats["self"]["max_cpu_percent"])
        for name in ("rare_work", "short_lived_work", "crowd_work"):
            if not run.find(name):
                problems.append("%s is not seen" % name)
    ok("the defaults hold in a storm, and the account adds up", problems)


def cpu_guard_says_so():
    """A limit that hardly anything can keep: samples are shed, the frequency is lowered, and both
    are said."""
    with Target(build("threads")) as target:
        run = sample(
            "-p", target.pid, "-F", highest_frequency(), "-d", 4, private=[target.pid],
            env=settings(**dict(UNGUARDED, MaxCpuPercent=1)),
        )
    problems = run.problems + only(run, "cpu_guard")
    if run.stats:
        if dropped(run, "cpu_guard") == 0:
            problems.append("nothing was shed")
        if run.kept == 0:
            problems.append("nothing was kept")
        if run.stats["run"]["frequency"] >= highest_frequency():
            problems.append("the frequency is still %d" % run.stats["run"]["frequency"])
        if "CPU" not in run.stderr or "Hz" not in run.stderr:
            problems.append("nothing was said of it: " + run.stderr[-2000:])
    ok("Sampler:MaxCpuPercent lowers the frequency, sheds, and says so",
       problems + ([figures(run)] if problems and run.stats else []))


def frequency_that_fits():
    """-a where all CPUs together would give more samples than the limit."""
    cpus = os.sysconf("SC_NPROCESSORS_ONLN")
    limit = 20 * cpus
    run = sample("-a", "-F", 99, "-d", 2, expect=None,
                 env=settings(**dict(UNGUARDED, MaxEventsPerSecond=limit)))
    if run.status == 4:
        skip("the frequency is lowered to fit the limit", run.stderr)
        return
    problems = list(run.problems)
    if run.stats and run.stats["run"]["frequency"] != 20:
        problems.append("%d Hz for %d a second on %d CPUs" % (run.stats["run"]["frequency"], limit, cpus))
    if not re.search(r"\b20 Hz\b.*MaxEventsPerSecond|MaxEventsPerSecond.*\b20 Hz\b", run.stderr):
        problems.append("it is not said: " + run.stderr)
    ok("-a: the frequency is lowered to fit the limit, and that is said", problems)


require_sampling()
run_steps(
    defaults_drop_nothing,
    ratio,
    limit_holds,
    rare_process_is_seen,
    storm_of_samples,
    cpu_guard_says_so,
    frequency_that_fits,
)
