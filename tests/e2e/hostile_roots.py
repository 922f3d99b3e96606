#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What an ordinary user shows in root directories of his own, or beside files of his own, becomes true
of nobody else's processes, and nobody else waits for it. The victim is a program that sorts in the C
library and begins after the attacker; what its facts say is compared with dpkg and with a run of the
victim alone."""
import sys

sys.dont_write_bytecode = True
from hostile_lib import *  # noqa
from package_lib import *  # noqa

skip_in("user", "sanitizers")

BUSY = """
#include <dlfcn.h>
#include <stdlib.h>
#include <unistd.h>
static int compare(const void *a, const void *b) { return *(int *)a - *(int *)b; }
static int numbers[20000];
int main(int count, char **words)
{
    void (*spin)(void) = 0;
    if (count > 2) {
        void *library = dlopen(words[2], RTLD_NOW);
        spin = library ? (void (*)(void))dlsym(library, "spin") : 0;
    }
    usleep((unsigned)atoi(words[1]) * 1000);
    for (;;) {
        for (int i = 0; i < 20000; i++)
            numbers[i] = rand();
        qsort(numbers, 20000, sizeof *numbers, compare);
        if (spin)
            spin();
    }
}
"""
SPIN = "void spin(void) { for (volatile long i = 0; i < 3000000; i++) continue; }\n"
OPTIONS = ("--emit", "process", "-F", 499)
CONTAINER = "deadbeef" * 8


def compiler():
    return os.environ.get("CC", "cc").split()[0]


def compile_text(path, text, *options):
    command = [compiler(), "-x", "c", "-", "-O1", "-o", path, *options]
    if subprocess.run(command, input=text, text=True, capture_output=True).returncode != 0:
        raise Skip("no program can be made with " + " ".join(options))
    return path


def busy():
    path = os.path.join(WORK, "busy")
    return path if os.path.exists(path) else compile_text(path, BUSY, "-ldl")


def busy_static():
    path = os.path.join(WORK, "busy-static")
    text = "int main(void) { for (volatile long i = 0;; i++) continue; }\n"
    return path if os.path.exists(path) else compile_text(path, text, "-static")


def libc():
    found = subprocess.run(["ldd", busy()], capture_output=True, text=True).stdout
    return os.path.realpath(re.search(r"=> (\S*/libc\.so\.\S+)", found).group(1))


def build_id_of(path):
    notes = subprocess.run(["readelf", "-n", path], capture_output=True, text=True).stdout
    return re.search(r"Build ID: ([0-9a-f]+)", notes).group(1)


def folder(name, mode=0o755):
    path = tempfile.mkdtemp(prefix=name, dir=WORK)
    os.chmod(path, mode)
    return path


def namespaced(script, *arguments, unshare="-Urm"):
    """A shell script of an ordinary user's in a user namespace of his own."""
    need_user_namespace()
    words = ["unshare", unshare, "sh", "-ec", script, "sh", *arguments]
    target = Target(*words, ready=False, preexec_fn=as_nobody)
    if not until(lambda: runs_it(target.pid)):
        target.stop()
        raise Skip("no root of one's own can be made here")
    return target


def runs_it(pid):
    try:
        with open("/proc/%d/comm" % pid, encoding="utf-8") as file:
            return file.read().startswith("busy")
    except OSError:
        return False


ROOT = """
mount -t tmpfs t "$1"; cd "$1"
mkdir -p etc var/lib/dpkg/info old tmp usr proc
printf 'ID=evilos\\n' >etc/os-release
"""
ENTER = """
cp "$2" tmp/busy; pivot_root . old; exec /tmp/busy 0
"""


def said_of(run, pid, build_id):
    """{function: what is said of it} of the victim in the library."""
    said = {}
    for fact in run.facts:
        if fact.get("processId") == pid and fact.get("buildId") == "gnu-build-id:" + build_id:
            metadata = fact["metadata"]
            known = [fact.get("purl"), *map(metadata.get, ("staleMapping", "symbolSource", "aliases", "demangled"))]
            said.setdefault(metadata["symbol"], set()).add(tuple(known))
    return said


