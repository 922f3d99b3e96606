#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Which package code is of: what dpkg says of the files of this machine, and of roots that are made
here with dpkg from packages that are made here too. RTSAMPLE_LONG=1 asks for every ELF file that dpkg
has installed, and for a root made by debootstrap."""
import base64
import functools
import hashlib
import random
import struct
import sys
import zlib

sys.dont_write_bytecode = True
from lib import *  # noqa
from package_lib import *  # noqa
import graph_maker

skip_in("user")

# --- This machine --------------------------------------------------------------------------------


def compare(root, paths, distribution, seen_as=None):
    """`seen_as`: another name of the root, to ask about it by."""
    wanted = expected(root, paths, distribution)
    for path, (purl, stale, _) in zip(paths, ask(seen_as or root, paths)):
        if purl != wanted[path] or stale != "-":
            yield "%s: %s (stale %s), dpkg says %s" % (path, purl, stale, wanted[path])


RUNNING = """
sleep 1000|tail -f /dev/null|cat|sort|wc|grep x|sed p|mawk 1|gawk 1|tee|xz -c|gzip -c|bzip2 -c|zstd -c
perl -e sleep|/usr/bin/python3 -c input()|bash -c read|dash -c read|jq .|md5sum|sha256sum|openssl sha1
gdb -nx -q|redis-server --port 0|nginx -c /dev/stdin|gcc -E -|as -o /dev/null|m4|make -f -|tar cf - -T -
git hash-object --stdin|ssh-agent -D|bc|dc|top -b -d 1000|vmstat 1000|watch sleep 1000|node|od|tr a b
cut -c1|uniq|base64|nl|fold|cmp - /dev/zero|diff - /dev/null|gpg --dearmor|curl -T - file:///dev/null
objdump -d /dev/stdin|c++filt|addr2line -e /bin/true|eu-addr2line -e /bin/true|xargs|find . -ok false ;
""".replace("\n", "|")


def start_waiting(commands, *prefix):
    """Targets: those of the commands that are installed. Their input never ends, so they wait."""
    targets = []
    for command in commands:
        try:
            argv = [*prefix, *command.split()]
            targets.append(Target(*argv, ready=False, stdin=subprocess.PIPE, cwd=WORK))
        except Skip:
            pass
    time.sleep(1)
    return targets


def files_of(targets):
    """How many of the programs run, and what they have mapped; ends them."""
    alive, files = 0, set()
    for target in targets:
        if target.process.poll() is None:
            found = set(mapped_files(target.pid))
            alive += bool(found)
            files |= found
    for target in targets:
        target.process.stdin.close()
        target.stop()
    return alive, sorted(files)


def running_programs():
    """every file mapped by 30 running programs is of the package that dpkg says"""
    need("dpkg")
    alive, files = files_of(start_waiting(filter(None, RUNNING.split("|"))))
    problems = list(compare("-", files, own_distribution()))
    if alive < 30:
        raise Skip("only %d of the programs are installed" % alive)
    note("%d programs, %d files" % (alive, len(files)))
    ok(running_programs.__doc__, problems)


with open("/proc/self/exe", "rb") as own:
    MACHINE = own.read(20)[18:]


def is_elf(path):
    """Of this machine, and not of a cross compiler's."""
    try:
        with open(path, "rb") as file:
            head = file.read(20)
            return os.path.isfile(path) and re.match(b"\x7fELF\2.{11}[\2\3]", head, re.S) and head[18:] == MACHINE
    except OSError:
        return False


def installed_files():
    """files of installed packages are of them, as dpkg says"""
    need("dpkg")
    files = []
    lists = [name for name in sorted(os.listdir("/var/lib/dpkg/info")) if name.endswith(".list")]
    for name in lists if LONG else lists[::5]:
        with open("/var/lib/dpkg/info/" + name, encoding="utf-8", errors="replace") as file:
            paths = [line.rstrip("\n") for line in file if re.search("/s?bin/|/lib", line)]
        # Only what no link leads to: a mapping shows where a file really is.
        found = (os.path.realpath(path) for path in paths if not os.path.islink(path))
        found = (path for path in found if is_elf(path))
        files += found if LONG else itertools.islice(found, 1)
    files = sorted(set(files))
    if LONG:
        started = time.time()
        ask("-", files[:1])
        note("the first answer took %.2f s" % (time.time() - started))
    note("%d files" % len(files))
    ok(installed_files.__doc__, list(compare("-", files, own_distribution())))


