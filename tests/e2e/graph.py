#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""--graph: facts carry the ids of a static graph that was made by other tools, or say why not."""
import sys

sys.dont_write_bytecode = True
from lib import *  # noqa

skip_in("user")
import graph_maker

JOINED = 0.999


def mapped_files(pid):
    """The files whose code a process has mapped, and a copy of its vDSO."""
    files = set()
    with open("/proc/%d/maps" % pid) as maps:
        for line in maps:
            fields = line.split()
            if "x" in fields[1] and len(fields) > 5 and fields[5].startswith("/"):
                files.add(fields[5])
    return sorted(files) + [vdso()]


def vdso():
    path = os.path.join(WORK, "vdso.so")
    with open("/proc/self/maps") as maps, open("/proc/self/mem", "rb") as memory:
        for line in maps:
            if line.rstrip().endswith("[vdso]"):
                start, end = (int(word, 16) for word in line.split()[0].split("-"))
                memory.seek(start)
                with open(path, "wb") as copy:
                    copy.write(memory.read(end - start))
    return path


def make(files, *without):
    """Writes a graph; its path, and {symbol_id: node}."""
    path = tempfile.mktemp(dir=WORK, suffix=".ndjson")
    found = {}
    with open(path, "w") as file:
        for name in files:
            for node in graph_maker.nodes(name, without):
                found[node["symbol_id"]] = node
                file.write(json.dumps(node) + "\n")
    return path, found


def graph_sums(run):
    if not run.stats:
        yield run.stderr
        return
    graph = run.stats["graph"]
    if graph["joined_hits"] + graph["unjoined_hits"] != run.stats["events"]["hits"]:
        yield "joined and unjoined are not all hits: %s" % graph
    if sum(graph["unjoined"].values()) != graph["unjoined_hits"]:
        yield "the reasons are not all unjoined hits: %s" % graph
    joined = sum(fact["hitCount"] for fact in run.facts if "join" in fact["metadata"])
    if joined != graph["joined_hits"]:
        yield "facts with a join have %d hits, not %d" % (joined, graph["joined_hits"])


def check_joins(run, nodes, rule):
    """Is every joined fact the node that it says it is?"""
    for fact in run.facts:
        metadata = fact["metadata"]
        if "join" not in metadata:
            continue
        node = nodes.get(fact["symbolId"])
        if metadata["join"] != rule or metadata["idScheme"] != "graph" or not node:
            yield "joined by %s to %s" % (metadata["join"], fact["symbolId"])
            continue
        if node["code_id"] != fact["codeId"]:
            yield "codeId is %s, not %s" % (fact["codeId"], node["code_id"])
        if "build_id" in node and node["build_id"] != fact["buildId"]:
            yield "%s is of another file" % metadata["symbol"]
        name = node.get("symbol", {}).get("mangled")
        own = {metadata["symbol"], *metadata.get("aliases", "").split(",")}
        if name and metadata["symbolSource"] != "fde" and name not in own:
            yield "%s is node %s" % (metadata["symbol"], name)


def share(run):
    """The part of the hits that joined. Where there is DWARF, inlined functions are hit, too; symbol
    tables know nothing of most of them, and so does our graph."""
    hits = {True: 0, False: 0}
    for fact in run.facts:
        if fact["metadata"]["symbolSource"] != "dwarf-inline":
            hits["join" in fact["metadata"]] += fact["hitCount"]
    return hits[True] / max(1, sum(hits.values()))


def redis():
    """nearly every hit of redis-server and its libraries joins, also in a replay of the run's trace"""
    trace = os.path.join(WORK, "redis.data")
    with Redis() as target:
        path, nodes = make(mapped_files(target.pid))
        run = sample_enough(
            "-F", 499, "--graph", path, "--record", trace, "-p", target.pid, seconds=(2, 6)
        )
    problems = check_run(run, nodes)
    if not re.search(r"^  graph .* of hits joined one of ", run.stderr, re.M):
        problems.append("the closing summary does not say so")
    again = sample("--graph", path, trace, program=[RTSAMPLE, "replay"])
    problems += ["replay: %s" % problem for problem in check_run(again, nodes)]
    if again.output != run.output:
        problems.append("the replay has other facts")
    for name, one in (("live", run), ("replay", again)):
        note("%s: %.4f %% of %d hits joined" % (name, 100 * share(one), one.stats["events"]["hits"]))
    return problems


