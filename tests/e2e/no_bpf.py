#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""No command makes a bpf(2) call, whatever it does; strace is the witness."""
import sys

sys.dont_write_bytecode = True
from lib import *  # noqa

skip_in("user", "sanitizers")

TRACED = "bpf,perf_event_open,ptrace"


def calls(*arguments, status=(0,)):
    """The names of those calls that a command makes, in all of its processes, and what is wrong."""
    log = os.path.join(tempfile.mkdtemp(dir=WORK), "log")
    command = ["strace", "-f", "--seccomp-bpf", "-qq", "-e", "trace=" + TRACED, "-e", "signal=none", "-o", log, RTSAMPLE]
    process = Target(*command, *arguments, ready=False)
    code = process.process.wait(STUCK_SECONDS)
    process.stop()
    with open(log, encoding="utf-8", errors="replace") as file:
        found = set(re.findall(r"^\d+ +(\w+)\(", file.read(), re.M))
    return found, [] if code in status else ["%s: exit status %s" % (arguments, code)]


def step(name, *arguments, needs=(), status=(0,)):
    found, problems = calls(*arguments, status=status)
    if "bpf" in found:
        problems.append("it calls bpf()")
    # Or strace would see nothing at all.
    problems += ["it does not call %s, but %s" % (call, found) for call in needs if call not in found]
    ok(name, problems)


require_sampling()
if not shutil.which("strace"):
    skip_all("strace is not installed")
program = build("chain-O2-nofp")
if subprocess.run(["strace", "-f", "--seccomp-bpf", "-qq", "-o", os.devnull, "true"], stderr=subprocess.DEVNULL).returncode:
    skip_all("strace does not run here")
facts, trace, union = (os.path.join(WORK, name) for name in ("facts", "trace", "union"))
with Target(program) as target:
    short = ("-d", "0.2", "-o", facts, "-p", target.pid)
    step("perf, with all that can be asked for", *short, "--record", trace, "--union", union,
         "--emit", "process,socket", "--stats", os.devnull, needs=["perf_event_open"])  # fmt: skip
    step("ptrace", *short, "--method", "ptrace", needs=["ptrace"])
    step("frame pointers", *short, "--call-graph", "fp", needs=["perf_event_open"])
    step("doctor", "doctor", "-p", target.pid, status=(0, 2))
step("all processes", "-a", "-d", "0.2", "-o", os.devnull, needs=["perf_event_open"], status=(0, 4))
step("a command", "-o", os.devnull, "--", "/bin/true", needs=["perf_event_open"])
step("replay", "replay", "-o", os.devnull, trace)
step("send", "send", "--endpoint", "http://127.0.0.1:9/", "--callgraph-id", "c", "--scan-id", "s", facts,
     status=(1, 5))  # fmt: skip
for option in ("--help", "--version", "--print-config"):
    step(option, option)
done()
