#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Where settings come from and which of them is in effect: defaults, file, environment, command
line; what is refused; and the canonical form that --print-config prints."""
import hashlib
import sys

sys.dont_write_bytecode = True
from lib import *  # noqa

skip_in("user")

# The example of the runbook, as it stands there.
RUNBOOK = """{
"Sampler": {
"MaxEventsPerSecond": 500,
"MaxCpuPercent": 35
},
"SymbolCapture": {
"CollectBuildIds": true,
"EmitLoaderBase": true
},
"Ingest": {
"BatchSize": 1000,
"FlushIntervalMs": 2000,
"Endpoint": "https://signals.local/signals/runtime-facts/ndjson",
"Headers": {
"X-Callgraph-Id": "cg-123"
}
}
}
"""


def write(name, text):
    path = os.path.join(WORK, name)
    with open(path, "wb") as file:
        file.write(text if isinstance(text, bytes) else text.encode())
    return path


def run(*arguments, **environment):
    return subprocess.run(
        [RTSAMPLE, *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        timeout=STUCK_SECONDS,
    )


def settings(*arguments, **environment):
    """The effective settings as an object."""
    result = run("--print-config", *arguments, **environment)
    if result.returncode != 0:
        raise RuntimeError("%s: %s" % (arguments, result.stderr))
    return json.loads(result.stdout.splitlines()[0])


def differences(wanted, got):
    return ["%s, not %s" % (got, wanted)] if wanted != got else []


def runbook_example():
    """the runbook's appsettings.json works as it stands"""
    got = settings("-c", write("appsettings.json", RUNBOOK))
    wanted = settings()
    wanted["Ingest"]["Endpoint"] = "https://signals.local/signals/runtime-facts/ndjson"
    wanted["Ingest"]["CallgraphId"] = "cg-123"
    problems = differences(wanted, got)
    expected = {"MaxEventsPerSecond": 500, "MaxCpuPercent": 35, "Ratio": 1}
    for key, value in expected.items():
        if got["Sampler"][key] != value:
            problems.append("%s is %s" % (key, got["Sampler"][key]))
    ok(runbook_example.__doc__, problems)


def precedence():
    """the environment comes before the file, and the command line before both"""
    path = write("layers.json", '{"Sampler":{"Frequency":11,"Ratio":2},"Ingest":{"Source":"file"}}')
    cases = [
        ([], {}, (99, 1, None)),
        (["-c", path], {}, (11, 2, "file")),
        (["-c", path], {"Sampler__Frequency": "22", "INGEST__SOURCE": "env"}, (22, 2, "env")),
        (["-c", path, "-F", 33], {"Sampler__Frequency": "22"}, (33, 2, "file")),
        (["-F", 33, "--source", "line", "-c", path], {"Ingest__Source": "env"}, (33, 2, "line")),
        ([], {"Sampler__Frequency": ""}, (99, 1, None)),
    ]
    problems = []
    for arguments, environment, wanted in cases:
        got = settings(*arguments, **environment)
        seen = (got["Sampler"]["Frequency"], got["Sampler"]["Ratio"], got["Ingest"].get("Source"))
        problems += ["%s %s: %s" % (arguments, environment, text) for text in differences(wanted, seen)]
    ok(precedence.__doc__, problems)


def callgraph_id():
    """X-Callgraph-Id gives the callgraph id; of several layers the last one counts"""
    path = write("appsettings.json", RUNBOOK)
    own = write("own.json", '{"Ingest":{"CallgraphId":"own","Headers":{"X-Callgraph-Id":"head"}}}')
    header = ["--header", "X-Callgraph-Id: line"]
    cases = [
        (["-c", path], {}, "cg-123"),
        (["-c", own], {}, "own"),
        (["-c", path], {"Ingest__CallgraphId": "env"}, "env"),
        (["-c", path], {"Ingest__Headers__X-Callgraph-Id": "env"}, "env"),
        (["-c", own, *header], {"Ingest__CallgraphId": "env"}, "line"),
        (["-c", own, "--callgraph-id", "option", *header], {}, "option"),
    ]
    problems = []
    for arguments, environment, wanted in cases:
        ingest = settings(*arguments, **environment)["Ingest"]
        problems += differences(wanted, ingest.get("CallgraphId"))
        if "Headers" in ingest:
            problems.append("%s: there are headers: %s" % (arguments, ingest["Headers"]))
    ok(callgraph_id.__doc__, problems)


