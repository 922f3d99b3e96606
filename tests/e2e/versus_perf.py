#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""perf as a second opinion on real programs: both sample the same process at the same time.

Every user function that has an inclusive share of 2 % or more in perf's report is in our facts,
with a share that is within 3 points; the shares are of all the samples that each tool took. And
99 % of our stacks reach their root; perf's part is printed beside ours.

And perf reads our recording of redis-server as it reads its own of the same seconds. With RTSAMPLE_LONG
in the environment xz and python3 are sampled as well.

When a share is off, both tools sample once more and what they counted is added up: in 5,000 samples
a share of one half is off by more than 3 points every few hundred times.
"""
import random
import sys

sys.dont_write_bytecode = True
from lib import *  # noqa

skip_in("user", "sanitizers")

LONG = bool(os.environ.get("RTSAMPLE_LONG"))

SECONDS = 10
RATE = 499
LARGE = 2.0  # percent; smaller shares are not compared
POINTS = 3.0
COMPLETE = 0.99

# The outermost functions of a stack that was walked to its end.
ROOTS = re.compile(r"_start|__libc_start_(main|call_main).*|(__)?(GI___)?clone3?|start_thread")


class Perf:
    """perf record on one process, until stop()."""

    def __init__(self, pid):
        self.path = os.path.join(WORK, "perf-%d.data" % pid)
        event = "cpu-clock" if IS_ROOT else "cpu-clock:u"
        command = ["perf", "record", "-q", "-e", event, "-F", str(RATE), "-p", str(pid)]
        # More stack than perf takes by default: the oracle should be as good as it can be.
        command += ["--call-graph", "dwarf,16384", "-o", self.path]
        self.process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True
        )
        self.pid = self.process.pid
        running.append(self)
        while self.process.poll() is None and not self._has_begun():
            time.sleep(0.05)
        if self.process.poll() is not None:
            raise Skip("perf record: " + self.process.stderr.read().decode().strip()[:300])

    def _has_begun(self):
        return os.path.exists(self.path) and os.path.getsize(self.path) > 0

    def stop(self):
        if self in running:
            running.remove(self)
            self.process.send_signal(signal.SIGINT)
            self.process.wait()
            self.process.stderr.close()

    def _read(self, command, *arguments):
        line = ["perf", command, "-i", self.path, "--no-inline", *arguments]
        environment = {key: value for key, value in os.environ.items() if key != "DEBUGINFOD_URLS"}
        result = subprocess.run(
            line, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
        )
        return result.stdout.decode("utf-8", "replace")

    def shares(self):
        """{user function: percent of all samples whose stack holds it}"""
        options = ("--stdio", "--children", "-g", "none", "-t", "\t")
        shares = {}
        for line in self._read("report", *options, "-F", "overhead_children,dso,sym").splitlines():
            fields = [field.strip() for field in line.split("\t")]
            if line.startswith("#") or len(fields) != 3:
                continue
            kind, _, name = fields[2].partition(" ")
            name = name.strip().partition("@@")[0]
            if kind == "[.]" and not name.startswith("0x"):
                shares[name] = shares.get(name, 0.0) + float(fields[0].rstrip("%"))
        return shares

    def stacks(self):
        """How many stacks there are, and how many of them reach their root."""
        total = complete = 0
        for stack in self._read("script", "-F", "comm,tid,ip,sym").split("\n\n"):
            frames = [line.split(None, 1) for line in stack.splitlines() if line.startswith("\t")]
            if not stack.strip():
                continue
            total += 1
            # perf may have no name for the very last one, which is _start.
            names = [frame[1].partition("@@")[0].strip() for frame in frames if len(frame) == 2]
            if any(ROOTS.fullmatch(name) for name in names[-2:]):
                complete += 1
        return total, complete


def hits_like_perf(run, name):
    """Our hits of a function that perf names, perhaps with its symbol version, which facts leave
    out. perf was asked for no inlined functions: where there are facts of the function itself,
    those of its inlined copies do not count."""
    facts = run.find(name, by=("symbol", "demangled")) or run.find(
        name.partition("@")[0], by=("symbol", "demangled")
    )
    itself = [fact for fact in facts if fact["metadata"]["symbolSource"] != "dwarf-inline"]
    return sum(fact["hitCount"] for fact in itself or facts)


class Totals:
    """What both tools counted, over one or two rounds."""

    def __init__(self):
        self.ours, self.ours_total = {}, 0
        self.theirs, self.theirs_total = {}, 0
        self.complete, self.their_complete = 0, 0
        self.truncated = {}

    def add(self, run, perf):
        total, complete = perf.stacks()
        shares = perf.shares()
        for name, share in shares.items():
            self.theirs[name] = self.theirs.get(name, 0.0) + share * total
            self.ours[name] = self.ours.get(name, 0) + hits_like_perf(run, name)
        self.theirs_total += total
        self.their_complete += complete
        self.ours_total += run.kept
        self.complete += run.stops("complete")
        for reason, count in run.truncated().items():
            self.truncated[reason] = self.truncated.get(reason, 0) + count

    def compare(self):
        """[(function, their percent, our percent)] of the large ones, the largest first."""
        rows = []
        for name, weight in self.theirs.items():
            theirs = weight / self.theirs_total
            if theirs >= LARGE:
                rows.append((name, theirs, 100.0 * self.ours[name] / self.ours_total))
        return sorted(rows, key=lambda row: (-row[1], row[0]))


def both(pid):
    """One round: perf and rtsample on the same process, at the same time."""
    perf = Perf(pid)
    try:
        run = sample("-p", pid, "-F", RATE, "-d", SECONDS, private=[pid])
    finally:
        perf.stop()
    return run, perf


def compare(title, start):
    """`start` gives the Target, for each round anew."""
    totals = Totals()
    problems = []
    for _ in range(2):
        with start() as target:
            run, perf = both(target.pid)
        problems += run.problems
        if not run.kept:
            problems.append("no samples: " + run.summary())
        if problems:
            break
        totals.add(run, perf)
        os.unlink(perf.path)
        off = [row for row in totals.compare() if abs(row[1] - row[2]) > POINTS]
        if not off:
            break
    rows = totals.compare() if totals.ours_total else []
    note("%s: perf's share and ours, in percent" % title)
    for name, theirs, ours in rows:
        note("%7.2f %7.2f  %s" % (theirs, ours, name))
        if ours == 0:
            problems.append("%s has %.2f %% in perf and is not in the facts" % (name, theirs))
        elif abs(theirs - ours) > POINTS:
            problems.append("%s has %.2f %% in perf and %.2f %% here" % (name, theirs, ours))
    if not rows and not problems:
        problems.append("perf names no function with %.0f %%" % LARGE)
    ok("%s: shares like perf's" % title, problems)

    if not totals.ours_total:
        skip("%s: complete stacks" % title, "nothing was counted")
        return
    share = totals.complete / totals.ours_total
    theirs = totals.their_complete / max(totals.theirs_total, 1)
    counts = (100 * share, totals.ours_total, 100 * theirs, totals.theirs_total)
    note("%s: complete stacks %.2f %% of %d, perf's %.2f %% of %d" % ((title,) + counts))
    note("%s: how the rest ended: %s" % (title, totals.truncated))
    wrong = [] if share >= COMPLETE else ["%.2f %% are complete" % (100 * share)]
    ok("%s: %.2f %% of the stacks are complete" % (title, 100 * share), wrong)


def shares_by_perf(path):
    """The same as Perf.shares(), of a trace that is there."""
    perf = Perf.__new__(Perf)
    perf.path = path
    return perf.shares()


def recordings_agree(title, start):
    """Our recording and perf's own, of the same seconds, both read by perf: the 30 functions that
    perf's has on most stacks. Chance is given a second round."""
    for turn in range(2):
        trace, problems = os.path.join(WORK, "ours.data"), []
        with start() as target:
            perf = Perf(target.pid)
            try:
                run = sample("-p", target.pid, "-F", RATE, "-d", SECONDS / 2, "--record", trace)
            finally:
                perf.stop()
        ours, theirs = shares_by_perf(trace), perf.shares()
        top = sorted(theirs, key=lambda name: (-theirs[name], name))[:30]
        for name in top:
            # Which of its versions' names a symbol gets depends on the copies of the file.
            found = ours.get(name, ours.get(name.partition("@")[0], 0.0))
            # Four times the deviation of a difference of two such shares.
            part = max(theirs[name], found) / 100
            if abs(theirs[name] - found) > 400 * (2 * part * (1 - part) / max(run.kept, 1)) ** 0.5 + 0.5:
                problems.append("%s: %.2f %% in perf's recording, %.2f in ours" % (name, theirs[name], found))
        ours_top = set(sorted(ours, key=lambda name: (-ours[name], name))[:30])
        note("%s: %d of perf's top 30 are in ours; %d samples" % (title, len(ours_top & set(top)), run.kept))
        if len(top) < 30:
            problems.append("perf names %d functions only" % len(top))
        problems += run.problems
        if not problems:
            break
    ok("%s: the top 30 functions of both recordings agree" % title, problems)