def sampled():
    """the facts of a running program name the packages of its libraries"""
    need("dpkg")
    with Target("/usr/bin/perl", "-e", "while(1){$i++;$h{$i%999}=sqrt($i)}", ready=False) as target:
        run = sample_enough("-p", target.pid, "-F", 499)
        files = sorted(set(mapped_files(target.pid)))
        wanted = set(expected("-", files, own_distribution()).values())
        off = sample_enough("-p", target.pid, "-F", 499, env=dict(os.environ, **OFF))
    found = {fact.get("purl", "-") for fact in run.facts}
    problems = run.problems + off.problems
    problems += ["%s is of no mapped file" % purl for purl in found - wanted - {"-"}]
    if not any("/perl-base@" in purl or "/libperl" in purl for purl in found):
        problems.append("perl is not among %s" % found)
    if any("purl" in fact for fact in off.facts):
        problems.append("there are purls although they are switched off")
    ok(sampled.__doc__, problems)


OFF = {"SymbolCapture__ResolvePackages": "false"}


# --- Roots made of packages ----------------------------------------------------------------------


def dpkg_root():
    """a root with a merged /usr, a diversion, foreign and removed packages is as dpkg says"""
    need("dpkg", "dpkg-deb", "dpkg-divert")
    root, program = make_root(), build(PROGRAM)
    other = build("chain-O2-nofp")
    debs = [
        make_deb("first", "1:2.0+x~1-3", {"/lib/one.so": program, "/usr/bin/two": program}),
        make_deb("second", "7", {"/usr/lib/three.so": program, "/bin/diverted": other}),
        make_deb("gone", "7", {"/usr/lib/gone.so": program}),
        make_deb("same", "3", {"/usr/lib/i/s.so": program}, "i386", "Multi-Arch: same\n"),
        make_deb("same", "3", {"/usr/lib/a/s.so": program}, "amd64", "Multi-Arch: same\n"),
    ]
    subprocess.run(["dpkg", "--root=" + root, "--add-architecture", "i386"], check=True)
    install(root, *debs)
    divert = ["dpkg-divert", "--root", root, "--quiet", "--rename", "--package", "third"]
    subprocess.run(divert + ["--divert", "/bin/diverted.real", "/bin/diverted"], check=True)
    install(root, make_deb("third", "5-1", {"/bin/diverted": program}))
    subprocess.run(
        ["dpkg", "--root=" + root, "--log=/dev/null", "--force-all", "-r", "gone"],
        stdout=subprocess.DEVNULL,
        env=dict(os.environ, PATH=os.environ["PATH"] + ":/usr/sbin:/sbin"),
    )
    shutil.copy(program, root + "/usr/lib/gone.so")
    shutil.copy(program, root + "/usr/lib/nobody.so")
    paths = ["/usr/lib/one.so", "/lib/one.so", "/usr/bin/two", "/usr/lib/three.so"]
    paths += ["/usr/lib/i/s.so", "/usr/lib/a/s.so", "/usr/lib/nobody.so", "/usr/lib/gone.so"]
    problems = list(compare(root, paths, "debian"))
    # `dpkg -S` names every package that has the path in its list: the diversion decides.
    wanted = {
        "/usr/lib/one.so": "pkg:deb/debian/first@1:2.0%2Bx~1-3?arch=amd64",
        "/usr/bin/diverted": "pkg:deb/debian/third@5-1?arch=amd64",
        "/usr/bin/diverted.real": "pkg:deb/debian/second@7?arch=amd64",
        "/usr/lib/i/s.so": "pkg:deb/debian/same@3?arch=i386",
        "/usr/lib/gone.so": "-",
    }
    for path, answer in zip(wanted, ask(root, wanted)):
        if answer != (wanted[path], "-", "-"):
            problems.append("%s: %s" % (path, answer))
    ok(dpkg_root.__doc__, problems)