def dpkg_package(path):
    need("dpkg")
    asked = subprocess.run(["dpkg", "-S", path], capture_output=True, text=True)
    if asked.returncode != 0:
        asked = subprocess.run(["dpkg", "-S", path.replace("/usr/lib", "/lib", 1)], capture_output=True, text=True)
    if asked.returncode != 0:
        raise Skip("dpkg does not know the C library")
    return asked.stdout.split(":")[0]


def with_victim(attackers=(), **more):
    """{way: run} of the victim beside attackers, who come first; run.said is what is said of its functions of
    libc."""
    with Target(busy(), 400 if attackers else 0, ready=False) as victim:
        minimum = 150 * (1 + len(attackers))
        runs = sample_ways(
            [*(attacker.pid for attacker in attackers), victim.pid], *OPTIONS,
            enough=lambda run: samples_in_all(run) >= minimum and samples_of(run, victim.pid) >= 100, **more,
        )  # fmt: skip
    for run in runs.values():
        run.said = said_of(run, victim.pid, build_id_of(libc()))
    return runs


alone = {}


def otherwise(said, package):
    """What is said of the victim's functions otherwise than alone, and than dpkg."""
    both, problems = set(said) & set(alone), []
    if not both & {"qsort_r", "qsort", "rand"}:
        problems.append("too little of the victim: %s" % sorted(said))
    for name in sorted(both):
        if said[name] != alone[name]:
            problems.append("%s: alone %s, then %s" % (name, alone[name], said[name]))
    for name, known in said.items():
        if any(package not in (purl or "") for purl, *_ in known):
            problems.append("%s is not of %s: %s" % (name, package, known))
    return problems


def compare(attackers, check=lambda run: [], **more):
    """What is wrong with the victim's facts beside attackers, however they are sampled, and what check(run)
    finds."""
    try:
        runs = with_victim(attackers, **more)
    finally:
        end_all(attackers)
    package = "/%s@" % dpkg_package(libc())
    return in_each(runs, lambda run: otherwise(run.said, package) + check(run))


def forged_debug_file(path):
    """A debug file that has the build-id of the C library, and names for its code that nobody gave."""
    if subprocess.run(["objcopy", "--only-keep-debug", libc(), path], capture_output=True).returncode != 0:
        raise Skip("objcopy does not do it")
    symbols = subprocess.run(["nm", "-D", "--defined-only", libc()], capture_output=True, text=True).stdout
    options = []
    headers = subprocess.run(["readelf", "-SW", libc()], capture_output=True, text=True).stdout
    base = int(re.search(r"\] \.text +\S+ +([0-9a-f]+)", headers).group(1), 16)
    for line in symbols.splitlines():
        words = line.split()
        if len(words) == 3 and re.match(r"(random|rand|qsort_r|qsort)(@|$)", words[2]):
            options += ["--add-symbol", "CVE_forged_%s=.text:%d,function,global" % (
                words[2].split("@")[0], int(words[0], 16) - base)]
    subprocess.run(["objcopy", *options, path], capture_output=True)
    return path


# ---- nobody speaks for others ----


def shown_usr_attack():
    path = libc()
    build_id = build_id_of(path)
    debug = forged_debug_file(os.path.join(folder("debug"), "forged.debug"))
    script = ROOT + """
mount --rbind /usr usr
for name in lib lib64 bin; do ln -s usr/$name $name; done
printf 'Package: evil\\nStatus: install ok installed\\nArchitecture: amd64\\nVersion: 6.6.6\\n\\n' >var/lib/dpkg/status
printf '%s\\n%s\\n' "$3" "${3#/usr}" >var/lib/dpkg/info/evil.list
mount -t tmpfs t usr/lib/debug && mkdir -p "usr/lib/debug/.build-id/$4" && cp "$6" "usr/lib/debug/.build-id/$4/$5.debug" || :
""" + ENTER
    if not os.path.isdir("/usr/lib/debug"):
        script = script.replace("mount -t tmpfs t usr/lib/debug", "false")
    return [namespaced(script, folder("root", 0o777), busy(), path, build_id[:2], build_id[2:], debug)]


