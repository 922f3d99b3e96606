#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Whose container and whose socket: real control groups, mount and network namespaces."""
import hashlib
import socket
import sys

sys.dont_write_bytecode = True
from lib import *  # noqa
from cgroup_lib import *  # noqa

skip_in("user")

OUTER, INNER = "3f4a1c9e" * 8, "0b7d5e2f" * 8

# Listens on what its arguments say, and computes.
SERVER = """
import socket, sys
sockets = []
for word in sys.argv[1:]:
    kind, address, port = word.split(",")
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    one = socket.socket(family, socket.SOCK_DGRAM if kind == "udp" else socket.SOCK_STREAM)
    if family == socket.AF_INET6:
        one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    one.bind((address, int(port)))
    if kind == "tcp":
        one.listen(1)
    sockets.append(one)
print("ready", flush=True)
while True:
    sum(range(10000))
"""


def sample_in(path, *arguments, kind=None, **options):
    found = [item for item in hierarchies() if kind in (None, item[0])]
    if not found:
        raise Skip("no control group hierarchy is writable here")
    group = make_group(found[0][1], path)
    with Target(build("chain-O0-fp")) as target:
        enter(group, target.pid)
        return sample_enough("-p", target.pid, "-F", 499, *arguments, **options)


def expect(run, **values):
    problems = list(run.problems)
    for fact in run.facts:
        for key, value in values.items():
            found = fact.get(key, fact["metadata"].get(key))
            if found != value:
                return problems + ["%s is %r, not %r" % (key, found, value)]
    return problems


def version_1():
    """a control group of version 1, as docker names it"""
    run = sample_in("docker/" + OUTER, kind="cgroup")
    return expect(run, containerId=OUTER, containerRuntime="docker")


def version_2():
    """one of version 2, as systemd names it for podman"""
    run = sample_in("machine.slice/libpod-%s.scope/container" % OUTER, kind="cgroup2")
    return expect(run, containerId=OUTER, containerRuntime="podman")


def nested():
    """a container in a container is the inner one; its id can be hashed"""
    path = "docker/%s/kubepods.slice/cri-containerd-%s.scope" % (OUTER, INNER)
    environment = dict(os.environ, Privacy__HashContainerIds="true")
    run = sample_in(path, env=environment)
    hashed = hashlib.sha256(INNER.encode()).hexdigest()
    problems = expect(run, containerId=hashed, containerRuntime="containerd")
    if INNER.encode() in run.output or OUTER.encode() in run.output:
        problems.append("the id is in the facts")
    return problems


def hidden_container():
    folder = os.path.join(WORK, "containers", OUTER)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "hostname"), "w") as file:
        file.write("inside\n")
    script = 'mount --bind "$1/hostname" /etc/hostname && exec "$2"'
    return Target("unshare", "-m", "sh", "-c", script, "sh", folder, build("chain-O0-fp"))


def mounts():
    """where no control group tells, what docker mounts does"""
    need_mounts()
    with hidden_container() as target:
        run = sample_enough("-p", target.pid, "-F", 499)
    return expect(run, containerId=OUTER, containerRuntime="docker")


def hidden():
    """a container whose control group is not to be seen is sampled by what is mounted in it"""
    need_mounts()
    with hidden_container() as target, Target(build("chain-O2-nofp")) as outside:
        run = sample_enough("--container", OUTER[:12], "-F", 499, private=[outside.pid])
    problems = expect(run, containerId=OUTER)
    if "following the processes of container " + OUTER[:16] not in run.stderr:
        problems.append("it does not say so: " + run.stderr)
    if "cgroup_events" not in run.stats["run"]["gave_up"] or run.stats["samples"]["processes"] != 1:
        problems.append("the account: %s" % run.stats)
    return problems


def gone():
    """processes that are gone when their samples are read are of the container that they were in"""
    point = version_2_mount()
    group = make_group(point, "docker/" + OUTER)
    script = 'n=0; while [ $n -lt 40 ]; do n=$((n + 1)); (echo 0 >"$1/cgroup.procs"; exec "$2" 10); done'
    every = dict(os.environ, Sampler__MaxEventsPerSecond="0", Sampler__MaxCpuPercent="0")
    run = sample("-F", 999, "--", "sh", "-c", script, "sh", group, build("short-run"), env=every)
    if "cgroup_ids" in run.stats["run"]["gave_up"]:
        raise Skip("this kernel puts no control groups into samples")
    problems = list(run.problems)
    facts = run.find("short_run")
    if sum(fact["hitCount"] for fact in facts) < 10:
        problems.append("too few were seen")
    for fact in facts:
        if fact.get("containerId") != OUTER:
            problems.append("%s" % fact)
    return problems


def version_2_mount():
    with open("/proc/self/cgroup") as groups:
        if "perf_event" in groups.read():
            raise Skip("perf counts by a hierarchy of version 1 here")
    for kind, point in hierarchies():
        if kind == "cgroup2":
            return point
    raise Skip("no control group hierarchy of version 2 is writable here")


