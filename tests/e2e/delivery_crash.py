#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""kill -9 at random moments, and disks that fail at each call in turn: nothing that was spooled or
acknowledged is lost, nothing is taken twice but under the same key, and every start succeeds."""
import errno
import random
import sys

sys.dont_write_bytecode = True
from delivery_lib import *  # noqa

KILLS = int(os.environ.get("RTSAMPLE_KILLS", "15"))
BATCH = 20


def kill_at_random_moments():
    """kill -9 at random moments: all that was in the spool or acknowledged is at the server"""
    spool = new_spool()
    chance = random.Random(4)
    plan = [{"over": 3000, "status": 413}, {"every": 5, "lie": True}, {"every": 7, "status": 503}]
    problems, spooled = [], set()
    submitted = []
    with Server(plan) as server:
        for number in range(KILLS):
            path, lines = write_facts(200, number * 200, filling=chance.choice((0, 200)))
            submitted += lines
            process = start("endpoint=" + server.url(), *WHO, "retry-ms=5", "eager=1", "spool=" + spool, "lines=" + path,
                            "batch=%d" % BATCH, "flush=%d" % BATCH, "flush-ms=1", "wait-ms=100000")  # fmt: skip
            time.sleep(chance.uniform(0.005, 0.15))
            process.kill()
            _, err = process.communicate()
            for file in spool_files(spool):
                problems += file.problems
                spooled.update(file.lines())
            if "is no" in err or "cannot" in err:
                problems.append(err)
        server.plan = []
        run = drive("endpoint=" + server.url(), *QUICK, "drain=1", "spool=" + spool, "wait-ms=100000")
        problems += run.expect(status=0, left=0) + server.problems + check_spool(spool)
        taken = server.lines()
        lost = spooled - set(taken)
        if lost:
            problems.append("%d lines that lay in the spool are lost" % len(lost))
        if set(taken) - set(submitted):
            problems.append("lines came that nobody sent")
        twice = len(taken) - len(set(taken))
        if twice:
            problems.append("%d lines were taken twice under different keys" % twice)
        if os.path.exists(os.path.join(spool, "quarantine")):
            problems.append("files were damaged: %s" % os.listdir(os.path.join(spool, "quarantine")))
        note("%d kills, %d lines at the server, %d of them seen in the spool, %d requests, %d answers of 413"
             % (KILLS, len(taken), len(spooled), len(server.requests), server.statuses().count(413)))  # fmt: skip
        if len(taken) < KILLS or not spooled:
            problems.append("too little happened")
    ok(kill_at_random_moments.__doc__, problems)


# --- Failing calls -------------------------------------------------------------------------------

CALLS = ("write", "fsync", "renameat", "unlinkat", "openat", "mkdirat", "read")
TURNS = ((1, 1), (2, 2), (3, 3), (4, 4), (5, 5), (7, 7), (9, 9), (1, 9999), (4, 9999), (8, 9999))


def build_failing_disk():
    source = os.path.join(HERE, "failing_disk.c")
    library = os.path.join(WORK, "failing_disk.so")
    compiler = os.environ.get("CC", "cc").split()
    command = compiler + ["-D_GNU_SOURCE", "-shared", "-fPIC", "-O1", "-o", library, source, "-ldl"]
    if not shutil.which(compiler[0]) or subprocess.run(command).returncode != 0:
        raise Skip("failing_disk.c cannot be compiled here")
    return library


def run_on_failing_disk(library, call, failure, turn, spool, *arguments):
    log = os.path.join(tempfile.mkdtemp(dir=WORK), "log")
    environment = {
        "LD_PRELOAD": library, "ASAN_OPTIONS": "verify_asan_link_order=0", "FAIL_LOG": log, "FAIL_BELOW": spool,
        "FAIL_CALL": call, "FAIL_ERROR": str(failure), "FAIL_FROM": str(turn[0]), "FAIL_TO": str(turn[1]),
    }  # fmt: skip
    run = drive(*arguments, environment=environment)
    return run, os.path.exists(log)


def check_failing_disk(server, run, spool, lines):
    """What is wrong after a run on a failing disk, and after the next one on a good disk."""
    own = run.counts.get("own")
    problems = list(run.problems)
    if own is None:
        return problems + ([] if run.status in (1, 4) else ["status %d %s" % (run.status, run.stderr)])
    waiting, refused = spooled_lines(spool), spooled_lines(spool, "rejected")
    for file in spool_files(spool) + spool_files(spool, "rejected"):
        problems += file.problems
    quarantined = spooled_lines(spool, "quarantine")
    missing = set(lines) - set(server.lines()) - set(waiting) - set(refused) - set(quarantined)
    if len(missing) > own["dropped"] + (0 if refused else own["rejected"]):
        problems.append("%d lines are missing, %s; %s" % (len(missing), own, run.stderr))
    if own["spooled"] and own["spooled"] > len(waiting):
        problems.append("%s, but %d lines are in the spool" % (own, len(waiting)))
    again = drive("endpoint=" + server.url(), *QUICK, "drain=1", "spool=" + spool, "wait-ms=20000")
    problems += again.expect(left=0)
    still = set(waiting) - set(server.lines()) - set(spooled_lines(spool, "rejected"))
    if still:
        problems.append("%d lines of the spool are lost" % len(still))
    if len(server.lines()) != len(set(server.lines())):
        problems.append("lines were taken twice under different keys")
    return problems


def disk_fails():
    """each call on the spool failing in its turn: what is lost is counted, and the next run works"""
    library = build_failing_disk()
    for call in CALLS:
        problems, failed, runs = [], 0, 0
        for failure in (errno.ENOSPC, errno.EIO):
            for turn in TURNS:
                spool = new_spool()
                path, lines = write_facts(60)
                with Server([{"first": 1, "status": 400}, {"over": 1900, "status": 413}]) as server:
                    run, hit = run_on_failing_disk(
                        library, call, failure, turn, spool, "endpoint=" + server.url(), *WHO, *QUICK, "batch=20",
                        "flush=20", "spool=" + spool, "lines=" + path, "wait-ms=2000", "failures=1",
                    )  # fmt: skip
                    where = "%s, error %d, turns %d to %d: " % (call, failure, *turn)
                    problems += [where + text for text in check_failing_disk(server, run, spool, lines)]
                    runs += 1
                    failed += hit
        note("%s: %d runs, in %d of them a call failed" % (call, runs, failed))
        if failed == 0:
            problems.append("no call of %s failed" % call)
        ok("a disk on which %s fails" % call, problems)


require_driver()
for step in (kill_at_random_moments, disk_fails):
    try:
        step()
    except Skip as reason:
        skip(step.__doc__, reason)
done()