def shown_usr():
    """a root that shows the host's /usr with a database and a debug file of its own says nothing of the host's libc"""
    return compare(
        shown_usr_attack(),
        lambda run: [str(fact) for fact in run.facts if "CVE_forged_" in str(fact) and "evil" not in str(fact)],
    )


def emptied_database_attack():
    script = 'mount -t tmpfs t /var/lib/dpkg/info; mount -t tmpfs t /usr/lib/debug || :; exec "$1" 0'
    return [namespaced(script, busy())]


def emptied_database():
    """nor does a view of the host's root in which dpkg's folder is empty"""
    return compare(emptied_database_attack())


def bound_elsewhere_attack():
    packages = os.path.join(folder("python"), "site-packages")
    info = os.path.join(packages, "evil-6.6.6.dist-info")
    os.makedirs(info)
    for name in ("bound.so", "copied.so"):
        open(os.path.join(packages, name), "w").close()
    shutil.copy(libc(), os.path.join(packages, "copied.so"))
    with open(os.path.join(info, "RECORD"), "w") as file:
        file.write("bound.so,,\ncopied.so,,\n")
    with open(os.path.join(info, "METADATA"), "w") as file:
        file.write("Name: evil\nVersion: 6.6.6\n\n")
    subprocess.run(["chmod", "-R", "a+rX", os.path.dirname(packages)], check=True)
    os.symlink("copied.so", os.path.join(packages, "libc.so.6"))
    bound = namespaced('mount --bind "$1" "$2"; exec "$3" 0 "$2"', libc(), packages + "/bound.so", busy())
    copied = Target("env", "LD_LIBRARY_PATH=" + packages, busy(), 0, ready=False, preexec_fn=as_nobody)
    return [bound, copied]


def bound_elsewhere():
    """nor does the host's libc itself at another path, among Python's packages, or its bytes in another file"""
    return compare(bound_elsewhere_attack())


def chroot_above_attack():
    interpreter = "/usr/lib64/" + os.path.basename(os.path.realpath("/lib64/ld-linux-x86-64.so.2"))
    if not os.path.exists(interpreter):
        raise Skip("/usr is not merged")
    need_user_namespace()
    # A shell, since others want what is not there, such as /dev/null.
    words = ["unshare", "-Ur", "chroot", "/usr", "/bin/sh", "-c", "while :; do test x$((i += 1)) = y; done"]
    return [Target(*words, ready=False, preexec_fn=as_nobody)]


def chroot_above():
    """nor does a chroot into /usr, where no database is"""
    return compare(chroot_above_attack())


# ---- nobody reads through us ----


def need_rights_of_others():
    if not IS_ROOT:
        raise Skip("who is not root has no other rights than the target")


def secret_attack():
    need_rights_of_others()
    secret = folder("private", 0o700)
    texts = {"json": '{"name":"aurora-secret","version":"9.9"}', "meta": "Name: aurora-secret\nVersion: 9.9\n\n",
             "os": "ID=aurora-secret\n"}
    for name, text in texts.items():
        with open(os.path.join(secret, name), "w") as file:
            file.write(text)
        os.chmod(os.path.join(secret, name), 0o600)
    top = folder("own")
    module = os.path.join(top, "node_modules/x/m.node")
    packages = os.path.join(top, "site-packages/x-1.dist-info")
    os.makedirs(os.path.dirname(module))
    os.makedirs(packages)
    compile_text(module, SPIN, "-shared", "-fPIC")
    extension = shutil.copy(module, os.path.join(top, "site-packages/x.so"))
    os.symlink(secret + "/json", os.path.join(top, "node_modules/x/package.json"))
    os.symlink(secret + "/meta", packages + "/METADATA")
    with open(packages + "/RECORD", "w") as file:
        file.write("x.so,,\n")
    root = ROOT + 'rm etc/os-release; mkdir s; mount --bind "$3" s; ln -s ../s/os etc/os-release; ' \
        "printf 'Package: x\\nStatus: install ok installed\\nArchitecture: all\\nVersion: 1\\n\\n' >var/lib/dpkg/status; " \
        "echo /tmp/busy >var/lib/dpkg/info/x.list" + ENTER
    own = [Target(busy(), 0, path, ready=False, preexec_fn=as_nobody) for path in (module, extension)]
    own.append(namespaced(root, folder("root", 0o777), busy_static(), secret))
    return own


