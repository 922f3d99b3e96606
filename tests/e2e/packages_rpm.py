#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Roots of rpm: packages that are made and installed here by rpm itself, in each of its database
formats, damaged and planted ones. RTSAMPLE_LONG=1 damages more, and plants what never ends."""
import random
import sqlite3
import struct
import sys

sys.dont_write_bytecode = True
from lib import *  # noqa
from rpm_lib import *  # noqa

skip_in("user")


def compare(root, paths=PATHS, store=None):
    wanted = [(expected(store or root, path), "-", "-") for path in paths]
    for path, found, right in zip(paths, ask(root, paths), wanted):
        if found != right:
            yield "%s: %s instead of %s" % (path, found, right)
    if len({purl for purl, _, _ in wanted}) < 3:
        yield "rpm itself knows nothing: %s" % wanted


def sqlite():
    """a database of sqlite is as rpm says, with epochs, both spellings, and what is nobody's"""
    require_rpm()
    ok(sqlite.__doc__, list(compare(two_packages())))


def write_ahead():
    """what is still in the log of a database that is being written counts"""
    require_rpm()
    root = two_packages()
    store = "%s/%s/rpmdb.sqlite" % (root, STORE)
    with sqlite3.connect(store) as database:
        blob = database.execute("SELECT blob FROM Packages").fetchone()[0]
    database.close()
    # As long as this connection lives, the log is not merged.
    writer = sqlite3.connect(store)
    writer.execute("PRAGMA journal_mode=WAL")
    writer.execute("DELETE FROM Packages")
    writer.execute("INSERT INTO Packages VALUES (77, ?)", (blob,))
    writer.commit()
    found = ask(root, ["/usr/bin/app", "/usr/bin/other"])
    problems = [] if os.path.getsize(store + "-wal") else ["there is no log"]
    writer.close()
    if sum(answer != NONE for answer in found) != 1:
        problems.append("%s" % found)
    ok(write_ahead.__doc__, problems)


BERKELEY = """
use DB_File;
my ($out, @files) = @ARGV;
my %h;
tie %h, 'DB_File', $out, 0102, 0644, $DB_HASH or die $!;
my $number = 1;
$h{pack('V', 0)} = pack('V', scalar @files);
for my $name (@files) {
    open my $in, '<:raw', $name or die $!;
    local $/;
    $h{pack('V', $number++)} = <$in>;
}
"""


def berkeley_root(root):
    """The same root with a Berkeley database, made by libdb of the same headers."""
    need("perl")
    store = os.path.join(root, STORE)
    with sqlite3.connect(store + "/rpmdb.sqlite") as database:
        headers = [blob for (blob,) in database.execute("SELECT blob FROM Packages")]
    database.close()
    other = tempfile.mkdtemp(dir=WORK)
    os.chmod(other, 0o755)
    shutil.copytree(root, other + "/root", symlinks=True)
    root = other + "/root"
    shutil.rmtree(root + "/" + STORE)
    os.makedirs(root + "/" + STORE)
    names = []
    for number, header in enumerate(headers):
        names.append("%s/%d" % (other, number))
        with open(names[-1], "wb") as file:
            file.write(header)
    made = subprocess.run(["perl", "-e", BERKELEY, root + "/" + STORE + "/Packages", *names])
    if made.returncode != 0:
        raise Skip("perl has no DB_File")
    return root


def berkeley():
    """the same packages in a Berkeley database"""
    require_rpm()
    root = two_packages()
    ok(berkeley.__doc__, list(compare(berkeley_root(root), store=root)))


# The first page of a database of ndb: its header, and slots that are free.
NDB_PAGE = b"RpmP" + struct.pack("<4I12x", 0, 1, 1, 1) + 254 * (b"Slot" + bytes(12))


