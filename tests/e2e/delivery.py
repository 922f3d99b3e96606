#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""From lines to accepted batches, by rtsample send: what a request looks like, what each answer leads
to, what the spool keeps, and where nothing is sent to."""
import gzip
import sys

sys.dont_write_bytecode = True
from delivery_lib import *  # noqa

skip_in("user")

SECRET = "s3cr3t-token-of-nobody"


# --- Requests ------------------------------------------------------------------------------------


def request_says_everything():
    """a request has the method, path, query, headers and lines of the contract"""
    path, lines = write_facts(2500)
    with Server() as server:
        run = send(
            server.url(), "--callgraph-id", "cg 1/&", "--component", "web", "--component-version", "1.0+β",
            "--source", "zastava", "--analysis-id", "an-1", "--scan-id", "s=1", "--header", "X-Scopes: signals:write",
            path, who=(),
        )  # fmt: skip
        problems = run.expect(accepted=2500, batches=3, retries=0, status=0)
        problems += [] if "subject key subject|cg 1/&" in run.stderr else [run.stderr]
        for request in server.requests:
            problems += check_uuid(request.key)
            wanted = {
                "callgraphId": "cg 1/&", "scanId": "s=1", "component": "web",
                "version": "1.0+β", "source": "zastava",
            }  # fmt: skip
            if request.query != wanted or "cg%201%2F%26" not in request.target:
                problems.append("query: %s" % request.target)
            for name, value in (
                ("x-callgraph-id", "cg 1/&"), ("x-analysis-id", "an-1"),
                ("x-scopes", "signals:write"), ("content-type", "application/x-ndjson"),
            ):  # fmt: skip
                if request.headers.get(name) != value:
                    problems.append("%s: %s" % (name, request.headers.get(name)))
            names = [name.lower() for name, _ in request.header_list]
            if len(set(names)) != len(names):
                problems.append("a header came twice: %s" % names)
        problems += server.problems + same_lines(server.lines(), lines, "at the server")
        if len({request.key for request in server.requests}) != 3:
            problems.append("keys are not unique")
    ok(request_says_everything.__doc__, problems)


def gzip_is_reproducible():
    """above 64 KiB a body is gzip that gzip -t takes, without a time; below it is plain"""
    small, _ = write_facts(10)
    large, lines = write_facts(1000)
    problems, bodies = [], []
    for _ in range(2):
        with Server() as server:
            problems += send(server.url(), large).expect(accepted=1000) + server.problems
            bodies += server.requests
            send(server.url(), small)
            if "content-encoding" in server.requests[-1].headers:
                problems.append("a small body is compressed")
    if bodies[0].body != bodies[1].body or bodies[0].key != bodies[1].key:
        problems.append("the same lines made other bytes or another key")
    if bodies[0].headers.get("content-encoding") != "gzip":
        problems.append("a large body is not compressed")
    if bodies[0].body[:10] != bytes((0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3)):
        problems.append("the header of gzip is %r" % bodies[0].body[:10])
    check = subprocess.run(["gzip", "-t"], input=bodies[0].body)
    if check.returncode != 0 or gzip.decompress(bodies[0].body).decode().splitlines() != lines:
        problems.append("gzip does not take it")
    ok(gzip_is_reproducible.__doc__, problems)


def structured_form():
    """an endpoint /signals/runtime-facts gets the structured form"""
    path, lines = write_facts(30)
    with Server() as server:
        run = send(server.url("/signals/runtime-facts"), path, settings={"Ingest__BatchSize": 7})
        problems = run.expect(accepted=30, batches=5) + server.problems
        problems += same_lines(server.lines(), lines, "at the server")
        head = json.loads(server.requests[0].body)
        if head["subject"] != {"component": "web", "version": "1.0.0"} or head["callgraphId"] != "cg-123":
            problems.append("%s" % head)
    ok(structured_form.__doc__, problems)


# --- Answers -------------------------------------------------------------------------------------

SLOW = {"Ingest__TimeoutMs": 400}
FAULTS = [
    ("fail first 3", [{"first": 3, "status": 503}], {}),
    ("fail every 3rd", [{"every": 3, "status": 500}], {}),
    ("no answer", [{"first": 2, "do": "hang"}], SLOW),
    ("no end of answer", [{"first": 2, "do": "hang-body"}], SLOW),
    ("half an answer", [{"first": 2, "do": "half"}], {}),
    ("closed", [{"first": 3, "do": "close"}], {}),
    ("reset in the body", [{"first": 3, "do": "reset"}], {}),
    ("taken, not said", [{"first": 3, "lie": True}], {}),
    ("429, 1 s", [{"first": 1, "status": 429, "headers": {"Retry-After": "1"}}], {}),
    ("413 over 20000", [{"over": 20000, "status": 413}], {}),
    ("503 sealed mode", [{"first": 2, "status": 503, "body": '{"error":"sealed-mode evidence invalid"}'}], {}),
    ("10 MB of error", [{"first": 2, "status": 500, "body": "<html>" + "x" * (10 << 20)}], {}),
    ("408", [{"first": 1, "status": 408}], {}),
    ("401", [{"first": 1, "status": 401}], {}),
    ("one batch refused", [{"holds": "sym:binary:00000150", "status": 400, "body": '{"error":"no"}'}], {}),
    ("one batch fails", [{"holds": "sym:binary:00000150", "status": 500}], {}),
    ("all refused", [{"always": True, "status": 400, "body": '{"error":"callgraphId is required"}'}], {}),
    ("302 elsewhere", [{"always": True, "status": 302, "headers": {"Location": "/elsewhere"}}], {}),
    ("200 of a portal", [{"always": True, "status": 200, "body": "welcome"}], {}),
]  # fmt: skip


def fault(case):
    """One row of the table, and what is wrong with it."""
    (name, plan, settings), spooled = case
    spool = new_spool() if spooled else None
    path, lines = write_facts(1000, filling=200)
    with Server(plan) as server:
        run = send(server.url(), path, spool=spool, settings={**settings, "Ingest__BatchSize": 100})
        problems = run.problems
        taken = server.lines()
        waiting = spooled_lines(spool) if spooled else []
        refused = spooled_lines(spool, "rejected") if spooled else []
        counts = run.counts
        row = "%-18s %-7s %5d %8d %8d %9d %8d %9d %8d" % (
            name, "spool" if spooled else "memory", counts["emitted"], counts["accepted"], counts["spooled"],
            counts["rejected"], counts["dropped"], len(server.requests), counts["retries"],
        )  # fmt: skip
        if counts["accepted"] != len(taken):
            problems.append("accepted %s, at the server %d" % (counts, len(taken)))
        if spooled:
            problems += check_spool(spool)
            problems += same_lines(taken + waiting + refused, lines, "in all places")
            problems += run.expect(emitted=1000, dropped=0, spooled=len(waiting), rejected=len(refused))
            server.plan = []
            problems += drain(spool, server).expect(status=0, accepted=len(waiting))
            problems += same_lines(server.lines() + refused, lines, "after all")
        elif len(set(taken)) != len(taken) or set(taken) - set(lines):
            problems.append("lines came twice")
        bodies = {}
        for request in server.requests:
            if request.body and bodies.setdefault(request.key, request.body) != request.body:
                problems.append("a retry had other bytes")
        if any(request.path == "/elsewhere" for request in server.requests):
            problems.append("the redirect was followed")
    return row, problems


def faults():
    """every fact arrives exactly once by its key, or lies in the spool or in rejected/"""
    cases = [(case, spooled) for case in FAULTS for spooled in (True, False)]
    note("%-18s %-7s facts accepted  spooled  rejected  dropped  requests  retries" % ("fault", "keeps"))
    for (case, spooled), (row, problems) in zip(cases, in_parallel(fault, cases, 8)):
        note(row)
        ok("faults: %s, %s" % (case[0], "spool" if spooled else "memory"), problems)


def refusal_is_kept_and_said():
    """a refused batch lies in rejected/ with the answer, and the reason is said once"""
    reason = "Subject must include scanId/imageDigest/component+version"
    path, lines = write_facts(300)
    spool = new_spool()
    with Server([{"always": True, "status": 400, "body": json.dumps({"error": reason})}]) as server:
        run = send(server.url(), path, spool=spool, settings={"Ingest__BatchSize": 100})
        problems = run.expect(rejected=300, status=5, retries=0)
        if run.stderr.count("refuses facts") != 1 or reason not in run.stderr:
            problems.append(run.stderr)
        answers = glob.glob(os.path.join(spool, "rejected", "*.answer"))
        for answer in answers:
            with open(answer, encoding="utf-8") as file:
                text = file.read()
            if "answer: status 400" not in text or '{"error": "%s"}' % reason not in text:
                problems.append(text)
        problems += same_lines(spooled_lines(spool, "rejected"), lines, "rejected")
        if len(answers) != 3:
            problems.append("%d answers" % len(answers))
    ok(refusal_is_kept_and_said.__doc__, problems)


def retry_after_is_heeded():
    """Retry-After is heeded, in seconds and as a date"""

    def heeds(value):
        path, _ = write_facts(5)
        with Server([{"first": 1, "status": 429, "headers": {"Retry-After": value}}]) as server:
            problems = send(server.url(), path).expect(accepted=5)
            times = [request.time for request in server.requests]
        if len(times) != 2 or times[1] - times[0] < 1.5:
            problems.append("%s: %d requests, %s" % (value, len(times), times))
        return problems

    later = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() + 3))
    ok(retry_after_is_heeded.__doc__, sum(in_parallel(heeds, ("2", later)), []))


# --- Secrets -------------------------------------------------------------------------------------


def token_is_read_anew_and_kept_secret():
    """the token file is read anew for a retry; no secret is in the spool, in the account or on
    stderr"""
    path, lines = write_facts(50)
    spool = new_spool()
    token = os.path.join(os.path.dirname(spool), "token")
    with open(token, "w", encoding="utf-8") as file:
        file.write("%s-old\n" % SECRET)
    echo = json.dumps({"error": "Bearer %s-old is no good, nor is %s-key" % (SECRET, SECRET)})
    headers = {"Retry-After": "1"}
    plan = [{"first": 1, "status": 503, "body": echo, "headers": headers}, {"first": 1, "status": 400, "body": echo}]
    with Server(plan) as server:
        sending = Sending(
            server.url() + "?ticket=%s-ticket" % SECRET, "--token-file", token, "--header", "X-Api-Key: %s-key" % SECRET,
            path, spool=spool, settings={"Ingest__BatchSize": 25},
        )  # fmt: skip
        problems = [] if until(lambda: server.requests) else ["no request came"]
        with open(token, "w", encoding="utf-8") as file:
            file.write("%s-new\n" % SECRET)
        run = sending.finish()
        problems += run.expect(status=5, accepted=25, rejected=25)
        sent = [request.headers.get("authorization") for request in server.requests]
        if sent[:2] != ["Bearer %s-old" % SECRET, "Bearer %s-new" % SECRET]:
            problems.append("%s" % sent)
        for request in server.requests:
            if request.headers.get("x-api-key") != SECRET + "-key" or request.query.get("ticket") != SECRET + "-ticket":
                problems.append("a secret is not sent: %s" % request.target)
        if SECRET in run.stderr + json.dumps(run.stats):
            problems.append("said: " + run.stderr)
        files = [os.path.join(at, name) for at, _, names in os.walk(spool) for name in names]
        for name in files:
            with open(name, "rb") as file:
                if SECRET.encode() in file.read():
                    problems.append("%s has the secret" % name)
        if len(files) < 3 or "withheld" not in spool_files(spool, "rejected")[0].fields:
            problems.append("%s" % files)
    ok(" ".join(token_is_read_anew_and_kept_secret.__doc__.split()), problems)


def bad_options():
    """wrong endpoints and tokens are refused at the start, without quoting what may be a secret"""
    path, _ = write_facts(1)
    url = "https://signals.example/x"
    problems = []
    cases = [
        ("https://user:%s@signals.example/x" % SECRET,),
        ("http://signals.example/signals/runtime-facts/ndjson",),
        ("http://127.0.0.1.example/x",),
        ("ftp://127.0.0.1/x",),
        ("signals.example",),
        ("https://signals.example/x#%s" % SECRET,),
        (url, "--header", "Content-Length: 5"),
        (url, "--header", "X-A: %s\r\nX-B: 1" % SECRET),
        (url, "--cacert", "/nowhere.pem"),
        (url, "--token-file", "/dev/null"),
        (url, "--token-file", "/etc/passwd"),
        ("https://signals.example/x?callgraphId=other",),
    ]
    cases = [(case, {}) for case in cases]
    cases += [
        ((url,), {"Egress__AllowedHosts": "other.example"}),
        ((url,), {"Egress__AllowedHosts": "signals.example:8443"}),
        ((url,), {"Egress__Enabled": "false"}),
    ]
    for case, settings in cases:
        run = send(*case, path, settings=settings)
        if run.status not in (2, 4) or SECRET in run.stderr or len(run.stderr.splitlines()) != 1:
            problems.append("%s: %s %s" % (case, run.status, run.stderr))
    run = send(url, path, who=())
    if run.status != 2 or "callgraphId is required" not in run.stderr:
        problems.append("no callgraph id: %s" % run.stderr)
    ok(bad_options.__doc__, problems)


# --- The spool -----------------------------------------------------------------------------------


def spool_moves_to_another_machine():
    """a spool that is copied elsewhere is sent from there: same bytes, keys and headers, in order"""
    spool, copy = new_spool(), new_spool()
    more = ("--header", "X-Scopes: signals:write", "--analysis-id", "an-7")
    run, lines = fill_spool(spool, 3000, *more, settings={"Ingest__BatchSize": 800})
    problems = run.expect(spooled=3000, status=5) + check_spool(spool)
    files = spool_files(spool)
    os.mkdir(copy)
    for file in files:
        shutil.copyfile(file.path, os.path.join(copy, file.name))
    with Server() as server:
        problems += drain(copy, server).expect(accepted=3000, status=0) + server.problems
        if len(files) != 4 or spool_files(copy):
            problems.append("%d files, and %d are left" % (len(files), len(spool_files(copy))))
        sent = [(request.key, request.body) for request in server.requests]
        if sent != [(file.key(), file.body) for file in files]:
            problems.append("what was sent is not what lay there, or not in that order")
        for request in server.requests:
            if request.target != "/signals/runtime-facts/ndjson?callgraphId=cg-123&component=web&version=1.0.0":
                problems.append(request.target)
            wanted = {"x-scopes": "signals:write", "x-callgraph-id": "cg-123", "x-analysis-id": "an-7"}
            if any(request.headers.get(name) != value for name, value in wanted.items()):
                problems.append("%s" % request.headers)
        problems += same_lines(server.lines(), lines, "at the server")
    ok(spool_moves_to_another_machine.__doc__, problems)


def outage():
    """after an outage: the spool and then what is new, oldest first, nothing twice"""
    spool = new_spool()
    path, lines = write_facts(2000)
    settings = {"Ingest__BatchSize": 100}
    with Server() as gone:
        url = gone.url()
    run = send(url, path, spool=spool, settings=settings)
    problems = run.expect(spooled=2000, status=5)
    more, newer = write_facts(500, 2000)
    with Server() as server:
        run = send(server.url(), more, spool=spool, settings=settings)
        problems += run.expect(accepted=2500, status=0)
        numbers = [int(line[line.index(":0") + 1 :][:8]) for request in server.requests for line in request.lines]
        if numbers != list(range(2500)):
            problems.append("not in order")
        problems += same_lines(server.lines(), lines + newer, "at the server")
    ok(outage.__doc__, problems)


def bounded_spool():
    """a spool that is full drops its oldest batches and counts them"""
    spool = new_spool()
    settings = {"Ingest__BatchSize": 10, "Spool__MaxBytes": 40 * 4096}
    run, lines = fill_spool(spool, 400, settings=settings)
    problems = run.expect(spooled=400, dropped=0)
    # A file is read no further once a spool has to drop what it got; facts from a pipe are.
    path, newer = write_facts(200, 400)
    run = send(NOWHERE, path, spool=spool, settings={**settings, "Egress__Enabled": "false"})
    found = spooled_lines(spool)
    problems += same_lines(found, (lines + newer)[600 - 400 :][: len(found)], "the newest") if len(found) == 400 else []
    size = sum(os.stat(file.path).st_size for file in spool_files(spool))
    if size > 40 * 4096 or not run.counts["dropped"]:
        problems.append("%d bytes, %s" % (size, run.counts))
    ok(bounded_spool.__doc__, problems)


def clock_jumps():
    """files from the future, and old ones, are delivered by who drains a spool, at the second attempt
    as well"""
    spool = new_spool()
    _, lines = fill_spool(spool, 100, settings={"Ingest__BatchSize": 10})
    for number, file in enumerate(spool_files(spool)):
        moment = 0 if number % 2 else time.time() + 3600 * 24 * 3650
        os.utime(file.path, (moment, moment))
    with Server([{"first": 1, "status": 503}]) as server:
        problems = drain(spool, server).expect(accepted=100, dropped=0, status=0)
        problems += same_lines(server.lines(), lines, "at the server")
    ok(" ".join(clock_jumps.__doc__.split()), problems)


def two_owners():
    """a spool has one owner at a time"""
    spool = new_spool()
    path, _ = write_facts(5)
    with Server([{"always": True, "do": "hang"}]) as server:
        first = Sending(server.url(), path, spool=spool)
        until(lambda: server.requests)
        second = send(server.url(), path, spool=spool)
        problems = second.expect(status=1)
        if "is in use by another rtsample" not in second.stderr:
            problems.append(second.stderr)
        problems += first.terminate().expect(spooled=5)
    ok(two_owners.__doc__, problems)


def strangers_in_the_spool():
    """foreign, damaged and unreadable files are moved aside, and the rest is delivered"""
    spool = new_spool()
    _, lines = fill_spool(spool, 100, settings={"Ingest__BatchSize": 10})
    files = spool_files(spool)

    def damage(index, change):
        content = bytearray(files[index].bytes)
        change(content)
        with open(files[index].path, "wb") as file:
            file.write(content)

    damage(0, lambda content: content.__delitem__(slice(len(content) - 5, None)))
    damage(1, lambda content: content.__setitem__(len(content) - 3, content[len(content) - 3] ^ 1))
    damage(2, lambda content: content.__setitem__(60, content[60] ^ 1))
    damage(3, lambda content: content.__delitem__(slice(0, None)))
    name = files[4].name
    forged = files[4].bytes.replace(b"header: X-Callgraph-Id: cg-123", b"header: Authorization: x\nheader: X-Callgraph-Id: cg-123")
    head, _, rest = forged.partition(b"head-sha256: ")
    forged = head + b"head-sha256: " + hashlib.sha256(head).hexdigest().encode() + rest[64:]
    with open(files[4].path, "wb") as file:
        file.write(forged)
    os.rename(files[5].path, os.path.join(spool, "0" * 16 + files[5].name[16:]))
    os.unlink(files[6].path)
    os.symlink("/etc/passwd", files[6].path)
    os.unlink(files[7].path)
    os.mkfifo(files[7].path)
    with open(os.path.join(spool, "README"), "w", encoding="utf-8") as file:
        file.write("not a batch")
    with open(os.path.join(spool, ".tmp-left"), "w", encoding="utf-8") as file:
        file.write("half of one")
    os.mkdir(os.path.join(spool, "folder"))
    with Server() as server:
        problems = drain(spool, server).expect(accepted=20, status=0) + server.problems
        problems += same_lines(server.lines(), lines[80:], "at the server")
    there = sorted(os.listdir(os.path.join(spool, "quarantine")))
    if len(there) != 9 or "README" not in there or name not in there:
        problems.append("quarantine has %s" % there)
    if sorted(os.listdir(spool)) != ["folder", "lock", "quarantine"]:
        problems.append("left: %s" % os.listdir(spool))
    ok(strangers_in_the_spool.__doc__, problems)


def not_a_spool():
    """a directory with other people's files is not taken for a spool"""
    folder = tempfile.mkdtemp(dir=WORK)
    with open(os.path.join(folder, "precious"), "w", encoding="utf-8") as file:
        file.write("x")
    run, _ = fill_spool(folder, 5)
    problems = run.expect(status=2)
    if os.listdir(folder) != ["precious"]:
        problems.append("%s" % os.listdir(folder))
    ok(not_a_spool.__doc__, problems)


