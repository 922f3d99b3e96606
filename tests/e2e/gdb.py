#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""gdb as a second opinion: for programs that stay in one place, its backtrace has the same
functions in the order that the program's source says, and as many frames as each of our stacks."""
import sys

sys.dont_write_bytecode = True
from lib import *  # noqa

skip_in("user", "sanitizers")

PROGRAMS_TO_COMPARE = (
    "chain-O2-nofp",
    "chain-static-pie",
    "chain-debug-frame",
    "recursion-O2",
    "realign-O2",
    "signal-normal-stack",
    "noreturn",
    "tail-call",
)


def backtrace(pid):
    """The functions that gdb sees, innermost first; None for those that it cannot name."""
    settings = ("past-main on", "past-entry off", "limit 1000")
    command = ["gdb", "-nx", "-batch", "-p", str(pid)]
    for setting in settings:
        command += ["-iex", "set backtrace " + setting]
    for setting in ("debuginfod enabled off", "style enabled off", "width 0"):
        command += ["-iex", "set " + setting]
    command += ["-ex", "thread apply all bt"]
    environment = {key: value for key, value in os.environ.items() if key != "DEBUGINFOD_URLS"}
    result = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )
    frames = []
    for line in result.stdout.splitlines():
        found = re.match(r"#\d+ +(?:0x[0-9a-f]+ in )?(.+?) \(", line)
        if line.startswith("#") and "<signal handler called>" in line:
            frames.append(None)
        elif found:
            frames.append(None if found.group(1) == "??" else found.group(1))
    if not frames:
        raise Skip("gdb could not attach: " + (result.stderr + result.stdout).strip()[-200:])
    return frames


def compare(name):
    with Target(build(name)) as target:
        frames = backtrace(target.pid)
        run = sample_enough("-p", target.pid, "-F", 499)
    problems = list(run.problems)
    named = [frame for frame in frames if frame]
    for chain in directives(name).get("EXPECT", []):
        rest = iter(named)
        expected = [word.strip().split("|") for word in chain.split("<")]
        if not all(any(frame in words for frame in rest) for words in expected):
            problems.append("gdb does not confirm '%s': %s" % (chain, named[:12]))
    problems += [
        "gdb's %s is on %.1f %% of the stacks" % (frame, 100 * run.share(frame))
        for frame in sorted(set(named))
        if run.share(frame) < NEARLY_ALL
    ]
    if run.kept:
        depth = run.stats["frames"]["total"] / run.kept
        if abs(depth - len(frames)) > 0.03 * len(frames):
            problems.append("%.2f frames per stack; gdb has %d" % (depth, len(frames)))
    ok("%s: %d frames" % (name, len(frames)), problems + ([run.summary()] if problems else []))


if not shutil.which("gdb"):
    skip_all("gdb is not installed")
require_sampling()
for name in sys.argv[1:] or PROGRAMS_TO_COMPARE:
    try:
        compare(name)
    except Skip as reason:
        skip(name, reason)
done()
