#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Containers that podman makes, with a control group of their own and without."""
import sys

sys.dont_write_bytecode = True
from lib import *  # noqa
from cgroup_lib import *  # noqa

skip_in("user", "sanitizers")

# Podman wants nothing but version 2, and no limit that only the administrator of the machine may
# raise; both hold inside of these namespaces.
SCRIPT = """
mount --make-rprivate / && umount -R /sys/fs/cgroup && mount -t cgroup2 none /sys/fs/cgroup || exit
exec podman --root "$1/store" --runroot "$1/run" --storage-driver vfs --cgroup-manager cgroupfs \\
    --runtime crun run --rm --network none --privileged --pids-limit -1 --ulimit nofile=512:512 \\
    --ulimit nproc=512:512 --cidfile "$1/id-$2" --pidfile "$1/pid-$2" \\
    --conmon-pidfile "$1/monitor-$2" --cgroups "$2" --rootfs "$1/root" /program
"""


def start(cgroups):
    for tool in ("podman", "crun", "unshare"):
        if not shutil.which(tool):
            raise Skip(tool + " is not installed")
    if not IS_ROOT:
        raise Skip("this takes root")
    folder = os.path.join(WORK, "podman-" + cgroups)
    for name in ("root/proc", "root/sys", "root/dev", "root/etc", "root/run", "root/tmp"):
        os.makedirs(os.path.join(folder, name), exist_ok=True)
    shutil.copy(build("chain-static"), folder + "/root/program")
    command = ["unshare", "-m", "sh", "-c", SCRIPT, "sh", folder, cgroups]
    log = tempfile.TemporaryFile(dir=WORK)
    try:
        container = Target(*command, stderr=log, stdin=subprocess.DEVNULL)
    except Exception:
        log.seek(0)
        raise Skip("podman runs nothing here: " + log.read().decode("utf-8", "replace")[-300:].strip())
    with open(folder + "/id-" + cgroups) as file:
        identifier = file.read().strip()
    at_end(end, folder, cgroups, identifier)
    return container, identifier


def number_in(path):
    try:
        with open(path) as file:
            return int(file.read())
    except (OSError, ValueError):
        return None


def end(folder, cgroups, container):
    """The container outlives the command that started it; its monitor does not outlive the container."""
    pid, monitor = (number_in("%s/%s-%s" % (folder, name, cgroups)) for name in ("pid", "monitor"))
    if pid:
        os.kill(pid, signal.SIGKILL)
    until(lambda: not monitor or not os.path.exists("/proc/%d" % monitor))
    for kind, point in hierarchies():
        for name in ("libpod-" + container, "conmon", ""):
            try:
                os.rmdir(os.path.join(point, "libpod_parent", name))
            except OSError:
                pass  # of another hierarchy, or somebody else's too


def check(run, container):
    problems = list(run.problems)
    if not run.find("spin"):
        problems.append("the program was not seen: " + run.stderr)
    for fact in run.facts:
        found = (fact.get("containerId"), fact["metadata"].get("containerRuntime"))
        if found != (container, "podman"):
            return problems + ["%s is not podman's %s" % (found, container)]
    return problems


def sampled(cgroups):
    target, container = start(cgroups)
    with target, Target(build("chain-O0-fp")) as outside:
        return check(
            sample_enough("--container", container[:12], "-F", 499, private=[outside.pid]), container
        )


def with_group():
    """a container of podman in its control group"""
    return sampled("enabled")


def without_group():
    """one without, of which only what is mounted in it tells"""
    return sampled("disabled")


require_sampling()
run_steps(with_group, without_group)