def links_to_secrets():
    """what only root may read leaves in no fact: package.json, METADATA and os-release that lead to it"""

    def check(run):
        problems = []
        if b"aurora" in run.output or "aurora" in run.stderr:
            problems.append("it is in the facts")
        if sum(1 for fact in run.facts if fact["metadata"]["symbol"] == "spin") < 2:
            problems.append("the attackers are not sampled: " + run.summary())
        return problems

    return compare(secret_attack(), check)


def secret_names():
    """nor do the functions of a debug file that only root may read, by a link, by its group or by its folder"""
    need_rights_of_others()
    text = SPIN.replace("void spin", "static __attribute__((noinline)) void aurora_secret") + \
        "int main(void) { for (;;) aurora_secret(); }\n"
    attackers, expected = [], []
    for name, mode, folder_mode in (("mine", 0o644, 0o755), ("link", 0o600, 0o755), ("group", 0o640, 0o755),
                                    ("hidden", 0o644, 0o700)):
        top, private = folder(name), folder("private-" + name, folder_mode)
        program, debug = os.path.join(top, name), os.path.join(private, name + ".debug")
        compile_text(program, text, "-Wl,--build-id=none")
        for command in (["objcopy", "--only-keep-debug", program, debug], ["objcopy", "--strip-all", program],
                        ["objcopy", "--add-gnu-debuglink=" + debug, program]):
            subprocess.run(command, check=True)
        os.chmod(debug, mode)
        os.symlink(private, os.path.join(top, ".debug"))
        attackers.append(Target(program, ready=False, preexec_fn=as_nobody))
        expected.append((attackers[-1].pid, name == "mine"))

    def check(run):
        problems = []
        for pid, may in expected:
            names = {fact["metadata"]["symbol"] for fact in run.facts if fact.get("processId") == pid}
            if not names or ("aurora_secret" in names) != may:
                problems.append("%s names: %s" % ("its own" if may else "what it may not read", sorted(names)))
        return problems

    return compare(attackers, check)


def unreadable_program():
    """nor what is in a program that may be run by everybody, and read by root alone"""
    need_rights_of_others()
    text = SPIN.replace("void spin", "__attribute__((noinline)) void aurora_secret") + \
        "int main(void) { for (;;) aurora_secret(); }\n"
    program = compile_text(os.path.join(folder("unreadable"), "program"), text)
    os.chmod(program, 0o711)
    attacker = Target(program, ready=False, preexec_fn=as_nobody)

    def check(run):
        problems = ["it is in the facts"] if b"aurora" in run.output or "aurora" in run.stderr else []
        return problems + ([] if samples_of(run, attacker.pid) else ["it is not sampled"])

    return compare([attacker], check)


def doors_attack():
    script = ROOT + """
mount --rbind /proc proc; mkdir -p lib/apk/db usr/lib/sysimage/rpm var/lib/rpm
rm etc/os-release; ln -s /proc/kmsg etc/os-release; mkfifo var/lib/dpkg/status var/lib/dpkg/diversions
ln -s /proc/self/environ lib/apk/db/installed; ln -s /proc/kmsg var/lib/rpm/Packages
truncate -s 1T usr/lib/sysimage/rpm/rpmdb.sqlite
""" + ENTER
    top = folder("linked")
    program = os.path.join(top, "program")
    compile_text(program, BUSY, "-ldl", "-Wl,--build-id=none", "-s")
    with open(os.path.join(top, "link"), "wb") as file:
        file.write(b"kmsg\0\0\0\0\1\2\3\4")
    subprocess.run(["objcopy", "--add-section", ".gnu_debuglink=" + top + "/link", program], check=True)
    os.symlink("/proc", os.path.join(top, ".debug"))
    return [namespaced(script, folder("root", 0o777), busy_static()),
            Target(program, 0, ready=False, preexec_fn=as_nobody)]  # fmt: skip


