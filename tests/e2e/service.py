#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Running for good: what the service manager is told, and the unit in contrib/systemd."""
import socket
import sys

sys.dont_write_bytecode = True
from lib import *  # noqa

skip_in("user")

SYSTEMD = os.path.join(os.path.dirname(os.path.dirname(HERE)), "contrib", "systemd")


def received(manager):
    """The lines of all datagrams that have come."""
    lines = []
    while select.select([manager], [], [], 0)[0]:
        lines += manager.recv(65536).decode().splitlines()
    return lines


def told_of_start_and_end():
    """READY=1 when sampling has begun and no sooner, STOPPING=1 when it ends."""
    path = os.path.join(WORK, "notify")
    manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    manager.bind(path)
    problems = []
    with Target(build("chain-O2-nofp")) as target:
        sampling = Sampling(
            "-p", target.pid, private=[target.pid], env=dict(os.environ, NOTIFY_SOCKET=path)
        )
        lines = []
        limit = time.monotonic() + STUCK_SECONDS
        while "READY=1" not in lines and time.monotonic() < limit:
            select.select([manager], [], [], 1)
            lines += received(manager)
        if "READY=1" not in lines:
            problems.append("READY=1 did not come: %s" % lines)
        if "STOPPING=1" in lines:
            problems.append("STOPPING=1 came before the end")
        sampling.signal(signal.SIGTERM)
        run = sampling.finish()
        lines += received(manager)
    if lines.count("READY=1") != 1 or lines.count("STOPPING=1") != 1:
        problems.append("it was told %s" % lines)
    for line in lines:
        if str(target.pid) in line or WORK in line:
            problems.append("too much is told: %s" % line)
    ok("the service manager is told of start and end", problems + run.problems)

    failed = sample("-p", 2**22 + 1, env=dict(os.environ, NOTIFY_SOCKET=path), expect=None, stats=False)
    lines = received(manager)
    manager.close()
    problems = ["READY=1 came without a target"] if "READY=1" in lines else []
    if failed.status == 0:
        problems.append("there was a target")
    ok("it is not told of a start that failed", problems)


def nobody_to_tell():
    """A manager that is gone changes nothing."""
    with Target(build("chain-O2-nofp")) as target:
        run = sample("-p", target.pid, "-d", 0.5, private=[target.pid],
                     env=dict(os.environ, NOTIFY_SOCKET=os.path.join(WORK, "no-such-socket")))
    ok("a manager that is gone changes nothing", run.problems)


def unit_is_valid():
    """systemd-analyze verify, with the program under test in place of the installed one."""
    if not shutil.which("systemd-analyze"):
        skip("systemd-analyze verify", "systemd-analyze is not installed")
        return
    folder = os.path.join(WORK, "unit")
    os.makedirs(folder)
    with open(os.path.join(SYSTEMD, "rtsample.service")) as file:
        text = file.read()
    path = os.path.join(folder, "rtsample.service")
    with open(path, "w") as file:
        file.write(text.replace("/usr/local/bin/rtsample", RTSAMPLE))
    # The manual is not installed here.
    result = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", path], stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True,
    )
    said = [line for line in result.stdout.splitlines() if "rtsample" in line]
    ok("systemd-analyze verify", said + (["exit status %d" % result.returncode] if said else []))


def settings_are_valid():
    """The settings file beside the unit, and each key of its environment file, are taken."""
    path = os.path.join(SYSTEMD, "rtsample.json")
    environment = dict(os.environ)
    with open(os.path.join(SYSTEMD, "rtsample.environment")) as file:
        for line in file:
            match = re.fullmatch(r"#(\w+__\w+)=(.*)\n", line)
            if match:
                environment[match[1]] = match[2]
    result = subprocess.run(
        [RTSAMPLE, "-c", path, "--print-config"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, env=environment,
    )
    problems = [] if result.returncode == 0 else [result.stderr]
    for text in ('"MaxEventsPerSecond":500', '"MaxCpuPercent":35', '"Ratio":1'):
        if text not in result.stdout:
            problems.append("%s is not in effect: %s" % (text, result.stdout))
    ok("the settings beside the unit are taken", problems)


require_sampling()
run_steps(told_of_start_and_end, nobody_to_tell, unit_is_valid, settings_are_valid)