def distroless_root():
    """a root with status.d instead of a package manager"""
    root, program = make_root(), build(PROGRAM)
    shutil.rmtree(root + "/var/lib/dpkg")
    os.makedirs(root + "/var/lib/dpkg/status.d")
    shutil.copy(program, root + "/usr/lib/z.so")
    digest = subprocess.check_output(["md5sum", program], text=True).split()[0]
    with open(root + "/var/lib/dpkg/status.d/zlib1g", "w", encoding="utf-8") as file:
        file.write("Package: zlib1g\nArchitecture: amd64\nVersion: 1:1.2.13.dfsg-1\n")
    with open(root + "/var/lib/dpkg/status.d/zlib1g.md5sums", "w", encoding="utf-8") as file:
        file.write("%s  usr/share/x\n%s  usr/lib/z.so\n" % ("0" * 32, digest))
    found = ask(root, ["/usr/lib/z.so", "/lib/z.so"])
    wanted = ("pkg:deb/debian/zlib1g@1:1.2.13.dfsg-1?arch=amd64", "-", "-")
    ok(distroless_root.__doc__, ["%s" % (answer,) for answer in found if answer != wanted])


def changed_files():
    """what was changed, upgraded or removed under a mapping is not taken for what is mapped"""
    need("dpkg", "dpkg-deb", "md5sum")
    root, first, second = make_root(), build(PROGRAM), build("chain-O2-nofp")
    install(root, make_deb("app", "1", {"/usr/bin/app": first, "/usr/bin/same": first}))
    shutil.copy(second, root + "/usr/bin/app")
    old, new = ("pkg:deb/debian/app@%d?arch=amd64" % version for version in (1, 2))
    steps = [("overwritten", ["/usr/bin/app"], [(old, "-", "modified")])]
    problems = _check(root, steps)
    install(root, make_deb("app", "2", {"/usr/bin/app": second, "/usr/bin/same": first}))
    steps = [
        ("as it is", ["/usr/bin/app"], [(new, "-", "-")]),
        ("mapped before the upgrade", ["/usr/bin/app=" + first], [("-", new, "-")]),
        ("the same bytes before and after", ["/usr/bin/same=" + first], [(new, "-", "-")]),
    ]
    problems += _check(root, steps)
    os.unlink(root + "/usr/bin/app")
    os.unlink(root + "/usr/bin/same")
    steps = [
        ("deleted, mapped what the package brought", ["/usr/bin/app=" + second], [(new, "-", "-")]),
        ("deleted, mapped something else", ["/usr/bin/app=" + first], [("-", new, "-")]),
    ]
    problems += _check(root, steps)
    ok(changed_files.__doc__, problems)


def _check(root, steps):
    problems = []
    for name, questions, wanted in steps:
        found = ask(root, questions)
        if found != wanted:
            problems.append("%s: %s instead of %s" % (name, found, wanted))
    return problems


def live_root(title, start):
    """A program of a root of its own, sampled, then upgraded while it runs."""
    need("dpkg", "dpkg-deb")
    root, first = make_root(), build(PROGRAM)
    install(root, make_deb("app", "1:1.0-1", {"/usr/bin/app": first}))
    with start(root) as target:
        run = sample_enough("-p", target.pid, "-F", 499)
        install(root, make_deb("app", "1:1.0-2", {"/usr/bin/app": build("chain-O2-nofp")}))
        later = sample_enough("-p", target.pid, "-F", 499)
    old, new = ("pkg:deb/debian/app@1:1.0-%d?arch=amd64" % n for n in (1, 2))
    problems = run.problems + later.problems
    for fact in run.find("spin"):
        if fact.get("purl") != old or "packageModified" in fact["metadata"]:
            problems.append("before: %s" % fact)
    for fact in later.find("spin"):
        if "purl" in fact or fact["metadata"].get("staleMapping") != new:
            problems.append("after: %s" % fact)
    if not run.find("spin") or not later.find("spin"):
        problems += ["spin was not seen", run.summary(), later.summary()]
    ok(title, problems)


def in_chroot():
    """a program in a chroot is of the package of that root; upgraded on disk, it says so"""
    if not IS_ROOT:
        raise Skip("chroot needs root")
    live_root(in_chroot.__doc__, lambda root: Target("chroot", root, "/usr/bin/app"))