def doors():
    """procfs, devices and FIFOs in place of databases and debug files are not opened, nor waited for"""
    if not shutil.which("strace"):
        raise Skip("strace is not installed")
    log = os.path.join(WORK, "doors{way}.strace")
    attackers = doors_attack()
    try:
        runs = sample_ways([attacker.pid for attacker in attackers], *OPTIONS, enough=lambda run: samples_in_all(run) >= 20,
                           program=strace(log, "-y", "-e", "trace=open,openat,openat2"))  # fmt: skip
    finally:
        end_all(attackers)
    problems = in_each(runs, lambda run: [])
    for way in runs:
        with open(log.replace("{way}", way), encoding="utf-8", errors="replace") as file:
            opened = [line for line in file if re.search(r"= \d+<(/proc/kmsg|/proc/\d+/environ|/dev/zero)>", line)
                      and "O_PATH" not in line
                      # The sanitizers read their options there.
                      and 'open("/proc/self/environ"' not in line]  # fmt: skip
        problems += ["%s: %s" % (way, line) for line in opened[:3]]
    return problems


# ---- nobody uses up what is shared ----


def endless_database_attack():
    script = ROOT + """
truncate -s 1G var/lib/dpkg/info/p0.list
i=0; while [ $i -lt 200 ]; do
    printf 'Package: p%d\\nStatus: install ok installed\\nArchitecture: amd64\\nVersion: 1\\n\\n' $i
    [ $i = 0 ] || ln var/lib/dpkg/info/p0.list var/lib/dpkg/info/p$i.list; i=$((i + 1))
done >var/lib/dpkg/status
""" + ENTER
    return [namespaced(script, folder("root", 0o777), busy_static())]


def endless_database():
    """a database of two hundred lists of 1 GiB keeps the victim from nothing; it is said and counted"""

    def check(run):
        own, said = run.stats["self"]["packages"], run.stderr.count("packages stay unknown: ")
        # With -a there may be somebody else's.
        if own["unreadable_databases"] < 1 or not said or said > own["unreadable_databases"]:
            return ["it is not said once and counted: %s, %s" % (own, run.stderr)]
        return []

    return compare(endless_database_attack(), check)


DAMAGED_ROOTS = 5


def many_roots_attack():
    script = ROOT + 'mkdir -p var/lib/rpm; head -c 9999 /dev/urandom >var/lib/rpm/rpmdb.sqlite' + ENTER
    return [namespaced(script, folder("root", 0o777), busy_static()) for _ in range(DAMAGED_ROOTS)]


def many_roots():
    """damaged databases of rpm in one root after the other are given up for each, and not for the victim"""

    def check(run):
        roots = re.findall(r"packages of rpm stay unknown: .*\(root ([0-9a-f]+)\)", run.stderr)
        if "rtsample-rpm, which" in run.stderr or len(set(roots)) == len(roots) >= DAMAGED_ROOTS:
            return []
        return ["%d roots, and it is said of %s" % (DAMAGED_ROOTS, roots)]

    return compare(many_roots_attack(), check)


