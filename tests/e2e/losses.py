#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the kernel could not hand over is counted, up to the last record."""
import sys

sys.dont_write_bytecode = True
from lib import *  # noqa

FREQUENCY = 4999


def cpu_seconds(pid):
    with open("/proc/%d/stat" % pid) as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def stopped_reader():
    """rtsample is stopped until the rings are full, and the target ends meanwhile: no record comes
    any more that could carry the news of the loss."""
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
    ok("losses are counted to the end", problems)


require_sampling()
stopped_reader()
done()
