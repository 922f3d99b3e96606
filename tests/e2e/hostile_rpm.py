#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Databases of rpm that never come to an end, and a reader of them that hangs: the run goes on and ends
when it is told to, and what rpm knows of somebody else's files is known. Each root is one user's."""
import contextlib
import sqlite3
import stat
import sys

sys.dont_write_bytecode = True
from rpm_lib import *  # noqa

skip_in("user", "sanitizers")

os.environ["TMPDIR"] = WORK
OFTEN = dict(os.environ, Ingest__FlushIntervalMs="300")
VICTIM, ATTACKER = 1002, 1001

# Stands for rtsample-rpm, beside a copy of rtsample. What is not for it goes on to the real one.
LISTER_TEXT = """#!/bin/sh
marks=%(marks)s
if [ "$(head -c 4 "$2/rpmdb.sqlite")" = slow ]; then
    echo $$ >"$marks/slow.$$"
    exec sleep 1000
fi
[ ! -e "$marks/delay" ] || sleep "$(cat "$marks/delay")"
exec %(lister)s "$@"
"""


class Copy:
    """rtsample with a reader of databases that hangs on some."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(dir=WORK)
        os.chmod(self.folder, 0o755)
        self.program = shutil.copy(RTSAMPLE, self.folder + "/rtsample")
        with open(self.folder + "/rtsample-rpm", "w", encoding="utf-8") as file:
            file.write(LISTER_TEXT % {"marks": self.folder, "lister": LISTER})
        os.chmod(self.folder + "/rtsample-rpm", 0o755)

    def hanging(self):
        """The readers that hung at any time."""
        return [int(name[5:]) for name in os.listdir(self.folder) if name.startswith("slow.")]

    def delay(self, seconds):
        with open(self.folder + "/delay", "w", encoding="utf-8") as file:
            file.write(str(seconds))


def require():
    require_rpm()
    if not IS_ROOT:
        raise Skip("roots of several users take root")


def bad_root(make):
    """A root whose database is what make(path) makes."""
    root = rpm_root()
    os.makedirs(root + "/" + STORE)
    shutil.copy(build(PROGRAM), root + "/usr/bin/app")
    make(root + "/" + STORE + "/rpmdb.sqlite")
    subprocess.run(["chmod", "-R", "a+rX", root], check=True)
    return root


def slow(path):
    with open(path, "w", encoding="utf-8") as file:
        file.write("slow\n")


def never_ending(path):
    """A table that is a query without an end, of what rpm made."""
    shutil.copy("%s/%s/rpmdb.sqlite" % (first_root(), STORE), path)
    with sqlite3.connect(path) as database:
        database.execute("ALTER TABLE Packages RENAME TO Old")
        database.execute(
            "CREATE VIEW Packages AS WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM c)"
            " SELECT hnum, blob FROM Old, c WHERE x < 0"
        )
    database.close()


def inside(root, uid):
    return Target("chroot", "--userspec=%d:%d" % (uid, uid), root, "/usr/bin/app")


def purls(run, target):
    return {fact.get("purl") for fact in run.facts if fact.get("processId") == target.pid}


def check_victim(run, victim, root):
    right = expected(root, "/usr/bin/app")
    found = purls(run, victim)
    return [] if found == {right} else ["of the victim %s instead of %s; %s" % (found, right, run.stderr)]


def check_left(copy=None):
    """Processes and folders."""
    left = [name for name in os.listdir(os.environ["TMPDIR"]) if name.startswith("rtsample-rpm.")]
    problems = ["left behind: " + name for name in left]
    for pid in copy.hanging() if copy else ():
        if not until(lambda: not os.path.exists("/proc/%d" % pid), 10):
            problems.append("a reader still runs")
    return problems


def until_known(run, root):
    """Waits until facts of the victim have their package."""
    wanted = expected(root, "/usr/bin/app").encode()

    def known():
        with open(run.output_path, "rb") as file:
            return wanted in file.read()

    return until(lambda: os.path.exists(run.output_path) and known(), 60)