def own_mounts(root):
    """What runs a command in a mount namespace whose root this is."""
    script = 'mount --bind "$0" "$0" && cd "$0" && pivot_root . mnt && exec "$@"'
    return ["unshare", "-m", "sh", "-c", script, root]


def in_mount_namespace():
    """the same in a mount namespace with a root file system of its own"""
    need("pivot_root")
    need_mounts()
    live_root(in_mount_namespace.__doc__, lambda root: Target(*own_mounts(root), "/usr/bin/app"))


def under_bind_mount():
    """what is mounted over a file of a package is not as the package brought it"""
    need("dpkg")
    need_mounts()
    over = "/usr/bin/perl"
    script = "mount --bind $0 %s && exec %s" % (over, over)
    with Target("unshare", "-m", "sh", "-c", script, build(PROGRAM)) as target:
        run = sample_enough("-p", target.pid, "-F", 499)
    wanted = expected("-", [over], own_distribution())[over]
    problems = list(run.problems)
    for fact in run.find("spin"):
        if fact.get("purl") != wanted or fact["metadata"].get("packageModified") != "true":
            problems.append("%s" % fact)
    ok(under_bind_mount.__doc__, problems + ([] if run.find("spin") else ["spin was not seen"]))


# What a minimal Debian has.
MINIMAL = """
sleep 1000|tail -f /dev/null|cat|sort|wc|grep x|sed p|mawk 1|tee|gzip -c|dash -c read|bash -c read|od
perl -e sleep|md5sum|sha256sum|tr a b|cut -c1|uniq|base64|nl|fold|cmp - /dev/zero|diff - /dev/null
xargs|head -c 9|split|tac|expand|paste|comm - /dev/null|tsort|shuf|cksum|sha1sum|pr|fmt|ptx|numfmt
""".replace("\n", "|")


def debootstrap_root():
    """every ELF file of a root made by debootstrap is of the package that dpkg says"""
    need("debootstrap")
    if not LONG or not IS_ROOT:
        raise Skip("RTSAMPLE_LONG=1 makes one, as root")
    root = tempfile.mkdtemp(dir=WORK)
    command = ["debootstrap", "--variant=minbase", "bookworm", root]
    if subprocess.run(command, stdout=subprocess.DEVNULL).returncode != 0:
        raise Skip("debootstrap failed")
    os.chmod(root, 0o755)
    files = []
    for folder, _, names in os.walk(root):
        paths = (os.path.join(folder, name) for name in names)
        files += [path[len(root) :] for path in paths if not os.path.islink(path) and is_elf(path)]
    note("%d files" % len(files))
    ok(debootstrap_root.__doc__, list(compare(root, sorted(files), "debian")))
    for title, prefix in (("chroot", ["chroot", root]), ("mount namespace", own_mounts(root))):
        ok("the same of what runs in it by a " + title, entered_root(root, prefix))


def entered_root(root, prefix):
    """Files mapped by programs in the root, asked for by way of one of them, and facts of one."""
    targets = start_waiting(filter(None, MINIMAL.split("|")), *prefix)
    with Target(*prefix, "sleep", "1000", ready=False) as inside:
        alive, files = files_of(targets)
        files = sorted({path[len(root) :] if path.startswith(root) else path for path in files})
        problems = list(compare(root, files, "debian", "/proc/%d/root" % inside.pid))
    note("%d programs, %d files" % (alive, len(files)))
    if alive < 30:
        problems.append("only %d programs ran" % alive)
    busy = "while(1){$i++;$h{$i%999}=sqrt($i)}"
    with Target(*prefix, "perl", "-e", busy, ready=False) as target:
        run = sample_enough("-p", target.pid, "-F", 499)
    wanted = expected(root, files, "debian")
    of_build_id = {graph_maker.build_id(root + path): purl for path, purl in wanted.items()}
    known = [fact for fact in run.facts if fact["buildId"].partition(":")[2] in of_build_id]
    note("%d facts of %d are of these files" % (len(known), len(run.facts)))
    for fact in known:
        purl = of_build_id[fact["buildId"].partition(":")[2]]
        if fact.get("purl", "-") != purl:
            problems.append("%s of %s" % (fact.get("purl"), purl))
    return problems + run.problems + ([] if known else ["perl was not seen"])


