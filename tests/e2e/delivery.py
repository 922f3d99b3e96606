#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""From lines to accepted batches: what a request looks like, what each answer leads to, what the
spool keeps, where nothing is sent to, and how soon it ends."""
import gzip
import sys

sys.dont_write_bytecode = True
from delivery_lib import *  # noqa

SECRET = "s3cr3t-token-of-nobody"


# --- Requests ------------------------------------------------------------------------------------


def request_says_everything():
    """a request has the method, path, query, headers and lines of the contract"""
    path, lines = write_facts(2500)
    with Server() as server:
        run = drive(
            "endpoint=" + server.url(), "callgraph-id=cg 1/&",
            "component=web", "version=1.0+β", "source=zastava", "analysis-id=an-1",
            "scan-id=s=1", "header=X-Scopes: signals:write", "lines=" + path, "wait-ms=20000",
        )  # fmt: skip
        problems = run.expect(accepted=2500, batches=3, retries=0, status=0, subjectKey="subject|cg 1/&")
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
            run = drive("endpoint=" + server.url(), *WHO, "lines=" + large, "wait-ms=20000", "sequence=1")
            problems += run.expect(accepted=1000) + server.problems
            bodies += server.requests
            drive("endpoint=" + server.url(), *WHO, "lines=" + small, "wait-ms=20000")
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
        run = drive("endpoint=" + server.url("/signals/runtime-facts"), *WHO, "lines=" + path, "batch=7", "wait-ms=20000")
        problems = run.expect(accepted=30, batches=5) + server.problems
        problems += same_lines(server.lines(), lines, "at the server")
        head = json.loads(server.requests[0].body)
        if head["subject"] != {"component": "web", "version": "1.0.0"} or head["callgraphId"] != "cg-123":
            problems.append("%s" % head)
    ok(structured_form.__doc__, problems)


# --- Answers -------------------------------------------------------------------------------------


def faults():
    """every fact arrives exactly once by its key, or lies in the spool or in rejected/"""
    html = "<html>" + "x" * (10 << 20)
    slow = ("timeout-ms=400",)
    cases = [
        ("fail first 3", [{"first": 3, "status": 503}], ()),
        ("fail every 3rd", [{"every": 3, "status": 500}], ()),
        ("no answer", [{"first": 2, "do": "hang"}], slow),
        ("no end of answer", [{"first": 2, "do": "hang-body"}], slow),
        ("half an answer", [{"first": 2, "do": "half"}], ()),
        ("closed", [{"first": 3, "do": "close"}], ()),
        ("reset in the body", [{"first": 3, "do": "reset"}], ()),
        ("taken, not said", [{"first": 3, "lie": True}], ()),
        ("429, 1 s", [{"first": 1, "status": 429, "headers": {"Retry-After": "1"}}], ()),
        ("413 over 20000", [{"over": 20000, "status": 413}], ()),
        ("503 sealed mode", [{"first": 2, "status": 503, "body": '{"error":"sealed-mode evidence invalid"}'}], ()),
        ("10 MB of error", [{"first": 2, "status": 500, "body": html}], ()),
        ("408", [{"first": 1, "status": 408}], ()),
        ("401, then well", [{"first": 2, "status": 401}], ()),
        ("one batch refused", [{"holds": "sym:binary:00000150", "status": 400, "body": '{"error":"no"}'}], ()),
        ("one batch fails", [{"holds": "sym:binary:00000150", "status": 500}], ("wait-ms=6000",)),
        ("all refused", [{"always": True, "status": 400, "body": '{"error":"callgraphId is required"}'}], ()),
        ("302 elsewhere", [{"always": True, "status": 302, "headers": {"Location": "/elsewhere"}}], ("failures=3",)),
        ("200 of a portal", [{"always": True, "status": 200, "body": "welcome"}], ("failures=3",)),
    ]  # fmt: skip
    for spooled in (True, False):
        for name, plan, more in cases:
            with Server(plan) as server:
                spool = new_spool()
                path, lines = write_facts(1000, filling=200)
                arguments = ["endpoint=" + server.url(), *WHO, *QUICK, "batch=100", "lines=" + path]
                arguments += ["spool=" + spool] if spooled else []
                run = drive(*arguments, "wait-ms=30000", *more)
                own = run.counts.get("own", {})
                problems = run.problems + server.problems
                taken = server.lines()
                waiting = spooled_lines(spool) if spooled else []
                refused = spooled_lines(spool, "rejected") if spooled else []
                note(
                    "%-18s %-8s %4d accepted %4d spooled %4d rejected %4d dropped, %2d requests, %2d retries"
                    % (name, "spool" if spooled else "memory", own.get("accepted", -1), own.get("spooled", -1),
                       own.get("rejected", -1), own.get("dropped", -1), len(server.requests), run.counts.get("retries", -1))
                )  # fmt: skip
                if spooled:
                    problems += check_spool(spool)
                    problems += same_lines(taken + waiting + refused, lines, "in all places")
                    if own.get("dropped") != 0:
                        problems.append("dropped: %s" % own)
                elif len(set(taken)) != len(taken) or set(taken) - set(lines):
                    problems.append("lines came twice")
                if own.get("accepted") != len(taken):
                    problems.append("accepted %s, at the server %d" % (own, len(taken)))
                if spooled and (own.get("spooled"), own.get("rejected")) != (len(waiting), len(refused)):
                    problems.append("%s, but %d and %d lines" % (own, len(waiting), len(refused)))
                by_key = {}
                for request in server.requests:
                    if request.body and by_key.setdefault(request.key, request.body) != request.body:
                        problems.append("a retry had other bytes")
                if any(request.path == "/elsewhere" for request in server.requests):
                    problems.append("the redirect was followed")
                ok("faults: %s, %s" % (name, "spool" if spooled else "memory"), problems)


def refusal_is_kept_and_said():
    """a refused batch lies in rejected/ with the answer, and the reason is said once"""
    reason = "Subject must include scanId/imageDigest/component+version"
    path, lines = write_facts(300)
    spool = new_spool()
    with Server() as server:
        run = drive("endpoint=" + server.url(), "callgraph-id=cg", "lines=" + path, "batch=100", "spool=" + spool, "wait-ms=20000")
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
    problems = []
    for form in ("seconds", "date"):
        later = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() + 3))
        value = "2" if form == "seconds" else later
        path, _ = write_facts(5)
        with Server([{"first": 1, "status": 429, "headers": {"Retry-After": value}}]) as server:
            run = drive("endpoint=" + server.url(), *WHO, *QUICK, "lines=" + path, "wait-ms=30000")
            problems += run.expect(accepted=5)
            times = [request.time for request in server.requests]
            if len(times) != 2 or times[1] - times[0] < 1.5:
                problems.append("%s: %d requests, %s" % (form, len(times), times))
    ok(retry_after_is_heeded.__doc__, problems)


# --- Secrets -------------------------------------------------------------------------------------


def token_is_read_anew_and_kept_secret():
    """the token file is read anew for a retry; no secret is in the spool or on stderr"""
    path, lines = write_facts(50)
    spool = new_spool()
    token = os.path.join(os.path.dirname(spool), "token")
    with open(token, "w", encoding="utf-8") as file:
        file.write("%s-old\n" % SECRET)
    echo = json.dumps({"error": "Bearer %s-old is no good, nor is %s-key" % (SECRET, SECRET)})
    plan = [{"first": 1, "status": 401, "body": echo}, {"first": 1, "status": 400, "body": echo}]
    with Server(plan) as server:
        process = start(
            "endpoint=" + server.url() + "?ticket=%s-ticket" % SECRET, *WHO, "retry-ms=50", "help-ms=1000",
            "lines=" + path, "batch=25", "spool=" + spool, "wait-ms=30000", "token-file=" + token,
            "header=X-Api-Key: %s-key" % SECRET,
        )  # fmt: skip
        problems = [] if until(lambda: server.requests) else ["no request came"]
        with open(token, "w", encoding="utf-8") as file:
            file.write("%s-new\n" % SECRET)
        out, err = process.communicate(timeout=STUCK_SECONDS)
        sent = [request.headers.get("authorization") for request in server.requests]
        if sent[:2] != ["Bearer %s-old" % SECRET, "Bearer %s-new" % SECRET]:
            problems.append("%s" % sent)
        for request in server.requests:
            if request.headers.get("x-api-key") != SECRET + "-key" or request.query.get("ticket") != SECRET + "-ticket":
                problems.append("a secret is not sent: %s" % request.target)
        if SECRET in out + err:
            problems.append("said: " + err)
        files = [os.path.join(at, name) for at, _, names in os.walk(spool) for name in names]
        for name in files:
            with open(name, "rb") as file:
                if SECRET.encode() in file.read():
                    problems.append("%s has the secret" % name)
        if len(files) < 3 or "withheld" not in spool_files(spool, "rejected")[0].fields:
            problems.append("%s" % files)
    ok(token_is_read_anew_and_kept_secret.__doc__, problems)


def bad_options():
    """wrong endpoints and tokens are refused at the start, without quoting what may be a secret"""
    path, _ = write_facts(1)
    problems = []
    cases = [
        ("endpoint=https://user:%s@signals.example/x" % SECRET,),
        ("endpoint=http://signals.example/signals/runtime-facts/ndjson",),
        ("endpoint=http://127.0.0.1.example/x",),
        ("endpoint=ftp://127.0.0.1/x",),
        ("endpoint=signals.example",),
        ("endpoint=https://signals.example/x#%s" % SECRET,),
        ("endpoint=https://signals.example/x", "allow=other.example"),
        ("endpoint=https://signals.example/x", "allow=signals.example:8443"),
        ("endpoint=https://signals.example/x", "header=Content-Length: 5"),
        ("endpoint=https://signals.example/x", "header=X-A: %s\r\nX-B: 1" % SECRET),
        ("endpoint=https://signals.example/x", "cacert=/nowhere.pem"),
        ("endpoint=https://signals.example/x", "token-file=/dev/null"),
        ("endpoint=https://signals.example/x", "token-file=/etc/passwd"),
        ("endpoint=https://signals.example/x?callgraphId=other",),
        ("endpoint=https://signals.example/x", "egress=0"),
    ]
    for case in cases:
        run = drive(*case, *WHO, "lines=" + path)
        if run.status not in (2, 4) or SECRET in run.stderr or len(run.stderr.splitlines()) != 1:
            problems.append("%s: %s %s" % (case, run.status, run.stderr))
    run = drive("endpoint=https://signals.example/x", "lines=" + path)
    if run.status != 2 or "callgraphId is required" not in run.stderr:
        problems.append("no callgraph id: %s" % run.stderr)
    ok(bad_options.__doc__, problems)


# --- Where nothing goes --------------------------------------------------------------------------


def strace(*arguments, environment=None):
    if not shutil.which("strace"):
        raise Skip("strace is not installed")
    log = os.path.join(tempfile.mkdtemp(dir=WORK), "strace")
    # LeakSanitizer cannot work under strace.
    environment = dict(environment or {}, ASAN_OPTIONS="detect_leaks=0")
    run = drive(*arguments, environment=environment, wrapper=["strace", "-f", "-o", log, "-e", "trace=network"])
    if not os.path.exists(log) or "PTRACE" in run.stderr:
        raise Skip("strace cannot trace here")
    with open(log, encoding="utf-8", errors="replace") as file:
        return run, file.read()


def no_endpoint_no_socket():
    """without an endpoint no socket is opened"""
    path, _ = write_facts(5)
    run, calls = strace("lines=" + path)
    found = [line for line in calls.splitlines() if re.search(r"\b(socket|connect|sendto)\(", line)]
    ok(no_endpoint_no_socket.__doc__, run.problems + found)


def no_egress_no_socket():
    """with egress switched off everything goes to the spool, and no socket is opened"""
    path, lines = write_facts(5)
    spool = new_spool()
    run, calls = strace("endpoint=https://signals.example/signals/runtime-facts/ndjson", *WHO, "egress=0", "spool=" + spool, "lines=" + path)
    found = [line for line in calls.splitlines() if re.search(r"\b(socket|connect|sendto)\(", line)]
    problems = run.expect(spooled=5, accepted=0) + same_lines(spooled_lines(spool), lines, "spool")
    ok(no_egress_no_socket.__doc__, problems + found)


def traps_are_avoided():
    """with proxies, netrc and the like set to trap it, it connects to the endpoint alone"""
    path, _ = write_facts(5)
    home = tempfile.mkdtemp(dir=WORK)
    with open(os.path.join(home, ".netrc"), "w", encoding="utf-8") as file:
        file.write("default login trapped password %s\n" % SECRET)
    with Server() as trap, Server() as server:
        address = "http://127.0.0.1:%d/" % trap.port
        names = ("http_proxy", "https_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy", "DEBUGINFOD_URLS")
        environment = dict.fromkeys(names, address)
        environment.update(HOME=home, NETRC=os.path.join(home, ".netrc"), no_proxy="", NO_PROXY="")
        run, calls = strace("endpoint=" + server.url(), *WHO, "lines=" + path, "wait-ms=30000", environment=environment)
        problems = run.expect(accepted=5)
        ports = set(re.findall(r"connect\(.*?sin6?_port=htons\((\d+)\)", calls))
        if ports != {str(server.port)} or trap.requests:
            problems.append("connected to %s, not just to %d" % (ports, server.port))
        others = [line for line in calls.splitlines() if "connect(" in line and "AF_INET" not in line]
        problems += others
        if any("authorization" in request.headers for request in server.requests):
            problems.append("it took a password from netrc")
    ok(traps_are_avoided.__doc__, problems)


# --- The spool -----------------------------------------------------------------------------------


def fill_spool(spool, count, *more, first=0):
    path, lines = write_facts(count, first)
    run = drive("endpoint=https://signals.example/signals/runtime-facts/ndjson", *WHO, "egress=0", "spool=" + spool, "lines=" + path, *more)
    return run, lines


def drain(spool, server, *more):
    return drive("endpoint=" + server.url(), "drain=1", "spool=" + spool, "wait-ms=30000", *QUICK, *more)


def spool_moves_to_another_machine():
    """a spool that is copied elsewhere is sent from there: same bytes, keys and headers, in order"""
    spool, copy = new_spool(), new_spool()
    run, lines = fill_spool(spool, 3000, "header=X-Scopes: signals:write", "analysis-id=an-7", "batch=800")
    problems = run.expect(spooled=3000, left=4, status=5) + check_spool(spool)
    files = spool_files(spool)
    os.mkdir(copy)
    for file in files:
        shutil.copyfile(file.path, os.path.join(copy, file.name))
    with Server() as server:
        run = drain(copy, server)
        problems += run.expect(earlier_accepted=3000, left=0, status=0) + server.problems
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
    with Server() as gone:
        port = gone.port
    arguments = ("spool=" + spool, "batch=100", "flush=100", *WHO)
    run = drive("endpoint=http://127.0.0.1:%d/signals/runtime-facts/ndjson" % port, "lines=" + path, "retry-ms=20", *arguments)
    problems = run.expect(spooled=2000, left=20)
    more, newer = write_facts(500, 2000)
    with Server() as server:
        run = drive("endpoint=" + server.url(), "lines=" + more, "wait-ms=60000", *arguments)
        problems += run.expect(accepted=500, earlier_accepted=2000, left=0)
        numbers = [int(line[line.index(":0") + 1 :][:8]) for request in server.requests for line in request.lines]
        if numbers != list(range(2500)):
            problems.append("not in order")
        problems += same_lines(server.lines(), lines + newer, "at the server")
    ok(outage.__doc__, problems)


def bounded_spool():
    """a spool that is full drops its oldest batches and counts them; so does one that is too old"""
    spool = new_spool()
    run, lines = fill_spool(spool, 1000, "batch=10", "spool-bytes=%d" % (40 * 4096))
    problems = run.expect(spooled=400, dropped=600)
    problems += same_lines(spooled_lines(spool), lines[600:], "the newest")
    size = sum(os.stat(file.path).st_size for file in spool_files(spool))
    if size > 40 * 4096:
        problems.append("%d bytes" % size)
    for file in spool_files(spool)[:10]:
        os.utime(file.path, (time.time() - 3600 * 24 * 8,) * 2)
    with Server([{"first": 1, "status": 503}, {"always": True, "do": "hang"}]) as server:
        run = drain(spool, server, "timeout-ms=300", "failures=2")
        problems += run.expect(earlier_dropped=100, left=30)
    ok(bounded_spool.__doc__, problems)


def clock_jumps():
    """files from the future, and old ones while the server takes them, are delivered"""
    spool = new_spool()
    _, lines = fill_spool(spool, 100, "batch=10")
    for number, file in enumerate(spool_files(spool)):
        moment = 0 if number % 2 else time.time() + 3600 * 24 * 3650
        os.utime(file.path, (moment, moment))
    with Server() as server:
        run = drain(spool, server)
        problems = run.expect(earlier_accepted=100, earlier_dropped=0, left=0)
        problems += same_lines(server.lines(), lines, "at the server")
    ok(clock_jumps.__doc__, problems)


def two_owners():
    """a spool has one owner at a time"""
    spool = new_spool()
    path, _ = write_facts(5)
    with Server([{"always": True, "do": "hang"}]) as server:
        first = start("endpoint=" + server.url(), *WHO, "spool=" + spool, "lines=" + path, "wait-ms=60000")
        until(lambda: server.requests)
        second = drive("endpoint=" + server.url(), *WHO, "spool=" + spool, "lines=" + path)
        problems = second.expect(status=1)
        if "is in use by another rtsample" not in second.stderr:
            problems.append(second.stderr)
        problems += terminate(first).expect(spooled=5)
    ok(two_owners.__doc__, problems)


def strangers_in_the_spool():
    """foreign, damaged and unreadable files are moved aside, and the rest is delivered"""
    spool = new_spool()
    _, lines = fill_spool(spool, 100, "batch=10")
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
        run = drain(spool, server)
        problems = run.expect(earlier_accepted=20, left=0) + server.problems
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
    arguments = (*WHO, *QUICK, "batch=20", "flush=20", "spool=" + spool, "lines=" + path)
    with Server() as gone:
        port = gone.port
    run = drive("endpoint=http://127.0.0.1:%d/signals/runtime-facts/ndjson" % port, *arguments)
    own = run.counts["own"]
    problems = run.problems + check_spool(spool)
    if own["spooled"] != len(spooled_lines(spool)) or own["dropped"] == 0 or own["spooled"] == 0:
        problems.append("%s, %d lines in the spool" % (own, len(spooled_lines(spool))))
    earlier = own["spooled"]
    with Server() as server:
        run = drive("endpoint=" + server.url(), *arguments, "wait-ms=30000")
        problems += run.expect(accepted=600, earlier_accepted=earlier, left=0, dropped=0)
    ok(full_disk.__doc__, problems)


# --- The end -------------------------------------------------------------------------------------


def ends_soon():
    """SIGTERM while connecting, sending, waiting for an answer or backing off ends within 2 s, and
    everything is in the spool"""
    listening = socket_that_never_accepts()
    states = {
        "connecting": (None, "https://127.0.0.1:%d/signals/runtime-facts/ndjson" % listening.getsockname()[1]),
        "resolving": (None, "https://signals.invalid/signals/runtime-facts/ndjson"),
        "waiting for an answer": ([{"always": True, "do": "hang"}], None),
        "reading an answer": ([{"always": True, "do": "hang-body"}], None),
        "backing off": ([{"always": True, "status": 503}], None),
        "told to wait": ([{"always": True, "status": 503, "headers": {"Retry-After": "3000"}}], None),
        "not authorized": ([{"always": True, "status": 401}], None),
    }  # fmt: skip
    for state, (plan, url) in states.items():
        for spooled in (True, False):
            path, lines = write_facts(300)
            spool = new_spool()
            with Server(plan or ()) as server:
                process = start(
                    "endpoint=" + (url or server.url()), *WHO, "batch=50", "flush=50", "lines=" + path, "wait-ms=100000",
                    *(("spool=" + spool,) if spooled else ()),
                )  # fmt: skip
                if plan:
                    until(lambda: server.requests)
                time.sleep(0.3)
                run = terminate(process)
            problems = run.expect(**({"spooled": 300} if spooled else {"dropped": 300}), status=5)
            if run.seconds > END_SECONDS + SLACK_SECONDS:
                problems.append("it took %.1f s" % run.seconds)
            if spooled:
                problems += check_spool(spool) + same_lines(spooled_lines(spool), lines, "spool")
            note("%-22s %-6s ended after %.2f s" % (state, "spool" if spooled else "memory", run.seconds))
            ok("ends soon: %s, %s" % (state, "spool" if spooled else "memory"), problems)
    listening.close()


def socket_that_never_accepts():
    import socket

    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    listening.listen(1)
    return listening


def memory_is_bounded():
    """without a spool, and with the server away, memory is bounded and the newest are kept"""
    path, lines = write_facts(60000, filling=600)
    with Server([{"first": 1, "status": 503, "headers": {"Retry-After": "2"}}]) as server:
        log = os.path.join(tempfile.mkdtemp(dir=WORK), "time")
        run = drive("endpoint=" + server.url(), *WHO, "lines=" + path, "flush=50", "batch=50", "wait-ms=30000", "eager=1",
                    wrapper=[sys.executable, "-c", PEAK, log])  # fmt: skip
        own = run.counts.get("own", {})
        problems = list(run.problems)
        if not own.get("dropped") or own.get("spooled") or own["accepted"] != len(server.lines()):
            problems.append("%s" % own)
        newest = server.lines()[-own.get("accepted", 0) + 50 :]
        if newest != lines[len(lines) - len(newest) :]:
            problems.append("not the newest are kept")
        with open(log, encoding="utf-8") as file:
            peak = int(file.read())
        note("peak %d KiB, %s" % (peak, own))
        if peak > 64 << 10 and not os.environ.get("RTSAMPLE_SANITIZERS"):
            problems.append("peak %d KiB" % peak)
    ok(memory_is_bounded.__doc__, problems)


# Runs a program and writes the most memory that it had, in KiB.
PEAK = """
import resource, subprocess, sys
status = subprocess.call(sys.argv[2:])
with open(sys.argv[1], "w") as file:
    file.write(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss))
sys.exit(status)
"""


require_driver()
for step in (
    request_says_everything,
    gzip_is_reproducible,
    structured_form,
    faults,
    refusal_is_kept_and_said,
    retry_after_is_heeded,
    token_is_read_anew_and_kept_secret,
    bad_options,
    no_endpoint_no_socket,
    no_egress_no_socket,
    traps_are_avoided,
    spool_moves_to_another_machine,
    outage,
    bounded_spool,
    clock_jumps,
    two_owners,
    strangers_in_the_spool,
    not_a_spool,
    full_disk,
    ends_soon,
    memory_is_bounded,
):
    try:
        step()
    except Skip as reason:
        skip(step.__doc__, reason)
done()
