#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Marker strings in everything that names a person, a machine or a place: they occur in no output."""
import gzip
import hashlib
import sys
import zipfile

sys.dont_write_bytecode = True
from lib import *  # noqa
from cgroup_lib import *  # noqa

# Markers that are told apart: which of them got out?
MARKS = {
    word: "zq" + word + "canary"
    for word in ("path", "file", "name", "argument", "value", "host", "home", "user")
}
CONTAINER = "5ca1ab1e" * 8


def plant():
    """A program whose path, name and file are marked: it is named for the link that it is run by."""
    folder = os.path.join(WORK, MARKS["path"])
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, MARKS["name"][:15])
    if not os.path.lexists(path):
        shutil.copy(build("keeper"), os.path.join(folder, MARKS["file"]))
        os.symlink(MARKS["file"], path)
    return path


def run_marked(*arguments, folder, group=None, **settings):
    """Samples the marked program on a machine with a marked name; all outputs are asked for."""
    program = [RTSAMPLE]
    if IS_ROOT:
        script = 'hostname "$1" && shift && exec "$@"'
        program = ["unshare", "-u", "sh", "-c", script, "sh", MARKS["host"], RTSAMPLE]
    environment = dict(
        os.environ,
        MARKED=MARKS["value"],
        HOME="/home/" + MARKS["home"],
        USER=MARKS["user"],
        LOGNAME=MARKS["user"],
        **settings,
    )
    os.makedirs(folder)
    own = ["--metrics", os.path.join(folder, "metrics"), "--spool", os.path.join(folder, "spool")]
    own += ["--endpoint", "https://127.0.0.1:9/signals/runtime-facts/ndjson", "--callgraph-id", "c"]
    own += ["--scan-id", "s", "--union", os.path.join(folder, "union.zip")]
    spooling = dict(environment, Egress__Enabled="false")
    with Target(plant(), MARKS["argument"], env=environment) as target:
        if group:
            enter(group, target.pid)
        sampling = Sampling(
            "-d", 3, "-F", 499, *own, *arguments, "-p", target.pid, program=program, env=spooling
        )
        return sampling.finish(expect=None), sampling


def outputs(sampling, folder):
    """{what: bytes} of every file that the run wrote for others."""
    paths = [sampling.output_path, sampling.stats_path]
    for where, _, names in os.walk(folder):
        paths += [os.path.join(where, name) for name in names]
    found = {}
    for path in paths:
        with open(path, "rb") as file:
            data = file.read()
        if data.startswith(b"\x1f\x8b"):
            data = gzip.decompress(data)
        elif zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                data = b"".join(map(archive.read, archive.namelist()))
        found[path] = data + os.path.basename(path).encode()
    return found


def leaks(found):
    """The name of the file may stand in its field, and nowhere else."""
    for path, data in found.items():
        data = data.replace(b'"module":"%s"' % MARKS["file"].encode(), b"")
        for word, mark in MARKS.items():
            if mark[:15].encode() in data:
                yield "the %s is in %s" % (word, os.path.relpath(path, WORK))


def redacted():
    """by default no marker is in facts, account, metrics, union bundle or spool"""
    folder = os.path.join(WORK, "redacted")
    run, sampling = run_marked(folder=folder)
    found = outputs(sampling, folder)
    problems = list(leaks(found))
    if not run.facts:
        problems.append("there are no facts: " + run.stderr)
    if not any(fact["metadata"].get("module") == MARKS["file"] for fact in run.facts):
        problems.append("no fact has the name of the file")
    if not any("spool" in path for path in found):
        problems.append("nothing was spooled: " + run.stderr)
    if not any(path.endswith("union.zip") for path in found):
        problems.append("there is no union bundle: " + run.stderr)
    return problems


def opted_in():
    """--emit process: the name is in processName and nowhere else"""
    folder = os.path.join(WORK, "opted-in")
    run, sampling = run_marked("--emit", "process", folder=folder)
    found = outputs(sampling, folder)
    for path in found:
        found[path] = re.sub(rb'"processName":"[^"]*"', b"", found[path])
    problems = list(leaks(found))
    if {fact.get("processName") for fact in run.facts} != {MARKS["name"][:15]}:
        problems.append("the name is not in processName")
    return problems


