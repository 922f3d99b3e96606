# SPDX-License-Identifier: Apache-2.0
"""Packages that rpm itself makes and installs, in roots of their own, for scenarios."""
import functools
import urllib.parse

from package_lib import *  # noqa

SPEC = """
Name: %(name)s
Version: %(version)s
Release: %(release)s
%(fields)s
Summary: test
License: none
AutoReqProv: no
%%description
test
%%install
cp -r %(folder)s/root/. %%{buildroot}/
%%files
%(files)s
"""
LISTER = os.path.join(os.path.dirname(QUERY), "rtsample-rpm")
STORE = "var/lib/rpm"


def require_rpm():
    need("rpm", "rpmbuild")
    if not os.path.exists(LISTER):
        raise Skip("built without librpm")


def make_rpm(name, version, release, files, fields=""):
    """A package of {path: file to copy}."""
    folder = tempfile.mkdtemp(dir=WORK)
    os.chmod(folder, 0o755)
    for path, source in files.items():
        os.makedirs(os.path.dirname(folder + "/root" + path), exist_ok=True)
        shutil.copy(source, folder + "/root" + path)
    with open(folder + "/p.spec", "w", encoding="utf-8") as file:
        file.write(SPEC % dict(locals(), files="\n".join(files)))
    command = ["rpmbuild", "-bb", "--quiet"]
    for macro in (
        "_topdir " + folder,
        "_build_id_links none",
        "debug_package %{nil}",
        "__os_install_post %{nil}",
    ):
        command += ["--define", macro]
    made = subprocess.run(
        command + [folder + "/p.spec"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    for folder, _, names in os.walk(folder + "/RPMS"):
        for name in names:
            return os.path.join(folder, name)
    raise Skip("rpmbuild builds nothing here: " + made.stdout[-300:])


def rpm(root, *arguments, backend="sqlite"):
    command = ["rpm", "--root", root, "--dbpath", "/" + STORE, "--define", "_db_backend " + backend]
    return subprocess.run(
        command + list(arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def rpm_root():
    root = make_root("fedora", "39")
    shutil.rmtree(root + "/var/lib/dpkg")
    return root


def install(root, *packages, **options):
    how = ["--nodeps", "--ignorearch", "--ignoreos", "--nosignature", "--force"]
    result = rpm(root, "-U", *how, *packages, **options)
    if result.returncode != 0:
        raise Skip("rpm installs nothing here: " + result.stderr[-300:])


def expected(root, path):
    """The purl by what `rpm -qf` says."""
    form = "%{name}\t%{version}-%{release}\t%{arch}\t%{epoch}\n"
    said = rpm(root, "-qf", "--qf", form, path)
    if said.returncode != 0:
        return "-"
    name, version, arch, epoch = said.stdout.rstrip("\n").split("\t")
    purl = "pkg:rpm/fedora/%s@%s?arch=%s&distro=fedora-39" % (
        urllib.parse.quote(name, safe="~"),
        urllib.parse.quote(version, safe="~"),
        arch,
    )
    return purl + ("" if epoch in ("(none)", "0") else "&epoch=" + epoch)


PATHS = ["/usr/bin/app", "/usr/lib64/libx.so", "/lib64/libx.so", "/usr/bin/other", "/usr/bin/nobody"]


@functools.lru_cache
def first_root():
    program = build(PROGRAM)
    root = rpm_root()
    install(
        root,
        make_rpm("app", "1.2+x~rc1", "3.fc39", {"/usr/bin/app": program, "/lib64/libx.so": program}, "Epoch: 2"),
        make_rpm("c++other", "7", "1", {"/usr/bin/other": program}),
        make_rpm("gone", "7", "1", {"/usr/bin/gone": program}),
    )
    rpm(root, "-e", "gone")
    shutil.copy(program, root + "/usr/bin/nobody")
    return root


def two_packages():
    """A root with two packages of one program, one file that is nobody's, and one removed."""
    folder = tempfile.mkdtemp(dir=WORK)
    os.chmod(folder, 0o755)
    return shutil.copytree(first_root(), folder + "/root", symlinks=True)