# --- Alpine --------------------------------------------------------------------------------------


def apk_root():
    """a root with apk's database"""
    root, program = make_root(), build(PROGRAM)
    shutil.rmtree(root + "/var/lib/dpkg")
    os.makedirs(root + "/usr/lib/apk/db")
    with open(root + "/etc/os-release", "w", encoding="utf-8") as file:
        file.write('NAME="Alpine Linux"\nID=alpine\nVERSION_ID=3.20.3\n')
    for name in ("z.so", "changed.so", "bare.so", "nobody.so"):
        shutil.copy(program, "%s/usr/lib/%s" % (root, name))
    shutil.copy(program, root + "/init")
    with open(program, "rb") as file:
        digest = hashlib.sha1(file.read()).digest()
    good, bad = ("Q1" + base64.b64encode(d).decode() for d in (digest, b"x" * 20))
    with open(root + "/usr/lib/apk/db/installed", "w", encoding="utf-8") as file:
        file.write(
            "C:Q1x\nP:musl\nV:1.2.5-r0\nA:x86_64\nF:\nR:init\na:0:0:755\nZ:%s\n"
            "F:usr/lib\nR:z.so\na:0:0:755\nZ:%s\nR:changed.so\nZ:%s\nR:bare.so\n\n"
            "P:libstdc++\nV:13_git-r1\nA:x86_64\nF:usr/lib\nR:other.so\nZ:%s\n\n"
            % (good, good, bad, good)
        )
    musl = "pkg:apk/alpine/musl@1.2.5-r0?arch=x86_64"
    wanted = {
        "/usr/lib/z.so": (musl, "-", "-"),
        "/usr/lib/changed.so": (musl, "-", "modified"),
        "/usr/lib/bare.so": (musl, "-", "-"),
        "/init": (musl, "-", "-"),
        "/usr/lib/nobody.so": NONE,
        "/usr/lib/other.so=" + program: ("pkg:apk/alpine/libstdc%2B%2B@13_git-r1?arch=x86_64", "-", "-"),
    }
    found = ask(root, wanted)
    problems = ["%s: %s" % pair for pair in zip(wanted, found) if wanted[pair[0]] != pair[1]]
    ok(apk_root.__doc__, problems)


# --- What the file itself says -------------------------------------------------------------------


def with_section(program, name, content):
    """A copy of the program with a section of this content."""
    folder = tempfile.mkdtemp(dir=WORK)
    os.chmod(folder, 0o755)
    with open(folder + "/content", "wb") as file:
        file.write(content)
    subprocess.run(
        ["objcopy", "--add-section", "%s=%s/content" % (name, folder), program, folder + "/program"],
        check=True,
    )
    return folder + "/program"


def elf_note():
    """the note .note.package names the package of a file that no database has"""
    need("objcopy")
    text = b'{"type":"deb","os":"ubuntu","name":"hello","version":"2.10-3","architecture":"amd64"}\0'
    note = struct.pack("<III", 4, len(text), 0xCAFE1A7E) + b"FDO\0" + text
    path = with_section(build(PROGRAM), ".note.package", note)
    cut = with_section(build(PROGRAM), ".note.package", note[:-20])
    found = ask("-", [path, cut])
    wanted = [("pkg:deb/ubuntu/hello@2.10-3?arch=amd64", "-", "-"), NONE]
    ok(elf_note.__doc__, [] if found == wanted else [found])


