# SPDX-License-Identifier: Apache-2.0
"""Asking for packages, and roots to ask about, for scenarios."""
from lib import *  # noqa

QUERY = os.path.join(os.environ.get("top_builddir", "."), "tests/unit/package/package_query")
LONG = bool(os.environ.get("RTSAMPLE_LONG"))
PROGRAM = "chain-static"
NONE = ("-", "-", "-")


def ask(root, questions):
    """[(purl, staleMapping, modified)]"""
    result = subprocess.run(
        [QUERY, root], input="".join(q + "\n" for q in questions), stdout=subprocess.PIPE, text=True
    )
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