def full_disk():
    """on a full disk facts wait in memory and are sent from there; then the spool is used again"""
    if not IS_ROOT:
        raise Skip("mounting a small disk takes root")
    mount = tempfile.mkdtemp(dir=WORK)
    done_ = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=96k", "rtsample-test", mount], stderr=subprocess.PIPE, text=True)
    if done_.returncode != 0:
        raise Skip("a tmpfs cannot be mounted here: " + done_.stderr)
    at_end(subprocess.run, ["umount", "-l", mount])
    spool = os.path.join(mount, "spool")
    path, lines = write_facts(600)
    settings = {"Ingest__BatchSize": 20}
    with Server() as gone:
        url = gone.url()
    run = send(url, path, spool=spool, settings=settings)
    waiting = spooled_lines(spool)
    problems = run.problems + check_spool(spool)
    if run.counts["spooled"] != len(waiting) or run.counts["dropped"] == 0 or not waiting:
        problems.append("%s, %d lines in the spool" % (run.counts, len(waiting)))
    with Server() as server:
        run = send(server.url(), path, spool=spool, settings=settings)
        problems += run.expect(accepted=600 + len(waiting), dropped=0, status=0)
    ok(full_disk.__doc__, problems)


# --- The end -------------------------------------------------------------------------------------


def memory_is_bounded():
    """facts from a pipe that the server does not take: memory is bounded, and what is not sent is
    counted"""
    _, lines = write_facts(20000, filling=600)
    path = os.path.join(tempfile.mkdtemp(dir=WORK), "facts")
    with open(path, "w", encoding="utf-8") as file:
        file.write("".join(line + "\n" for line in lines))
    with Server([{"first": 1, "status": 503, "headers": {"Retry-After": "2"}}]) as server:
        with open(path, "rb") as stdin:
            run = send(server.url(), "-", stdin=stdin, settings={"Ingest__BatchSize": 50})
        problems = run.expect(accepted=20000, dropped=0, status=0)
        problems += same_lines(set(server.lines()), set(lines), "at the server")
        peak = run.stats["self"]["peak_rss_kib"]
        note("peak %d KiB" % peak)
        if peak > 64 << 10 and not os.environ.get("RTSAMPLE_SANITIZERS"):
            problems.append("peak %d KiB" % peak)
    ok(" ".join(memory_is_bounded.__doc__.split()), problems)


run_steps(
    request_says_everything,
    gzip_is_reproducible,
    structured_form,
    faults,
    refusal_is_kept_and_said,
    retry_after_is_heeded,
    token_is_read_anew_and_kept_secret,
    bad_options,
    spool_moves_to_another_machine,
    outage,
    bounded_spool,
    clock_jumps,
    two_owners,
    strangers_in_the_spool,
    not_a_spool,
    full_disk,
    memory_is_bounded,
)