def record(*arguments, folder):
    """{mark: is it in the trace?}, and what leaked into everything else."""
    trace = os.path.join(WORK, os.path.basename(folder) + ".data")
    run, sampling = run_marked("--record", trace, *arguments, folder=folder)
    problems = list(leaks(outputs(sampling, folder)))
    if not run.facts:
        problems.append("there are no facts: " + run.stderr)
    with open(trace, "rb") as file:
        data = file.read()
    if os.stat(trace).st_mode & 0o777 != 0o600:
        problems.append("others may read the trace")
    return {word for word, mark in MARKS.items() if mark[:15].encode() in data}, problems


def recorded():
    """--record: of the markers the trace has the path, the file and the name, and nothing else has any"""
    within, problems = record(folder=os.path.join(WORK, "recorded"))
    if within != {"path", "file", "name"}:
        problems.append("in the trace: %s" % sorted(within))
    return problems


def bundled(*options, folder, **marked):
    """The run, and {bundle: what is in it, unpacked}."""
    run, sampling = run_marked("--cas", os.path.join(folder, "cas"), "--record-full", *options, folder=folder, **marked)
    found, bundles = outputs(sampling, folder), {}
    for path in list(found):
        if path.endswith(".tar.zst"):
            unpacked = subprocess.run(["tar", "--zstd", "-xOf", path], capture_output=True)
            if unpacked.returncode != 0:
                raise Skip("tar does not unpack zstd here")
            bundles[path] = found[path] = unpacked.stdout
    if not bundles:
        raise Skip("no bundle was made: " + run.stderr)
    return run, found, bundles


def without_file(found, bundles):
    """The same, where the name of the file is passed over in bundles."""
    mark = MARKS["file"].encode()
    return {path: data.replace(mark, b"") if path in bundles else data for path, data in found.items()}


def in_bundles():
    """--cas: no marker but the name of the file, which facts have too, no path, kernel, thread or process is
    in a bundle, and memory was not asked for"""
    run, found, bundles = bundled(folder=os.path.join(WORK, "bundled"))
    problems = list(leaks(without_file(found, bundles))) + run.problems
    for path, data in bundles.items():
        host = os.uname().nodename.encode()
        # A short name stands in any such bytes by chance: then as traces and JSON would have it.
        hosts = [host] if len(host) >= 4 else [host.ljust(16, b"\0"), b'"%s"' % host]
        for words in (b"/usr/", b"/lib/", b"/tmp", os.uname().release.encode(), *hosts):
            if words in data:
                problems.append("%s is in %s" % (words, path))
        if data.count(b"buildid-") == 0:
            problems.append("no file is named by its build-id")
    return problems


def in_bundles_opted_in():
    """--cas --emit process: of the markers a bundle has the name beside that of the file"""
    run, found, bundles = bundled("--emit", "process", folder=os.path.join(WORK, "bundled-opted-in"))
    problems = list(run.problems)
    for path, data in bundles.items():
        within = {word for word, mark in MARKS.items() if mark[:15].encode() in data}
        if within != {"file", "name"}:
            problems.append("in the bundle: %s" % sorted(within))
    return problems


def hashed_container():
    """Privacy:HashContainerIds: only the digest of a container's id is in facts, bundles and all the rest"""
    found = hierarchies()
    if not found:
        raise Skip("no control group hierarchy is writable here")
    group = make_group(found[0][1], "docker/" + CONTAINER)
    folder = os.path.join(WORK, "hashed")
    run, found, bundles = bundled(folder=folder, group=group, Privacy__HashContainerIds="true")
    problems = list(leaks(without_file(found, bundles))) + run.problems
    problems += ["the id is in " + path for path, data in found.items() if CONTAINER[:12].encode() in data]
    digest = hashlib.sha256(CONTAINER.encode()).hexdigest()
    if {fact["metadata"].get("containerId", fact.get("containerId")) for fact in run.facts} != {digest}:
        problems.append("the digest is not in the facts")
    return problems


def recorded_in_full():
    """--record-full: memory of the stack is in the trace, with what lies there, and nowhere else"""
    stack = ["--record-full", "--call-graph", "dwarf,65528"]
    within, problems = record(*stack, folder=os.path.join(WORK, "full"))
    # That is what tells that the search of the other step can find it.
    if not {"argument", "value", "home", "user"} <= within:
        problems.append("in the trace: %s" % sorted(within))
    if "host" in within:
        problems.append("the name of the machine is in the trace")
    return problems


require_sampling()
run_steps(redacted, opted_in, in_bundles, in_bundles_opted_in, hashed_container, recorded, recorded_in_full)