def unknown_kind():
    """of a database of rpm's own format (ndb), which librpm here cannot read, it is said once"""
    root = two_packages()
    os.unlink("%s/%s/rpmdb.sqlite" % (root, STORE))
    with open("%s/%s/Packages.db" % (root, STORE), "wb") as file:
        file.write(NDB_PAGE)
    asked = "".join(path + "\n" for path in PATHS)
    run = subprocess.run([QUERY, root], input=asked, capture_output=True, text=True)
    problems = [] if run.stdout.splitlines() == ["-\t-\t-"] * len(PATHS) else [run.stdout]
    if len(run.stderr.splitlines()) != 1 or "of the kind ndb" not in run.stderr:
        problems.append("said is: %r" % run.stderr)
    ok(unknown_kind.__doc__, problems)


def ndb():
    """the same packages in a database of rpm's own format (ndb)"""
    require_rpm()
    root = rpm_root()
    said = rpm(root, "--initdb", backend="ndb")
    if "invalid" in said.stderr or not os.path.exists("%s/%s/Packages.db" % (root, STORE)):
        return unknown_kind()
    program = build(PROGRAM)
    install(root, make_rpm("app", "1", "2", {"/usr/bin/app": program}, "Epoch: 5"), backend="ndb")
    wanted = ("pkg:rpm/fedora/app@1-2?arch=x86_64&distro=fedora-39&epoch=5", "-", "-")
    found = ask(root, ["/usr/bin/app"])
    ok(ndb.__doc__, [] if found == [wanted] else ["%s" % found])


def changed_files():
    """what was changed or upgraded under a mapping is not taken for what is mapped"""
    require_rpm()
    root, first, second = rpm_root(), build(PROGRAM), build("chain-O2-nofp")
    install(root, make_rpm("app", "1", "1", {"/usr/bin/app": first}))
    old, new = ("pkg:rpm/fedora/app@%s?arch=x86_64&distro=fedora-39" % v for v in ("1-1", "2-1"))
    found = ask(root, ["/usr/bin/app"])
    shutil.copy(second, root + "/usr/bin/app")
    found += ask(root, ["/usr/bin/app"])
    install(root, make_rpm("app", "2", "1", {"/usr/bin/app": second}))
    found += ask(root, ["/usr/bin/app", "/usr/bin/app=" + first])
    wanted = [(old, "-", "-"), (old, "-", "modified"), (new, "-", "-"), ("-", new, "-")]
    ok(changed_files.__doc__, [] if found == wanted else ["%s" % found])