def beside(roots):
    """A run that samples what is in `roots`, of the attacker, and a victim who comes after them, until
    the victim's package is known; then it is told to end. Returns it with what is wrong."""
    require()
    copy, root = Copy(), two_packages()
    with contextlib.ExitStack() as stack:
        others = [stack.enter_context(inside(other, ATTACKER)) for other in roots]
        victim = stack.enter_context(inside(root, VICTIM))
        pids = ",".join(str(one.pid) for one in [*others, victim])
        run = Sampling("-d", 600, "-F", 199, "--emit", "process", "-p", pids, program=[copy.program], env=OFTEN)
        known = until_known(run, root)
        run.signal(signal.SIGTERM)
        run = run.finish()
        problems = list(run.problems)
        if not known:
            problems.append("the victim's package is never known: " + run.stderr)
        for other in others:
            if purls(run, other) - {None}:
                problems.append("of an attacker: %s" % purls(run, other))
        return run, problems + check_left(copy)


def slow_reader():
    """a reader that hangs on one user's database keeps nobody from the packages of another's"""
    run, problems = beside([bad_root(slow)])
    if run.stats["self"]["packages"]["unreadable_databases"] < 1:
        problems.append("it is not counted: %s" % run.stats["self"]["packages"])
    return problems


def many_databases():
    """nor do twelve of that user's, of which a few are read at a time"""
    return beside([bad_root(slow) for _ in range(12)])[1]


def fifos():
    """nor do FIFOs, folders and devices in the place of databases"""
    kinds = (os.mkfifo, os.mkdir, lambda path: os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, 5)),
             lambda path: os.symlink("/proc/self/fd/0", path))
    return beside([bad_root(make) for make in kinds])[1]


def end_while_reading():
    """a run that is told to end ends, however many users' databases are being read"""
    require()
    copy = Copy()
    with contextlib.ExitStack() as stack:
        crowd = [stack.enter_context(inside(bad_root(slow), 2000 + i)) for i in range(8)]
        pids = ",".join(str(one.pid) for one in crowd)
        run = Sampling("-d", 600, "-F", 199, "-p", pids, program=[copy.program])
        if not until(copy.hanging):
            run.stop()
            return ["nothing is read"]
        began = time.monotonic()
        run.signal(signal.SIGTERM)
        run = run.finish()
        taken = time.monotonic() - began
        note("ended after %.1f s" % taken)
        problems = run.problems + check_left(copy)
        # Each of them would have four seconds.
        if taken > 12:
            problems.append("it took %.1f s" % taken)
        if not run.facts:
            problems.append("there are no facts")
        return problems


def endless_table():
    """a database whose table never ends is given up, which is said once and counted; the victim's is read"""
    require()
    root = two_packages()
    with inside(bad_root(never_ending), ATTACKER) as attacker, inside(root, VICTIM) as victim:
        run = sample("-d", 6, "-F", 199, "--emit", "process", "-p", "%d,%d" % (attacker.pid, victim.pid))
        problems = run.problems + check_victim(run, victim, root) + check_left()
        own = run.stats["self"]["packages"]
        said = re.findall(r"packages of rpm stay unknown: to list .* too long.*\(root [0-9a-f]+\)", run.stderr)
        if own["late_databases"] != 1 or len(said) != 1:
            problems.append("it is not said once and counted: %s, %s" % (own, run.stderr))
        if purls(run, attacker) - {None}:
            problems.append("of the attacker: %s" % purls(run, attacker))
        return problems


def known_later():
    """facts of before a slow list was there have no package, those after it have; the replay is the same"""
    require()
    copy, root, trace = Copy(), two_packages(), os.path.join(WORK, "later.data")
    copy.delay(3.2)
    with inside(root, VICTIM) as victim:
        run = Sampling("-d", 600, "-F", 199, "--emit", "process", "-p", victim.pid, "--record", trace,
                       program=[copy.program], env=OFTEN)
        known = until_known(run, root)
        run.signal(signal.SIGTERM)
        run = run.finish()
        problems = run.problems + ([] if known else ["it is never known: " + run.stderr])
        if purls(run, victim) != {None, expected(root, "/usr/bin/app")}:
            note("packages: %s" % purls(run, victim))
        return problems + replay_differs(run, trace, "--emit", "process") + check_left(copy)


require_sampling()
run_steps(slow_reader, many_databases, fifos, end_while_reading, endless_table, known_later)