def languages():
    """extension modules of Python and add-ons of Node are of the package that installed them"""
    root, program = make_root(), build(PROGRAM)
    site = "/usr/lib/python3/site-packages"
    add_on = "/srv/node_modules/@img/sharp/build/Release"
    files = {
        site + "/Mod_x-2.1.dist-info/RECORD": "mod/_c.so,sha256=x,1\nother.so.old,,\n",
        site + "/Mod_x-2.1.dist-info/METADATA": "Name: Mod_x\nVersion: 2.1\n\nVersion: 9\n",
        "/srv/node_modules/@img/sharp/package.json": '{"name":"@img/sharp","version":"0.33.5"}',
        add_on + "/package.json": '{"type":"module"}',
        "/srv/package.json": '{"name":"app","version":"1.0.0"}',
    }
    wanted = {
        site + "/mod/_c.so": ("pkg:pypi/mod-x@2.1", "-", "-"),
        site + "/other.so": NONE,
        add_on + "/sharp.node": ("pkg:npm/%40img/sharp@0.33.5", "-", "-"),
        "/srv/node_modules/stray.node": NONE,
    }
    for path, text in files.items():
        os.makedirs(os.path.dirname(root + path), exist_ok=True)
        with open(root + path, "w", encoding="utf-8") as file:
            file.write(text)
    for path in wanted:
        os.makedirs(os.path.dirname(root + path), exist_ok=True)
        shutil.copy(program, root + path)
    found = ask(root, wanted)
    problems = ["%s: %s" % pair for pair in zip(wanted, found) if wanted[pair[0]] != pair[1]]
    ok(languages.__doc__, problems)


def long_lines():
    """of a database with lines of a GiB nothing is known"""
    root = make_root()
    shutil.copy(build(PROGRAM), root + "/usr/bin/perl")
    for name in ("status", "diversions", "info/perl-base.list"):
        with open(root + "/var/lib/dpkg/" + name, "wb") as file:
            file.write(b"Package: perl-base\nArchitecture: amd64\nVersion: ")
            file.truncate(1 << 30)
    found = ask(root, ["/usr/bin/perl"])
    ok(long_lines.__doc__, [] if found == [NONE] else ["%s" % found])


def linked_root(target):
    """A root with a package, whose database is what the link says."""
    root = make_root()
    status = "Package: app\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\n"
    for name, text in (("status", status), ("info/app.list", "/usr/bin/perl\n")):
        with open(root + "/var/lib/dpkg/" + name, "w", encoding="utf-8") as file:
            file.write(text)
    shutil.copy(build(PROGRAM), root + "/usr/bin/perl")
    os.rename(root + "/var/lib/dpkg", root + "/mnt/dpkg")
    os.symlink(target, root + "/var/lib/dpkg")
    return root


def hostile_roots(title=None, under=()):
    """a root whose links lead out of it, in circles or to a device has no packages of ours"""
    app = ("pkg:deb/debian/app@1?arch=amd64", "-", "-")
    up = "../" * 20
    cases = [("/mnt/dpkg", app), (up + "mnt/dpkg", app), ("../../mnt/./dpkg/", app)]
    cases += [(up + "var/lib/dpkg", NONE), ("/proc/self/root/var/lib/dpkg", NONE)]
    cases += [(name, NONE) for name in ("dpkg", "/dev/zero", "/var/lib/dpkg/..")]
    problems = []
    for target, wanted in cases:
        found = ask(linked_root(target), ["/usr/bin/perl"], under)
        problems += ["%s: %s" % (target, found)] if found != [wanted] else []
    ok(title or hostile_roots.__doc__, problems)


def hostile_roots_by_walk():
    """the same where the kernel has no openat2"""
    hostile_roots(hostile_roots_by_walk.__doc__, WITHOUT_OPENAT2)


GO_MAIN = """
package main
import ("gopkg.in/yaml.v3"; "strings")
var text = []byte("a: [1, 2, {b: c, d: [x, y, z]}]\\nlist:\\n- one\\n- two: {three: 4}\\n")
func main() {
    println("ready")
    for {
        var out map[string]interface{}
        if yaml.Unmarshal(text, &out) != nil || strings.Count(string(text), "zz") > 0 { panic("yaml") }
    }
}
"""


