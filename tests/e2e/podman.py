#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Containers that podman makes, with a control group of their own and without."""
import sys

sys.dont_write_bytecode = True
from lib import *  # noqa
from podman_lib import *  # noqa

skip_in("user", "sanitizers")


def check(run, container):
    problems = list(run.problems)
    if not run.find("spin"):
        problems.append("the program was not seen: " + run.stderr)
    for fact in run.facts:
        found = (fact.get("containerId"), fact["metadata"].get("containerRuntime"))
        if found != (container, "podman"):
            return problems + ["%s is not podman's %s" % (found, container)]
    return problems


def sampled(groups):
    root = tempfile.mkdtemp(dir=WORK)
    shutil.copy(build("chain-static"), root + "/program")
    with Container(root, ["/program"], "--cgroups", groups) as container:
        with Target(build("chain-O0-fp")) as outside:
            trace = os.path.join(WORK, "trace")
            run = sample_enough("--container", container.id[:12], "-F", 499, "--record", trace, private=[outside.pid])
    # The container and its files are gone: what was copied into it is still known by its build-id.
    return check(run, container.id) + replay_differs(run, trace, "--symfs", root)


def with_group():
    """a container of podman in its control group"""
    return sampled("enabled")


def without_group():
    """one without, of which only what is mounted in it tells"""
    return sampled("disabled")


require_sampling()
run_steps(with_group, without_group)
