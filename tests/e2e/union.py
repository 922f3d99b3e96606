#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A union bundle is a ZIP of what the run has seen: its facts summed, and the calls that perf script
finds on the same stacks. A replay of the run gives the same file, and send brings it to the server."""
import collections
import hashlib
import sys
import zipfile

sys.dont_write_bytecode = True
from delivery_lib import *  # noqa

skip_in("user")

RATE = 499
PARTS = ["edges.ndjson", "facts_runtime.ndjson", "meta.json", "nodes.ndjson"]


def path_of(name):
    return os.path.join(WORK, name)


def read_bundle(path):
    """{part: its lines as objects}, and what is wrong with the archive."""
    problems, parts = [], {}
    with zipfile.ZipFile(path) as archive:
        if archive.testzip() is not None:
            problems.append("the CRC of %s is wrong" % archive.testzip())
        if archive.namelist() != PARTS:
            problems.append("it holds %s" % archive.namelist())
        for entry in archive.infolist():
            if entry.external_attr >> 16 != 0o100644:
                problems.append("%s has mode %o" % (entry.filename, entry.external_attr >> 16))
        texts = {name: archive.read(name) for name in archive.namelist()}
    for name, text in texts.items():
        if text and not text.endswith(b"\n") or b"\r" in text:
            problems.append("%s does not consist of lines" % name)
        parts[name] = [json.loads(line) for line in text.splitlines()]
    for file in parts["meta.json"][0]["files"]:
        text = texts[file["path"]]
        if file["sha256"] != hashlib.sha256(text).hexdigest() or file["records"] != text.count(b"\n"):
            problems.append("meta.json is wrong about %s" % file["path"])
    if [file["path"] for file in parts["meta.json"][0]["files"]] != [PARTS[0], PARTS[1], PARTS[3]]:
        problems.append("meta.json names other files")
    return parts, problems


def check_order(parts):
    for name, keys in ((PARTS[0], ("from", "to")), (PARTS[1], ("symbol_id",)), (PARTS[3], ("symbol_id",))):
        ids = [tuple(line[key] for key in keys) for line in parts[name]]
        if ids != sorted(set(ids)):
            yield "%s is not sorted, or says a thing twice" % name
    meta, nodes = parts["meta.json"][0], {node["symbol_id"] for node in parts[PARTS[3]]}
    if meta["nodeCount"] != len(nodes) or meta["edgeCount"] != len(parts[PARTS[0]]):
        yield "meta.json counts %s" % meta
    if not {edge[key] for edge in parts[PARTS[0]] for key in ("from", "to")} <= nodes:
        yield "there are edges without their nodes"


def check_sums(parts, facts):
    """The facts of the run, summed by us."""
    hits, leaves, times, nodes = collections.Counter(), collections.Counter(), {}, {}
    for fact in facts:
        key = fact["symbolId"]
        hits[key] += fact["hitCount"]
        leaves[key] += int(fact["metadata"].get("leafHits", 0))
        times.setdefault(key, []).append(fact["observedAt"])
        nodes[key] = {
            "symbol_id": key,
            "code_id": fact["codeId"],
            "build_id": fact["buildId"],
            "name": fact["metadata"]["symbol"],
            "symbol_source": fact["metadata"]["symbolSource"],
            "display": fact["metadata"].get("demangled", fact["metadata"]["symbol"]),
            "id_scheme": fact["metadata"]["idScheme"],
            "kind": "function",
            **({"purl": fact["purl"]} if "purl" in fact else {}),
        }
    wanted = [
        {
            "symbol_id": key,
            "code_id": nodes[key]["code_id"],
            "hit_count": hits[key],
            "leaf_hits": leaves[key],
            "evidence": "sampled-leaf" if leaves[key] else "sampled-caller",
            "first_observed_at": min(times[key]),
            "last_observed_at": max(times[key]),
        }
        for key in sorted(hits)
    ]
    if parts[PARTS[1]] != wanted:
        yield "facts_runtime.ndjson is not the sum of the facts: %s" % parts[PARTS[1]]
    if parts[PARTS[3]] != [nodes[key] for key in sorted(nodes)]:
        yield "nodes.ndjson is not what the facts say: %s" % parts[PARTS[3]]


def perf_calls(path, names):
    """{(caller, callee): samples} among these functions, from the stacks that perf reads."""
    try:
        result = subprocess.run(
            ["perf", "script", "-i", path, "--no-inline", "--max-stack", "1024", "-F", "ip,sym"], capture_output=True, text=True,
            env={key: value for key, value in os.environ.items() if key != "DEBUGINFOD_URLS"},
        )
    except OSError as error:
        raise Skip("perf cannot be run: %s" % error)
    calls = collections.Counter()
    for block in result.stdout.split("\n\n"):
        stack = [line.split()[1] for line in block.splitlines() if len(line.split()) > 1]
        pairs = set(zip(stack[1:], stack))
        calls.update(pair for pair in pairs if names >= set(pair))
    return calls


def check_calls(parts, trace):
    name_of = {node["symbol_id"]: node["name"] for node in parts[PARTS[3]]}
    sources = {node["name"] for node in parts[PARTS[3]] if node["symbol_source"] == "symtab"}
    ours = {
        (name_of[edge["from"]], name_of[edge["to"]]): edge["hit_count"]
        for edge in parts[PARTS[0]]
        if {name_of[edge["from"]], name_of[edge["to"]]} <= sources
    }
    theirs = dict(perf_calls(trace, sources))
    if ours != theirs or not ours:
        yield "calls are %s; on perf's stacks they are %s" % (ours, theirs)


def run_tool(*argv, data=None):
    try:
        return subprocess.run(argv, capture_output=True, input=data)
    except OSError as error:
        raise Skip("%s cannot be run: %s" % (argv[0], error))


def replay(trace, bundle, *options, **environment):
    result = subprocess.run(
        [RTSAMPLE, "replay", "-o", "/dev/null", "--union", bundle, *options, trace],
        stderr=subprocess.PIPE, text=True, env=dict(os.environ, **environment),
    )
    return [] if result.returncode == 0 else ["replay: %d: %s" % (result.returncode, result.stderr)]


def same_file(path, other):
    with open(path, "rb") as one, open(other, "rb") as two:
        return [] if one.read() == two.read() else ["%s and %s differ" % (path, other)]


def seen_on_stacks(name):
    """A run of several windows, its trace and its bundle."""
    trace, bundle = path_of(name + ".data"), path_of(name + ".zip")
    settings = path_of("often.json")
    with open(settings, "w") as file:
        json.dump({"Ingest": {"FlushIntervalMs": 100}}, file)
    with Target(build(name)) as target:
        run = sample_enough(
            "-c", settings, "-p", target.pid, "-F", RATE, "--record", trace, "--union", bundle,
            "--analysis-id", "an \"analysis\"",
        )
    parts, problems = read_bundle(bundle)
    problems += run.problems + list(check_order(parts)) + list(check_sums(parts, run.facts))
    if parts["meta.json"][0]["analysisId"] != "an \"analysis\"":
        problems.append("analysisId is %s" % parts["meta.json"][0]["analysisId"])
    if parts["meta.json"][0]["configSha256"] != run.stats["config_sha256"]:
        problems.append("configSha256 is not that of the account")
    ok("%s: the bundle holds the sum of %d facts" % (name, len(run.facts)), problems)
    try:
        ok("%s: its %d edges are the calls on perf's stacks" % (name, len(parts[PARTS[0]])),
           list(check_calls(parts, trace)))
    except Skip as reason:
        skip("%s: its edges are the calls on perf's stacks" % name, reason)
    return trace, bundle


def is_repeatable(trace, bundle):
    problems = []
    places = (("C", "UTC"), ("C.UTF-8", "Pacific/Kiritimati"), ("tr_TR.UTF-8", "America/St_Johns"))
    for number, (locale, zone) in enumerate(places):
        again = path_of("again-%d.zip" % number)
        problems += replay(trace, again, "-c", path_of("often.json"), "--analysis-id", "an \"analysis\"",
                           LC_ALL=locale, TZ=zone)
        problems += same_file(bundle, again) if not problems else []
    ok("a replay writes the same bundle, in three locales and time zones", problems)


def tools_accept(bundle):
    result = run_tool("unzip", "-t", bundle)
    ok("unzip -t accepts it", [] if result.returncode == 0 else [result.stdout + result.stderr])
    nodes = run_tool("unzip", "-p", bundle, "nodes.ndjson").stdout
    result = run_tool("jq", "-es", "map(.symbol_id) == (map(.symbol_id) | sort) and length > 0", data=nodes)
    ok("jq reads its nodes, in order", [] if result.returncode == 0 else [result.stderr])


def is_a_graph(trace, bundle):
    """The nodes can be given as a static graph: all that have a build-id join."""
    graph, stats = path_of("nodes.ndjson"), path_of("join.stats")
    with zipfile.ZipFile(bundle) as archive, open(graph, "wb") as file:
        file.write(archive.read("nodes.ndjson"))
    problems = replay(trace, path_of("joined.zip"), "--graph", graph, "--stats", stats)
    with open(stats, encoding="utf-8") as file:
        account = json.load(file)["graph"]
    if account["unjoined_hits"] or not account["joined_hits"]:
        problems.append("the account of the graph is %s" % account)
    parts, wrong = read_bundle(path_of("joined.zip"))
    before, _ = read_bundle(bundle)
    if [node["symbol_id"] for node in parts[PARTS[3]]] != [node["symbol_id"] for node in before[PARTS[3]]]:
        problems.append("the ids are other ones")
    ok("its nodes are a static graph that all hits join", problems + wrong)


def build_ids_are_kept_back(trace):
    bundle = path_of("no-ids.zip")
    problems = replay(trace, bundle, SymbolCapture__CollectBuildIds="false")
    parts, wrong = read_bundle(bundle)
    if any("build_id" in node for node in parts[PARTS[3]]):
        problems.append("there are build-ids")
    ok("without CollectBuildIds it has no build-ids", problems + wrong)


UPLOAD = "/signals/reachability/union"


def upload(bundle, plan=(), analysis=("--analysis-id", "an-1"), path=UPLOAD, **options):
    """(the outcome of sending it, the server's requests, what the server found wrong)"""
    with Server(plan) as server:
        run = send(server.url(path), "--union", bundle, *analysis, who=options.pop("who", ()), **options)
        return run, server.requests, server.problems


def is_sent(bundle):
    with open(bundle, "rb") as file:
        wanted = file.read()
    run, requests, problems = upload(bundle, who=WHO)
    problems = run.expect(status=0) + problems
    if [request.body for request in requests] != [wanted]:
        problems.append("%d requests; what came is not the file" % len(requests))
    elif requests[0].headers["x-analysis-id"] != "an-1" or requests[0].path != UPLOAD:
        problems.append("%s %s" % (requests[0].path, requests[0].headers))
    ok("send --union brings the file to the server, with X-Analysis-Id", problems)

    run, requests, problems = upload(bundle, [{"first": 1, "status": 503}, {"first": 1, "do": "close"}])
    problems = run.expect(status=0) + problems
    keys = {request.key for request in requests}
    if [request.body for request in requests] != [wanted] * 3 or len(keys) != 1:
        problems.append("%d requests with the keys %s" % (len(requests), keys))
    ok("after failures it is sent again, under the same key", problems)


def is_not_sent(bundle):
    for what, plan, count in (
        ("refused", [{"status": 400, "body": '{"error":"no such analysis"}'}], 1),
        ("not authorized", [{"status": 401}], 1),
        ("too large", [{"status": 413}], 1),
        ("redirected", [{"status": 307, "headers": {"Location": "/elsewhere"}}], 1),
        ("put off for good", [{"status": 503}], 6),
    ):
        run, requests, problems = upload(bundle, plan)
        problems = run.expect(status=5)
        if len(requests) != count:
            problems.append("%d requests" % len(requests))
        if bundle not in run.stderr or "status %d" % plan[0]["status"] not in run.stderr:
            problems.append("it says " + run.stderr)
        ok("a bundle that is %s is named, and the status is 5" % what, problems)
    damaged = path_of("no.zip")
    with open(damaged, "w") as file:
        file.write("no archive")
    problems = []
    for path, analysis, settings, status in (
        (damaged, ("--analysis-id", "an-1"), {}, 1),
        (WORK, ("--analysis-id", "an-1"), {}, 1),
        (path_of("none.zip"), ("--analysis-id", "an-1"), {}, 1),
        (bundle, (), {}, 2),
        (bundle, ("--analysis-id", "an-1", damaged), {}, 2),
        (bundle, ("--analysis-id", "an-1"), {"Egress__Enabled": "false"}, 2),
        (bundle, ("--analysis-id", "an-1"), {"Egress__AllowedHosts__0": "signals.invalid"}, 2),
    ):
        run, requests, _ = upload(path, analysis=analysis, settings=settings)
        problems += run.expect(status=status)
        if requests:
            problems.append("%s was sent with %s" % (path, analysis))
    ok("no bundle, no analysis, or no egress: nothing is sent", problems)


def is_interrupted(bundle):
    with Server([{"do": "hang"}]) as server:
        sending = Sending(server.url(UPLOAD), "--union", bundle, "--analysis-id", "an-1", who=())
        while not server.requests and sending.process.poll() is None:
            time.sleep(0.02)
        run = sending.terminate()
    ok("SIGTERM ends a request that hangs, with status 5", run.expect(status=5))


def refuses(what, path, status):
    result = subprocess.run(
        [RTSAMPLE, "-d", "0.1", "-o", "/dev/null", "--union", path, "--", "true"], capture_output=True, text=True
    )
    problems = [] if result.returncode == status else ["exit status %d: %s" % (result.returncode, result.stderr)]
    if path not in result.stderr:
        problems.append("the file is not named: " + result.stderr)
    ok("%s is refused at the start" % what, problems)


def main():
    require_sampling()
    if "archives: no" in run_tool(RTSAMPLE, "--version").stdout.decode():
        skip_all("built without libarchive")
    trace, bundle = seen_on_stacks("chain-O0-fp")
    seen_on_stacks("recursion-O0")
    is_repeatable(trace, bundle)
    try:
        tools_accept(bundle)
    except Skip as reason:
        skip("other tools accept it", reason)
    is_a_graph(trace, bundle)
    build_ids_are_kept_back(trace)
    is_sent(bundle)
    is_not_sent(bundle)
    is_interrupted(bundle)
    refuses("a folder", WORK, 2)
    refuses("a file in a folder that is not there", os.path.join(WORK, "none", "x.zip"), 1)
    done()


main()
