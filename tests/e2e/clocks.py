#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Clocks: in a time namespace our CLOCK_MONOTONIC is not the one that the kernel stamps records by.
Every run checks that observedAt lies within it (lib.py); here are those that have to mind."""
import sys

sys.dont_write_bytecode = True
from lib import *  # noqa

skip_in("user")

RATE = 199
PROGRAM = "chain-O2-nofp"


def offsets():
    """Seconds: far ahead, and behind as far as this machine is up."""
    with open("/proc/uptime", encoding="ascii") as file:
        up = int(float(file.read().split()[0]))
    return (100000, -(up // 2))


def inside(offset, *options):
    """What is put before a command to run it in a time namespace with this offset."""
    command = ["unshare", "-T", "--monotonic", str(offset), *options, "--fork"]
    if not IS_ROOT:
        command[1:1] = ["-U", "-r"]
    if not shutil.which("unshare") or subprocess.run([*command, "true"], stderr=subprocess.DEVNULL).returncode:
        raise Skip("no time namespace can be had here")
    return command


def need_other_namespace():
    """For what samples, from a time namespace, a process that is not in it."""
    if not IS_ROOT:
        raise Skip("it takes a user namespace, from which nobody outside may be sampled")


def each_offset(step):
    """Takes the step for each offset, with what runs rtsample in its namespace."""
    problems = []
    for offset in offsets():
        found = step([*inside(offset), RTSAMPLE])
        problems += ["%d s: %s" % (offset, text) for text in found]
    return problems


def check(run, minimum=10):
    problems = list(run.problems) + check_expectations(run, directives(PROGRAM))
    if run.kept < minimum:
        problems.append("too few samples: " + run.summary())
    return problems


def by_perf():
    """perf events: the time of a fact, and of its replay"""
    need_other_namespace()

    def step(program):
        path = os.path.join(WORK, "trace")
        with Target(build(PROGRAM)) as target:
            run = sample_enough("-p", target.pid, "-F", RATE, "--record", path, minimum=10, program=program)
        return check(run) + replay_differs(run, path)

    return each_offset(step)


def by_ptrace():
    """ptrace: the same"""
    need_other_namespace()

    def step(program):
        path = os.path.join(WORK, "trace")
        arguments = ("-F", RATE, "--method", "ptrace", "--record", path)
        with Target(build(PROGRAM)) as target:
            run = sample_enough("-p", target.pid, *arguments, minimum=10, program=program)
        return check(run) + replay_differs(run, path)

    return each_offset(step)


def perf_reads_it():
    """perf tells the time of day of our trace, where we were in another time than its own"""
    need_other_namespace()
    if not shutil.which("perf"):
        raise Skip("perf is not installed")

    def step(program):
        path = os.path.join(WORK, "trace")
        began = time.time()
        with Target(build(PROGRAM)) as target:
            run = sample_enough("-p", target.pid, "-F", RATE, "--record", path, minimum=10, program=program)
        ended = time.time()
        command = ["perf", "script", "-f", "-i", path, "-F", "tod", "--ns"]
        said = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        # Fields that an old perf does not know.
        if said.returncode:
            raise Skip(said.stderr)
        times = re.findall(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)\.\d+", said.stdout)
        seconds = [time.mktime(time.strptime(text, "%Y-%m-%d %H:%M:%S")) for text in times]
        if len(seconds) != run.kept:
            return ["%d times of %d samples" % (len(seconds), run.kept)]
        return [] if began - 5 <= min(seconds) <= max(seconds) <= ended + 5 else ["%s is wrong" % times[0]]

    return each_offset(step)


def short_ones():
    """Processes that come and go are neither forgotten too early nor kept for ever"""

    def step(program):
        script = "i=0; while [ $i -lt 40 ]; do %s/brief; i=$((i+1)); done" % WORK
        run = sample("-F", 997, "--", "sh", "-c", script, program=program)
        unnamed = run.stats["frames"]["unnamed"]["no_file"]
        problems = list(run.problems)
        if run.stats["samples"]["processes"] < 30:
            problems.append("%d processes were seen" % run.stats["samples"]["processes"])
        if unnamed or run.share("busy") < 0.5:
            problems.append("%d frames without a file: %s" % (unnamed, run.summary()))
        return problems

    source = os.path.join(WORK, "brief.c")
    with open(source, "w", encoding="ascii") as file:
        file.write(
            "volatile unsigned long x; __attribute__((noinline)) void busy(void)"
            "{ for (long i = 0; i < 20000000; i++) x += i; } int main(void) { busy(); return 0; }\n"
        )
    compiler = os.environ.get("CC", "cc").split()
    subprocess.run([*compiler, "-O1", "-o", source[:-2], source], check=True)
    return each_offset(step)


def trace_of_perf():
    """A trace that perf wrote in a time namespace contradicts itself, which is said"""
    if not shutil.which("perf"):
        raise Skip("perf is not installed")
    path = os.path.join(WORK, "perf.data")
    event = "cpu-clock" if IS_ROOT else "cpu-clock:u"
    command = ["perf", "record", "-q", "-k", "CLOCK_MONOTONIC", "-e", event, "-F", str(RATE), "-o", path]
    command += ["--", "sh", "-c", "i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done"]
    problems = []
    for prefix, expected in (([], False), (inside(offsets()[0]), True)):
        if subprocess.run([*prefix, *command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode:
            raise Skip("perf does not record here")
        replay = subprocess.run([RTSAMPLE, "replay", "-o", "-", path], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        said = b"time namespace" in replay.stderr
        if replay.returncode or said != expected:
            problems.append("%s: %s" % (prefix, replay.stderr.decode("utf-8", "replace")))
    return problems


require_sampling()
run_steps(by_perf, by_ptrace, perf_reads_it, short_ones, trace_of_perf)
