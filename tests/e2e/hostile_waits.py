#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Nobody makes us wait: processes that hold the lock of their address space, or run code from a file
system of their own that does not answer. The run ends when it is to end, they are given up and
counted, and everybody else is as without them."""
import contextlib
import functools
import sys

sys.dont_write_bytecode = True
from lib import *  # noqa

skip_in("sanitizers")


def connections():
    """The FUSE mounts below our folder: {folder: number}."""
    found = {}
    with open("/proc/self/mountinfo", encoding="utf-8") as file:
        for line in file:
            words = line.split()
            if words[4].startswith(WORK):
                found[words[4]] = words[2].split(":")[1]
    return found


def abort_mounts():
    """What hangs there ends. As an ordinary user by killing the server, which Target.stop() does."""
    for folder, number in connections().items():
        try:
            with open("/sys/fs/fuse/connections/%s/abort" % number, "w", encoding="ascii") as file:
                file.write("1")
        except OSError:
            pass
        command = ["umount", "-l", folder] if IS_ROOT else ["fusermount3", "-uz", folder]
        subprocess.run(command, capture_output=True)


def become(uid):
    def change():
        os.setgroups([])
        os.setgid(uid)
        os.setuid(uid)

    return change if IS_ROOT and uid else None


class Hanging:
    """fuse_hang under way, as root or as another user."""

    def __init__(self, kind, uid=0):
        self.folder = tempfile.mkdtemp(dir=WORK)
        os.chmod(WORK, 0o755)
        if IS_ROOT and uid:
            os.chown(self.folder, uid, uid)
        if (uid or not IS_ROOT) and not (shutil.which("fusermount3") and self.may_open()):
            raise Skip("an ordinary user cannot mount FUSE here: no fusermount3, or /dev/fuse is closed")
        if not os.path.exists("/dev/fuse"):
            raise Skip("there is no /dev/fuse")
        try:
            self.target = Target(build("fuse_hang"), kind, self.folder, preexec_fn=become(uid))
        except RuntimeError as error:
            abort_mounts()
            raise Skip("FUSE cannot be mounted here: %s" % error)
        self.pid = self.target.pid
        if kind == "lock" and not until(lambda: "D" in self.states()):
            raise Skip("the lock of an address space cannot be held like that here")

    def states(self):
        """Of all threads, as in /proc/PID/stat."""
        found = ""
        for name in os.listdir("/proc/%d/task" % self.pid):
            with open("/proc/%d/task/%s/stat" % (self.pid, name), errors="replace") as file:
                found += file.read().rsplit(")", 1)[1].split()[0]
        return found

    @staticmethod
    def may_open():
        return os.stat("/dev/fuse").st_mode & 0o006 == 0o006

    def lives(self):
        return "R" in self.states() or "S" in self.states()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        number = connections().get(self.folder)
        abort_mounts()
        self.target.stop()
        if number is None:
            return


def shares(run, pid):
    """Of a process: the functions of more than a twentieth of its hits, with their packages."""
    own = [fact for fact in run.facts if fact.get("processId") == pid]
    most = max((fact["hitCount"] for fact in own), default=0)
    return {
        (fact["metadata"]["symbol"], fact.get("purl"))
        for fact in own
        if most and fact["hitCount"] > most / 20
    }


@functools.lru_cache(maxsize=None)
def alone():
    """What the victim is like without anybody beside it."""
    with Target(build("chain-O0-fp")) as victim:
        run = sample_enough("--emit", "process", "-F", 199, "-p", victim.pid, minimum=30, seconds=(1, 3))
        return shares(run, victim.pid)


def beside(kind, uid, how):
    """Samples a victim and one who hangs."""
    with Target(build("chain-O0-fp")) as victim, Hanging(kind, uid) as hanging:
        whom = ["-p", "%d,%d" % (victim.pid, hanging.pid)] if how == "-p" else ["-a"]
        run = sample_enough("--emit", "process", "-F", 199, *whom, minimum=60, seconds=(1, 3))
        problems = list(run.problems)
        if not hanging.lives():
            problems.append("the process that hangs does not run any more")
        seen = shares(run, victim.pid)
        if not alone() or alone() - seen:
            problems.append("of the victim %s, alone %s" % (sorted(seen), sorted(alone())))
        return run, problems


def given_up(run):
    """What is wrong about the account of a process that was given up."""
    late = run.stats["unreadable"]["late"] if run.stats else 0
    problems = [] if late >= 1 else ["unreadable.late is %s" % late]
    if run.stats and run.stats["broker"]["replaced"] < 1:
        problems.append("no worker was replaced")
    if "let itself be looked at" not in run.stderr:
        problems.append("nothing is said of it: %s" % run.stderr[-500:])
    return problems


def lock_of_a_user():
    """a user's process that holds the lock of its own address space"""
    return [problem for how in ("-a", "-p") for problem in beside("lock", 65534, how)[1]]


def lock_of_ours():
    """one of our own that holds the lock of its address space"""
    return beside("lock", 0, "-p")[1]


def code_of_ours():
    """code of our own in a file whose file system does not answer any more: said and counted"""
    run, problems = beside("code", 0, "-p")
    return problems + given_up(run)


def code_of_a_user():
    """a user's code in such a file"""
    return beside("code", 65534, "-a")[1]


def end_by_signal():
    """SIGTERM while somebody makes us wait"""
    with Hanging("code", 0) as hanging:
        run = Sampling("-d", 600, "-F", 199, "-p", hanging.pid)
        time.sleep(1)
        run.signal(signal.SIGTERM)
        return run.finish().problems


def many():
    """six that hang: each is given up, and the victim is seen"""
    with Target(build("chain-O0-fp")) as victim, contextlib.ExitStack() as stack:
        crowd = [stack.enter_context(Hanging("code", 0)) for _ in range(6)]
        pids = ",".join(str(one.pid) for one in [victim, *crowd])
        run = sample_enough("--emit", "process", "-F", 199, "-p", pids, minimum=60, seconds=(1, 3))
        problems = run.problems + given_up(run)
        if not shares(run, victim.pid):
            problems.append("nothing of the victim is seen")
        if not all(one.lives() for one in crowd):
            problems.append("one of those that hang does not run any more")
        return problems


require_sampling()
try:
    run_steps(lock_of_a_user, lock_of_ours, code_of_ours, code_of_a_user, end_by_signal, many)
finally:
    abort_mounts()
