#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""kill -9 at random moments, and disks that fail at each call in turn: nothing that was spooled or
acknowledged is lost, nothing is taken twice but under the same key, and every start succeeds.
RTSAMPLE_KILLS says how often, RTSAMPLE_SEED with which chance; RTSAMPLE_CAMPAIGN is for all turns."""
import errno
import random
import sys

sys.dont_write_bytecode = True
from delivery_lib import *  # noqa

skip_in("user", "sanitizers")

KILLS = int(os.environ.get("RTSAMPLE_KILLS", "10"))
CAMPAIGN = bool(os.environ.get("RTSAMPLE_CAMPAIGN"))
SEED = int(os.environ.get("RTSAMPLE_SEED", "4"))


class Witness:
    """Looks at a spool after each kill, and keeps what must not get lost from then on."""

    def __init__(self, spool):
        self.spool, self.lines, self.problems, self.looks = spool, set(), [], 0

    def look(self, said):
        self.looks += 1
        for file in spool_files(self.spool) + spool_files(self.spool, "rejected"):
            self.problems += file.problems
            self.lines.update(file.lines())
        if re.search(r"is no |cannot|quarantine", said):
            self.problems.append(said)


def kill_at_random(start, spool, server, chance):
    """kill -9 at a random moment: now and then while it starts, mostly while it works, which the spool
    and the server tell. What it said."""

    def signs():
        return len(server.requests), set(os.listdir(spool)) if os.path.isdir(spool) else set()

    before = signs()
    run = start()
    if chance.random() < 0.8:
        until(lambda: run.process.poll() is not None or signs() != before)
    time.sleep(chance.uniform(0, 0.3))
    run.stop()
    return run.said()


def kill_at_random_moments():
    """kill -9 while it samples, uploads and spools: all that was in the spool or acknowledged is at
    the server, once, no start is refused, and no file is half written"""
    spool = new_spool()
    chance = random.Random(SEED)
    plan = [{"over": 900, "status": 413}, {"every": 5, "lie": True}, {"every": 7, "status": 503}, {"every": 11, "do": "reset"}]
    witness = Witness(spool)
    with Server(plan) as server, Target(build("threads")) as target:
        for number in range(KILLS):
            settings = {"Ingest__BatchSize": 5, "Ingest__RetryMs": chance.choice((5, 300))}

            def sample_on():
                return sampling(target.pid, server.url(), spool=spool, settings=settings)

            def send_what_waits():
                return Sending(server.url(), spool, who=())

            start = send_what_waits if number % 4 == 3 else sample_on
            witness.look(kill_at_random(start, spool, server, chance))
        server.plan = []
        problems = witness.problems + drain(spool, server).expect(status=0)
        problems += server.problems + check_spool(spool)
        taken = server.lines()
        lost = witness.lines - set(taken)
        if lost:
            problems.append("%d lines that lay in the spool are lost" % len(lost))
        twice = len(taken) - len(set(taken))
        if twice:
            problems.append("%d lines were taken twice under different keys" % twice)
        if os.path.exists(os.path.join(spool, "quarantine")):
            problems.append("files were damaged: %s" % os.listdir(os.path.join(spool, "quarantine")))
        statuses = server.statuses()
        note("%d kills: %d lines at the server, %d of them seen in the spool after a kill; %d requests, %d answers of 413, %d not said"
             % (KILLS, len(taken), len(witness.lines), len(statuses), statuses.count(413),
                sum(1 for request in server.requests if (request.action or {}).get("lie"))))  # fmt: skip
        if len(taken) < KILLS or not witness.lines:
            problems.append("too little happened")
    ok(" ".join(kill_at_random_moments.__doc__.split()), problems)


# --- Failing calls -------------------------------------------------------------------------------

CALLS = ("write", "fsync", "renameat", "unlinkat", "openat", "mkdirat", "read")
ALWAYS = 9999
TURNS = [(1, 1), (2, 2), (3, 3), (4, 4), (5, 5), (7, 7), (9, 9), (1, ALWAYS), (4, ALWAYS), (8, ALWAYS)]
ERRORS = [errno.ENOSPC, errno.EIO]


def build_failing_disk():
    source = os.path.join(HERE, "failing_disk.c")
    library = os.path.join(WORK, "failing_disk.so")
    compiler = os.environ.get("CC", "cc").split()
    command = compiler + ["-D_GNU_SOURCE", "-shared", "-fPIC", "-O1", "-o", library, source, "-ldl"]
    if not shutil.which(compiler[0]) or subprocess.run(command).returncode != 0:
        raise Skip("failing_disk.c cannot be compiled here")
    return library


def failing(library, spool, call, failure, turn):
    """(the environment of a program whose disk fails, and the file that tells whether it did)"""
    log = os.path.join(tempfile.mkdtemp(dir=WORK), "log")
    return {
        "LD_PRELOAD": library, "ASAN_OPTIONS": "verify_asan_link_order=0", "FAIL_LOG": log, "FAIL_BELOW": spool,
        "FAIL_CALL": call, "FAIL_ERROR": str(failure), "FAIL_FROM": str(turn[0]), "FAIL_TO": str(turn[1]),
    }, log  # fmt: skip


def check_failing_disk(server, counts, said, spool, lines, failure):
    """What is wrong after a run on a failing disk, and after the next one on a good disk."""
    waiting, refused = spooled_lines(spool), spooled_lines(spool, "rejected")
    quarantined = spooled_lines(spool, "quarantine")
    problems = []
    for file in spool_files(spool) + spool_files(spool, "rejected"):
        problems += file.problems
    missing = set(lines) - set(server.lines()) - set(waiting) - set(refused)
    if len(missing) > counts["dropped"] + (0 if refused else counts["rejected"]):
        problems.append("%d lines are missing, %s; %s" % (len(missing), counts, said))
    if quarantined:
        problems.append("a disk that cannot be read just now makes no damaged file: %s" % said)
    if counts["spooled"] > len(waiting):
        problems.append("%s, but %d lines are in the spool" % (counts, len(waiting)))
    server.plan = []
    problems += drain(spool, server).expect(status=0) if os.path.isdir(spool) else []
    still = set(waiting) - set(server.lines())
    if still:
        problems.append("%d lines of the spool are lost" % len(still))
    if len(server.lines()) != len(set(server.lines())):
        problems.append("lines were taken twice under different keys")
    return problems


PLAN = [{"first": 1, "status": 400}, {"over": 1900, "status": 413}, {"every": 6, "status": 503}]


def send_on_failing_disk(library, filled, call, failure, turn):
    """rtsample send, with a spool that has something in it already unless it has to be made."""
    spool = new_spool()
    path, lines = write_facts(60)
    earlier = []
    if call != "mkdirat":
        shutil.copytree(filled, spool)
        earlier = spooled_lines(spool)
    environment, log = failing(library, spool, call, failure, turn)
    with Server(PLAN) as server:
        run = send(server.url(), path, spool=spool, environment=environment, settings={"Ingest__BatchSize": 20})
        problems = run.problems
        if run.counts:
            # What is not handed over, since a spool drops, stays in the file.
            handed = lines[: run.counts["emitted"]] if run.counts["emitted"] <= 60 else lines
            problems += check_failing_disk(server, run.counts, run.stderr, spool, handed + earlier, failure)
        elif run.status not in (1, 4):
            problems.append("status %s: %s" % (run.status, run.stderr))
    return os.path.exists(log), problems


def sample_on_failing_disk(library, target, call, failure, turn):
    """The sampler, the same."""
    spool = new_spool()
    environment, log = failing(library, spool, call, failure, turn)
    plan = [{"over": 900, "status": 413}, {"every": 6, "status": 503}]
    with Server(plan) as server:
        run = sampling(target.pid, server.url(), "-d", 0.6, spool=spool, environment=environment).finish(None)
        problems = run.problems
        if run.stats:
            counts = run.stats["delivery"]
            problems += check_failing_disk(server, counts, run.stderr, spool, emitted(run), failure)
        elif run.status not in (1, 4):
            problems.append("status %s: %s" % (run.status, run.stderr))
    return os.path.exists(log), problems


def disk_fails():
    """each call on the spool failing in its turn: what is lost is counted, and the next run works"""
    library, filled = build_failing_disk(), new_spool()
    fill_spool(filled, 40, first=60, settings={"Ingest__BatchSize": 20})
    target = Target(build("chain-O2-nofp"))

    def fail(case):
        who, *how = case
        if who == "send":
            return send_on_failing_disk(library, filled, *how)
        return sample_on_failing_disk(library, target, *how)

    # The campaign has each turn with each error, the usual check some of them.
    turns = [(failure, turn) for failure in ERRORS for turn in TURNS]
    some = turns if CAMPAIGN else turns[::4]
    cases = [("send", call, *turn) for call in CALLS for turn in some]
    cases += [("sampler", call, *turn) for call in CALLS for turn in (turns if CAMPAIGN else turns[-1:])]
    found = list(zip(cases, in_parallel(fail, cases)))
    for call in CALLS:
        problems, runs, failed = [], 0, 0
        for (who, which, failure, turn), (hit, wrong) in found:
            if which == call:
                problems += ["%s, error %d, turns %d to %d: %s" % (who, failure, *turn, text) for text in wrong]
                runs += 1
                failed += hit
        note("%s: %d runs, in %d of them a call failed" % (call, runs, failed))
        if failed == 0:
            problems.append("no call of %s failed" % call)
        ok("a disk on which %s fails" % call, problems)
    target.stop()


require_sampling()
run_steps(kill_at_random_moments, disk_fails)
