#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""From where one looks at a container: the host, a container beside it with the same process ids, the
container itself, another pid namespace, a user namespace, and the least that a root can hold. The same
paths have other builds here than there, and the same packages other versions: facts are of what is
there. What cannot be told is left out and said."""
import errno
import fcntl
import sys

sys.dont_write_bytecode = True
from lib import *  # noqa
from package_lib import *  # noqa
from podman_lib import *  # noqa

skip_in("user", "sanitizers")

# On the host, these are files of Debian's; in the container they are ours.
APP, LIBC, LOADER = "/usr/bin/xz", "/usr/lib/x86_64-linux-gnu/libc.so.6", "/usr/lib64/ld-linux-x86-64.so.2"
MUSL = "/usr/lib/x86_64-linux-musl/libc.so"
FUNCTIONS = {"spin": APP, "inner": APP, "middle": APP, "outer": APP, "main": APP, "__libc_start_main": LIBC}

# A musl target, which is half of its time in musl's strlen(). (Its memcpy() has no size.)
LENGTHS = """
#include <stdio.h>
#include <string.h>
static char text[1 << 16];
static volatile int turns;
static volatile size_t length;
int main(void)
{
    memset(text, 'x', sizeof text - 1);
    puts("ready");
    fflush(stdout);
    for (;;) {
        length = strlen(text);
        for (turns = 0; turns < 5000; turns++)
            ;
    }
}
"""


def build_id(path):
    text = subprocess.run(["readelf", "-nW", path], stdout=subprocess.PIPE, text=True).stdout
    return re.search(r"Build ID: ([0-9a-f]+)", text).group(1)


def other_build(path):
    """A copy with another build-id."""
    old = bytes.fromhex(build_id(path))
    copy = os.path.join(tempfile.mkdtemp(dir=WORK), os.path.basename(path))
    shutil.copy(path, copy)
    with open(copy, "r+b") as file:
        content = file.read()
        file.seek(content.index(old))
        file.write(old[::-1])
    return copy


def image():
    """The root directory of a container of another release, with its packages."""
    need("dpkg", "dpkg-deb", "readelf")
    if not os.path.exists(LIBC) or not os.path.exists(LOADER.replace("/usr", "")):
        raise Skip("this is no Debian for x86-64")
    root = make_root("debian", "11")
    os.makedirs(root + os.path.dirname(LIBC))
    packages = [
        make_deb("xz-utils", "1:0.1+inside-1", {APP: build("chain-O2-nofp")}),
        make_deb("libc6", "0.2+inside", {LIBC: other_build(LIBC), LOADER: os.path.realpath("/lib64/ld-linux-x86-64.so.2")}),
    ]
    install(root, *packages)
    return root


_image = []


def the_image():
    if not _image:
        _image.append(image())
    return _image[0]


def check(run, root=None, functions=FUNCTIONS, container=None):
    """What of the facts is not as the files below `root` and dpkg say."""
    root = root or the_image()
    problems = list(run.problems)
    packages = expected(root, sorted(set(functions.values())), "debian")
    for name, path in functions.items():
        facts = run.find(name)
        wanted = ("gnu-build-id:" + build_id(root + path), packages[path], container)
        if not facts:
            problems.append("%s is not seen: %s" % (name, run.summary()))
        for fact in facts:
            found = (fact["buildId"], fact.get("purl", "-"), fact.get("containerId"))
            if found != wanted:
                problems.append("%s is of %s, not %s" % (name, found, wanted))
            if {"packageModified", "staleMapping"} & set(fact["metadata"]):
                problems.append("%s: %s" % (name, fact["metadata"]))
    return problems


def inside(pid, *kinds):
    """The beginning of a command that runs in these namespaces of a process, or in all."""
    return ["nsenter", "-t", str(pid), *(kinds or ("-m", "-p", "-C", "-u", "-i", "-n", "-r", "-w"))]


def portable(program):
    """A command that runs a program with libraries of its own, in whatever root has WORK."""
    folder = os.path.join(WORK, "portable")
    os.makedirs(folder, exist_ok=True)
    name = os.path.join(folder, os.path.basename(program))
    if not os.path.exists(name):
        libraries = subprocess.run(["ldd", program], stdout=subprocess.PIPE, text=True).stdout
        for path in set(re.findall(r"/\S+", libraries)) | {program}:
            shutil.copy(path, folder)
    return [folder + "/ld-linux-x86-64.so.2", "--library-path", folder, name]


def only(*capabilities):
    """The beginning of a command that has these alone, as a container's root has."""
    return portable(system_program("setpriv")) + ["--bounding-set", ",".join(["-all"] + ["+" + c for c in capabilities])]


