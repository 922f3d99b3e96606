# SPDX-License-Identifier: Apache-2.0
"""One measured run of each tool on a process, with the same rate and the same bytes of stack.

perf is given every advantage that changes nothing in the result: no kernel part of the call chains,
no look-ups of inlined functions (rtsample makes them), no copies into its build-id cache, output
to a file.
"""
import json
import os
import re
import signal
import statistics
import subprocess
import time

from targets import WORK

# How often the peak of a running process is read.
PEAK_INTERVAL = 0.02

# The outermost functions of a stack that was walked to its end; perf may have no name for the very
# last one, which is _start.
ROOTS = re.compile(r"_start|__libc_start_(main|call_main).*|(__)?(GI___)?clone3?|start_thread")


class Failure(Exception):
    """The tool did not do its work; the text says why."""


def peak_kib(pid):
    """VmHWM. The ru_maxrss of a child is no use: the kernel has it begin with the parent's."""
    try:
        with open("/proc/%d/status" % pid, encoding="ascii", errors="replace") as file:
            found = re.search(r"^VmHWM:\s*(\d+)", file.read(), re.M)
            return int(found.group(1)) if found else 0
    except OSError:
        return 0


def measure(argv, interrupt_after=None, **options):
    """Runs to the end; returns (CPU seconds, peak KiB). The CPU seconds are the kernel's account of
    the process and its children, from wait4()."""
    log = os.path.join(WORK, "messages")
    with open(log, "wb") as messages:
        options.setdefault("stdout", subprocess.DEVNULL)
        process = subprocess.Popen(
            [str(word) for word in argv], stdin=subprocess.DEVNULL, stderr=messages, **options
        )
    interrupt_at = None if interrupt_after is None else time.monotonic() + interrupt_after
    peak = 0
    while True:
        peak = max(peak, peak_kib(process.pid))
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        if pid:
            break
        if interrupt_at and time.monotonic() >= interrupt_at:
            interrupt_at = None
            process.send_signal(signal.SIGINT)
        time.sleep(PEAK_INTERVAL)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, -signal.SIGINT):
        with open(log, encoding="utf-8", errors="replace") as messages:
            raise Failure("%s: status %d\n%s" % (argv[0], process.returncode, messages.read()))
    return usage.ru_utime + usage.ru_stime, peak


def rtsample(path, pid, rate, stack_bytes, seconds):
    stats = os.path.join(WORK, "stats.json")
    facts = os.path.join(WORK, "facts.ndjson")
    argv = [path, "-p", pid, "-F", rate, "--call-graph", "dwarf,%d" % stack_bytes]
    cpu, peak = measure(argv + ["-d", seconds, "-o", facts, "--stats", stats])
    with open(stats, encoding="utf-8") as file:
        account = json.load(file)
    kept = account["samples"]["kept"]
    if not kept:
        raise Failure("rtsample took no sample")
    return {
        "samples": kept,
        "cpu_s": cpu,
        "own_cpu_s": account["self"]["cpu_ms"] / 1000,
        "peak_mib": peak / 1024,
        "complete": account["stacks"]["complete"] / kept,
        "frames": account["frames"]["total"] / kept,
    }


def perf(pid, rate, stack_bytes, seconds):
    data = os.path.join(WORK, "perf.data")
    text = os.path.join(WORK, "perf.txt")
    environment = {key: value for key, value in os.environ.items() if key != "DEBUGINFOD_URLS"}
    record = ["perf", "record", "-q", "-N", "-e", "cpu-clock", "-F", rate, "-p", pid]
    record += ["--user-callchains", "--call-graph", "dwarf,%d" % stack_bytes, "-o", data]
    script = ["perf", "script", "-i", data, "--no-inline", "-F", "comm,tid,ip,sym,dso"]
    record_cpu, record_peak = measure(record, interrupt_after=seconds, env=environment)
    with open(text, "wb") as file:
        script_cpu, script_peak = measure(script, stdout=file, env=environment)
    depths, complete = read_stacks(text)
    for path in (data, text):
        os.unlink(path)
    if not depths:
        raise Failure("perf took no sample")
    return {
        "samples": len(depths),
        "cpu_s": record_cpu + script_cpu,
        "record_s": record_cpu,
        "script_s": script_cpu,
        "peak_mib": max(record_peak, script_peak) / 1024,
        "complete": complete / len(depths),
        "frames": statistics.mean(depths),
    }


def read_stacks(path):
    """The depths of the stacks that perf script printed, and how many reach their root."""
    depths, complete = [], 0
    with open(path, encoding="utf-8", errors="replace") as file:
        stacks = file.read().split("\n\n")
    for stack in stacks:
        if not stack.strip():
            continue
        # \t  address name (file)
        frames = [line.split() for line in stack.splitlines() if line.startswith("\t")]
        frames = [frame for frame in frames if not frame[0].startswith("ffff")]
        depths.append(len(frames))
        names = [frame[1].partition("@@")[0] for frame in frames[-2:] if len(frame) > 1]
        complete += any(ROOTS.fullmatch(name) for name in names)
    return depths, complete
