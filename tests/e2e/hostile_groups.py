#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A user to whom a part of the control groups was left can give a group there any name: none of them makes
his programs those of a container, and a container stays what it is."""
import sys

sys.dont_write_bytecode = True
from lib import *  # noqa
from cgroup_lib import *  # noqa

skip_in("user", "sanitizers")

NOBODY = 65534
# Groups are for the whole machine, and this may run twice on it.
OWN = "rtsample-test-%d" % os.getpid()
REAL, FORGED = ("5eed%012x" % os.getpid()) * 4, ("f0e9%012x" % os.getpid()) * 4


def as_nobody():
    os.setgroups([])
    os.setgid(NOBODY)
    os.setuid(NOBODY)


def hierarchy(kind):
    for found, point in hierarchies():
        # The one by which systemd keeps sessions is the one that is given to users.
        if found == kind and (kind == "cgroup2" or point.endswith(("systemd", "freezer"))):
            return point
    raise Skip("no control group hierarchy of this version is writable here")


def give_away(group, mode=0o755):
    os.chown(group, NOBODY, NOBODY)
    os.chmod(group, mode)
    return group


def make_as_nobody(parent, path):
    """A group that the user makes; what he could not make is no attack."""
    made = parent
    for name in path.split("/"):
        made = os.path.join(made, name)
        subprocess.run(["mkdir", made], preexec_fn=as_nobody, check=True, capture_output=True)
        at_end(lambda folder: os.path.isdir(folder) and os.rmdir(folder), made)
    if os.stat(made).st_uid != NOBODY:
        raise Skip("the group is not the user's")
    return made


def spin_in(group, expected, whose=as_nobody):
    """A program in the group, of which the kernel itself says the name that is not to be believed."""
    target = Target(build("chain-O0-fp"), preexec_fn=whose)
    enter(group, target.pid)
    with open("/proc/%d/cgroup" % target.pid) as groups:
        if expected not in groups.read():
            raise Skip("the kernel does not show the group")
    return target


def ids_of(run, pid):
    return {fact.get("containerId") for fact in run.facts if fact.get("processId", pid) == pid}


def containers(target, *expected):
    """The containers that facts name for the program, sampled alone and with everybody."""
    problems = []
    for options in (["-p", target.pid], ["-a", "--emit", "process"]):
        run = sample_enough(*options, "-F", 499, minimum=100)
        problems += run.problems
        found = ids_of(run, target.pid)
        if found != set(expected):
            problems.append("with %s: %s, not %s" % (options[0], found, expected))
    target.stop()
    return problems


def left_to_a_user():
    """a group of the user's own that is named like a container, of version 2"""
    mine = give_away(make_group(hierarchy("cgroup2"), OWN + ".slice/user"))
    group = make_as_nobody(mine, "docker-%s.scope" % FORGED)
    return containers(spin_in(group, FORGED), None)


def left_to_a_user_before():
    """the same of version 1, a level further down, as another runtime does it"""
    mine = give_away(make_group(hierarchy("cgroup"), OWN + "/user"))
    group = make_as_nobody(mine, "kubepods/cri-containerd-%s.scope" % FORGED)
    return containers(spin_in(group, FORGED), None)


def open_to_all():
    """a group of root's in which everybody may make some"""
    group = make_group(hierarchy("cgroup2"), OWN + ".slice/open")
    os.chmod(group, 0o777)
    return containers(spin_in(make_as_nobody(group, "libpod-%s.scope" % FORGED), FORGED), None)


def inside_a_container():
    """a group in a container that is named like another one: it is the container's"""
    real = make_group(hierarchy("cgroup2"), "docker-%s.scope/left" % REAL)
    group = make_as_nobody(give_away(real), "docker-%s.scope" % FORGED)
    return containers(spin_in(group, FORGED), REAL)


def container_of_a_user():
    """a container whose group root has named and then left to its user is that container"""
    group = give_away(make_group(hierarchy("cgroup2"), "docker-%s.scope" % REAL))
    return containers(spin_in(group, REAL), REAL)


def by_its_id():
    """who names his group like a container is not among those that are sampled by its id"""
    # The forger is found first.
    mine = give_away(make_group(hierarchy("cgroup2"), OWN + ".slice/user"))
    forger = spin_in(make_as_nobody(mine, "docker-%s.scope" % REAL), REAL)
    real = spin_in(make_group(hierarchy("cgroup2"), "docker-%s.scope" % REAL), REAL)
    run = sample_enough("--container", REAL, "--emit", "process", "-F", 499, minimum=100)
    problems = list(run.problems)
    if {fact["processId"] for fact in run.facts} != {real.pid}:
        problems.append("%d and not %d was wanted: %s" % (real.pid, forger.pid, run.summary()))
    return problems


if not IS_ROOT:
    skip_all("it takes root to leave a control group to a user")
require_sampling()
run_steps(left_to_a_user, left_to_a_user_before, open_to_all, inside_a_container, container_of_a_user, by_its_id)