def sample_from(place, *arguments, **options):
    return sample_enough(*arguments, "-F", 499, program=place + portable(RTSAMPLE), **options)


WITH_WORK = ("-v", WORK + ":" + WORK)

# --- Containers of podman's ------------------------------------------------------------------------


def containers():
    """from the host, from a sidecar with a root of its own, and in the container itself"""
    with Container(the_image(), [APP], *WITH_WORK) as app:
        host = sample_enough("-p", app.pid, "-F", 499, private=[app.pid])
        ok("from the host into a container", check(host, container=app.id))
        own = sample_from(inside(app.pid), "-p", 1)
        ok("in a container, itself", check(own, container=app.id))
        everything = sample_from(inside(app.pid), "-a")
        ok("in a container, all of it", check(everything, container=app.id))

        root = tempfile.mkdtemp(dir=WORK)
        shutil.copy(build("chain-static"), root + "/program")
        beside = ["--pid", "ns:/proc/%d/ns/pid" % app.pid, "--read-only", *WITH_WORK]
        with Container(root, ["/program"], *beside) as sidecar:
            run = sample_from(inside(sidecar.pid), "-p", 1)
            ok("from a sidecar with another root, read-only", check(run, container=app.id))
            place = inside(sidecar.pid) + only("cap_38", "sys_ptrace")
            ok("with what the manifest gives it", check(sample_from(place, "-p", 1), container=app.id))
            named = sample_from(inside(sidecar.pid), "--container", app.id[:12])
            ok("from a sidecar, by the container's id", check(named, container=app.id))


# --- Namespaces alone ------------------------------------------------------------------------------


def unshared(root, *kinds, command=(APP,), user=0, mounted_at=None):
    """A program in namespaces and a root of its own, which can be a place where only it has mounted
    that; `inner` is its process id here."""
    need("nsenter")
    need_mounts()
    script = 'mount -t proc proc "$1/proc" && mkdir -p "$1$2" && mount --bind "$2" "$1$2" && shift 2 && exec "$@"'
    os.makedirs(root + "/proc", exist_ok=True)
    places = [root, WORK]
    if mounted_at:
        os.makedirs(mounted_at, exist_ok=True)
        script = 'mount --bind "$1" "$2" && shift && ' + script
        places = [root, mounted_at, WORK]
    chroot = ["chroot", *(["--userspec=%d:%d" % (user, user)] if user else []), mounted_at or root]
    words = ["unshare", "-m", "-p", "-f", *kinds, "sh", "-c", script, "sh", *places]
    target = Target(*words, *chroot, *command)
    with open("/proc/%d/task/%d/children" % (target.pid, target.pid)) as file:
        target.inner = int(file.read().split()[0])
    return target


def user_namespace():
    """into a user namespace from outside, and in it"""
    need_user_namespace()
    with unshared(the_image(), "-U", "-r") as target:
        outside = sample_enough("-p", target.inner, "-F", 499, private=[target.inner])
        place = inside(target.inner, "-U", "--preserve-credentials", "-m", "-p", "-r", "-w")
        within = sample_from(place, "-p", 1)
    return check(outside) + check(within)


def no_sys():
    """where there is no /sys, and nothing can be written"""
    with unshared(the_image()) as target:
        script = 'mount --bind "$1" "$1"; umount -R /sys; mount -o remount,bind,ro / && shift && exec "$@"'
        run = sample_from(["unshare", "-m", "sh", "-c", script, "sh", WORK], "-p", target.inner)
    return check(run)


def other_pid_namespace():
    """process ids of another pid namespace are refused, not taken for others"""
    need("unshare")
    problems = []
    with Target(build("chain-O0-fp")) as target:
        for arguments in (("-p", target.pid), ("-p", 1), ("-a",), ("--", "true")):
            program = ["unshare", "-p", "-f", RTSAMPLE]
            run = sample("-d", 1, *arguments, program=program, expect=4, stats=False)
            problems += run.problems + ["%s: a fact" % (arguments,) for fact in run.facts]
            if "mount -t proc proc /proc" not in run.stderr:
                problems.append("%s: %s" % (arguments, run.stderr))
        if problems:
            return problems
        need_mounts()
        mounted = ["unshare", "-p", "-f", "--mount-proc", RTSAMPLE]
        run = sample("-p", target.pid, "-d", 1, program=mounted, expect=3, stats=False)
    return run.problems


