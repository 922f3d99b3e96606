#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""metadata.module: the name of the file that a function is in, as the process has it mapped."""
import sys

sys.dont_write_bytecode = True
from lib import *  # noqa
from package_lib import mapped_files

skip_in("user")


def modules(run, symbol):
    return {fact["metadata"].get("module") for fact in run.find(symbol)}


def defines(path, symbol):
    """Has the file a symbol of that name, as nm says?"""
    for option in ([], ["-D"]):
        text = subprocess.run(["nm", *option, path], capture_output=True, text=True).stdout
        if re.search(r" [a-zA-Z] %s(@|$)" % re.escape(symbol), text, re.M):
            return True
    return False


def libraries():
    """every function is in the file of its name, as nm says; all names are those of mapped files"""
    code = "import zlib,os\nd=os.urandom(9999)\nwhile 1: zlib.compress(d); sorted(map(str, range(999)))"
    with Target(system_program("python3"), "-c", code, ready=False) as target:
        time.sleep(0.5)
        run = sample_enough("-p", target.pid, "-F", 499)
        paths = {os.path.basename(path): path for path in mapped_files(target.pid)}
    problems, checked = list(run.problems), set()
    for fact in run.facts:
        metadata = fact["metadata"]
        name = metadata.get("module")
        if name not in paths and name != "[vdso]":
            problems.append("no file of the name %r is mapped" % name)
        elif metadata["symbolSource"] == "dynsym" and (name, metadata["symbol"]) not in checked:
            checked.add((name, metadata["symbol"]))
            if not defines(paths[name], metadata["symbol"]):
                problems.append("%s is not in %s" % (metadata["symbol"], name))
    if len({name for name, _ in checked}) < 2:
        problems.append("there are too few files: %s" % checked)
    return problems


NAMES = [b"plain", b"two words", b'quote"d\\', "h\u00e9t\u00e9".encode(), b"bad\xff\xfebytes", b"line\nbreak", b"x (deleted)"]


def odd_names():
    """names that JSON has to escape, and bytes that are no UTF-8"""
    problems = []
    for name in NAMES:
        folder = tempfile.mkdtemp(dir=WORK).encode()
        path = os.path.join(folder, name)
        shutil.copy(build("chain-O0-fp"), path)
        process = subprocess.Popen([path], stdout=subprocess.DEVNULL, start_new_session=True)
        at_end(process.wait)
        at_end(process.kill)
        trace = os.path.join(WORK, "odd.data")
        until(lambda: os.readlink(b"/proc/%d/exe" % process.pid) == path)
        run = sample_enough("-p", process.pid, "-F", 499, "--record", trace)
        process.kill()
        # The kernel puts that behind the name of a file that is gone: nobody can tell the two apart.
        wanted = name[: -len(b" (deleted)")] if name.endswith(b" (deleted)") else name
        found = modules(run, "spin")
        if found != {wanted.decode("utf-8", "replace")}:
            problems.append("%r is called %s" % (name, found))
        problems += run.problems + replay_differs(run, trace)
    return problems


def two_names():
    """copies and links of a file have the names that their processes know"""
    first, folder = copy_of("chain-O0-fp", "first"), os.path.dirname(copy_of("chain-O0-fp"))
    second, third = os.path.join(folder, "second"), os.path.join(folder, "third")
    shutil.copy(first, second)
    os.link(first, third)
    trace = os.path.join(WORK, "two.data")
    with Target(first) as one, Target(second) as two, Target(third) as three:
        run = sample_enough(
            *("-p", "%d,%d,%d" % (one.pid, two.pid, three.pid), "-F", 499, "--record", trace, "--emit", "process"),
            minimum=200,
        )
        names = {one.pid: "first", two.pid: "second", three.pid: "third"}
    problems = run.problems + replay_differs(run, trace, "--emit", "process")
    for fact in run.find("spin"):
        if fact["metadata"]["module"] != names[fact["processId"]]:
            problems.append("%s is called %s" % (names[fact["processId"]], fact["metadata"]["module"]))
    if modules(run, "spin") != set(names.values()):
        problems.append("not all are seen: %s" % modules(run, "spin"))
    return problems


def no_file():
    """a deleted file keeps its name, and the vDSO has the kernel's"""
    path = copy_of("vdso", "gone")
    with Target(path) as target:
        os.unlink(path)
        run = sample_enough("-p", target.pid, "-F", 499)
    names = {fact["metadata"].get("module") for fact in run.facts}
    wanted = {"gone", "[vdso]"}
    return run.problems + ([] if wanted <= names else ["there are %s" % names])


def bundled():
    """a bundle, in which files go by their build-ids, gives the same names, from files of other names"""
    folder, there = (tempfile.mkdtemp(dir=WORK) for _ in range(2))
    with Target(build("chain-O0-fp")) as target:
        run = sample_enough("-p", target.pid, "-F", 499, "--cas", folder)
    uris = {fact.get("evidenceUri") for fact in run.facts}
    listed = subprocess.run(["ldd", build("chain-O0-fp")], capture_output=True, text=True).stdout
    for number, path in enumerate([build("chain-O0-fp"), *re.findall(r"/\S+", listed)]):
        shutil.copy(path, os.path.join(there, "copy-%d" % number))
    if len(uris) != 1 or None in uris:
        raise Skip("no bundle was made: %s %s" % (uris, run.stderr))
    command = [RTSAMPLE, "replay", "-o", "-", "--symfs", there, "--cas", folder, uris.pop()]
    result = subprocess.run(command, capture_output=True, env=dict(os.environ, HOME=WORK))
    problems = list(run.problems)
    if result.stdout != run.output:
        problems.append("the replay is not the same: %s" % result.stderr.decode()[-500:])
    if modules(run, "spin") != {"chain-O0-fp"}:
        problems.append("it is called %s" % modules(run, "spin"))
    return problems


require_sampling()
run_steps(libraries, odd_names, two_names, no_file, bundled)