# --- The programs --------------------------------------------------------------------------------


def large_file():
    """64 MiB of words, the same ones every time."""
    path = os.path.join(WORK, "large")
    if not os.path.exists(path):
        source = random.Random(1)
        letters = "etaoinshrdlucmfwypvbgkqjxz"
        words = [
            "".join(source.choices(letters, k=source.randint(2, 11))).encode() for _ in range(256)
        ]
        with open(path, "wb") as file:
            while file.tell() < 64 << 20:
                file.write(b" ".join(words[byte] for byte in source.randbytes(1 << 18)))
    return path


def redis():
    """redis-server"""
    compare("redis-server", Redis)


def recordings():
    """recordings of redis-server"""
    recordings_agree("redis-server", Redis)


def xz():
    """xz"""
    program, path = system_program("xz"), large_file()
    compare("xz", lambda: Target(program, "-9", "-T1", "-k", "-c", path, ready=False))


SCRIPT = r"""
import bisect, collections, hashlib, json, random, re, statistics, string
random.seed(1)
letters = string.ascii_lowercase
words = ["".join(random.choices(letters, k=random.randint(2, 9))) for _ in range(2000)]
print("ready", flush=True)
while True:
    records = [
        {"id": number, "words": random.choices(words, k=5), "value": random.random()}
        for number in range(500)
    ]
    text = json.dumps(records, indent=1)
    records = json.loads(text)
    records.sort(key=lambda record: (record["words"], record["value"]))
    found = re.findall(r'"([a-m][a-z]*)[n-z]?"', text)
    count = collections.Counter(found)
    changed = re.sub(r"([aeiou])(?=[^aeiou])", lambda match: match.group(1).upper(), text)
    statistics.stdev(record["value"] for record in records)
    digest = hashlib.sha256(changed.encode()).hexdigest()
    order = []
    for word, number in count.most_common(200):
        bisect.insort(order, (number, word, digest))
"""