def own_namespace():
    """rtsample in a control group namespace of its own, where /proc shows no names"""
    if not IS_ROOT:
        raise Skip("a control group namespace takes root")
    group = make_group(version_2_mount(), "docker/" + OUTER)
    program = ["sh", "-c", 'echo 0 >"$1/cgroup.procs"; shift; exec unshare -C "$@"', "sh", group, RTSAMPLE]
    with Target(build("chain-O0-fp")) as target:
        enter(group, target.pid)
        run = sample_enough("-p", target.pid, "-F", 499, program=program)
    if run.stats and "cgroup_ids" in run.stats["run"]["gave_up"]:
        raise Skip("this kernel puts no control groups into samples")
    return expect(run, containerId=OUTER, containerRuntime="docker")


def bubblewrap():
    """a program in all the namespaces that bubblewrap makes"""
    need_tool("bwrap")
    group = make_group(version_2_mount(), "docker/" + OUTER)
    script = 'echo 0 >"$1/cgroup.procs"; exec bwrap --unshare-all --die-with-parent --ro-bind / / "$2"'
    with Target("sh", "-c", script, "sh", group, build("chain-O0-fp")) as target:
        run = sample_enough("-p", target.pid, "-F", 499)
    problems = expect(run, containerId=OUTER, containerRuntime="docker")
    if not run.find("spin"):
        problems.append("the program has no names: " + run.summary())
    return problems


def need_tool(name):
    if not shutil.which(name):
        raise Skip(name + " is not installed")


def no_container():
    """a process of the host is in no container"""
    with Target(build("chain-O0-fp")) as target:
        with open("/proc/%d/cgroup" % target.pid) as groups:
            if re.search("[0-9a-f]{64}", groups.read()):
                raise Skip("we are in a container ourselves")
        run = sample_enough("-p", target.pid, "-F", 499)
    return expect(run, containerId=None, containerRuntime=None, socketAddress=None)


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = sorted(one.getsockname()[1] for one in sockets)
    for one in sockets:
        one.close()
    return ports


def listening(words, expected, *before):
    command = [*before, sys.executable, "-c", SERVER, *words]
    with Target(*command) as target:
        run = sample_enough("-p", target.pid, "-F", 499, "--emit", "socket")
        plain = sample_enough("-p", target.pid, "-F", 499, seconds=(0.3, 3))
    return expect(run, socketAddress=expected) + expect(plain, socketAddress=None)


def sockets():
    """of several sockets the one that the rule says, and only with --emit socket"""
    one, two, three = free_ports(3)
    words = ["udp,0.0.0.0,%d" % one, "tcp,127.0.0.1,%d" % one, "tcp,0.0.0.0,%d" % three]
    words.append("tcp,0.0.0.0,%d" % two)
    return listening(words, "0.0.0.0:%d" % two)


def udp_only():
    """a UDP socket, where there is no other"""
    (port,) = free_ports(1)
    return listening(["udp,127.0.0.1,%d" % port], "127.0.0.1:%d" % port)


def own_network():
    """a socket in a network namespace of the process's own, with IPv6"""
    if not IS_ROOT:
        raise Skip("a network namespace takes root")
    if not os.path.exists("/proc/net/tcp6"):
        raise Skip("there is no IPv6")
    return listening(["tcp,::,8443"], "[::]:8443", "unshare", "-n")


def looked_into(log):
    """The processes that a strace of a replay saw it look for, other than itself."""
    with open(log, errors="replace") as file:
        text = file.read()
    return sorted(set(re.findall(r'"/proc/([0-9]+)', text)) - set(re.findall(r"^([0-9]+) ", text, re.M)))


def replayed(method):
    """Container, socket, process and package come from the trace; whose they were is gone."""
    path, log = os.path.join(WORK, method + ".data"), os.path.join(WORK, method + ".strace")
    (port,) = free_ports(1)
    found = hierarchies()
    if not found:
        raise Skip("no control group hierarchy is writable here")
    group = make_group(found[0][1], "docker/" + OUTER)
    words = ["tcp,127.0.0.1,%d" % port]
    emit = ("--emit", "process,socket")
    with Target(sys.executable, "-c", SERVER, *words) as target:
        enter(group, target.pid)
        run = sample_enough("-p", target.pid, "-F", 499, "--method", method, *emit, "--record", path)
    problems = expect(run, containerId=OUTER, containerRuntime="docker", socketAddress="127.0.0.1:%d" % port)
    if not any("purl" in fact for fact in run.facts) and shutil.which("dpkg"):
        note("no package is known of python3")
    prefix = strace(log, "-e", "trace=%file")
    problems += replay_differs(run, path, *emit, prefix=prefix)
    if prefix and looked_into(log):
        problems.append("the replay looked into %s" % looked_into(log))
    # What is not asked for does not leave, though it is in the trace.
    plain = subprocess.run([RTSAMPLE, "replay", "-o", "-", path], capture_output=True)
    for fact in map(json.loads, plain.stdout.splitlines()):
        if {"socketAddress", "processId", "processName"} & set(fact):
            return problems + ["without --emit the replay tells %s" % fact]
    return problems


def replayed_perf():
    """a replay tells container and socket of who is gone, and looks into no process"""
    return replayed("perf")


def replayed_ptrace():
    """the same of a run with --method ptrace"""
    return replayed("ptrace")


require_sampling()
run_steps(
    replayed_perf,
    replayed_ptrace,
    version_1,
    version_2,
    nested,
    mounts,
    hidden,
    gone,
    own_namespace,
    bubblewrap,
    no_container,
    sockets,
    udp_only,
    own_network,
)
