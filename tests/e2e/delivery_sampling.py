#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The sampler and its server: whatever the server does, each fact that was counted is there once, or
in the spool, or in rejected/; an outage costs no memory; nothing else is connected to; and it ends
soon. RTSAMPLE_OUTAGE_SECONDS makes the outage longer."""
import socket
import sys

sys.dont_write_bytecode = True
from delivery_lib import *  # noqa

skip_in("user")

OUTAGE_SECONDS = float(os.environ.get("RTSAMPLE_OUTAGE_SECONDS", "4"))

SECRET = "s3cr3t-of-a-netrc"


# --- Faults --------------------------------------------------------------------------------------

SLOW = {"Ingest__TimeoutMs": 300}
FAULTS = [
    ("none", [], {}),
    ("fail first 5", [{"first": 5, "status": 503}], {}),
    ("fail every 3rd", [{"every": 3, "status": 500}], {}),
    ("hang before headers", [{"every": 9, "do": "hang"}], SLOW),
    ("hang in the body", [{"every": 9, "do": "hang-body"}], SLOW),
    ("reset mid-body", [{"first": 6, "do": "reset"}], {}),
    ("half an answer", [{"every": 4, "do": "half"}], {}),
    ("taken, not said", [{"every": 4, "lie": True}], {}),
    ("429, Retry-After 1", [{"first": 2, "status": 429, "headers": {"Retry-After": "1"}}], {}),
    ("413 over 1500", [{"over": 1500, "status": 413}], {}),
    ("503 sealed mode", [{"first": 5, "status": 503, "body": '{"error":"sealed-mode evidence invalid"}'}], {}),
    ("redirect elsewhere", [{"first": 5, "status": 302, "headers": {"Location": "/elsewhere"}}], {}),
    ("10 MB error body", [{"first": 3, "status": 500, "body": "x" * (10 << 20)}], {}),
    ("every 4th refused", [{"every": 4, "status": 400, "body": '{"error":"no"}'}], {}),
    ("401, then well", [{"first": 2, "status": 401}], {}),
    ("401 for good", [{"always": True, "status": 401}], {}),
]  # fmt: skip


def fault(case):
    """One row of the table, and what is wrong with it."""
    target, (name, plan, settings) = case
    spool = new_spool()
    with Server(plan) as server:
        run = sampling(target.pid, server.url(), "-d", 1.5, spool=spool, settings=settings).finish(None)
        taken, waiting, refused = server.lines(), spooled_lines(spool), spooled_lines(spool, "rejected")
        problems = run.problems + check_spool(spool) + server.problems
        if not run.stats:
            return name, problems + [run.stderr]
        counts = run.stats["delivery"]
        row = "%-20s %7d %8d %7d %8d %7d %8d %7d" % (
            name, run.stats["events"]["emitted"], counts["accepted"], counts["spooled"], counts["rejected"],
            counts["dropped"], len(server.requests), counts["retries"],
        )  # fmt: skip
        if run.status != (5 if waiting or refused else 0):
            problems.append("exit status %s" % run.status)
        # What was taken and not said is at the server, and in the spool under the same key.
        ours = [file for file in spool_files(spool) if file.key() not in server.accepted]
        waiting = [line for file in ours for line in file.lines()]
        problems += same_lines(taken + waiting + refused, emitted(run), "in all places")
        if counts["dropped"]:
            problems.append("dropped: %s" % counts)
        if any(request.path == "/elsewhere" for request in server.requests):
            problems.append("the redirect was followed")
        server.plan = []
        problems += drain(spool, server).expect(status=0)
        problems += same_lines(server.lines() + refused, emitted(run), "after the spool was sent")
    return row, problems


def faults():
    cases = [(target, case) for case in FAULTS] if (target := Target(build("chain-O2-nofp"))) else []
    note("%-20s %7s %8s %7s %8s %7s %8s %7s" % (
        "fault", "emitted", "accepted", "spooled", "rejected", "dropped", "requests", "retries"))  # fmt: skip
    for (_, case), (row, problems) in zip(cases, in_parallel(fault, cases)):
        note(row)
        ok("faults: " + case[0], problems)
    target.stop()


# --- An outage -----------------------------------------------------------------------------------


def outage():
    """the server is away for the whole of a run at full rate: memory is that of a run with the
    server there, the spool is bounded, and then it is sent as a whole"""
    with Server() as gone:
        away = gone.url()
    spool, small, other = new_spool(), new_spool(), new_spool()
    bound = 32 << 10
    more = ("-d", OUTAGE_SECONDS)
    settings = {"Ingest__FlushIntervalMs": 2000 if OUTAGE_SECONDS > 30 else 50, "Ingest__BatchSize": 20,
                "Ingest__RetryMs": 500, "Ingest__RetryMaxMs": 60000}  # fmt: skip
    with Target(build("threads")) as target, Server() as server:
        runs = [
            sampling(target.pid, server.url(), *more, spool=other, settings=settings, frequency=999),
            sampling(target.pid, away, *more, spool=spool, settings=settings, frequency=999),
            sampling(target.pid, away, *more, spool=small, frequency=999,
                     settings={**settings, "Spool__MaxBytes": bound}),
        ]  # fmt: skip
        there, gone, bounded = [run.finish(None) for run in runs]
    problems = there.problems + gone.problems + bounded.problems
    if not problems:
        peaks = [run.stats["self"]["peak_rss_kib"] for run in (there, gone, bounded)]
        size = sum(os.stat(file.path).st_blocks * 512 for file in spool_files(small))
        counts, small_counts = gone.stats["delivery"], bounded.stats["delivery"]
        note("%.0f s: peak %d KiB with the server, %d without, %d with a bounded spool of %d bytes, which has %d facts and lost %d"
             % (OUTAGE_SECONDS, *peaks, size, small_counts["spooled"], small_counts["dropped"]))  # fmt: skip
        note("%d kept of %d samples, %d facts, of which %d were spooled" % (
            gone.kept, gone.stats["samples"]["taken"], gone.stats["events"]["emitted"], counts["spooled"]))  # fmt: skip
        if max(peaks[1:]) > peaks[0] + (16 << 10) and not os.environ.get("RTSAMPLE_SANITIZERS"):
            problems.append("memory has grown")
        if size > bound or not small_counts["dropped"] or not small_counts["spooled"]:
            problems.append("the spool is not bounded: %d bytes, %s" % (size, small_counts))
        if (counts["accepted"], counts["dropped"]) != (0, 0) or there.stats["delivery"]["accepted"] == 0:
            problems.append("%s, %s" % (counts, there.stats["delivery"]))
        with Server() as server:
            problems += drain(spool, server).expect(status=0, accepted=counts["spooled"])
            problems += same_lines(server.lines(), emitted(gone), "after the outage") + server.problems
    ok(" ".join(outage.__doc__.split()), problems)


def too_old():
    """with nobody to send to, what is older than the limit is removed and counted"""
    spool = new_spool()
    settings = {"Egress__Enabled": "false", "Spool__MaxAgeSeconds": 1}
    with Target(build("chain-O2-nofp")) as target:
        run = sampling(target.pid, NOWHERE, "-d", 6, spool=spool, settings=settings).finish(5)
    problems = run.problems + check_spool(spool)
    counts = run.stats["delivery"] if run.stats else {}
    waiting = spooled_lines(spool)
    if not counts.get("dropped") or not waiting or counts["spooled"] != len(waiting):
        problems.append("%s, and %d lines in the spool" % (counts, len(waiting)))
    problems += same_lines(waiting, emitted(run)[-len(waiting) :], "the newest")
    ok(too_old.__doc__, problems)


# --- Where nothing goes --------------------------------------------------------------------------


def traced(pid, *arguments, environment=None, **options):
    """A run of the sampler under strace: the run, and its calls that have to do with networks."""
    if not shutil.which("strace"):
        raise Skip("strace is not installed")
    log = os.path.join(tempfile.mkdtemp(dir=WORK), "strace")
    environment = environment or {}
    options["program"] = strace(log, "-e", "trace=network") + [RTSAMPLE]
    if "endpoint" in options:
        run = sampling(pid, options.pop("endpoint"), *arguments, environment=environment, **options)
    else:
        run = Sampling("-p", pid, *arguments, env=dict(os.environ, **environment), **options)
    run = run.finish(None)
    if not os.path.exists(log) or re.search("strace:.*(ptrace|PTRACE)", run.stderr):
        raise Skip("strace cannot trace here")
    with open(log, encoding="utf-8", errors="replace") as file:
        calls = re.findall(r"\b((?:socket|connect|sendto|sendmsg|sendmmsg|bind)\(.*)", file.read())
    # Messages to processes of our own go through pairs of sockets, which have no names.
    return run, [call for call in calls if not re.match(r"sendmsg\(\d+, \{msg_name=NULL", call)]


def traps():
    """(the server that must not hear of us, an environment that would lead there)"""
    trap = Server()
    at_end(trap.stop)
    home = tempfile.mkdtemp(dir=WORK)
    with open(os.path.join(home, ".netrc"), "w", encoding="utf-8") as file:
        file.write("default login trapped password %s\n" % SECRET)
    os.chmod(home, 0o755)
    address = "http://127.0.0.1:%d/" % trap.port
    names = ("http_proxy", "https_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy", "DEBUGINFOD_URLS")
    environment = dict.fromkeys(names, address)
    environment.update(HOME=home, CURL_HOME=home, NETRC=os.path.join(home, ".netrc"), no_proxy="", NO_PROXY="")
    return trap, environment


def no_endpoint_no_socket():
    """without an endpoint no socket is opened, whatever traps are set"""
    trap, environment = traps()
    with Target(build("chain-O2-nofp")) as target:
        run, calls = traced(target.pid, "-d", 1, environment=environment)
    ok(no_endpoint_no_socket.__doc__, run.problems + calls + trap.problems + trap.requests)


def no_egress_no_socket():
    """with egress switched off everything goes to the spool, and no socket is opened"""
    spool = new_spool()
    with Target(build("chain-O2-nofp")) as target:
        run, calls = traced(target.pid, "-d", 1, endpoint=NOWHERE, spool=spool, settings={"Egress__Enabled": "false"})
    problems = run.problems + same_lines(spooled_lines(spool), emitted(run), "spool")
    ok(no_egress_no_socket.__doc__, problems + calls)


def only_the_endpoint():
    """with traps of all kinds set, an address as the endpoint is all that is connected to"""
    trap, environment = traps()
    with Target(build("chain-O2-nofp")) as target, Server() as server:
        run, calls = traced(target.pid, "-d", 1, endpoint=server.url(), environment=environment)
        problems = run.problems + server.problems + same_lines(server.lines(), emitted(run), "at the server")
        address = 'sin_port=htons(%d), sin_addr=inet_addr("127.0.0.1")' % server.port
        sent = [call for call in calls if call.startswith("connect(")]
        # libcurl asks the kernel whether it has IPv6 at all, by a socket that it closes again.
        others = [call for call in calls if address not in call and not re.match(r"(socket\(AF_INET6?, |send\w+\(\d+, )", call)]
        if not sent or others:
            problems += ["connected elsewhere: %s" % (others or sent)]
        if trap.requests or any("authorization" in request.headers for request in server.requests):
            problems.append("it went into a trap")
        note("%d facts in %d requests; calls: %s" % (
            len(server.lines()), len(server.requests), sorted({call.partition("(")[0] for call in calls})))  # fmt: skip
    ok(only_the_endpoint.__doc__, problems)


def a_name_is_looked_up():
    """with a name as the endpoint, what looking it up needs is all that is added"""
    trap, environment = traps()
    with Target(build("chain-O2-nofp")) as target, Server() as server:
        endpoint = server.url().replace("127.0.0.1", "localhost")
        run, calls = traced(target.pid, "-d", 1, endpoint=endpoint, environment=environment)
        problems = run.problems + same_lines(server.lines(), emitted(run), "at the server")
        # The name service cache; the sorting of addresses by sockets that are connected and send
        # nothing; name servers, for a name that is in no file.
        allowed = r"connect\(\d+, .*(AF_UNIX, sun_path=|htons\((%d|53|0)\))" % server.port
        others = [call for call in calls if call.startswith("connect(") and not re.match(allowed, call)]
        if trap.requests or others:
            problems.append("%s" % others)
        note("connected to: %s" % sorted({re.sub(r"^connect\(\d+, |, \d+\).*", "", call) for call in calls if call.startswith("connect(")}))
    ok(a_name_is_looked_up.__doc__, problems)


# --- The end -------------------------------------------------------------------------------------


def silent_name_server(endpoint):
    """A program prefix for which no name is ever resolved, and the socket that hears the questions."""
    if not IS_ROOT:
        raise Skip("a name server of one's own takes root")
    heard = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    heard.bind(("127.0.53.53", 53))
    at_end(heard.close)
    files = {"/etc/resolv.conf": "nameserver 127.0.53.53\noptions timeout:30 attempts:5\n", "/etc/nsswitch.conf": "hosts: dns\n"}
    script = ""
    for path, text in files.items():
        own = os.path.join(tempfile.mkdtemp(dir=WORK), os.path.basename(path))
        with open(own, "w", encoding="ascii") as file:
            file.write(text)
        script += "mount --bind %s %s && " % (own, path) if os.path.exists(path) else ""
    prefix = ["unshare", "-m", "sh", "-c", script + 'exec "$0" "$@"']
    probe = subprocess.run([*prefix, "true"], stderr=subprocess.PIPE, text=True)
    if probe.returncode != 0 or not os.path.exists("/etc/resolv.conf"):
        raise Skip("mounts of our own cannot be made here: " + probe.stderr)
    return prefix, heard


def ends_soon():
    """SIGTERM while connecting, sending, waiting for an answer or backing off ends within 2 s, and
    everything is in the spool"""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    listening.listen(1)
    silent = "https://127.0.0.1:%d/signals/runtime-facts/ndjson" % listening.getsockname()[1]
    patient = {"Retry-After": "3000"}
    states = [
        ("connecting", None, silent),
        ("resolving", None, "https://signals.example/signals/runtime-facts/ndjson"),
        ("waiting for an answer", [{"always": True, "do": "hang"}], None),
        ("reading an answer", [{"always": True, "do": "hang-body"}], None),
        ("backing off", [{"always": True, "status": 503}], None),
        ("told to wait", [{"always": True, "status": 503, "headers": patient}], None),
        ("not authorized", [{"always": True, "status": 401}], None),
    ]
    target = Target(build("chain-O2-nofp"))

    def end(case):
        (state, plan, url), spooled = case
        spool = new_spool() if spooled else None
        program, heard = [RTSAMPLE], None
        if state == "resolving":
            try:
                prefix, heard = name_server
                program = [*prefix, RTSAMPLE]
            except TypeError:
                return None
        settings = {"Ingest__RetryMs": 500, "Ingest__RetryMaxMs": 60000}
        with Server(plan or ()) as server:
            run = sampling(target.pid, url or server.url(), spool=spool, settings=settings, program=program)
            if plan:
                reached = until(lambda: server.requests)
            elif heard:
                reached = bool(select.select([heard], [], [], STUCK_SECONDS)[0])
            else:
                reached = until(lambda: os.path.getsize(run.output_path) > 0 if os.path.exists(run.output_path) else False)
            time.sleep(0.3)  # for some facts more
            begun = time.monotonic()
            run.signal(signal.SIGTERM)
            run = run.finish(5)
            seconds = time.monotonic() - begun
            taken = server.lines()
        problems = run.problems + ([] if reached else ["this state was not reached"])
        if seconds > END_SECONDS + SLACK_SECONDS:
            problems.append("it took %.1f s" % seconds)
        counts = run.stats["delivery"] if run.stats else {}
        if spooled:
            waiting = spooled_lines(spool)
            problems += check_spool(spool) + same_lines(waiting, emitted(run), "spool")
            if plan and plan[0].get("do") != "hang-body" and taken:
                problems.append("something was taken: %s" % taken[:3])
        if counts.get("spooled" if spooled else "dropped") != len(emitted(run)) or not emitted(run):
            problems.append("%s of %d" % (counts, len(emitted(run))))
        note("%-22s %-6s ended %.2f s after SIGTERM, %s" % (state, "spool" if spooled else "memory", seconds, counts))
        return problems

    try:
        name_server, reason = silent_name_server(states[1][2]), None
    except (Skip, OSError) as error:
        name_server, reason = None, error
    cases = [(state, spooled) for state in states for spooled in (True, False)]
    for ((state, _, _), spooled), problems in zip(cases, in_parallel(end, cases)):
        name = "ends soon: %s, %s" % (state, "spool" if spooled else "memory")
        ok(name, problems) if problems is not None else skip(name, reason)
    target.stop()
    listening.close()


require_sampling()
run_steps(
    faults,
    outage,
    too_old,
    no_endpoint_no_socket,
    no_egress_no_socket,
    only_the_endpoint,
    a_name_is_looked_up,
    ends_soon,
)