def python():
    """python3"""
    program = system_program("python3")
    script = os.path.join(WORK, "script.py")
    with open(script, "w", encoding="utf-8") as file:
        file.write(SCRIPT)
    compare("python3", lambda: Target(program, "-I", script))


def openssl_speed(*algorithms):
    program = system_program("openssl")
    return Target(program, "speed", "-seconds", 2, "-bytes", 8192, *algorithms, ready=False)


def openssl():
    """openssl"""
    compare("openssl", lambda: openssl_speed("aes-256-cbc", "rsa2048", "ecdhp256"))


def openssl_hashing():
    """openssl hashing"""
    with openssl_speed("sha512") as target:
        run = sample("-p", target.pid, "-F", RATE, "-d", SECONDS)
    problems = list(run.problems)
    if run.complete_share() < COMPLETE and not problems:
        note("openssl hashing: %s of %d" % (run.truncated(), run.kept))
        todo(
            "openssl hashing: %.2f %% of the stacks are complete" % (100 * run.complete_share()),
            "its AVX2 code keeps the frame's address below the stack pointer",
        )
        return
    ok("openssl hashing: complete stacks", problems)


if not shutil.which("perf"):
    skip_all("perf is not installed")
require_sampling()
run_steps(redis, recordings, *([xz, python] if LONG else []), openssl, openssl_hashing)
