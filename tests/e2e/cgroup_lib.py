# SPDX-License-Identifier: Apache-2.0
"""Real control groups for scenarios."""
from lib import *  # noqa


def hierarchies():
    """The mounted control group hierarchies that we can make groups in."""
    found = []
    with open("/proc/self/mounts") as mounts:
        for line in mounts:
            _, point, kind, _ = line.split(None, 3)
            if kind in ("cgroup", "cgroup2") and os.access(point, os.W_OK):
                # cpuset wants its processors and memory set first.
                if os.path.isdir(point) and "cpuset" not in point:
                    found.append((kind, point))
    return found


def make_group(point, path):
    """A control group, removed at the end with those above it that we made."""
    group = point
    for name in path.split("/"):
        group = os.path.join(group, name)
        if not os.path.isdir(group):
            try:
                os.mkdir(group)
            except OSError as error:
                raise Skip("no control group can be made: %s" % error)
            at_end(lambda folder: os.path.isdir(folder) and os.rmdir(folder), group)
    return group


def enter(group, pid):
    """Puts a process into a control group."""
    try:
        with open(os.path.join(group, "cgroup.procs"), "w") as file:
            file.write(str(pid))
    except OSError as error:
        raise Skip("a process cannot be put into a control group: %s" % error)