def out_of_sight():
    """what is outside of our pid namespace is left out, and said"""
    need("unshare")
    need_mounts()
    place = ["unshare", "-p", "-f", "--mount-proc", RTSAMPLE]
    with Target(build("chain-O0-fp")):
        run = sample("-a", "-d", 1, "-F", 499, program=place)
    problems = run.problems + ["%s" % fact for fact in run.find("spin")]
    if not run.stats["samples"]["no_user"] or "out of sight" not in run.stderr:
        problems.append("it does not say so: " + run.stderr)
    return problems


def with_perfmon_alone():
    """A program prefix: another user than the target's, who may sample and nothing else."""
    powers = ["--reuid", "65533", "--regid", "65533", "--clear-groups", "--inh-caps", "-all,+cap_38"]
    return ["setpriv", *powers, "--ambient-caps", "+cap_38", *portable(RTSAMPLE)]


def check_without_access(root, facts):
    ids = {"gnu-build-id:" + build_id(root + path) for path in (APP, LIBC, LOADER)}
    for fact in facts:
        if fact["buildId"] == "gnu-build-id:" + build_id(root + LOADER):
            continue  # the very file that is here too
        if fact["buildId"] not in ids or "purl" in fact or fact["metadata"]["symbolSource"] != "none":
            yield "%s" % fact


def no_access():
    """with CAP_PERFMON alone: build-ids of what is there, and neither names nor packages of what is here"""
    root = the_image()
    arguments = ("-a", "-F", 499, "-d", 3, "--emit", "process")
    sampling = Sampling(*arguments, program=with_perfmon_alone(), output="stdout", stats=False)
    if not until(lambda: "sampling" in sampling.said() or sampling.process.poll() is not None):
        return ["it does not begin"]
    with unshared(root, user=65534) as target:
        run = sampling.finish(expect=None)
    if run.status == 4:
        raise Skip(run.stderr)
    facts = [fact for fact in run.facts if (fact["processId"], fact["processName"]) == (target.inner, "xz")]
    problems = run.problems + list(check_without_access(root, facts))
    if not facts and "no file" not in run.stderr:
        problems.append("nothing is known of it: " + run.stderr)
    return problems


def can_be_asked():
    """Does this kernel know PROCMAP_QUERY? It is then only the question that is wrong."""
    with open("/proc/self/maps") as maps:
        try:
            fcntl.ioctl(maps, 0xC0686611, bytes(104))
        except OSError as error:
            return error.errno != errno.ENOTTY
    return True


def no_access_mapped_before():
    """the same of what was mapped before the sampling, where the kernel tells that"""
    root = the_image()
    with unshared(root, user=65534, mounted_at=os.path.join(WORK, "elsewhere")) as target:
        arguments = ("-p", target.inner, "-F", 499, "-d", 3)
        run = sample(*arguments, program=with_perfmon_alone(), output="stdout", stats=False, expect=None)
    if run.status == 4 or "cannot read what process" in run.stderr:
        raise Skip("this kernel does not: " + run.stderr)
    problems = run.problems + list(check_without_access(root, run.facts))
    of_the_program = "gnu-build-id:" + build_id(root + APP)
    if of_the_program not in {fact["buildId"] for fact in run.facts}:
        if not can_be_asked():
            raise Skip("this kernel cannot be asked for build-ids")
        problems.append("nothing is known of it: %s" % run.stderr)
    return problems


def musl():
    """a container with musl in place of glibc, dynamic and static"""
    need("musl-gcc", "dpkg-deb", "readelf")
    root = make_root("debian", "11")
    source = os.path.join(tempfile.mkdtemp(dir=WORK), "lengths.c")
    with open(source, "w", encoding="ascii") as file:
        file.write(LENGTHS)
    for name, options in (("dynamic", ()), ("static", ("-static",))):
        command = ["musl-gcc", "-O1", "-fno-builtin", "-Wl,--build-id", *options, "-o", source + name, source]
        subprocess.run(command, check=True)
    os.makedirs(root + os.path.dirname(MUSL))
    os.symlink(MUSL, root + "/usr/lib/ld-musl-x86_64.so.1")
    app = make_deb("app", "0.1", {"/usr/bin/dynamic": source + "dynamic", "/usr/bin/static": source + "static"})
    install(root, app, make_deb("musl", "0.1+inside", {MUSL: other_build(os.path.realpath(MUSL))}))
    problems = []
    for name, strlen in (("/usr/bin/dynamic", MUSL), ("/usr/bin/static", "/usr/bin/static")):
        with unshared(root, command=(name,)) as target:
            run = sample_enough("-p", target.inner, "-F", 499)
        problems += check(run, root, {"strlen": strlen, "main": name})
    return problems


require_sampling()
run_steps(
    containers,
    user_namespace,
    no_sys,
    other_pid_namespace,
    out_of_sight,
    no_access,
    no_access_mapped_before,
    musl,
)