def canonical_form():
    """--print-config: sorted, compact, its SHA-256; read back it is the same; no host, no secret"""
    token, password = "hush-" + os.urandom(8).hex(), "hush-" + os.urandom(8).hex()
    arguments = [
        *("--header", "Authorization: Bearer " + token, "--header", "X-Scopes: signals:write"),
        *("--endpoint", "https://signals.example/x?code=" + password),
        *("--callgraph-id", "cg-\u00e4", "--image-digest", "sha256:00", "-F", 50, "-d", 1.5),
    ]
    local = [
        *("-o", "/srv/f", "--stats", "/srv/s", "--metrics", "/srv/m", "--spool", "/srv/sp"),
        *("--cacert", "/srv/ca", "--cert", "/srv/c", "--key", "/srv/k"),
    ]
    first, second = run("--print-config", *arguments), run("--print-config", *arguments, *local)
    problems = differences(first.stdout, second.stdout)
    text, digest = first.stdout.splitlines()
    tree = json.loads(text)
    compact = json.dumps(tree, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    problems += differences(compact, text)
    problems += differences("sha256:" + hashlib.sha256(text.encode()).hexdigest(), digest)
    if token in first.stdout + first.stderr or password in first.stdout + first.stderr:
        problems.append("a secret is printed")
    wanted = {
        "Authorization": "sha256:" + hashlib.sha256(("Bearer " + token).encode()).hexdigest(),
        "X-Scopes": "signals:write",
    }
    problems += differences(wanted, tree["Ingest"]["Headers"])
    del tree["Ingest"]["Headers"]["Authorization"]
    tree["Ingest"]["Endpoint"] = "https://signals.example/x"
    again = settings("-c", write("again.json", json.dumps(tree)))
    problems += differences(tree, again)
    ok(canonical_form.__doc__, problems)


def what_is_refused():
    """what is no setting: exit 2, where it is, and the nearest that is one"""

    def file(text):
        digest = hashlib.sha256(text if isinstance(text, bytes) else text.encode()).hexdigest()
        return ["-c", write(digest[:9] + ".json", text)], {}

    cases = [
        (file('{"Sampler":{"MaxEventPerSecond":5}}'), "nearest one is Sampler:MaxEventsPerSecond"),
        (file('{"Samplr":{"Ratio":5}}'), "nearest one is Sampler"),
        (file('{"Sampler":{"Ratio":"5"}}'), "Sampler:Ratio: has to be a whole number"),
        (file('{"Sampler":{"Ratio":0}}'), "from 1 to"),
        (file('{"Sampler":{"Ratio":1,"RATIO":2}}'), "twice"),
        (file('{"Sampler":{\n"Ratio":1,\n"Ratio":2}}'), "line 3"),
        (file('{\n"Sampler":\n}'), "line 3"),
        (file('{"Ingest":{"Headers":{"A":"b\\r\\nC: d"}}}'), "Ingest:Headers:A"),
        (file("\ufeff{}".encode("utf-16")), "UTF-16"),
        (file(b" " * (2 << 20)), "larger than"),
        (file(""), "empty"),
        ((["-c", WORK], {}), "directory"),
        ((["-c", os.path.join(WORK, "nowhere")], {}), "No such file"),
        (([], {"Sampler__MaxEventPerSecond": "5"}), "one is Sampler__MaxEventsPerSecond"),
        (([], {"Sampler__Ratio": "many"}), "Sampler__Ratio"),
        ((["--header", "no colon"], {}), "--header"),
        ((["--header", "Host: elsewhere"], {}), "Host"),
        ((["--header", "A: b\r\nC: d"], {}), "--header"),
        ((["--callgraph-id", "a\r\nC: d"], {}), "--callgraph-id"),
        ((["--endpoint", "https://user:hush@signals.example/"], {}), "user"),
        ((["--endpoint", "http://signals.example/"], {}), "https"),
        ((["--spool", WORK], {}), "--endpoint"),
        ((["--key", "key.pem"], {}), "--cert"),
    ]
    problems = []
    for (arguments, environment), text in cases:
        result = run("--print-config", *arguments, **environment)
        if result.returncode != 2 or text not in result.stderr or result.stdout:
            problems.append(
                "%s %s: %d, %r" % (arguments, environment, result.returncode, result.stderr)
            )
        if "hush" in result.stderr:
            problems.append("a secret is in %r" % result.stderr)
    ok(what_is_refused.__doc__, problems)


def byte_order_mark():
    """a byte order mark before UTF-8 does no harm"""
    got = settings("-c", write("bom.json", '\ufeff{"Sampler":{"Ratio":3}}'))
    ok(byte_order_mark.__doc__, differences(3, got["Sampler"]["Ratio"]))


def metadata_first():
    """without what every request must say nothing is sampled, in the server's own words"""
    pid = os.getpid()
    endpoint = ["--endpoint", "https://signals.example/x"]
    cases = [
        (endpoint, "callgraphId is required"),
        (endpoint + ["--callgraph-id", "cg"], "Subject must include scanId/imageDigest/component"),
        (endpoint + ["--callgraph-id", "cg", "--component", "web"], "Subject must include scanId"),
    ]
    problems = []
    for arguments, text in cases:
        result = run("-p", pid, *arguments)
        if result.returncode != 2 or text not in result.stderr:
            problems.append("%s: %d, %r" % (arguments, result.returncode, result.stderr))
    ok(metadata_first.__doc__, problems)


def help_needs_no_settings():
    """--help and --version work beside settings that do not"""
    problems = []
    for option in ("--help", "--version"):
        for command in ([], ["send"]):
            result = run(*command, option, "-c", "/nowhere", Sampler__Ratio="many")
            if result.returncode != 0 or "rtsample" not in result.stdout or result.stderr:
                problems.append("%s: %d %r" % (option, result.returncode, result.stderr))
    ok(help_needs_no_settings.__doc__, problems)


def manual_has_every_key():
    """rtsample.json(5) describes every key, and no other"""
    source = os.environ.get("top_srcdir", os.path.join(HERE, "..", ".."))
    with open(os.path.join(source, "src", "settings", "settings_keys.c"), encoding="utf-8") as file:
        known = set(re.findall(r'\{"(\w+:\w+)"', file.read()))
    with open(os.path.join(source, "man", "rtsample.json.5"), encoding="utf-8") as file:
        items = re.findall(r"^\.It Va (.*)", file.read(), re.M)
        described = {key for item in items for key in re.findall(r"\w+:\w+", item)}
    problems = ["%s is not described" % key for key in sorted(known - described)]
    problems += ["%s is no key" % key for key in sorted(described - known)]
    ok(manual_has_every_key.__doc__, problems if known else ["no keys found"])


runbook_example()
precedence()
callgraph_id()
canonical_form()
what_is_refused()
byte_order_mark()
metadata_first()
help_needs_no_settings()
manual_has_every_key()
done()
