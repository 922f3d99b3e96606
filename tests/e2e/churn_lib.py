# SPDX-License-Identifier: Apache-2.0
"""Many different programs that come and go: for tests and measurements of what memory is bounded to.

make_programs() copies two programs of tests/programs/churn.c, one linked statically and one not, and
gives each copy a function name and a build-id of its own. Churn starts them one after the other.
Oracle says what facts of them, and of the distribution's libraries, must say: by readelf and dpkg.
"""
import hashlib
import os
import re
import shutil
import signal
import subprocess
import threading
import time

import lib

TEMPLATE_NAME = b"churn_worker_0000000"
NOTE = b"\x04\0\0\0\x14\0\0\0\x03\0\0\0GNU\0"

KEPT_FIELDS = ("symbolId", "codeId", "purl", "buildId")


def make_programs(count, folder):
    """Paths of `count` different programs."""
    templates = []
    for name in ("churn-static", "churn"):
        try:
            with open(lib.build(name), "rb") as file:
                templates.append(file.read())
        except lib.Skip:
            if name == "churn":
                raise
    os.makedirs(folder, exist_ok=True)
    os.chmod(folder, 0o755)
    paths = []
    for number in range(count):
        content = templates[number % len(templates)]
        at = content.index(NOTE) + len(NOTE)
        build_id = hashlib.sha1(b"churn %d" % number).digest()
        content = content[:at] + build_id + content[at + len(build_id) :]
        content = content.replace(TEMPLATE_NAME, b"churn_worker_%07d" % number)
        path = os.path.join(folder, "churn-%d" % number)
        with open(path, "wb") as file:
            file.write(content)
        os.chmod(path, 0o755)
        paths.append(path)
    return paths


class Churn:
    """Starts programs, `rate` a second, each of which uses `milliseconds` of CPU time, in an order
    that repeats after all had their turn. Used with `with`."""

    def __init__(self, paths, rate, milliseconds):
        self.paths, self.rate, self.milliseconds = paths, rate, milliseconds
        self.started = 0
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)

    def _run(self):
        living, due = set(), time.monotonic()
        while not self.ended.is_set():
            living = {pid for pid in living if os.waitpid(pid, os.WNOHANG)[0] == 0}
            if time.monotonic() < due or len(living) >= 4 * self.rate:
                self.ended.wait(0.2 / self.rate)
                continue
            due = max(due + 1 / self.rate, time.monotonic() - 1)
            path = self.paths[self.started % len(self.paths)]
            living.add(os.posix_spawn(path, [path, str(self.milliseconds)], os.environ))
            self.started += 1
        for pid in living:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *exception):
        self.ended.set()
        self.thread.join()


# --- what facts must say -------------------------------------------------------------------------


def build_id_of(path):
    text = subprocess.run(["readelf", "-nW", path], capture_output=True, text=True).stdout
    found = re.search(r"Build ID: ([0-9a-f]+)", text)
    return "gnu-build-id:" + found[1] if found else None


def names_of(path):
    """All function names of a file, as readelf has them, without versions."""
    text = subprocess.run(["readelf", "-sW", path], capture_output=True, text=True).stdout
    return {
        line.split()[7].partition("@")[0] for line in text.splitlines() if len(line.split()) > 7
    }


def package_of(path):
    """(name, version, architecture) by dpkg; None: it owns no such file."""
    for name in (path, path.replace("/usr/lib", "/lib", 1)):
        found = subprocess.run(["dpkg-query", "-S", name], capture_output=True, text=True)
        if found.returncode == 0:
            package = found.stdout.partition(": ")[0]
            form = "${Package} ${Version} ${Architecture}"
            shown = subprocess.run(["dpkg-query", "-Wf", form, package], capture_output=True, text=True)
            return tuple(shown.stdout.split())
    return None


def libraries_of(program):
    text = subprocess.run(["ldd", program], capture_output=True, text=True).stdout
    return sorted({os.path.realpath(path) for path in re.findall(r"(/\S+) \(0x", text)})


class Oracle:
    """Checks facts against readelf and dpkg: of every `step`-th program, and of these files."""

    def __init__(self, paths, step, files=()):
        self.names, self.packages, self.checked = {}, {}, 0
        self.own = {}
        for number, path in enumerate(paths):
            build_id = "gnu-build-id:" + hashlib.sha1(b"churn %d" % number).hexdigest()
            self.own[build_id] = "churn_worker_%07d" % number
            if number % step == 0:
                self.names[build_id] = names_of(path)
                self.packages[build_id] = None
                if build_id_of(path) != build_id:
                    raise RuntimeError("%s does not have its build-id" % path)
        for path in files:
            build_id = build_id_of(path)
            if build_id:
                # Where there is a debug file, names are also from there: then packages only.
                debug = "/usr/lib/debug/.build-id/%s/%s.debug" % (build_id[13:15], build_id[15:])
                if not os.path.exists(debug):
                    self.names[build_id] = names_of(path)
                if shutil.which("dpkg-query"):
                    self.packages[build_id] = package_of(path)

    def problems_of(self, fact):
        """Yields what is wrong with it."""
        build_id, name = fact["buildId"], fact["metadata"]["symbol"]
        source = fact["metadata"]["symbolSource"]
        # Not the program that ours are copied from: it may run for somebody else.
        if name.startswith("churn_worker_") and (build_id in self.own or name.encode() != TEMPLATE_NAME):
            self.checked += 1
            if self.own.get(build_id) != name:
                yield "%s is of %s, whose function is %s" % (name, build_id, self.own.get(build_id))
        if build_id in self.names and source in ("symtab", "dynsym"):
            self.checked += 1
            for one in [name] + fact["metadata"].get("aliases", "").split(","):
                if one and one not in self.names[build_id]:
                    yield "%s is no function of %s" % (one, build_id)
        if build_id in self.packages:
            self.checked += 1
            wanted, purl = self.packages[build_id], fact.get("purl")
            if wanted is None:
                if purl:
                    yield "%s of %s is said to be of %s" % (name, build_id, purl)
            elif not purl or not re.match(
                r"pkg:deb/[a-z]+/%s@%s\?arch=%s"
                % tuple(re.escape(quote(word)) for word in wanted),
                purl,
            ):
                yield "%s of %s is said to be of %s, not %s" % (name, build_id, purl, wanted)


def quote(word):
    """As in a purl."""
    return re.sub(r"[^A-Za-z0-9._~:-]", lambda found: "%%%02X" % ord(found[0]), word)


def lasting(fact):
    """(key, what every fact with it says, whenever and wherever it was seen). A function may be seen
    as itself and inlined, and functions of one file may have one name: these are keys of their own."""
    metadata = fact["metadata"]
    said = {key: fact.get(key) for key in KEPT_FIELDS}
    for key in ("buildIdFallback", "demangled", "idScheme", "packageModified", "symbol"):
        said[key] = metadata.get(key)
    return (fact["symbolId"], fact["codeId"], metadata["symbolSource"], metadata.get("aliases")), said
