# SPDX-License-Identifier: Apache-2.0
"""Asking for packages, and roots to ask about, for scenarios."""
import urllib.parse

from lib import *  # noqa

QUERY = os.path.join(os.environ.get("top_builddir", "."), "tests/unit/package/package_query")
LONG = bool(os.environ.get("RTSAMPLE_LONG"))
PROGRAM = "chain-static"
NONE = ("-", "-", "-")


# Runs a command as on kernels before 5.6.
WITHOUT_OPENAT2 = ["/usr/bin/python3", os.path.join(HERE, "seccomp_run.py"), "--refuse", "ENOSYS", "openat2"]


def ask(root, questions, under=()):
    """[(purl, staleMapping, modified)]; `under`: a command that runs what asks."""
    asked = "".join(question + "\n" for question in questions)
    result = subprocess.run([*under, QUERY, root], input=asked, stdout=subprocess.PIPE, text=True)
    if under and result.returncode in (77, 127):
        raise Skip("python3-seccomp is not installed")
    if result.returncode != 0:
        raise RuntimeError("package_query ended with %d" % result.returncode)
    return [tuple(line.split("\t")) for line in result.stdout.splitlines()]


def need(*tools):
    for tool in tools:
        if not shutil.which(tool):
            raise Skip(tool + " is not installed")


def make_root(identifier="debian", version="12", merged=True):
    """An empty root of a distribution, with the folders of dpkg's database."""
    root = tempfile.mkdtemp(dir=WORK)
    os.chmod(root, 0o755)
    for folder in ("var/lib/dpkg/info", "var/lib/dpkg/updates", "etc", "usr/lib", "usr/bin", "usr/lib64", "mnt"):
        os.makedirs(os.path.join(root, folder))
    for name in ("lib", "bin", "lib64"):
        if merged:
            os.symlink("usr/" + name, os.path.join(root, name))
    for name in ("status", "available"):
        open(os.path.join(root, "var/lib/dpkg", name), "w", encoding="utf-8").close()
    with open(root + "/etc/os-release", "w", encoding="utf-8") as file:
        file.write('NAME="Test"\nID=%s\nVERSION_ID="%s"\n' % (identifier, version))
    return root


def mapped_files(pid):
    with open("/proc/%d/maps" % pid, encoding="utf-8") as file:
        for line in file:
            fields = line.rstrip("\n").split(None, 5)
            if "x" in fields[1] and len(fields) == 6 and fields[5].startswith("/"):
                yield fields[5]


def own_distribution():
    with open("/etc/os-release", encoding="utf-8") as file:
        return re.search(r'^ID="?([a-z]+)', file.read(), re.M).group(1)


# --- What dpkg says ------------------------------------------------------------------------------


def dpkg(root, *argv):
    # Before dpkg 1.21 dpkg-query has no --root.
    own_root = [] if root == "-" else ["--admindir=%s/var/lib/dpkg" % root]
    command = [argv[0]] + own_root + list(argv[1:])
    environment = dict(os.environ, LC_ALL="C")
    return subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment, text=True
    ).stdout


def spellings(root, path):
    """The ways to write a path where / has links into /usr."""
    found = [path]
    top = "/" if root == "-" else root + "/"
    for folder in ("bin", "sbin", "lib", "lib32", "lib64", "libx32"):
        if not os.path.islink(top + folder):
            continue
        if path.startswith("/usr/%s/" % folder):
            found.append(path[4:])
        if path.startswith("/%s/" % folder):
            found.append("/usr" + path)
    return found


def owners(root, paths):
    """{path: {package[:arch]}}, of all that `dpkg -S` knows. Of two that have a path in their lists
    it is of the one that diverts the other's file."""
    known, diverted = {}, {}
    paths = sorted({name for path in paths for name in spellings(root, path)})
    for start in range(0, len(paths), 500):
        for line in dpkg(root, "dpkg", "-S", *paths[start : start + 500]).splitlines():
            names, _, path = line.partition(": ")
            diversion = re.match("diversion by (.*) from$", names)
            if diversion:
                diverted[path] = diversion.group(1)
            elif not names.startswith("diversion by"):
                known.setdefault(path, set()).update(names.split(", "))
    for path, name in diverted.items():
        known[path] = {owner for owner in known.get(path, ()) if owner.split(":")[0] == name} or known.get(path, set())
    return known


def versions(root):
    """{package and package:arch: (name, arch, version)}"""
    known = {}
    form = "${Package}\t${Architecture}\t${Version}\n"
    for line in dpkg(root, "dpkg-query", "-W", "-f", form).splitlines():
        name, arch, version = line.split("\t")
        known[name + ":" + arch] = known[name] = (name, arch, version)
    return known


def expected(root, paths, distribution):
    """What the purl of each path has to be."""
    owned, known = owners(root, paths), versions(root)
    wanted = {}
    for path in paths:
        names = set()
        for spelling in spellings(root, path):
            names |= owned.get(spelling, set())
        wanted[path] = "-"
        if len(names) == 1:
            name, arch, version = known[names.pop()]
            wanted[path] = "pkg:deb/%s/%s@%s?arch=%s" % (
                distribution,
                urllib.parse.quote(name, safe=""),
                urllib.parse.quote(version, safe=":"),
                arch,
            )
    return wanted


# --- Packages -------------------------------------------------------------------------------------


def make_deb(name, version, files, arch="amd64", fields=""):
    """A package of {path: file to copy}."""
    folder = tempfile.mkdtemp(dir=WORK)
    os.chmod(folder, 0o755)
    os.makedirs(folder + "/DEBIAN")
    sums = []
    for path, source in sorted(files.items()):
        os.makedirs(os.path.dirname(folder + path), exist_ok=True)
        shutil.copy(source, folder + path)
        sums.append(subprocess.check_output(["md5sum", path[1:]], cwd=folder, text=True))
    with open(folder + "/DEBIAN/control", "w", encoding="utf-8") as file:
        file.write(
            "Package: %s\nVersion: %s\nArchitecture: %s\nMaintainer: none <none@example.org>\n"
            "Description: test\n%s" % (name, version, arch, fields)
        )
    with open(folder + "/DEBIAN/md5sums", "w", encoding="utf-8") as file:
        file.writelines(sums)
    path = os.path.join(WORK, "%s_%s_%s.deb" % (name, version.replace(":", "_"), arch))
    subprocess.run(
        ["dpkg-deb", "--root-owner-group", "-Znone", "-b", folder, path],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return path


def install(root, *debs):
    result = subprocess.run(
        ["dpkg", "--root=" + root, "--log=/dev/null", "--force-all", "--force-unsafe-io"]
        + ["-i", *debs],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=dict(os.environ, PATH=os.environ["PATH"] + ":/usr/sbin:/sbin"),
    )
    if result.returncode != 0:
        raise Skip("dpkg installs nothing here: " + result.stdout[-300:])
