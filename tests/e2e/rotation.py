#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Facts in a file that is rotated by being copied and emptied (logrotate's copytruncate)."""
import sys

sys.dont_write_bytecode = True
from lib import *  # noqa

skip_in("user")

WINDOW_MS = "100"


def lines_of(path, copied=False):
    """The facts in a file, and what is wrong with its bytes. One that was copied while it was written
    to may end within a line."""
    with open(path, "rb") as file:
        data = file.read()
    facts, problems = check_lines(data[: data.rfind(b"\n") + 1] if copied else data)
    if data[:1] not in (b"", b"{"):
        problems.append("%s begins with %r" % (os.path.basename(path), data[:20]))
    return facts, problems


def grown(path, size=1):
    return until(lambda: os.path.exists(path) and os.path.getsize(path) >= size)


def turn_by_hand(path):
    """As logrotate does: a copy, then the file is cut to nothing. What is written in between is lost,
    which is known of this way to rotate."""
    shutil.copy(path, path + ".1")
    os.truncate(path, 0)


def turn_by_logrotate(path):
    settings, state = path + ".conf", path + ".state"
    with open(settings, "w", encoding="utf-8") as file:
        file.write('"%s" {\n copytruncate\n rotate 3\n}\n' % path)
    os.chmod(settings, 0o600)
    command = [shutil.which("logrotate") or "/usr/sbin/logrotate", "-f", "-s", state, settings]
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode != 0:
        raise RuntimeError("logrotate: " + result.stderr)


def rotated(turn, **how):
    """Samples into a file that is turned twice; what is wrong with the three files."""
    folder = tempfile.mkdtemp(dir=WORK)
    os.chmod(folder, 0o755)
    path = os.path.join(folder, "facts.ndjson")
    environment = dict(os.environ, Ingest__FlushIntervalMs=WINDOW_MS)
    problems = []
    with Target(build("chain-O0-fp")) as target:
        command = [RTSAMPLE, "-F", "499", "-p", str(target.pid)]
        if how.get("shell"):
            script = 'exec "$@" %s "$0"' % how["shell"]
            command = ["sh", "-c", script, path, *command]
        else:
            command += ["-o", path]
        run = Sampling(program=command, stats=False, output="stdout", env=environment)
        for _ in range(2):
            if not grown(path):
                problems.append("nothing was written: " + run.said())
                break
            turn(path)
            facts, wrong = lines_of(path + ".1", copied=True)
            problems += wrong + ([] if facts else ["the turned file has no facts"])
        if not grown(path):
            problems.append("nothing was written after it was emptied")
        run.signal(signal.SIGTERM)
        problems += run.finish(expect=None).problems
    facts, wrong = lines_of(path)
    return problems + wrong + ([] if facts else ["the file has no facts in the end"])


def option():
    """-o FILE, copied and emptied: what follows are whole lines from the beginning of the file"""
    return rotated(turn_by_hand)


def redirected():
    """the same for a file that a shell opened as standard output"""
    return rotated(turn_by_hand, shell=">")


def appended():
    """the same for one that a shell appends to"""
    return rotated(turn_by_hand, shell=">>")


def by_logrotate():
    """the same with logrotate itself"""
    if not shutil.which("logrotate") and not os.path.exists("/usr/sbin/logrotate"):
        raise Skip("logrotate is not installed")
    return rotated(turn_by_logrotate)


def emptied_at_the_start():
    """what an older run left in the file is not kept"""
    path = os.path.join(WORK, "older.ndjson")
    with open(path, "w", encoding="utf-8") as file:
        file.write("of an older run\n" * 100)
    with Target(build("chain-O0-fp")) as target:
        run = sample_enough("-F", 499, "-p", target.pid, output=path)
    return run.problems + ([] if run.facts else ["there are no facts"])


def fifo():
    """-o FIFO: a pipe has no end to append to, and takes the lines all the same"""
    path = os.path.join(WORK, "fifo")
    os.mkfifo(path)
    reader = subprocess.Popen(["cat", path], stdout=subprocess.PIPE)
    # Opened by cat first, or there is nobody to write to.
    until(lambda: os.readlink("/proc/%d/exe" % reader.pid).endswith("cat"))
    with Target(build("chain-O0-fp")) as target:
        for _ in range(100):
            run = sample("-F", 499, "-d", "0.5", "-p", target.pid, output=path, expect=None)
            if run.status != 3 or "No such device" not in run.stderr:
                break
            time.sleep(0.05)
    data = reader.communicate(timeout=STUCK_SECONDS)[0]
    facts, problems = check_lines(data)
    return problems + run.problems + ([] if facts else ["nothing came through: " + run.stderr])


require_sampling()
run_steps(option, redirected, appended, by_logrotate, emptied_at_the_start, fifo)
