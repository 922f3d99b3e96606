#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Nobody makes us wait: processes that hold the lock of their address space, or run code from a file
system of their own that does not answer. The run ends when it is to end, they are given up and
counted, and everybody else is as without them."""
import functools
import sys

sys.dont_write_bytecode = True
from hostile_lib import *  # noqa

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


def abort_mounts(below=WORK):
    """What hangs there ends. As an ordinary user by killing the server, which Target.stop() does."""
    for folder, number in connections().items():
        if not folder.startswith(below):
            continue
        try:
            with open("/sys/fs/fuse/connections/%s/abort" % number, "w", encoding="ascii") as file:
                file.write("1")
        except OSError:
            pass
        command = ["umount", "-l", folder] if IS_ROOT else ["fusermount3", "-uz", folder]
        subprocess.run(command, capture_output=True)


class Hanging:
    """fuse_hang under way, as we are or as an attacker."""

    def __init__(self, kind, uid=NOBODY):
        self.folder = tempfile.mkdtemp(dir=WORK)
        os.chmod(WORK, 0o755)
        if IS_ROOT and uid:
            os.chown(self.folder, NOBODY, NOBODY)
        if (uid or not IS_ROOT) and not (shutil.which("fusermount3") and self.may_open()):
            raise Skip("an ordinary user cannot mount FUSE here: no fusermount3, or /dev/fuse is closed")
        if not os.path.exists("/dev/fuse"):
            raise Skip("there is no /dev/fuse")
        try:
            self.target = Target(build("fuse_hang"), kind, self.folder, preexec_fn=as_nobody if uid else None)
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

    def stop(self):
        abort_mounts(self.folder)
        self.target.stop()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.stop()


def shares(run, pid):
    """Of a process: the functions of more than a twentieth of its hits, with their packages."""
    own = [fact for fact in run.facts if fact.get("processId") == pid]
    most = max((fact["hitCount"] for fact in own), default=0)
    return {
        (fact["metadata"]["symbol"], fact.get("purl"))
        for fact in own
        if most and fact["hitCount"] > most / 20
    }


OPTIONS = ("--emit", "process", "-F", 499)


def sample_beside(attackers, said=""):
    """{way: run} of a victim beside attackers, who come first, until that was said."""
    with Target(build("chain-O0-fp")) as victim:
        runs = sample_ways([*(attacker.pid for attacker in attackers), victim.pid], *OPTIONS,
                           enough=lambda run: samples_of(run, victim.pid) >= 60 and said in run.stderr)  # fmt: skip
    for run in runs.values():
        run.seen = shares(run, victim.pid)
    return runs


@functools.lru_cache(maxsize=None)
def alone():
    """What the victim is like without anybody beside it."""
    return next(iter(sample_beside([]).values())).seen


GIVEN_UP = "cannot be looked into"


def beside(attackers, judge=lambda run: [], said=""):
    """What is wrong with a victim beside those who hang, until that was said, and what judge(run) finds."""
    expected = alone()
    try:
        runs = sample_beside(attackers, said)
        dead = ["%d of those that hang do not run any more" % sum(not one.lives() for one in attackers)]
        problems = [] if all(attacker.lives() for attacker in attackers) else dead
    finally:
        end_all(attackers)

    def all_of(run):
        same = expected and not expected - run.seen
        differs = [] if same else ["of the victim %s, alone %s" % (sorted(run.seen), sorted(expected))]
        return differs + judge(run)

    return problems + in_each(runs, all_of)


def given_up(run, replaced=1):
    """What is wrong about the account of a process that was given up."""
    late = run.stats["unreadable"]["late"] if run.stats else 0
    problems = [] if late >= 1 else ["unreadable.late is %s" % late]
    if run.stats and run.stats["broker"]["replaced"] < replaced:
        problems.append("no worker was replaced")
    if GIVEN_UP not in run.stderr:
        problems.append("nothing is said of it: %s" % run.stderr[-500:])
    said = re.findall(r"process \d+ cannot be looked into", run.stderr)
    if len(said) != len(set(said)):
        problems.append("given up again and again: %s" % said)
    return problems


def lock_of_a_user():
    """a user's process that holds the lock of its own address space"""
    return beside([Hanging("lock")])


def lock_of_ours():
    """one of our own that holds the lock of its address space"""
    return beside([Hanging("lock", 0)])


def code_of_ours():
    """code of our own in a file whose file system does not answer any more: said and counted"""
    return beside([Hanging("code", 0)], given_up, GIVEN_UP)


def code_of_a_user():
    """a user's code in such a file"""
    return beside([Hanging("code")])


def given_up_by_root(run):
    """Of our own user's processes we wait for each."""
    return given_up(run, replaced=0) if IS_ROOT else []


def slow_attack():
    """It becomes nobody by itself: a file system that lets others in takes root, or root's leave."""
    return [Hanging("slow", 0)]


def slow_answers():
    """a user's code in many files that each come just in time: he has so much time, and no more"""
    return beside(slow_attack(), given_up_by_root, GIVEN_UP if IS_ROOT else "")


def lock_in_turns():
    """a user's process that holds the lock of its own address space for nearly as long as is waited, again and
    again"""
    # He is given up once his answers have taken 3 s, if he is asked that often.
    return beside([Hanging("turns")])


def end_by_signal():
    """SIGTERM while somebody makes us wait"""
    problems = []
    for kind, uid in (("code", 0), ("slow", 0), ("turns", NOBODY)):
        with Hanging(kind, uid) as hanging:
            samplings = start_ways([hanging.pid], "-d", 600, *OPTIONS)
            time.sleep(1)
            for sampling in samplings.values():
                sampling.signal(signal.SIGTERM)
            problems += in_each(finish_ways(samplings), lambda run: [])
    return problems


def many_attack(uid=NOBODY):
    return [Hanging("code", uid) for _ in range(6)]


def many():
    """six that hang: each is given up, and the victim is seen"""
    return beside(many_attack(0), given_up, GIVEN_UP) + beside(many_attack(NOBODY))


def end_of_one():
    """one that is given up lives on until it ends, and that ends a run"""
    problems = []
    with Hanging("code", 0) as hanging:
        samplings = start_ways([hanging.pid], *OPTIONS, only=["-p"])
        for sampling in samplings.values():
            if not until(lambda: GIVEN_UP in sampling.said()):
                problems.append("nothing is said of it: %s" % sampling.said())
        time.sleep(2.5)  # it is looked each second whether it lives
        if any(sampling.process.poll() is not None for sampling in samplings.values()):
            problems.append("the run has ended before it")
    return problems + in_each(finish_ways(samplings), lambda run: [])


if __name__ == "__main__":
    require_sampling()
    alone()  # before there is anybody beside it
    try:
        run_steps(lock_of_a_user, lock_of_ours, code_of_ours, code_of_a_user, slow_answers, lock_in_turns, end_by_signal, end_of_one, many)
    finally:
        abort_mounts()