def sampled():
    """a program in a chroot is of its package, live and replayed"""
    require_rpm()
    if not IS_ROOT:
        raise Skip("chroot needs root")
    root = two_packages()
    trace = os.path.join(WORK, "rpm.data")
    with Target("chroot", root, "/usr/bin/app") as target:
        run = sample_enough("-p", target.pid, "-F", 499, "--record", trace)
    wanted = expected(root, "/usr/bin/app")
    problems = list(run.problems)
    found = {fact.get("purl") for fact in run.find("spin")}
    if found != {wanted}:
        problems.append("%s instead of %s" % (found, wanted))
    again = subprocess.run([RTSAMPLE, "replay", trace], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if again.stdout != run.output:
        problems.append("the replay differs: %s" % again.stderr[-300:])
    ok(sampled.__doc__, problems)


def wrong_answers(root, title):
    """A database that is wrong may be not understood, but never takes longer or says something else."""
    known = {expected_purl for expected_purl in SAID} | {"-"}
    for answer in ask(root, PATHS):
        if answer[0] not in known:
            yield "%s: %s" % (title, answer)


SAID = set()


def damaged():
    """databases that are cut, overwritten or something else have no packages, or those that they had"""
    require_rpm()
    good = two_packages()
    SAID.update(expected(good, path) for path in PATHS)
    problems = []
    chance = random.Random(3)
    for root, name in ((good, "rpmdb.sqlite"), (berkeley_root(good), "Packages")):
        path = "%s/%s/%s" % (root, STORE, name)
        with open(path, "rb") as file:
            content = file.read()
        versions = [b"", content[:100], content[: len(content) // 2], b"\xff" * len(content)]
        for _ in range(200 if LONG else 4):
            bytes_ = bytearray(content)
            for _ in range(chance.choice((1, 10, 100))):
                bytes_[chance.randrange(len(bytes_))] = chance.randrange(256)
            versions.append(bytes(bytes_))
        for number, version in enumerate(versions):
            with open(path, "wb") as file:
                file.write(version)
            problems += wrong_answers(root, "%s %d" % (name, number))
    ok(damaged.__doc__, problems)


def planted():
    """databases that lead out of the root, in circles, to a device, or are huge have no packages"""
    require_rpm()
    ours = two_packages()
    problems = []
    for target in (
        "../" * 20 + ours[1:] + "/" + STORE,
        ours + "/" + STORE,
        "/proc/self/root%s/%s" % (ours, STORE),
        "rpm",
        "/dev",
    ):
        root = rpm_root()
        shutil.copy(ours + "/usr/bin/app", root + "/usr/bin/app")
        os.symlink(target, root + "/" + STORE)
        problems += ["%s: %s" % (target, a) for a in ask(root, ["/usr/bin/app"]) if a != NONE]
    for make in (os.mkfifo, os.mkdir, lambda path: os.symlink("/dev/zero", path), sparse):
        root = rpm_root()
        os.makedirs(root + "/" + STORE)
        shutil.copy(ours + "/usr/bin/app", root + "/usr/bin/app")
        make(root + "/" + STORE + "/rpmdb.sqlite")
        problems += ["%s: %s" % (make, a) for a in ask(root, ["/usr/bin/app"]) if a != NONE]
    left = [name for name in os.listdir(os.environ["TMPDIR"]) if name.startswith("rtsample-rpm")]
    ok(planted.__doc__, problems + ["left behind: %s" % name for name in left])


def sparse(path):
    with open(path, "wb") as file:
        file.truncate(1 << 40)


def endless():
    """a database whose table is a query that never ends is given up"""
    require_rpm()
    if not LONG:
        raise Skip("RTSAMPLE_LONG=1 waits for it")
    root = two_packages()
    with sqlite3.connect("%s/%s/rpmdb.sqlite" % (root, STORE)) as database:
        database.execute("ALTER TABLE Packages RENAME TO Old")
        database.execute(
            "CREATE VIEW Packages AS WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM c)"
            " SELECT hnum, blob FROM Old, c WHERE x < 0"
        )
    database.close()
    began = time.monotonic()
    found = ask(root, ["/usr/bin/app"])
    note("given up after %.1f s" % (time.monotonic() - began))
    ok(endless.__doc__, ["%s" % (answer,) for answer in found if answer != NONE])


def confined():
    """what reads a database has another root directory by then, is nobody, and has no way back"""
    require_rpm()
    need("strace")
    if not IS_ROOT:
        raise Skip("giving up a root directory needs root")
    root = two_packages()
    folder = tempfile.mkdtemp(dir=WORK)
    shutil.copy("%s/%s/rpmdb.sqlite" % (root, STORE), folder)
    subprocess.run(["chown", "-R", "65534", folder], check=True)
    log = os.path.join(WORK, "calls")
    command = ["strace", "-f", "-o", log, LISTER, "sqlite", folder]
    listed = subprocess.run(command, stdout=subprocess.PIPE, text=True).stdout
    with open(log, encoding="utf-8", errors="replace") as file:
        calls = file.read().splitlines()
    at = [i for i, call in enumerate(calls) if "rpmdb.sqlite" in call and "openat(" in call]
    problems = [] if at and listed.endswith("\nE\n") else ["nothing was listed: " + listed]
    before = "\n".join(calls[: at[0]] if at else [])
    for pattern in (
        r'chroot\("\."\) += 0',
        r"setresuid\(65534, 65534, 65534\) += 0",
        r"PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0\) += 0",
        r"RLIMIT_CPU, .*= 0",
        r"RLIMIT_FSIZE, .*= 0",
    ):
        if not re.search(pattern, before):
            problems.append("not before it is opened: " + pattern)
    for call in calls[at[0] if at else 0 :]:
        if re.search(r" (execve|fork|socket|connect|ptrace)\(", call):
            problems.append(call)
    ok(confined.__doc__, problems)


os.environ["TMPDIR"] = WORK
require_sampling()
run_steps(
    sqlite,
    write_ahead,
    berkeley,
    ndb,
    changed_files,
    sampled,
    damaged,
    planted,
    endless,
    confined,
)