@functools.lru_cache
def go_app():
    """A program with a dependency, and {prefix of its functions: purl}, as `go version -m` says."""
    need("go")
    source = "/usr/share/gocode/src/gopkg.in/yaml.v3"
    if not os.path.isdir(source):
        raise Skip("golang-gopkg-yaml.v3-dev is not installed")
    folder = os.path.join(WORK, "go")
    shutil.copytree(source, folder + "/vendor/gopkg.in/yaml.v3")
    for name, text in (
        ("go.mod", "module example.org/App\ngo 1.15\nrequire gopkg.in/yaml.v3 v3.0.1\n"),
        ("vendor/modules.txt", "# gopkg.in/yaml.v3 v3.0.1\n## explicit\ngopkg.in/yaml.v3\n"),
        ("main.go", GO_MAIN),
    ):
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            file.write(text)
    environment = dict(
        os.environ, GOFLAGS="-mod=vendor", GOCACHE=folder + "/cache", GOPROXY="off", GOTOOLCHAIN="local"
    )
    command = ["go", "build", "-o", folder + "/app", "."]
    made = subprocess.run(command, cwd=folder, env=environment, stderr=subprocess.PIPE, text=True)
    if made.returncode != 0:
        raise Skip("go builds nothing here: " + made.stderr[-300:])
    said = subprocess.check_output(["go", "version", "-m", folder + "/app"], text=True)
    version = re.search(r": go(\S+)", said).group(1)
    path, number = re.search(r"dep\s+(\S+)\s+(\S+)", said).groups()
    wanted = {
        path.replace(".v3", "%2ev3."): "pkg:golang/%s@%s" % (path, number),
        "runtime.": "pkg:golang/stdlib@" + version,
        "main.": None, # its version is (devel)
    }
    return folder + "/app", wanted


def go_sampled(program, source):
    with Target(program, stderr=subprocess.STDOUT) as target:
        run = sample_enough("-p", target.pid, "-F", 499)
    problems = list(run.problems)
    for prefix, purl in go_app()[1].items():
        facts = [f for f in run.facts if f["metadata"]["symbol"].startswith(prefix)]
        found = {(fact.get("purl"), fact["metadata"]["symbolSource"]) for fact in facts}
        found -= {(purl, "dwarf-inline")}
        if found != {(purl, source)}:
            problems.append("%s*: %s instead of %s" % (prefix, found, purl))
    return problems


def go_program():
    """functions of a Go program carry the module they are of, as `go version -m` lists them"""
    program, _ = go_app()
    ok(go_program.__doc__, go_sampled(program, "symtab"))


def go_stripped():
    """a stripped Go program has the functions that `go tool nm` lists for its unstripped twin"""
    need("strip", "readelf")
    program, _ = go_app()
    version = subprocess.check_output(["go", "version"], text=True)
    if tuple(map(int, re.search(r"go(\d+)\.(\d+)", version).groups())) < (1, 18):
        raise Skip("names in the tables of Go before 1.18 are written otherwise")
    stripped = program + ".stripped"
    subprocess.run(["strip", "-o", stripped, program], check=True)
    listed = subprocess.check_output(["go", "tool", "nm", "-size", program], text=True)
    symbols = re.findall(r"^ *([0-9a-f]+) +([1-9][0-9]*) +[tT] +(.+)$", listed, re.M)
    problems = [] if len(symbols) > 1000 else ["go tool nm lists %d" % len(symbols)]
    answers = ask_object(stripped, [int(address, 16) + 1 for address, _, _ in symbols])
    for (address, size, name), answer in zip(symbols, answers):
        # The table has neither the suffix of the calling convention nor type arguments.
        name = re.sub(r"\[.*\]", "[...]", re.sub(r"\.abi0$", "", name))
        found = answer.split("\t") + ["", "", ""]
        right = [name, address.lstrip("0"), "gopclntab"]
        if [found[0], found[1], found[3]] != right or int(found[2] or "0", 16) < int(size):
            problems.append("%s: %s" % (right, answer))
    ok(go_stripped.__doc__, problems[:10])
    ok("the stripped program, sampled", go_sampled(stripped, "gopclntab"))
    ok("damaged tables of functions are taken for what they are", list(go_damaged(stripped, symbols)))


def go_damaged(program, symbols):
    """Wrong bytes in the table: there is an answer to every question, whatever it is."""
    listed = subprocess.check_output(["readelf", "-SW", program], text=True)
    offset, size = re.search(r"gopclntab +PROGBITS +\S+ (\S+) (\S+)", listed).groups()
    offset, size = int(offset, 16), int(size, 16)
    with open(program, "rb") as file:
        content = file.read()
    chance = random.Random(5)
    for round in range(16):
        damaged = bytearray(content)
        for _ in range(chance.choice((1, 20, 500))):
            # The header first, then anything.
            at = offset + chance.randrange(72 if round % 2 else size)
            damaged[at] = chance.choice((0, 255, chance.randrange(256)))
        with open(program, "wb") as file:
            file.write(damaged)
        found = ask_object(program, [int(address, 16) + 1 for address, _, _ in symbols[::7]])
        if len(found) != len(symbols[::7]):
            yield "%d answers of round %d" % (len(found), round)


