#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Bundles: each fact names one that is there, whose replay gives that fact; tar, zstd and jq read it;
what was changed is refused; and where none can be made the facts come without."""
import collections
import hashlib
import resource
import sys

sys.dont_write_bytecode = True
from delivery_lib import *  # noqa

skip_in("user", "sanitizers")

RATE = 499
OFTEN = {"Ingest": {"FlushIntervalMs": 200}}


def new_folder():
    return os.path.join(tempfile.mkdtemp(dir=WORK), "cas")


def settings_file(**sections):
    path = os.path.join(tempfile.mkdtemp(dir=WORK), "settings.json")
    with open(path, "w") as file:
        json.dump({**OFTEN, **sections}, file)
    return path


def path_of(folder, uri):
    return os.path.join(folder, uri[len("cas://") :])


def by_bundle(data):
    """{URI or None: the lines that name it, in their order}"""
    lines = collections.OrderedDict()
    for line in data.splitlines(True):
        lines.setdefault(json.loads(line).get("evidenceUri"), []).append(line)
    return lines


def bundles_below(folder):
    """The paths of all files there; and which of them are not what their names say."""
    paths, problems = [], []
    for where, _, names in os.walk(folder):
        paths += [os.path.join(where, name) for name in names]
    for path in paths:
        name = os.path.basename(path)
        with open(path, "rb") as file:
            digest = hashlib.sha256(file.read()).hexdigest()
        if name != digest + ".tar.zst" or os.path.basename(os.path.dirname(path)) != digest[:2]:
            problems.append("%s has the digest %s" % (path, digest))
    return paths, problems


def libraries():
    """A folder with copies of what the program maps, under other names: nothing else is to be gone
    through for them."""
    folder = os.path.join(WORK, "libraries")
    if not os.path.isdir(folder):
        os.mkdir(folder)
        program = build("chain-O2-nofp")
        listed = subprocess.run(["ldd", program], capture_output=True, text=True).stdout
        for number, path in enumerate([program, *re.findall(r"/\S+", listed)]):
            shutil.copy(path, os.path.join(folder, "copy-%d" % number))
    return folder


def replay(name, *options, symfs=None):
    command = [RTSAMPLE, "replay", "-o", "-", "--symfs", symfs or libraries(), *options, name]
    # Without what perf may have kept of our files in the home.
    return subprocess.run([str(word) for word in command], capture_output=True, env=dict(os.environ, HOME=WORK))


def check_replays(folder, data, *options):
    """Each bundle gives the lines that name it, byte for byte."""
    for uri, lines in by_bundle(data).items():
        if uri is None:
            yield "%d facts name no bundle" % len(lines)
            continue
        result = replay(uri, "--cas", folder, *options)
        if result.returncode != 0:
            yield "replay: %s" % result.stderr.decode()
        elif result.stdout != b"".join(lines):
            yield "%s: %d lines in the run, %d in the replay" % (uri, len(lines), result.stdout.count(b"\n"))


# --- Shape ---------------------------------------------------------------------------------------


def run_in_segments(*options, sampler=()):
    """(folder, run): a run of several segments."""
    folder = new_folder()
    config = settings_file(Sampler=dict(sampler))
    with Target(build("chain-O2-nofp")) as target:
        run = sample_enough(
            *("-c", config, "-p", target.pid, "-F", RATE, "--cas", folder, "--segment", "16K"),
            *("--analysis-id", "an \"analysis\"", *options),
            private=() if options else [target.pid],
            seconds=(1.5, 5, 15),
        )
    return folder, config, run


def facts_and_bundles():
    folder, config, run = run_in_segments()
    paths, problems = bundles_below(folder)
    wanted = [path_of(folder, uri) for uri in by_bundle(run.output) if uri]
    if not set(wanted) <= set(paths):
        problems.append("facts name %s, there are %s" % (wanted, paths))
    if len(paths) < 2:
        problems.append("one segment: %s" % run.stderr)
    problems += run.problems + list(check_replays(folder, run.output, "-c", config))
    ok("%d facts name %d bundles, whose replays give them, byte for byte" % (len(run.facts), len(paths)), problems)
    return folder, config, run


def with_guards():
    """Guards that bite, and what a process is called."""
    folder, config, run = run_in_segments("--emit", "process", sampler={"MaxEventsPerSecond": 100, "Ratio": 2})
    problems = run.problems + list(check_replays(folder, run.output, "-c", config, "--emit", "process"))
    if not run.stats["samples"]["dropped"]["ratio"]:
        problems.append("no guard has bitten")
    ok("the same with guards that bite, and --emit process", problems)


def without_addresses():
    """Where loader bases may not leave, a bundle has the addresses of files alone."""
    folder = new_folder()
    config = settings_file(SymbolCapture={"EmitLoaderBase": False})
    with Target(build("chain-O2-nofp")) as target:
        run = sample_enough("-c", config, "-p", target.pid, "-F", RATE, "--cas", folder)
    problems = run.problems + list(check_replays(folder, run.output, "-c", config))
    for path in bundles_below(folder)[0]:
        trace = os.path.join(WORK, "without-addresses.data")
        with open(trace, "wb") as file:
            file.write(unpacked(path))
        listed = run_tool("perf", "script", "-i", trace, "-F", "ip").stdout
        addresses = {int(address, 16) for address in re.findall(r"^\s+([0-9a-f]+)\s*$", listed, re.M)}
        if not addresses or max(addresses) > 1 << 40:
            problems.append("addresses are %s: %s" % (sorted(addresses)[:20], listed[:1000]))
    ok("without loader bases a bundle has no address of a process", problems)


def unpacked(path):
    """The trace of a bundle."""
    result = subprocess.run(["tar", "--zstd", "-xOf", path, "trace.data"], capture_output=True)
    if result.returncode != 0:
        raise Skip("tar does not unpack zstd here")
    return result.stdout


# --- The tools of others -------------------------------------------------------------------------


def run_tool(*argv, **options):
    try:
        return subprocess.run(argv, capture_output=True, text=True, **options)
    except OSError as error:
        raise Skip("%s cannot be run: %s" % (argv[0], error))


def tools(folder, run):
    problems = []
    for uri, lines in by_bundle(run.output).items():
        path = path_of(folder, uri)
        tested = run_tool("zstd", "-t", path)
        listed = run_tool("tar", "--zstd", "--numeric-owner", "-tvf", path, env=dict(os.environ, TZ="UTC"))
        entries = [line.split() for line in listed.stdout.splitlines()]
        if tested.returncode or [entry[-1] for entry in entries] != ["meta.json", "trace.data"]:
            problems.append("%s: %s %s" % (path, tested.stderr, listed.stdout + listed.stderr))
        for mode, owner, _, day, hour, _ in entries:
            if (mode, owner, day, hour) != ("-rw-r--r--", "0/0", "1970-01-01", "00:00"):
                problems.append("an entry is %s" % " ".join((mode, owner, day, hour)))
        meta = run_tool("tar", "--zstd", "-xOf", path, "meta.json").stdout
        query = "[.analysisId,.configSha256,.nodeCount,.traceVersion,.entries[0].sha256]"
        said = json.loads(run_tool("jq", "-c", query, input=meta).stdout)
        trace = unpacked(path)
        nodes = len({json.loads(line)["symbolId"] for line in lines})
        wanted = ['an "analysis"', run.stats["config_sha256"], nodes, "1", hashlib.sha256(trace).hexdigest()]
        if said != wanted:
            problems.append("meta.json says %s, not %s" % (said, wanted))
        # main calls the outermost of the chain, and so on: each pair once, whatever the samples.
        if not 2 <= json.loads(meta)["edgeCount"] <= 2 * nodes:
            problems.append("edgeCount is %s of %d nodes" % (json.loads(meta)["edgeCount"], nodes))
    ok("zstd -t, tar and jq read it: entries, owner, time, mode, digests, counts", problems)


def calls_of_perf(folder, run):
    """edgeCount against the pairs that perf script finds, among functions that have a symbol."""
    problems = []
    for uri, lines in by_bundle(run.output).items():
        union = os.path.join(WORK, "edges.zip")
        result = replay(uri, "--cas", folder, "--union", union)
        edges = run_tool("unzip", "-p", union, "edges.ndjson").stdout.count("\n")
        meta = json.loads(run_tool("tar", "--zstd", "-xOf", path_of(folder, uri), "meta.json").stdout)
        if meta["edgeCount"] != edges:
            problems.append("%s: edgeCount %s, %d edges: %s" % (uri, meta["edgeCount"], edges, result.stderr))
    ok("edgeCount is the number of edges of the replay's union bundle", problems)


# --- What is refused -----------------------------------------------------------------------------


def refused(folder, run):
    uri = next(iter(by_bundle(run.output)))
    with open(path_of(folder, uri), "rb") as file:
        content = bytearray(file.read())
    other = os.path.join(WORK, "other")
    damaged = path_of(other, uri)
    os.makedirs(os.path.dirname(damaged))
    problems = []
    for place in (0, len(content) // 3, len(content) - 1):
        content[place] ^= 1
        with open(damaged, "wb") as file:
            file.write(content)
        content[place] ^= 1
        for result in (replay(uri, "--cas", other), replay(damaged)):
            if result.returncode != 1 or result.stdout or b"damaged" not in result.stderr:
                problems.append("byte %d: %s %s" % (place, result.returncode, result.stderr))
    renamed = os.path.join(WORK, "trace.tar.zst")
    shutil.copy(path_of(folder, uri), renamed)
    for status, result in (
        (2, replay(renamed)),
        (2, replay(uri)),
        (3, replay(uri, "--cas", WORK)),
        (2, replay("cas://../../etc/" + uri[-72:], "--cas", folder)),
        (0, replay(path_of(folder, uri))),
    ):
        if result.returncode != status or (status != 0) == bool(result.stdout):
            problems.append("status %s, not %s: %s" % (result.returncode, status, result.stderr))
    ok("a flipped byte, another name and a place outside are refused", problems)


def missing_files(folder, run):
    """The libraries are found on this machine. Of the program, which lies elsewhere, nothing is named."""
    uri = next(iter(by_bundle(run.output)))
    result = replay(uri, "--cas", folder, symfs=tempfile.mkdtemp(dir=WORK))
    names = {json.loads(line)["metadata"]["symbol"] for line in result.stdout.splitlines()}
    problems = [] if b"build-id" in result.stderr else ["it does not say so: %s" % result.stderr]
    if "main" in names or "__libc_start_main" not in names or result.returncode != 0:
        problems.append("status %s, functions %s" % (result.returncode, sorted(names)))
    ok("files are found by build-id alone", problems)


# --- Where no bundle can be made -----------------------------------------------------------------


def bare(name, folder, words, config=None, rate=RATE, minimum=60, **options):
    with Target(build("chain-O2-nofp")) as target:
        run = sample_enough(
            *("-c", config or settings_file(), "-p", target.pid, "-F", rate, "--cas", folder, "--segment", "9"),
            expect=None, minimum=minimum, seconds=(2, 6, 20), **options
        )
    problems = list(run.problems)
    if run.status != 1 or not re.search(words, run.stderr):
        problems.append("status %s: %s" % (run.status, run.stderr))
    if run.stderr.count("no bundle: ") != 1:
        problems.append("not said once: " + run.stderr)
    if not run.facts:
        problems.append("no facts")
    named = [uri for uri in by_bundle(run.output) if uri]
    paths, damaged = bundles_below(folder) if os.path.isdir(folder) else ([], [])
    if not {path_of(folder, uri) for uri in named} <= set(paths):
        problems.append("facts name %s, there are %s" % (named, paths))
    ok(name, problems + damaged)


def no_folder():
    path = os.path.join(WORK, "a-file")
    with open(path, "w"):
        pass
    bare("a folder that cannot be: facts come without a bundle", path, "not in a bundle: cannot open the folder")


def full_disk(limit=40000):
    """The facts of some seconds have room; the trace of one has not."""
    bare(
        "a full disk: facts come without a bundle", new_folder(), "not in a bundle: cannot write",
        config=settings_file(Ingest={"FlushIntervalMs": 1000}, Sampler={"MaxEventsPerSecond": 0}), rate=999, minimum=600,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )


# --- Ends ----------------------------------------------------------------------------------------


def until_bundle(folder):
    return until(lambda: os.path.isdir(folder) and bundles_below(folder)[0])


def terminated():
    """SIGTERM within a segment: its facts come, with their bundle or without."""
    folder = new_folder()
    with Target(build("chain-O2-nofp")) as target:
        sampling = Sampling("-c", settings_file(), "-p", target.pid, "-F", RATE, "--cas", folder, "--segment", "1s")
        problems = [] if until_bundle(folder) else ["no bundle came"]
        begun = time.monotonic()
        sampling.signal(signal.SIGTERM)
        run = sampling.finish(None)
        took = time.monotonic() - begun
    if took > END_SECONDS + SLACK_SECONDS:
        problems.append("it ended after %.1f s" % took)
    paths, damaged = bundles_below(folder)
    without = by_bundle(run.output).pop(None, None)
    if run.status != (1 if without else 0):
        problems.append("status %s: %s" % (run.status, run.stderr))
    data = b"".join(line for line in run.output.splitlines(True) if b"casUri" in line)
    problems += run.problems + damaged + list(check_replays(folder, data, "-c", settings_file()))
    ok("SIGTERM: the current segment is delivered, with a bundle if there is time", problems)


def killed():
    folder = new_folder()
    with Target(build("chain-O2-nofp")) as target:
        sampling = Sampling(
            *("-c", settings_file(), "-p", target.pid, "-F", 1999, "--cas", folder, "--segment", "4K"), stats=False
        )
        problems = [] if until_bundle(folder) else ["no bundle came"]
        sampling.signal(signal.SIGKILL)
        run = sampling.finish(None)
    paths, damaged = bundles_below(folder)
    problems += damaged
    lines = run.output[: run.output.rfind(b"\n") + 1]
    problems += list(check_replays(folder, lines, "-c", settings_file()))
    ok("kill -9: what has its name is whole (%d bundles), and the facts that came have theirs" % len(paths), problems)


# --- Delivery ------------------------------------------------------------------------------------


def smoke_test():
    """The facts at the server, and what is left in a spool."""
    folder, spool = new_folder(), new_spool()
    with Target(build("chain-O2-nofp")) as target, Server() as server:
        run = sampling(
            *(target.pid, server.url(), "-d", 3, "--cas", folder, "--segment", "8K"), spool=spool,
            settings={"Ingest__FlushIntervalMs": 200},
        ).finish(None)
        taken = server.lines() + spooled_lines(spool)
    problems = run.problems + same_lines(taken, emitted(run), "at the server")
    wanted = {}
    for line in taken:
        fact = json.loads(line)
        wanted.setdefault(fact["metadata"].get("casUri"), collections.Counter())[fact["symbolId"]] += fact["hitCount"]
    for uri, hits in wanted.items():
        result = replay(uri, "--cas", folder) if uri else None
        found = collections.Counter()
        for fact in map(json.loads, result.stdout.splitlines() if result else ()):
            found[fact["symbolId"]] += fact["hitCount"]
        if found != hits:
            problems.append("%s: %s at the server, %s in the replay" % (uri, hits, found))
    if not wanted:
        problems.append("nothing was sent: " + run.stderr)
    ok("every event at the server names a bundle whose replay has it, with its count", problems)


def main():
    require_sampling()
    if b"was built without" in replay("cas://x").stderr:
        skip_all("built without what bundles take")
    folder, config, run = facts_and_bundles()
    for step in (
        lambda: tools(folder, run), lambda: calls_of_perf(folder, run), lambda: refused(folder, run),
        lambda: missing_files(folder, run), with_guards, without_addresses, no_folder, full_disk, terminated,
        killed, smoke_test,
    ):  # fmt: skip
        try:
            step()
        except Skip as reason:
            skip(getattr(step, "__name__", "a step"), reason)
    done()


main()