def growing_json_attack():
    top = folder("growing")
    module, package = os.path.join(top, "node_modules/x/m.node"), os.path.join(top, "node_modules/x/package.json")
    os.makedirs(os.path.dirname(module))
    compile_text(module, SPIN, "-shared", "-fPIC")
    with open(package, "w") as file:
        file.write('{"a":[1' + ",1" * 450000)
    os.chmod(package, 0o666)
    grower = """
import ctypes, os, sys, time
inotify = ctypes.CDLL(None)
fd = inotify.inotify_init()
inotify.inotify_add_watch(fd, sys.argv[1].encode(), 0x20)
os.read(fd, 4096)
file = os.open(sys.argv[1], os.O_WRONLY | os.O_APPEND)
for _ in range(200):
    os.write(file, b",1" * (1 << 19))
time.sleep(60)
"""
    return [Target(sys.executable, "-c", grower, package, ready=False, preexec_fn=as_nobody),
            Target(busy(), 300, module, ready=False, preexec_fn=as_nobody)]  # fmt: skip


def growing_json():
    """a package.json that grows as soon as it is opened is read to its limit and no further"""
    if not LONG:
        raise Skip("RTSAMPLE_LONG=1 writes 200 MiB for it")

    def check(run):
        peak = run.stats["self"]["peak_rss_kib"]
        return ["%d KiB at the peak" % peak] if peak > 200 << 10 else []

    return compare(growing_json_attack(), check)


def sparse_debug_link_attack():
    top = folder("sparse")
    program, huge = os.path.join(top, "program"), os.path.join(top, "huge.debug")
    compile_text(program, BUSY, "-ldl", "-Wl,--build-id=none", "-s")
    subprocess.run(["objcopy", "--only-keep-debug", program, huge], check=True)
    subprocess.run(["objcopy", "--add-gnu-debuglink=" + huge, program], check=True)
    os.truncate(huge, 1000 << 20)
    if IS_ROOT:
        os.chown(huge, 65534, 65534)
    attacker = Target(program, 0, ready=False, preexec_fn=as_nobody)
    attacker.huge = huge
    return [attacker]


def sparse_debug_link():
    """debug links to files of a GiB, which cost nothing, are not read for their checksums"""
    if not shutil.which("strace"):
        raise Skip("strace is not installed")
    (attacker,) = sparse_debug_link_attack()
    log = os.path.join(WORK, "sparse{way}.strace")
    try:
        runs = sample_ways([attacker.pid], *OPTIONS, enough=lambda run: samples_in_all(run) >= 20,
                           program=strace(log, "-P", attacker.huge, "-e", "trace=pread64,read"))  # fmt: skip
    finally:
        attacker.stop()
    problems = in_each(runs, lambda run: [])
    for way in runs:
        with open(log.replace("{way}", way), encoding="utf-8", errors="replace") as file:
            reads = sum(1 for _ in file)
        problems += ["%s: %d reads of it" % (way, reads)] if reads > 200 else []
    return problems


# ---- whose container it is ----


def forged_containers_attack():
    top = folder("claims")
    scripts = []
    for where, point in (("var/lib/docker/containers/%s/hostname", "/etc/hostname"),
                         ("x-containers/%s/userdata/.containerenv", "/run/.containerenv")):
        path = os.path.join(top, where % CONTAINER)
        os.makedirs(os.path.dirname(path))
        open(path, "w").close()
        prepare = "" if os.path.exists(point) else 'mount -t tmpfs t "$(dirname "$2")"; : >"$2"; '
        scripts.append((prepare + 'mount --bind "$1" "$2"; exec "$3" 0', path, point))
    subprocess.run(["chmod", "-R", "a+rX", top], check=True)
    return [namespaced(script, path, point, busy()) for script, path, point in scripts]


def forged_containers():
    """what is mounted in a user namespace of one's own names no container: docker's and podman's way"""
    return compare(
        forged_containers_attack(),
        lambda run: ["they are in the container"] if CONTAINER.encode() in run.output else [],
    )


if __name__ == "__main__":
    require_sampling()
    alone.update(next(iter(with_victim().values())).said)
    run_steps(shown_usr, emptied_database, bound_elsewhere, chroot_above, links_to_secrets, secret_names,
              unreadable_program, doors, endless_database, many_roots, growing_json, sparse_debug_link,
              forged_containers)
