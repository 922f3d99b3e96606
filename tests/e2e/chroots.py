#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Packages of processes that changed their root directory after their files were mapped, as daemons
do: they stay those of the file tree that the files were mapped from, as dpkg says."""
import glob
import sys

sys.dont_write_bytecode = True
from lib import *  # noqa
from package_lib import *  # noqa

skip_in("user")

PYTHON = "/usr/bin/python3"

# Does what it is told, then works in the interpreter and in libz.
WORKER = """
import ctypes, os, signal, sys, zlib
zlib.crc32(b"")
libc = ctypes.CDLL(None, use_errno=True)
signal.alarm(120)
where, how = sys.argv[1:]
def go():
    os.chroot(where)
    os.chdir("/")
def pivot():
    os.chdir(where)
    if libc.syscall(155, b".", b".") or libc.umount2(b".", 2): # the old root lies over the new one
        raise OSError(ctypes.get_errno(), "pivot_root")
    os.chdir("/")
if how == "later":
    signal.signal(signal.SIGUSR1, lambda number, frame: go())
elif how == "pivot":
    pivot()
elif how == "child":
    if os.fork():
        os.write(1, b"ready\\n")
        signal.pause()
    go()
elif how == "chroot":
    go()
if how != "child":
    os.write(1, b"ready\\n")
data = os.urandom(99999)
while True:
    zlib.crc32(data)
    zlib.decompress(zlib.compress(data[:999]))
"""


def prefix():
    """What lets an ordinary user chroot."""
    if IS_ROOT:
        return []
    need_user_namespace()
    return ["unshare", "-U", "-r"]


def worker(where, how, *before):
    return Target(*(before or prefix()), PYTHON, "-c", WORKER, where, how)


def empty():
    folder = tempfile.mkdtemp(dir=WORK)
    os.chmod(folder, 0o755)
    return folder


def python_of(pid):
    """The worker: unshare may have made way for it, and it may have a child that works for it."""
    children = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True).stdout.split()
    return int(children[0]) if children else pid


def is_there(pid, where):
    return until(lambda: os.path.samefile("/proc/%d/root" % pid, where))


def wanted_of(pid):
    files = [path for path in sorted(set(mapped_files(pid))) if path.startswith("/usr/")]
    return expected("-", files, own_distribution())


def compare(run, wanted, needed=("python3", "zlib1g")):
    """What is not as dpkg says of the files that are mapped."""
    purls = set(wanted.values()) - {"-"}
    problems = list(run.problems)
    for fact in run.facts:
        if fact.get("purl", "-") not in purls | {"-"} or "staleMapping" in fact["metadata"]:
            problems.append("%s" % fact["line"])
    for name in needed:
        if not any("/" + name in fact.get("purl", "") for fact in run.facts):
            problems.append("nothing is of %s: %s" % (name, {fact.get("purl") for fact in run.facts}))
    without = sum(fact["hitCount"] for fact in run.facts if "purl" not in fact)
    if without > 0.1 * sum(fact["hitCount"] for fact in run.facts):
        problems.append("%d hits have no package" % without)
    return problems


def need_dpkg():
    need("dpkg", "pgrep")
    if "python3" not in str(owners("-", [os.path.realpath(PYTHON)])):
        raise Skip("%s is of no package here" % PYTHON)


def attached_after():
    """a process that called chroot before it was sampled"""
    need_dpkg()
    where = empty()
    with worker(where, "chroot") as target:
        wanted = wanted_of(target.pid)
        return compare(sample_enough("-p", target.pid, "-F", 499), wanted)


def attached_before():
    """one that calls it while it is sampled: what it maps is met for the first time after that"""
    need_dpkg()
    where = empty()
    with worker(where, "later") as target:
        wanted = wanted_of(target.pid)
        os.kill(target.pid, signal.SIGSTOP)
        run = Sampling("-p", target.pid, "-F", 499, "-d", 3)
        until(lambda: _heard(run.pid))
        os.kill(target.pid, signal.SIGUSR1)
        os.kill(target.pid, signal.SIGCONT)
        problems = [] if is_there(target.pid, where) else ["it did not go there"]
        return problems + compare(run.finish(), wanted)


def _heard(pid):
    """Does it sample, as far as its signals tell?"""
    with open("/proc/%d/status" % pid, encoding="ascii", errors="replace") as file:
        return int(re.search(r"^SigBlk:\s*([0-9a-f]+)", file.read(), re.M).group(1), 16) >> 14 & 1


def child():
    """a child that calls it after fork, as sshd's does"""
    need_dpkg()
    where = empty()
    with worker(where, "child") as target:
        pid = python_of(target.pid)
        problems = [] if is_there(pid, where) else ["it did not go there"]
        wanted = wanted_of(pid)
        return problems + compare(sample_enough("-p", pid, "-F", 499), wanted)