def check_run(run, nodes):
    problems = run.problems + list(graph_sums(run)) + list(check_joins(run, nodes, "build-id+address"))
    if run.stats["graph"]["nodes"] != len(nodes):
        problems.append("%d nodes were read, not %d" % (run.stats["graph"]["nodes"], len(nodes)))
    if share(run) < JOINED:
        problems.append("only %.3f %% joined: %s" % (100 * share(run), run.stats["graph"]))
    return problems


def two_builds():
    source = os.path.join(PROGRAMS, "chain.c")
    paths = []
    for level in ("-O0", "-O1"):
        paths.append(os.path.join(WORK, "build" + level))
        command = os.environ.get("CC", "cc").split()
        command += ["-g", level, "-Wl,--build-id=sha1", "-o", paths[-1], source]
        subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
    return paths


def sample_build(path, *arguments):
    with Target(path) as target:
        return sample_enough(*arguments, "-F", 499, "-p", target.pid)


def another_build():
    """of the graph of another build no node is used, and the account says why"""
    this, other = two_builds()
    path, nodes = make([other])
    run = sample_build(this, "--graph", path)
    graph = run.stats["graph"]
    problems = run.problems + list(graph_sums(run))
    if graph["joined_hits"] or graph["unjoined"]["file_unknown"] != run.stats["events"]["hits"]:
        problems.append("joins: %s" % graph)
    hottest = graph["unjoined_symbols"]
    counts = [symbol["hits"] for symbol in hottest]
    if not hottest or len(hottest) > 10 or counts != sorted(counts, reverse=True):
        problems.append("the hottest are %s" % hottest)
    if {symbol["reason"] for symbol in hottest} != {"file_unknown"}:
        problems.append("the reasons are %s" % hottest)
    if "file unknown" not in run.stderr:
        problems.append("the closing summary does not say why")
    return problems


def by_name():
    """nodes without addresses join by name"""
    this, _ = two_builds()
    path, nodes = make([this], "--no-address")
    run = sample_build(this, "--graph", path)
    problems = run.problems + list(graph_sums(run)) + list(check_joins(run, nodes, "build-id+name"))
    own = [fact for fact in run.facts if fact["buildId"].endswith(graph_maker.build_id(this))]
    if not all("join" in fact["metadata"] for fact in own if fact["metadata"]["symbolSource"] != "plt"):
        problems.append("unjoined: %s" % run.stats["graph"])
    return problems


def by_hash():
    """nodes that know the file by its content join by that, also from a compressed richgraph"""
    this, _ = two_builds()
    path, nodes = make([this], "--no-build-id")
    archives = re.search("archives: yes", subprocess.run([RTSAMPLE, "-V"], capture_output=True, text=True).stdout)
    with open(path, "w") as file:
        json.dump({"schema": "richgraph-v1", "nodes": list(nodes.values()), "edges": []}, file, indent=1)
    if archives:
        subprocess.run(["gzip", path], check=True)
        path += ".gz"
    run = sample_build(this, "--graph", path)
    problems = run.problems + list(graph_sums(run))
    problems += check_joins(run, nodes, "file-hash+address")
    if not any("join" in fact["metadata"] for fact in run.facts):
        problems.append("none joined: %s" % run.stats["graph"])
    return problems


def damaged():
    """a damaged graph is refused before anything is sampled or written"""
    path = os.path.join(WORK, "damaged.ndjson")
    output = os.path.join(WORK, "untouched")
    problems = []
    for text in ('{"symbol_id":"a"', '{"symbol_id":"a","x":[}\n', "", '{"a":1}\n', "\x7fELF"):
        with open(path, "w") as file:
            file.write(text)
        run = sample("--graph", path, "--", "true", expect=1, output=output)
        problems += run.problems
        if path not in run.stderr or os.path.exists(output):
            problems.append("%r: %s" % (text, run.stderr))
    return problems


def endless_lines():
    """a line of a GiB is refused without being held in memory"""
    path = os.path.join(WORK, "line.ndjson")
    problems = []
    for begin in (b"", b'{"symbol_id":"', b'{"symbol_id":"a","x":"', b'{"nodes":[{"id":"'):
        with open(path, "wb") as file:
            file.write(begin)
            file.truncate(1 << 30)
        program = ["sh", "-c", 'ulimit -v 1000000 2>/dev/null; exec "$@"', "sh", RTSAMPLE]
        if os.environ.get("RTSAMPLE_SANITIZERS"):
            program = [RTSAMPLE]
        run = sample("--graph", path, "--", "true", expect=1, program=program)
        problems += run.problems
        if path not in run.stderr:
            problems.append("%r: %s" % (begin, run.stderr))
    return problems


require_sampling()
run_steps(redis, another_build, by_name, by_hash, damaged, endless_lines)