def ask_object(path, addresses):
    tool = os.path.join(os.path.dirname(QUERY), "../binary/object_query")
    questions = "".join("functions %x\n" % address for address in addresses)
    found = subprocess.run([tool, path], input=questions, stdout=subprocess.PIPE, encoding="latin-1")
    return found.stdout.splitlines() if found.returncode == 0 else ["ended with %d" % found.returncode]


RUST_DEPENDENCY = """
#[inline(never)]
pub fn churn(seed: u64) -> u64 {
    let mut x = seed | 1;
    for i in 0..20000u64 { x = x.rotate_left(7).wrapping_mul(0x9E3779B97F4A7C15) ^ i; }
    x
}
pub struct Counter { pub state: u64 }
impl Iterator for Counter {
    type Item = u64;
    #[inline(never)]
    fn next(&mut self) -> Option<u64> { self.state = churn(self.state ^ 5); Some(self.state) }
}
"""
RUST_MAIN = """
fn main() {
    let mut counter = dep_crate::Counter { state: 3 };
    println!("ready");
    let mut x = 0;
    while x != 42 { x ^= dep_crate::churn(x); x ^= counter.next().unwrap(); }
}
"""


def rust_program():
    """functions of a Rust program carry the crate that its list of dependencies has"""
    need("rustc", "objcopy")
    folder = tempfile.mkdtemp(dir=WORK)
    os.chmod(folder, 0o755)
    for name, text in (("dep.rs", RUST_DEPENDENCY), ("main.rs", RUST_MAIN)):
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            file.write(text)
    for command in (
        ["--crate-type=rlib", "--crate-name=dep_crate", "dep.rs"],
        ["--crate-name=app", "--extern=dep_crate=libdep_crate.rlib", "main.rs"],
    ):
        made = subprocess.run(
            ["rustc", "-O", *command], cwd=folder, stderr=subprocess.PIPE, text=True
        )
        if made.returncode != 0:
            raise Skip("rustc builds nothing here: " + made.stderr[-300:])
    packages = [
        {"name": "app", "version": "0.1.0", "source": "local", "root": True, "dependencies": [1]},
        {"name": "dep-crate", "version": "1.2.3+x", "source": "crates.io"},
        {"name": "dep-crate", "version": "9.9.9", "source": "crates.io", "kind": "build"},
    ]
    twice = packages + [{"name": "dep-crate", "version": "2.0.0", "source": "crates.io"}]
    problems = []
    for listed, wanted in ((packages, "pkg:cargo/dep-crate@1.2.3%2Bx"), (twice, None)):
        packed = zlib.compress(json.dumps({"packages": listed}).encode())
        path = with_section(folder + "/app", ".dep-v0", packed)
        with Target(path) as target:
            run = sample_enough("-p", target.pid, "-F", 499, minimum=20)
        facts = [fact for fact in run.facts if re.search("churn|Counter", fact["metadata"]["symbol"])]
        found = {fact.get("purl") for fact in facts}
        problems += run.problems
        if found != {wanted}:
            problems.append("%s instead of %s" % (found, wanted))
    # A list that inflates to more than any program has, and one that is cut.
    bombs = [zlib.compress(b"x" * (64 << 20)), packed[:-9], b"no list"]
    paths = [with_section(folder + "/app", ".dep-v0", bomb) for bomb in bombs]
    problems += ["%s" % (answer,) for answer in ask("-", paths) if answer != NONE]
    ok(rust_program.__doc__, problems)


require_sampling()
run_steps(
    running_programs,
    installed_files,
    sampled,
    dpkg_root,
    distroless_root,
    changed_files,
    in_chroot,
    in_mount_namespace,
    under_bind_mount,
    debootstrap_root,
    apk_root,
    elf_note,
    languages,
    long_lines,
    hostile_roots,
    hostile_roots_by_walk,
    go_program,
    go_stripped,
    rust_program,
)