def other_database():
    """the root directory that it has now knows another file of that path: that is not what is mapped"""
    need_dpkg()
    need("dpkg-deb")
    if not IS_ROOT:
        raise Skip("dpkg takes root")
    root = make_root()
    path = os.path.realpath(PYTHON)
    install(root, make_deb("impostor", "6", {path: build(PROGRAM)}))
    with worker(root, "chroot") as target:
        wanted = wanted_of(target.pid)
        return compare(sample_enough("-p", target.pid, "-F", 499), wanted)


def bound_in():
    """the file is bound into a root directory without a database, where it is found too"""
    need_dpkg()
    need_mounts()
    where = empty()
    os.mkdir(where + "/usr")
    with worker(where, "chroot", "unshare", "-m", "sh", "-c", 'mount --bind /usr "%s/usr"; exec "$0" "$@"' % where) as target:
        wanted = wanted_of(target.pid)
        problems = [] if os.path.exists("/proc/%d/root%s" % (target.pid, PYTHON)) else ["it is not bound"]
        return problems + compare(sample_enough("-p", target.pid, "-F", 499), wanted)


def own_mounts(root):
    script = 'mount --bind "$0" "$0" && cd "$0" && pivot_root . mnt && exec "$@"'
    return ["unshare", "-m", "sh", "-c", script, root]


def in_container():
    """the only process of a mount namespace with a file tree of its own, as the first one of a container:
    nobody else has that root directory any more"""
    need("dpkg", "dpkg-deb", "pivot_root")
    need_mounts()
    root = make_root()
    os.makedirs(root + "/var/empty")
    program = build("jailed-static")
    install(root, make_deb("app", "1:1.0-1", {"/usr/bin/app": program}))
    with Target(*own_mounts(root), "/usr/bin/app", "/var/empty") as target:
        run = sample_enough("-p", target.pid, "-F", 499)
    wanted = "pkg:deb/debian/app@1:1.0-1?arch=amd64"
    problems = run.problems + [fact["line"] for fact in run.facts if fact.get("purl") != wanted]
    return problems + ([] if run.find("spin") else ["spin was not seen", run.summary()])


def pivoted():
    """one that has made another file tree its root with pivot_root after its files were mapped"""
    need_dpkg()
    need_mounts()
    if os.uname().machine != "x86_64":
        raise Skip("the number of pivot_root is that of x86-64")
    where = empty()
    script = 'mount -t tmpfs none "%s"; exec "$0" "$@"' % where
    with worker(where, "pivot", "unshare", "-m", "sh", "-c", script) as target:
        wanted = wanted_of_path(PYTHON)
        run = sample_enough("-p", target.pid, "-F", 499)
        return compare(run, wanted, needed=("python3",))


def wanted_of_path(path):
    """Of a program and its libraries, which maps does not have by the paths they had."""
    listed = subprocess.run(["ldd", path], capture_output=True, text=True).stdout
    files = [os.path.realpath(name) for name in re.findall(r"(/\S+)", listed)] + [os.path.realpath(path)]
    files += [os.path.realpath(name) for name in glob.glob("/usr/lib/*/libz.so.1")]
    return expected("-", files, own_distribution())


def not_in_place():
    """what is nowhere any more is of no package"""
    if not IS_ROOT:
        raise Skip("the jail is made by root")
    where, path = empty(), copy_of("jailed-static")
    with Target(path, where) as target:
        os.unlink(path)
        run = sample_enough("-p", target.pid, "-F", 499)
    problems = run.problems + [fact["line"] for fact in run.facts if "purl" in fact]
    return problems + ([] if run.find("spin") else ["spin was not seen", run.summary()])


require_sampling()
run_steps(attached_after, attached_before, child, other_database, bound_in, in_container, pivoted, not_in_place)
