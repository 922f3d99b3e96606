#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the kernel could not hand over is counted, up to the last record."""
import struct
import sys

sys.dont_write_bytecode = True
from lib import *  # noqa

skip_in("user")

FREQUENCY = 4999


def cpu_seconds(pid):
    with open("/proc/%d/stat" % pid) as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def stopped_reader():
    """losses are counted to the end"""
    # rtsample is stopped until the rings are full, and the target ends meanwhile: no record comes any
    # more that could carry the news of the loss.
    with Target(build("chain-O2-nofp")) as target:
        sampling = Sampling("-p", target.pid, "-F", FREQUENCY, private=[target.pid])
        until(lambda: "sampling" in sampling.said())
        before = cpu_seconds(target.pid)
        sampling.signal(signal.SIGSTOP)
        # A ring holds half a second or so.
        until(lambda: cpu_seconds(target.pid) - before > 3, STUCK_SECONDS)
        used = cpu_seconds(target.pid) - before
        target.stop()
        sampling.signal(signal.SIGCONT)
        run = sampling.finish()
    problems = list(run.problems)
    lost = run.stats["samples"]["dropped"]["kernel_lost"] if run.stats else 0
    if lost == 0:
        problems.append("nothing was lost")
    elif not 0.85 < run.stats["samples"]["taken"] / (used * FREQUENCY) < 1.15:
        problems.append(
            "%d samples taken, %d of them lost, in %.2f s of CPU time at %d Hz"
            % (run.stats["samples"]["taken"], lost, used, FREQUENCY)
        )
    return problems


COMM, MMAP2 = 3, 10


def damage(path, kinds):
    """Makes the names in records of these kinds end nowhere; returns how many there are."""
    with open(path, "rb") as file:
        data = bytearray(file.read())
    at, size = struct.unpack_from("<QQ", data, 40)
    count, end = 0, at + size
    while at < end:
        kind, _, length = struct.unpack_from("<IHH", data, at)
        if kind in kinds:
            count += 1
            start = at + 8 + {COMM: 8, MMAP2: 64}[kind]
            data[start : at + length] = b"x" * (at + length - start)
        at += length
    with open(path, "wb") as file:
        file.write(data)
    return count


def damaged_records():
    """damaged records about processes and mappings are counted apart from samples"""
    if not shutil.which("perf"):
        raise Skip("perf is not installed")
    path = os.path.join(WORK, "perf.data")
    event = "cpu-clock" if IS_ROOT else "cpu-clock:u"
    command = ["perf", "record", "-q", "-k", "CLOCK_MONOTONIC", "-e", event, "-F", "999", "-o", path, "--", "sh", "-c"]
    command.append("i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done; true | true")
    if subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode:
        raise Skip("perf does not record here")
    whole = sample(path, program=[RTSAMPLE, "replay"])
    problems = list(whole.problems)
    before = whole.stats["samples"]
    for kinds in ((COMM,), (MMAP2, COMM)):
        copy = shutil.copy(path, path + ".copy")
        count = damage(copy, kinds)
        run = sample(copy, program=[RTSAMPLE, "replay"])
        samples = run.stats["samples"]
        problems += run.problems
        if count == 0 or samples["malformed_side_band"] != count or samples["dropped"]["malformed"]:
            problems.append("%d are damaged: %s" % (count, samples))
        if samples["taken"] != before["taken"]:
            problems.append("%d samples taken, and whole %d" % (samples["taken"], before["taken"]))
        if "damaged" not in run.stderr:
            problems.append("nobody is told: " + run.stderr)
    if before["malformed_side_band"] or "damaged" in whole.stderr:
        problems.append("damage where there is none: %s" % before)
    return problems


require_sampling()
run_steps(stopped_reader, damaged_records)
